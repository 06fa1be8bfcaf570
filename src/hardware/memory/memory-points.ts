/**
 * One DRAM at other rates than its speed bin's: what changes with the clock, and what does not.
 *
 * Model    at a share s of the top rate: peak × s; latency of single accesses as fitted for s (fluid-memory.ts). Of streams:
 *          the DRAM's idle latency L as L·(1 + c·(1/s − 1)); waiting ÷ s^w, w being that of one rank or of two, in whose
 *          banks they collide less; the way to the controller and back as before.
 *          Bytes take their time on the bus plus what rows and turning cost, which is fixed in nanoseconds:
 *          1/e(s) = 1/b + s·(1/e − 1/b), b being the efficiency of one long read. Standby power × (fixed + (1 − fixed)·s);
 *          energy per byte as at the top rate
 * Ignores  lower voltages (DVFSC, DVFSQ) and termination switched off at low rates; clocks of the fabric, which are its own
 * Valid    from an eighth of the top rate to an eighth above it, 48 to 140 lines in flight: within 8 % of the transaction
 *          model; 9 % with fewer
 * Source   row times and read latency of JESD209-5 are fixed in time (device.ts, presetAtShare); c and w fitted to
 *          engine/transaction.ts on LPDDR5-6400, 5X-7500, 5X-8533 and 5T-9600 at 15 to 75 % of their rates, median error 1.5 %
 * Checked  test/unit/hardware/memory/memory-points.test.ts, test/validation/fidelity.test.ts
 */
import type { Hertz, Seconds } from '../../base/units.ts';
import type { ClockDomain } from '../clock-domain.ts';
import type { MemorySystem, TrafficMix } from '../memory-system.ts';

/** Bursts and commands, of the DRAM's idle latency at the top rate; fitted. */
const CLOCKED_SHARE = 0.1;
/** Waiting is partly for the bus, which slows down, and partly for rows, which do not: most of it with one rank; fitted. */
const WAITING_POWER = { oneRank: 0.2, twoRanks: 0.6 } as const;
/** Bytes of a row, which one long read uses all (JESD209-5, bank-group mode). */
const PAGE_BYTES = 2048;
/** Refresh and leakage, of standby power at the top rate; the rest are clock trees and receivers; estimated. */
const FIXED_STANDBY = 0.4;
/** Switching between frequency set points: drain, retrain, resume; estimated from tFC of JESD209-5 and the controller. */
const TRANSITION: Seconds = 30e-6;

export interface MemoryParts {
  /** The part of its latencies outside the DRAM. */
  readonly interconnectLatency: Seconds;
  readonly ranks?: number | undefined;
}

/** The memory at `share` of its rate. */
export function memoryAtShare(
  memory: MemorySystem,
  share: number,
  { interconnectLatency, ranks = 1 }: MemoryParts,
): MemorySystem {
  if (share === 1) return memory;
  const stretch = share ** (ranks === 1 ? WAITING_POWER.oneRank : WAITING_POWER.twoRanks);
  const slower = (latencyAt: (load: number) => Seconds) => {
    const idle = latencyAt(0);
    const floor = idle + Math.max(0, idle - interconnectLatency) * CLOCKED_SHARE * (1 / share - 1);
    return (load: number) => floor + (latencyAt(load) - idle) / stretch;
  };
  const { streamLatency } = memory;
  const standby = FIXED_STANDBY + (1 - FIXED_STANDBY) * share;
  return {
    ...memory,
    peak: memory.peak * share,
    efficiency: (mix) => slowerEfficiency(memory, mix, share),
    latency: (load, clock = 1) => memory.latency(load, share * clock),
    ...(streamLatency && {
      streamLatency: (load: number, reads: number) =>
        slower((at) => streamLatency(at, reads))(load),
    }),
    backgroundPower: (temperature, traffic) =>
      standby * memory.backgroundPower(temperature, traffic),
  };
}

function slowerEfficiency(memory: MemorySystem, mix: TrafficMix, share: number): number {
  const top = memory.efficiency(mix);
  if (top === 0) return 0;
  const long = memory.efficiency({ ...mix, readShare: 1, granularityBytes: PAGE_BYTES });
  const bound = Math.max(top, long);
  return 1 / (1 / bound + share * (1 / top - 1 / bound));
}

/**
 * The clock domain of a DRAM whose controller steps over `rates` (transfers per second and pin) up to `top`.
 * Frequencies are those of the data strobe, half the rate, as device trees and votes count.
 */
export function memoryClockDomain(rates: readonly number[], top: number): ClockDomain {
  const listed = [...rates.filter((rate) => rate < top), top];
  return {
    name: 'dram',
    points: listed.map((rate) => ({ frequency: strobe(rate), voltage: 0 })),
    transitionSeconds: TRANSITION,
  };
}

/** Two transfers per strobe cycle. */
function strobe(rate: number): Hertz {
  return rate / 2;
}
