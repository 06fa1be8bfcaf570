/**
 * Fluid memory as units see it that stream with full windows: what their reads wait, and what turning for writes costs.
 *
 * Model    latency = interconnect + idle·(a + b·w) + waiting·((e + f·w)·load + (c + d·w)·p²), p being load² ÷ (1 − load / 2)
 *          and w the share of writes; the coefficients are those of one rank or of two, in whose banks streams collide
 *          less; efficiency = e(reads) − t·(e(reads) − e(mix)), e from the table of the speed bin: full windows ask
 *          when they are answered, not at random, and reads and writes walk rows of their own, which the table's mixed
 *          streams do not
 * Ignores  which of several units share the load; how unevenly a window spreads over eight channels: up to 6 %, of one rank 8 %
 * Valid    four and more sequential streams, 30 to 150 lines in flight per four channels
 * Source   socs/lpddr/*.yaml, fluid.fullWindows: a to f and t fitted to engine/transaction.ts by `socsim fit dram`
 * Checked  test/validation/fidelity.test.ts (every speed bin), test/unit/hardware/memory/stream-memory.test.ts
 */
import type { Seconds } from '../../base/units.ts';
import { loadPressure } from '../dram/fluid-memory.ts';
import type { FluidTable, FullWindows } from '../dram/preset.ts';
import type { MemorySystem } from '../memory-system.ts';

export interface DramLatency {
  readonly interconnect: Seconds;
  /** Of the DRAM itself at random arrivals: without load, and the scale of waiting. */
  readonly idle: Seconds;
  readonly waiting: Seconds;
  /** What full windows see of them. */
  readonly fullWindows: FullWindows;
}

/** What ports see of channels of so many ranks. */
export function fullWindowsFor({ is }: FluidTable['fullWindows'], ranks: number): FullWindows {
  return ranks === 1 ? is.oneRank : is.twoRanks;
}

/** The memory with the latency of streams beside that of random arrivals. */
export function withStreams(memory: MemorySystem, latency: DramLatency): MemorySystem {
  const { idleReads, idleWrites, waitingReads, waitingWrites, turning } = latency.fullWindows;
  const { evenReads, evenWrites } = latency.fullWindows;
  return {
    ...memory,
    streamLatency: (load, readShare) => {
      const writes = 1 - readShare;
      const idle = latency.idle * (idleReads + idleWrites * writes);
      const even = (evenReads + evenWrites * writes) * Math.min(load, 1);
      const pressed = (waitingReads + waitingWrites * writes) * loadPressure(load) ** 2;
      return latency.interconnect + idle + latency.waiting * (even + pressed);
    },
    efficiency: (mix) => {
      const mixed = memory.efficiency(mix);
      if (mix.readShare === 1) return mixed;
      const reads = memory.efficiency({ ...mix, readShare: 1 });
      return reads - turning * (reads - mixed);
    },
  };
}
