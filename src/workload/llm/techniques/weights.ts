/**
 * Weights that travel smaller than they are used: hardware compression and pruning.
 *
 * Model    compression: weight bytes ÷ ratio on the way from memory; the decompressor hands on at most `throughput` bytes
 *          of plain weights per second at the unit's fastest clock, and its clock is the unit's
 *          2:4: half of the elements and a 2-bit place for each; unstructured: the elements left and one bit for each place
 *          engines that skip zeros do the arithmetic of what is left, the others all of it
 * Ignores  differences of the ratio between tensors, scales of groups that are all zero
 * Valid    lossless compression of stored formats; INT4 weights are nearly random: ratios far above 1.1 need a source
 * Source   2:4: NVIDIA A100 white paper (values and 2-bit metadata); bit masks: Han et al., Deep Compression, ICLR 2016
 * Checked  test/unit/workload/llm-techniques.test.ts, test/property/techniques.test.ts
 */
import { DTYPE_BITS, type Work } from '../../../base/work.ts';

export interface Compression {
  readonly ratio: number;
  readonly throughput?: number | undefined;
}

export interface Pruning {
  readonly pattern: '2:4' | 'unstructured';
  /** Share of zeros. */
  readonly sparsity: number;
  /** The engine leaves out the arithmetic of zeros. */
  readonly skipsZeros: boolean;
}

/** 2-bit index of each kept element within its group of four. */
const PLACE_BITS = 2;

/** Stored bytes of a pruned tensor over those of the whole one. */
export function storedShare({ pattern, sparsity }: Pruning, bits: number): number {
  const kept = pattern === '2:4' ? 0.5 : 1 - sparsity;
  const index = pattern === '2:4' ? kept * PLACE_BITS : 1;
  return (kept * bits + index) / bits;
}

export function pruneWork(work: Work, pruning: Pruning): Work {
  if (!isProduct(work)) return work;
  const weightBytes = work.weightBytes * storedShare(pruning, DTYPE_BITS[work.weightDType]);
  if (!pruning.skipsZeros) return { ...work, weightBytes };
  const kept = pruning.pattern === '2:4' ? 0.5 : 1 - pruning.sparsity;
  const form = { ...work.form, k: Math.max(1, Math.round(work.form.k * kept)) };
  return { ...work, weightBytes, form, macs: work.macs * kept };
}

export function compressWork(work: Work, { ratio, throughput }: Compression): Work {
  if (work.weightBytes === 0) return work;
  const unpackSeconds = throughput === undefined ? 0 : work.weightBytes / throughput;
  return { ...work, weightBytes: work.weightBytes / ratio, unpackSeconds };
}

function isProduct(work: Work): work is Work & { form: { kind: 'matmul'; k: number } } {
  return work.form.kind === 'matmul' && work.weightBytes > 0;
}
