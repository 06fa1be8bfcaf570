/**
 * Recurrent token mixers on a unit's vector lanes: how much of the lanes their kernels reach, and what they cost where an
 * engine makes them of element-wise kernels.
 *
 * Model    fused: operations ÷ (lanes × share), the state read and written once. A chain for one token: the state is
 *          scaled, multiplied with the key and summed, the update spread and added, multiplied with the query and summed,
 *          each by a kernel that reads and writes whole states
 * Ignores  chains for many tokens, which engines cut into chunks of 64 and multiply: taken for fused ones
 * Valid    units without a kernel for the matrix unit
 * Source   llama.cpp: graph of build_delta_net_autoregressive; pull request 20091 for the operators that fusing saves
 * Checked  test/unit/hardware/units/recurrence.test.ts, test/validation/phones.test.ts
 */
import type { Work } from '../../base/work.ts';
import type { UnitCost } from '../compute-unit.ts';
import type { KernelClass } from './unit-options.ts';

/**
 * What kernels reach of the lanes where an engine is not known: between 0.03 of ggml on a GPU and 0.25 on the vector unit
 * of an NPU (socs/runtimes/llama-cpp.yaml).
 */
const RECURRENCE_SHARE = 0.1;

/** Twelve operators a layer are saved by fusing (llama.cpp pull request 20091); reads and writes of a state by them. */
const CHAIN = { launches: 13, reads: 7, writes: 5 } as const;

/** Reached share of the vector lanes in operators without products. */
export function laneShare({ recurrent }: Work, kernels: KernelClass = {}): number {
  return recurrent ? (kernels.recurrenceShare ?? RECURRENCE_SHARE) : 1;
}

/** The cost of a recurrence as the engine has it; that of any other operator as it is. */
export function asChained(cost: UnitCost, work: Work, kernels: KernelClass = {}): UnitCost {
  const single =
    work.form.kind === 'vector' && work.vectorOps <= SINGLE_TOKEN_OPS * work.form.elements;
  if (!work.recurrent || !kernels.recurrenceChain || !single) return cost;
  const reads = (CHAIN.reads - 1) * work.kvReadBytes;
  const writes = (CHAIN.writes - 1) * work.kvWriteBytes;
  return {
    ...cost,
    readBytes: cost.readBytes + reads,
    writeBytes: cost.writeBytes + writes,
    kvReadBytes: cost.kvReadBytes + reads,
    kvWriteBytes: cost.kvWriteBytes + writes,
    sramBytes: cost.sramBytes + reads + writes,
    launchSeconds: CHAIN.launches * cost.launchSeconds,
  };
}

/** Operations on every element of a state for one token: more of them are more tokens. */
const SINGLE_TOKEN_OPS = 4;
