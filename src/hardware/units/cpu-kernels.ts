/**
 * What an inference runtime's kernels reach on CPU cores: shares by kernel, caches between operators, splitting.
 *
 * Model    an operator's activations are served by the smallest cache level that holds its inputs and outputs together,
 *          with a linear fall from one size to twice the size; element-wise operators work in place. Cache cycles run
 *          beside arithmetic. An operator shorter than `splitCycles` on one core stays on one core.
 * Ignores  conflict misses, the order of operators, write-allocate traffic
 * Valid    one operator after another on private L2 and shared L3
 * Source   each number from socs/*.yaml, mostly fitted by `socsim calibrate host`
 * Checked  test/unit/hardware/units/cpu-kernels.test.ts, test/validation/host.test.ts
 */
import type { Bytes, Cycles } from '../../base/units.ts';
import { bytesOf, type Work } from '../../base/work.ts';
import type { CpuKernelsSpec } from './unit-spec.ts';

/** Kernels that differ in quality on the same pipes. */
export type CpuKernel = keyof CpuKernelsSpec['shares'];

/** Which kernel a runtime picks for an operator. */
export function kernelOf(work: Work): CpuKernel {
  const { form } = work;
  if (form.kind === 'conv') {
    const depthwise = form.groups > 1 && form.groups === form.inChannels;
    return depthwise ? 'depthwise' : 'conv';
  }
  if (form.kind === 'attention') return form.queries === 1 ? 'attentionRow' : 'attention';
  if (work.weightBytes === 0) return 'activations';
  if (work.weightDType === 'int4') return 'int4';
  return work.weightDType === 'int8' ? 'int8' : 'weights';
}

export interface Caches {
  /** Of all cores in use. */
  readonly l2Bytes: Bytes;
  readonly l3Bytes: Bytes;
  /** All cores in use together, per clock. */
  readonly l2BytesPerClock: number;
  readonly l3BytesPerClock: number;
  /** Weights stay in the last level between runs: a small model that runs again and again. */
  readonly weightsCached: boolean;
}

export interface CacheService {
  readonly cycles: Cycles;
  /** Share of the activations' bytes that goes to DRAM. */
  readonly missShare: number;
  /** Bytes of weights that go to DRAM. */
  readonly weightBytes: Bytes;
}

/** @param scratch bytes written and read again inside the operator, such as scores. */
export function serve(caches: Caches, work: Work, scratch: Bytes): CacheService {
  const { form } = work;
  const weights = caches.weightsCached ? work.weightBytes : 0;
  const cache = work.kvReadBytes + work.kvWriteBytes;
  const inPlace = form.kind === 'vector' && form.passes === 1 && work.operator !== 'Resize';
  const results = inPlace ? 0 : work.outputBytes;
  const footprint = work.inputBytes + results + cache + scratch / 2 + weights;
  const again =
    form.kind === 'vector' ? (form.passes - 1) * bytesOf(form.elements, work.activationDType) : 0;
  const moved = work.inputBytes + work.outputBytes + cache + scratch + again + weights;
  const near = heldShare(footprint, caches.l2Bytes);
  const held = Math.max(near, heldShare(footprint, caches.l3Bytes));
  return {
    cycles: moved * (near / caches.l2BytesPerClock + (held - near) / caches.l3BytesPerClock),
    missShare: 1 - held,
    weightBytes: work.weightBytes - weights * held,
  };
}

/** 1 up to the size, 0 from twice the size: what streams through a full cache pushes out what is needed next. */
function heldShare(footprint: Bytes, size: Bytes): number {
  if (footprint <= size) return 1;
  return Math.max(0, 2 - footprint / size);
}

const REORDERING = new Set(['Transpose', 'Resize', 'Upsample', 'DepthToSpace', 'SpaceToDepth']);

/** Elements that are put in place one by one. */
export function reorderedElements(work: Work): number {
  if (!REORDERING.has(work.operator)) return 0;
  return work.outputBytes / bytesOf(1, work.activationDType);
}
