/**
 * Recurrent token mixers on a unit's vector lanes: how much of the lanes their kernels reach, and what they cost where an
 * engine makes them of element-wise kernels.
 *
 * Model    fused: operations ÷ (lanes × share), the state read and written once. A chain for one token: the state is
 *          scaled, multiplied with the key and summed, the update spread and added, multiplied with the query and summed,
 *          each by a kernel that reads and writes whole states. A chain for more: chunks of 64, filled up; kernels that
 *          prepare all of them at once, and others that take the state through one after the other
 * Ignores  that products within chunks are made by other kernels: their arithmetic is that of fused ones. Operators of
 *          chunks that a device lacks and leaves to the CPU
 * Valid    units without a kernel for the matrix unit
 * Source   llama.cpp, src/models/delta-net-base.cpp: graphs of build_delta_net_autoregressive and _chunking; pull request 20091 for the operators that fusing saves
 * Checked  test/unit/hardware/units/recurrence.test.ts, test/validation/phones.test.ts
 */
import type { Work } from '../../base/work.ts';
import type { UnitCost } from '../compute-unit.ts';
import type { KernelClass } from './unit-options.ts';

/**
 * What kernels reach of the lanes where an engine is not known: between 0.03 of ggml on a GPU and 0.25 on the vector unit
 * of an NPU (socs/runtimes/llama-cpp.yaml).
 */
export const RECURRENCE_SHARE = 0.1;

/** Twelve operators a layer are saved by fusing (llama.cpp pull request 20091); reads and writes of a state by them. */
const CHAIN = { launches: 13, reads: 7, writes: 5 } as const;

/**
 * Chunks of many tokens: kernels for all of them and for each; reads and writes of each, counted in states. Of 128 × 128:
 * tokens of a chunk are half of one, its scores a quarter (build_delta_net_chunking).
 */
const CHUNKS = { tokens: 64, launches: 42, each: { launches: 9, reads: 23, writes: 17 } } as const;

/** Reached share of the vector lanes in operators without products. */
export function laneShare({ recurrent }: Work, kernels: KernelClass = {}): number {
  return recurrent ? (kernels.recurrenceShare ?? RECURRENCE_SHARE) : 1;
}

/** The cost of a recurrence as the engine has it; that of any other operator as it is. */
export function asChained(cost: UnitCost, work: Work, kernels: KernelClass = {}): UnitCost {
  if (!work.recurrent || !kernels.recurrenceChain || work.form.kind !== 'vector') return cost;
  const chain = chainOf(Math.round(work.vectorOps / (TOKEN_OPS * work.form.elements)));
  const reads = (chain.reads - 1) * work.kvReadBytes;
  const writes = (chain.writes - 1) * work.kvWriteBytes;
  return {
    ...cost,
    readBytes: cost.readBytes + reads,
    writeBytes: cost.writeBytes + writes,
    kvReadBytes: cost.kvReadBytes + reads,
    kvWriteBytes: cost.kvWriteBytes + writes,
    sramBytes: cost.sramBytes + reads + writes,
    launchSeconds: chain.launches * cost.launchSeconds,
  };
}

function chainOf(tokens: number): { launches: number; reads: number; writes: number } {
  if (tokens <= 1) return CHAIN;
  const chunks = Math.ceil(tokens / CHUNKS.tokens);
  const { launches, reads, writes } = CHUNKS.each;
  return {
    launches: CHUNKS.launches + chunks * launches,
    reads: chunks * reads,
    writes: chunks * writes,
  };
}

/** Operations on every element of a state for each token. */
const TOKEN_OPS = 4;
