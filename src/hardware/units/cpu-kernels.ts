/**
 * What an inference runtime's kernels reach on CPU cores: shares by kernel, caches between operators, splitting.
 *
 * Model    an operator's activations are served by the smallest cache level that holds its inputs and outputs together,
 *          with a linear fall from one size to twice the size; element-wise operators work in place. Cache cycles run
 *          beside arithmetic; of what comes from DRAM, prefetching leaves a part that holds arithmetic up. An operator shorter than `splitCycles` on one core stays on one core.
 * Ignores  conflict misses, the order of operators, write-allocate traffic
 * Valid    one operator after another on private L2 and shared L3
 * Source   each number from socs/*.yaml, mostly fitted by `socsim calibrate host`
 * Checked  test/unit/hardware/units/cpu-kernels.test.ts, test/validation/host.test.ts
 */
import type { Bytes, Cycles } from '../../base/units.ts';
import { bytesOf, type Work } from '../../base/work.ts';
import type { KernelClass } from './unit-options.ts';
import type { CpuKernelsSpec, CpuSpec } from './unit-spec.ts';

/** Kernels that differ in quality on the same pipes. */
export type CpuKernel = keyof CpuKernelsSpec['shares'];

/**
 * Images of fewer channels are not laid out by blocks, and have a kernel of their own: ONNX Runtime compares them with the
 * block that it lays out (nchwc_transformer.cc), 8 with AVX2. With AVX-512, where it is 16, wider images count as laid out.
 */
const PLAIN_CHANNELS = 8;

/** Which kernel a runtime picks for an operator. */
export function kernelOf(work: Work): CpuKernel {
  const { form } = work;
  if (form.kind === 'conv') {
    const depthwise = form.groups > 1 && form.groups === form.inChannels;
    if (depthwise) return 'depthwise';
    const plain = form.groups === 1 && form.inChannels < PLAIN_CHANNELS && !form.line;
    return plain ? 'stem' : 'conv';
  }
  if (form.kind === 'attention') return form.queries === 1 ? 'attentionRow' : 'attention';
  if (work.weightBytes === 0) return 'activations';
  if (work.weightDType === 'int4') return longGroups(work) ? 'int4Long' : 'int4';
  return work.weightDType === 'int8' ? 'int8' : 'weights';
}

/** Output channels of a convolution that are computed together, where it was measured or the runtime says. */
export function outputBlock(
  kernels: CpuKernelsSpec | undefined,
  kernel: CpuKernel,
  runtime?: KernelClass,
): number | undefined {
  // Vectors across groups hold no channel that nobody wants.
  if (kernel === 'depthwise' && runtime?.channelBlocks) return 1;
  return kernel === 'conv' || kernel === 'stem' ? kernels?.outputBlock?.is : undefined;
}

/** ONNX Runtime's kernels for weights of 4 bits: one for groups of up to 32, one for longer (MLAS, sqnbitgemm, `BlkLen`). */
const SHORT_GROUP = 32;

function longGroups({ packing }: Work): boolean {
  return packing !== undefined && packing.scales * SHORT_GROUP < 1;
}

/** What a kernel does as well as, where nobody measured it apart. */
const LIKE: Readonly<Partial<Record<CpuKernel, CpuKernel>>> = { int4Long: 'int4', stem: 'conv' };

/** Share of the peak rate, where it was measured. */
export function measuredShare(
  kernels: CpuKernelsSpec | undefined,
  kernel: CpuKernel,
): number | undefined {
  const shares = kernels?.shares ?? {};
  return (shares[kernel] ?? shares[LIKE[kernel] ?? kernel])?.is;
}

export interface Caches {
  /** Of all cores in use. */
  readonly l2Bytes: Bytes;
  readonly l3Bytes: Bytes;
  readonly cores: number;
  /** All cores in use together, per clock. */
  readonly l2BytesPerClock: number;
  readonly l3BytesPerClock: number;
  /** Bytes from DRAM, of all cores in use, that hold up arithmetic for one clock. */
  readonly stallBytesPerClock: number;
  /** Share of weights and key–value caches that stays in the last level between runs. */
  readonly keptShare: number;
}

export function cachesOf(
  spec: CpuSpec,
  { cores, l2Bytes }: Pick<Caches, 'cores' | 'l2Bytes'>,
  keptShare = 0,
): Caches | undefined {
  const rates = spec.kernels?.caches;
  if (!rates) return undefined;
  return {
    cores,
    l2Bytes,
    l3Bytes: Math.max(spec.l3.is, l2Bytes),
    l2BytesPerClock: cores * rates.l2.is,
    l3BytesPerClock: cores * rates.l3.is,
    stallBytesPerClock: cores * (rates.stall?.is ?? Number.POSITIVE_INFINITY),
    keptShare,
  };
}

