/**
 * One DRAM at the lower rates of its table: what slows down with the clock, and what does not.
 *
 * Model    at a share s of the top rate: peak × s; idle latency + clocked·(1/s − 1); waiting ÷ s; standby power
 *          × (fixed + (1 − fixed)·s); energy per byte as at the top rate
 * Ignores  lower voltages (DVFSC, DVFSQ) and termination switched off at low rates; row timings, which are fixed in
 *          nanoseconds and so cost a slower bus less of its time
 * Valid    from a tenth of the top rate on
 * Source   read latency of JESD209-5 is set in clocks to a fixed time, so only bursts and controller stretch;
 *          shares estimated
 * Checked  test/unit/hardware/memory/memory-points.test.ts
 */
import type { Hertz, Seconds } from '../../base/units.ts';
import type { ClockDomain } from '../clock-domain.ts';
import type { MemorySystem } from '../memory-system.ts';

/** Controller pipeline and two bursts of sixteen, of the idle latency at the top rate; estimated, about 25 of 120 ns. */
const CLOCKED_SHARE = 0.2;
/** Refresh and leakage, of standby power at the top rate; the rest are clock trees and receivers; estimated. */
const FIXED_STANDBY = 0.4;
/** Switching between frequency set points: drain, retrain, resume; estimated from tFC of JESD209-5 and the controller. */
const TRANSITION: Seconds = 30e-6;

/** The memory at `share` of its rate. */
export function memoryAtShare(memory: MemorySystem, share: number): MemorySystem {
  if (share >= 1) return memory;
  const slower = (latencyAt: (load: number) => Seconds) => {
    const idle = latencyAt(0);
    const floor = idle * (1 + CLOCKED_SHARE * (1 / share - 1));
    return (load: number) => floor + (latencyAt(load) - idle) / share;
  };
  const { streamLatency } = memory;
  const standby = FIXED_STANDBY + (1 - FIXED_STANDBY) * share;
  return {
    ...memory,
    peak: memory.peak * share,
    latency: slower(memory.latency),
    ...(streamLatency && {
      streamLatency: (load: number, reads: number) =>
        slower((at) => streamLatency(at, reads))(load),
    }),
    backgroundPower: (temperature) => standby * memory.backgroundPower(temperature),
  };
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
