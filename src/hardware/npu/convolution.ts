/**
 * Convolution as an implicit product: taps are addressed in local memory, no im2col copy exists.
 *
 * Model    k = taps × input channels of a group; grouped convolutions share a weight-stationary array block-diagonally,
 *          ⌊R/k⌋ groups at a time, so a depthwise one reaches about 1/C of the rate. Bands of input rows overlap by
 *          kernel − stride rows where inputs are fetched in several blocks.
 * Ignores  padding (counted as work), Winograd and other fast algorithms
 * Valid    stride ≤ kernel
 * Source   derivation
 * Checked  test/unit/hardware/npu/convolution.test.ts, test/validation/npu.test.ts
 */
import type { Work } from '../../base/work.ts';
import { arrayCycles, foldCycles, type GemmShape, type MatrixArray, planFolds } from './folds.ts';
import { type ConvForm, convGemm, operandsOf } from './gemm-view.ts';
import { loadOf, type MatrixLoad } from './matrix-load.ts';
import { type LocalMemory, planTiling, type Tiling } from './tiling.ts';

export function convLoad(
  array: MatrixArray,
  memory: LocalMemory,
  work: Work,
  form: ConvForm,
): MatrixLoad {
  const gemm = convGemm(form);
  // Groups differ in channels only, so the whole layer is tiled as one product over all images.
  const layer: GemmShape = { products: 1, m: gemm.m, n: form.outChannels, k: gemm.k };
  const operands = operandsOf(work, layer);
  const tiling = withHalo(planTiling(operands, memory), form);
  return loadOf(array, memory, work, layer, operands, tiling, convCycles(array, form, gemm));
}

export function convCycles(array: MatrixArray, form: ConvForm, gemm: GemmShape): number {
  if (form.groups === 1 || array.dataflow !== 'weight-stationary') return foldCycles(array, gemm);
  const pack = Math.max(
    1,
    Math.min(
      Math.floor((array.rows * Math.max(1, array.rate ?? 1)) / gemm.k),
      Math.floor(array.columns / gemm.n),
    ),
  );
  const { folds, stream } = planFolds(array, gemm);
  return arrayCycles(array, Math.ceil(form.groups / pack) * folds, stream);
}

function withHalo(tiling: Tiling, form: ConvForm): Tiling {
  const blocks = tiling.weightPasses;
  const overlap = Math.max(0, form.kernelHeight - form.strideHeight);
  if (blocks === 1 || overlap === 0) return tiling;
  const height = form.batch * form.outHeight * form.strideHeight;
  const halo = 1 + ((blocks - 1) * overlap) / height;
  return { ...tiling, inputPasses: tiling.inputPasses * Math.min(halo, form.kernelHeight) };
}