export interface CacheService {
  /** Beside arithmetic. */
  readonly cycles: Cycles;
  /** Before and after it. */
  readonly stallCycles: Cycles;
  /** Share of the activations' bytes that goes to DRAM. */
  readonly missShare: number;
  /** The same of weights and key–value caches, which the last run has left. */
  readonly lostShare: number;
}

/** @param scratch bytes written and read again inside the operator, such as scores. */
export function serve(caches: Caches, work: Work, scratch: Bytes): CacheService {
  const { form } = work;
  const inPlace =
    form.kind === 'vector' && form.passes === 1 && !form.apart && work.operator !== 'Resize';
  const results = inPlace ? 0 : work.outputBytes;
  // Each core works on the scores of one head at a time.
  const heads = form.kind === 'attention' ? form.batch * form.heads : 1;
  const scores = (scratch / 2) * Math.min(1, caches.cores / heads);
  const footprint = work.inputBytes + results + work.kvWriteBytes + scores;
  // Later passes find their row in L1. Lines go back beside those that come; a result of its own place comes first, too.
  const come = work.inputBytes + results + work.kvWriteBytes + scratch;
  const near = heldShare(footprint, caches.l2Bytes);
  const held = Math.max(near, heldShare(footprint, caches.l3Bytes));
  // All else has passed since the last run: at best the last level still has these.
  const left = work.weightBytes + work.kvReadBytes;
  const lostShare = 1 - caches.keptShare;
  return {
    cycles:
      (come * near) / caches.l2BytesPerClock +
      (come * (held - near) + caches.keptShare * left) / caches.l3BytesPerClock,
    stallCycles: (come * (1 - held) + lostShare * left) / caches.stallBytesPerClock,
    missShare: 1 - held,
    lostShare,
  };
}

/** 1 up to the size, 0 from twice the size: what streams through a full cache pushes out what is needed next. */
export function heldShare(footprint: Bytes, size: Bytes): number {
  if (footprint <= size) return 1;
  return Math.max(0, 2 - footprint / size);
}

/** Exponentials (and other functions with a series of their own) per element, and error functions. */
const EXPONENTIALS: Readonly<Record<string, number>> = {
  Exp: 1,
  Log: 1,
  Sin: 1,
  Cos: 1,
  Tanh: 1,
  Pow: 1,
  Sigmoid: 1,
  Swish: 1,
  Softplus: 1,
  Elu: 1,
  Selu: 1,
  Mish: 2,
  QuickGelu: 1,
  FastGelu: 1,
  Softmax: 1,
  LogSoftmax: 1,
};
const ERROR_FUNCTIONS = new Set(['Erf', 'Gelu', 'BiasGelu']);

/** Operations beyond `vectorOps`, which counts every function as one. */
export function functionOps(kernels: CpuKernelsSpec | undefined, work: Work): number {
  const { form } = work;
  const exponential = (kernels?.exponential?.is ?? 1) - 1;
  if (form.kind === 'attention') {
    return exponential * form.batch * form.heads * form.queries * form.context;
  }
  if (form.kind !== 'vector') return 0;
  if (ERROR_FUNCTIONS.has(work.operator)) {
    return form.elements * ((kernels?.errorFunction?.is ?? 1) - 1);
  }
  if (work.operator === 'Div') return form.elements * ((kernels?.division?.is ?? 1) - 1);
  return form.elements * exponential * (EXPONENTIALS[work.operator] ?? 0);
}

/** Placements per element of operators that put elements in place one by one; resampling also looks up two coordinates. */
const PLACEMENTS: Readonly<Record<string, number>> = {
  Transpose: 1,
  DepthToSpace: 1,
  SpaceToDepth: 1,
  Resize: 3,
  Upsample: 3,
};

/** Products whose results go to their places by adding: of a transposed convolution every one overlaps with its neighbours. */
const SPREAD = 'ConvTranspose';

/** Of a doubled image: 0.46 as 154 µs of 40 × 60 × 96 to 80 × 120 × 96 by ONNX Runtime are, at 0.78 placements per clock. */
const DOUBLED = 0.5;

export function placements(work: Work): number {
  const { form } = work;
  if (form.kind === 'move' && form.doubled)
    return (DOUBLED * work.outputBytes) / bytesOf(1, work.activationDType);
  if (work.operator === SPREAD && form.kind === 'matmul') return form.batch * form.m * form.n;
  const each = PLACEMENTS[work.operator] ?? 0;
  return (each * work.outputBytes) / bytesOf(1, work.activationDType);
}

/** Of all cores in use together; none where nothing was measured. */
export function placementCycles(
  { kernels, used }: { readonly kernels: CpuKernelsSpec | undefined; readonly used: number },
  work: Work,
): Cycles {
  return kernels?.reorder ? placements(work) / (kernels.reorder.is * used) : 0;
}
