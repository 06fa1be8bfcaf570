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

export function backgroundBandwidth(machine: Machine): BytesPerSecond {
  return machine.background.reduce((sum, load) => sum + load.bytesPerSecond, 0);
}

/** What a port can draw when `others` bytes per second of a total `available` are taken by other units. */
export function portLimit(
  machine: Machine,
  port: MemoryPort,
  available: BytesPerSecond,
  others: BytesPerSecond,
): BytesPerSecond {
  const top = Math.min(port.bandwidth, available);
  const inFlight = (rate: BytesPerSecond) =>
    rate * machine.memory.latency(Math.min((rate + others) / available, 1));
  if (inFlight(top) <= port.outstandingBytes) return top;
  // Bytes in flight rise with the rate, so the rate that just covers them is found by bisection.
  let low = 0;
  let high = top;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (inFlight(middle) <= port.outstandingBytes) low = middle;
    else high = middle;
  }
  return low;
}

/** The rate of one operator that has memory to itself. */
export function soloRate(
  machine: Machine,
  port: MemoryPort,
  cost: { readonly readBytes: number; readonly writeBytes: number },
): BytesPerSecond {
  const bytes = cost.readBytes + cost.writeBytes;
  const available = availableBandwidth(machine, bytes > 0 ? cost.readBytes / bytes : 1, 1);
  return portLimit(machine, port, available, backgroundBandwidth(machine));
}
