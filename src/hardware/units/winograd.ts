/**
 * Convolutions of 3 × 3 at stride 1 by Winograd's method, in runtimes that have it.
 *
 * Model    F(4 × 4, 3 × 3): the results in tiles of 4 × 4, each of 36 products over the input channels in place of 144;
 *          per tile 156 operations for every input and 90 for every output channel; weights lie transformed, 36 for 9
 * Ignores  F(2 × 2) and F(6 × 6), which engines take for some sizes
 * Valid    ungrouped, undilated convolutions of 16 channels and more on either side; ncnn takes it from there
 *          (convolution_arm.cpp, convolution_vulkan.cpp), and the plain product for all others
 * Source   Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (arXiv 1509.09308), section 4.2
 * Checked  test/unit/hardware/units/winograd.test.ts, test/validation/vision.test.ts
 */
import { BITS_PER_BYTE } from '../../base/units.ts';
import { DTYPE_BITS, type Work, type WorkForm } from '../../base/work.ts';
import type { GemmShape } from '../npu/folds.ts';

const OUTPUTS = 4;
/** Inputs of a tile: 4 + 3 − 1 on either side. */
const POINTS = 36;
const TAPS = 9;
const INPUT_OPS = 156;
const OUTPUT_OPS = 90;
const LEAST_CHANNELS = 16;

export interface Transformed {
  /** The work that is left: fewer products, wider weights. */
  readonly work: Work;
  readonly gemm: GemmShape;
  /** Of both transforms, on the vector lanes. */
  readonly transformOps: number;
  /** Elements that go from one step to the next, both ways between transforms and products. */
  readonly scratchElements: number;
}

/** @returns nothing where the plain product is computed. */
export function transformed(
  work: Work,
  form: WorkForm & { kind: 'conv' },
): Transformed | undefined {
  const floating = DTYPE_BITS[work.weightDType] > BITS_PER_BYTE;
  if (!floating || !isPlain3x3(form)) return undefined;
  const across = Math.ceil(form.outWidth / OUTPUTS);
  const tiles = form.batch * Math.ceil(form.outHeight / OUTPUTS) * across;
  const gemm = { products: POINTS, m: tiles, n: form.outChannels, k: form.inChannels };
  return {
    gemm,
    work: {
      ...work,
      macs: POINTS * tiles * gemm.n * gemm.k,
      weightBytes: (work.weightBytes * POINTS) / TAPS,
    },
    transformOps: tiles * (INPUT_OPS * gemm.k + OUTPUT_OPS * gemm.n),
    scratchElements: 2 * POINTS * tiles * (gemm.k + gemm.n),
  };
}

function isPlain3x3(form: WorkForm & { kind: 'conv' }): boolean {
  const kernel = form.kernelHeight === 3 && form.kernelWidth === 3;
  const stride = form.strideHeight === 1 && form.strideWidth === 1;
  const wide = Math.min(form.inChannels, form.outChannels) >= LEAST_CHANNELS;
  return kernel && stride && wide && form.groups === 1 && !form.scattered;
}
