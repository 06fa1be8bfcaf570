/**
 * Fluid memory as units see it that stream with full windows: what their reads wait, and what turning for writes costs.
 *
 * Model    latency = interconnect + idle·(0.8 + 0.7·w) + waiting·(0.18 + 0.38·w)·p², p being load² ÷ (1 − load / 2) and w
 *          the share of writes; efficiency = e(reads) − 0.35·(e(reads) − e(mix)), e from the table of the speed bin
 * Ignores  how many units share the load; a single rank, which waits some 8 ns longer
 * Valid    four and more sequential streams, two ranks, 30 to 150 lines in flight
 * Source   least squares by hand over engine/transaction.ts, five speed bins: full windows ask when they are answered,
 *          not at random, and reads and writes walk rows of their own, which the table's mixed streams do not
 * Checked  test/validation/fidelity.test.ts (every speed bin), test/unit/hardware/memory/stream-memory.test.ts
 */
import type { Seconds } from '../../base/units.ts';
import { loadPressure } from '../dram/fluid-memory.ts';
import type { MemorySystem } from '../memory-system.ts';

const IDLE = { reads: 0.8, writes: 0.7 } as const;
const WAITING = { reads: 0.18, writes: 0.38 } as const;
/** Of what mixing reads and writes at random costs, what it costs in batches. */
const TURNING = 0.35;

export interface DramLatency {
  readonly interconnect: Seconds;
  /** Of the DRAM itself at random arrivals: without load, and the scale of waiting. */
  readonly idle: Seconds;
  readonly waiting: Seconds;
}

/** The memory with the latency of streams beside that of random arrivals. */
export function withStreams(memory: MemorySystem, latency: DramLatency): MemorySystem {
  return {
    ...memory,
    streamLatency: (load, readShare) => {
      const writes = 1 - readShare;
      const idle = latency.idle * (IDLE.reads + IDLE.writes * writes);
      const waiting = latency.waiting * (WAITING.reads + WAITING.writes * writes);
      return latency.interconnect + idle + waiting * loadPressure(load) ** 2;
    },
    efficiency: (mix) => {
      const mixed = memory.efficiency(mix);
      if (mix.readShare === 1) return mixed;
      const reads = memory.efficiency({ ...mix, readShare: 1 });
      return reads - TURNING * (reads - mixed);
    },
  };
}
