/** The contract of everything that executes operators: CPU, GPU, NPU. */
import type { Bytes, BytesPerSecond, Cycles, Hertz, Seconds } from '../base/units.ts';
import type { Work } from '../base/work.ts';

/**
 * What one operator costs on one unit, whatever its clock and the state of memory.
 *
 * The engine turns it into time: `launchSeconds`, then compute (`cycles` at the current clock) and
 * memory traffic (at the granted bandwidth) side by side; the operator ends when both have ended.
 */
export interface UnitCost {
  /** Cycles of the unit's clock with all its resources doing this operator. */
  readonly cycles: Cycles;
  /** Part of `cycles` in which the matrix engine is busy, for power; at most `cycles`. */
  readonly matrixCycles: Cycles;
  /** Part of `cycles` in which vector lanes are busy, for power; at most `cycles`. */
  readonly vectorCycles: Cycles;
  /** DRAM traffic after tiling into local memory; what does not fit is fetched again. */
  readonly readBytes: Bytes;
  readonly writeBytes: Bytes;
  /** Parts of `readBytes` and of `writeBytes`: weights, and the key–value cache, fetched again included. The rest are activations. */
  readonly weightReadBytes: Bytes;
  readonly kvReadBytes: Bytes;
  readonly kvWriteBytes: Bytes;
  /** Traffic of the unit's local memory, for power. */
  readonly sramBytes: Bytes;
  /** Dispatch and synchronisation before the operator may start. */
  readonly launchSeconds: Seconds;
  /** Share of the peak multiply–accumulate rate reached over `cycles`, 0…1. */
  readonly utilisation: number;
}

/** Why a unit cannot run an operator; shown in the compile report. */
export type Support =
  | { readonly ok: true }
  /** `lever`: what in the unit's description would change that, where anything would. */
  | { readonly ok: false; readonly reason: string; readonly lever?: string };

/**
 * Built once per run from a SoC description; pure, so costs may be cached by `Work`.
 * `estimate` is called once per distinct work and unit (and once per step for works that grow with the context),
 * must not allocate more than its result, and may rely on `supports` having said yes.
 */
export interface ComputeUnit {
  readonly name: string;
  readonly kind: string;
  supports(work: Work): Support;
  estimate(work: Work): UnitCost;
  /** Clock domains the unit runs on: one for GPU and NPU, one per cluster in use for a CPU. */
  readonly domains: readonly string[];
  /** Unit cycles per second when `domains` run at `frequencies` (same order); a CPU adds up its clusters. */
  speed(frequencies: readonly Hertz[]): Hertz;
  readonly port: MemoryPort;
}

/** How much bandwidth one unit can draw by itself. */
export interface MemoryPort {
  /** Width × interconnect clock. */
  readonly bandwidth: BytesPerSecond;
  /** Bytes in flight that the unit's outstanding requests cover; divided by memory latency it bounds the rate. */
  readonly outstandingBytes: Bytes;
}
