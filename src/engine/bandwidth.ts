/**
 * How much memory bandwidth one unit can draw, alone and beside others.
 *
 * Model    limit = min(port width × clock, bytes in flight ÷ latency under the load it causes);
 *          total = peak × efficiency(mix) − real-time background traffic
 * Ignores  bank conflicts between particular address streams (inside `efficiency`)
 * Valid    steady streams longer than a few microseconds
 * Source   Little's law for the port; efficiency and latency from the memory system
 * Checked  test/unit/engine/bandwidth.test.ts
 */
import type { BytesPerSecond } from '../base/units.ts';
import type { MemoryPort } from '../hardware/compute-unit.ts';
import type { TrafficMix } from '../hardware/memory-system.ts';
import type { Machine } from './machine.ts';

/** A page of LPDDR in bank-group mode: streams of a unit walk whole pages. */
const STREAM_GRANULARITY = 2048; // lpddr page, 2 KB per bank (JESD209-5)
/** Memory temperature at which rates are evaluated; refresh does not double below 85 °C (JESD209-5). */
const RATE_TEMPERATURE = 60;
/** Halvings of the interval: 2^-30 of the port's rate is far below any measurement. */
const BISECTIONS = 30;

/** Bandwidth left for units once real-time traffic is served. */
export function availableBandwidth(
  machine: Machine,
  readShare: number,
  streams: number,
): BytesPerSecond {
  const mix: TrafficMix = {
    readShare,
    streams: streams + machine.background.length,
    granularityBytes: STREAM_GRANULARITY,
    temperature: RATE_TEMPERATURE,
  };
  const total = machine.memory.peak * machine.memory.efficiency(mix);
  return Math.max(total - backgroundBandwidth(machine), 0);
}

function backgroundBandwidth(machine: Machine): BytesPerSecond {
  return machine.background.reduce((sum, load) => sum + load.bytesPerSecond, 0);
}

/**
 * What each of several ports draws when all stream at once: latency rises with the load they make together
 * until the bytes they keep in flight just cover it, so saturated ports share by their bytes in flight.
 * @returns limits in the order of `ports`; they sum to at most `available`, up to the bisection's accuracy.
 */
export function portLimits(
  machine: Machine,
  ports: readonly MemoryPort[],
  available: BytesPerSecond,
): number[] {
  const limitsAt = (total: BytesPerSecond) => {
    const latency = machine.memory.latency(Math.min(total / available, 1));
    return ports.map(({ bandwidth, outstandingBytes }) =>
      Math.min(bandwidth, available, outstandingBytes / latency),
    );
  };
  const sumAt = (total: BytesPerSecond) => limitsAt(total).reduce((a, b) => a + b, 0);
  if (sumAt(available) >= available) return limitsAt(available);
  // What ports can draw falls as the load rises; the load they cause is where the two meet.
  let low = 0;
  let high = available;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (sumAt(middle) >= middle) low = middle;
    else high = middle;
  }
  return limitsAt(low);
}

/** The rate of one operator that has memory to itself. */
export function soloRate(
  machine: Machine,
  port: MemoryPort,
  cost: { readonly readBytes: number; readonly writeBytes: number },
): BytesPerSecond {
  const bytes = cost.readBytes + cost.writeBytes;
  const available = availableBandwidth(machine, bytes > 0 ? cost.readBytes / bytes : 1, 1);
  return Math.min(portLimits(machine, [port], available)[0]!, available);
}
