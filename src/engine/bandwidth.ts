/**
 * How much memory bandwidth units can draw, alone and beside others.
 *
 * Model    limit = min(port width × clock, bytes in flight ÷ latency under the load of all), hits of the system cache
 *          at its own latency; total = peak × efficiency(mix) − real-time traffic, which is served first;
 *          latency-sensitive ports wait for each other only, and the others for all: mean waiting is conserved
 * Ignores  bank conflicts between particular address streams (inside `efficiency`)
 * Valid    steady streams longer than a few microseconds
 * Source   Little's law for the port; efficiency and latency from the memory system; Kleinrock, Queueing Systems II,
 *          sections 3.4 (conservation law) and 3.6 (head-of-the-line priorities) for the classes
 * Checked  test/unit/engine/bandwidth.test.ts, test/property/engine.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import type { Bytes, BytesPerSecond, Seconds } from '../base/units.ts';
import type { MemoryPort } from '../hardware/compute-unit.ts';
import type { TrafficMix } from '../hardware/memory-system.ts';
import { type Hits, NO_HITS } from './cache-traffic.ts';
import type { Machine, MachineUnit } from './machine.ts';

/** A page of LPDDR in bank-group mode: streams of a unit walk whole pages. */
const STREAM_GRANULARITY = 2048; // lpddr page, 2 KB per bank (JESD209-5)
/** Memory temperature at which rates are evaluated; refresh does not double below 85 °C (JESD209-5). */
const RATE_TEMPERATURE = 60;
/** Halvings of the interval: 2^-30 of the port's rate is far below any measurement. */
const BISECTIONS = 30;
/** Waiting grows with 1 ÷ (1 − load / 2), as the memory's own latency curve does (fluid-memory.ts). */
const WAITING_SLOPE = 0.5;
/** Loads come in at every operator that begins or ends, so this share of the rest must be left to finish at all. */
const LEAST_SHARE = 0.01;

/** A port that streams. */
export interface StreamPort extends MemoryPort {
  /** Its requests go before those of bulk masters. */
  readonly urgent?: boolean;
  /** Share of its bytes that hits the system cache. */
  readonly hitShare?: number;
}

/** Rates found in another way than by the closed forms of this file, such as by running every transaction. */
export interface StreamModel {
  /**
   * DRAM bytes per second of each port when all stream at once.
   * @param delay seconds that each access of a port spends outside the DRAM itself, in the order of `ports`.
   */
  rates(readShare: number, ports: readonly StreamPort[], delay: readonly Seconds[]): number[];
  /** From a port to the DRAM and back. */
  readonly interconnectLatency: Seconds;
}

/** The port of a unit with its class: CPU cores stall on memory, NPUs and GPUs stream ahead of their arithmetic. */
export function streamPort({ unit }: MachineUnit, hitShare = 0): StreamPort {
  return { ...unit.port, urgent: unit.kind === 'cpu', hitShare };
}

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

/** @throws InfeasibleError when real-time traffic leaves units next to nothing. */
export function requireBandwidth(machine: Machine): void {
  const bound = availableBandwidth(
    { ...machine, background: [] },
    1,
    1 + machine.background.length,
  );
  if (backgroundBandwidth(machine) <= (1 - LEAST_SHARE) * bound) return;
  throw new InfeasibleError('real-time traffic takes all the bandwidth that memory has', {
    demand: backgroundBandwidth(machine),
    bound,
    unit: 'B/s',
    breakdown: Object.fromEntries(
      machine.background.map(({ name, bytesPerSecond }) => [name, bytesPerSecond]),
    ),
    levers: ['less background traffic (background:)', 'faster memory, or more channels'],
  });
}

/**
 * What each of several ports draws when all stream at once: latency rises with the load they make together
 * until the bytes they keep in flight just cover it, so saturated ports share by their bytes in flight.
 * @returns limits in the order of `ports`, cache hits included; what of them goes to DRAM sums to at most `available`,
 * up to the bisection's accuracy, unless the bytes in flight more than cover it.
 */
export function portLimits(
  machine: Machine,
  ports: readonly StreamPort[],
  available: BytesPerSecond,
): number[] {
  const limitsAt = (total: BytesPerSecond) => limitsUnder(machine, ports, available, total);
  const sumAt = (total: BytesPerSecond) =>
    limitsAt(total).reduce((sum, limit, i) => sum + limit * missOf(ports[i]!), 0);
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

/** Limits at the latencies that `total` bytes per second of DRAM traffic cause. */
function limitsUnder(
  machine: Machine,
  ports: readonly StreamPort[],
  available: BytesPerSecond,
  total: BytesPerSecond,
): number[] {
  const realTime = backgroundBandwidth(machine);
  const load = Math.min((total + realTime) / (available + realTime), 1);
  const mean = machine.memory.latency(load);
  const plain = ports.map((port) => limitOf(machine, port, available, mean));
  const urgentOnes = ports.filter(({ urgent }) => urgent === true).length;
  if (urgentOnes === 0 || urgentOnes === ports.length) return plain;
  const drawn = (urgent: boolean) =>
    ports.reduce(
      (sum, port, i) => sum + ((port.urgent ?? false) === urgent ? plain[i]! * missOf(port) : 0),
      0,
    );
  const urgentShare = drawn(true) / (drawn(true) + drawn(false) || 1);
  const idle = machine.memory.latency(0);
  const waiting = classWaiting(mean - idle, load, urgentShare);
  return ports.map((port) =>
    limitOf(machine, port, available, idle + (port.urgent ? waiting.urgent : waiting.bulk)),
  );
}

/**
 * Splits the mean waiting of a memory at `load` between two classes.
 * Urgent requests wait for what is in service and for each other; what they save, the others wait longer.
 */
export function classWaiting(
  mean: Seconds,
  load: number,
  urgentShare: number,
): { readonly urgent: Seconds; readonly bulk: Seconds } {
  const urgent = (mean * (1 - WAITING_SLOPE * load)) / (1 - WAITING_SLOPE * load * urgentShare);
  if (urgentShare >= 1) return { urgent: mean, bulk: mean };
  return { urgent, bulk: (mean - urgentShare * urgent) / (1 - urgentShare) };
}

function limitOf(
  machine: Machine,
  port: StreamPort,
  available: BytesPerSecond,
  latency: Seconds,
): BytesPerSecond {
  const hits = port.hitShare ?? 0;
  const { systemCache } = machine;
  if (hits === 0 || !systemCache) {
    return Math.min(port.bandwidth, available, port.outstandingBytes / latency);
  }
  const occupied = (1 - hits) * latency + hits * systemCache.latency;
  const dram = hits < 1 ? available / (1 - hits) : Number.POSITIVE_INFINITY;
  const cache = systemCache.bandwidth / hits;
  return Math.min(port.bandwidth, dram, cache, port.outstandingBytes / occupied);
}

function missOf({ hitShare }: StreamPort): number {
  return 1 - (hitShare ?? 0);
}

/** The rate of one operator that has memory to itself: all its bytes per second, cache hits included. */
export function soloRate(
  machine: Machine,
  port: StreamPort,
  cost: { readonly readBytes: Bytes; readonly writeBytes: Bytes },
  hits: Hits = NO_HITS,
): BytesPerSecond {
  const reads = cost.readBytes - hits.read;
  const dram = reads + cost.writeBytes - hits.write;
  const all = cost.readBytes + cost.writeBytes;
  const readShare = dram > 0 ? reads / dram : 1;
  const flow = { ...port, hitShare: all > 0 ? 1 - dram / all : 0 };
  return sharedRates(machine, [flow], readShare)[0]!;
}

/**
 * What every port gets when all stream at once, cache hits included: DRAM is granted by `grant` within the limits.
 * @param grant shares a capacity among flows that want at most their limits.
 */
export function sharedRates(
  machine: Machine,
  ports: readonly StreamPort[],
  readShare: number,
  grant: (capacity: BytesPerSecond, limits: readonly number[]) => readonly number[] = grantOne,
): number[] {
  const { systemCache, streamModel } = machine;
  const available = streamModel ? 0 : availableBandwidth(machine, readShare, ports.length);
  const limits = streamModel
    ? modelledLimits(machine, streamModel, ports, readShare)
    : portLimits(machine, ports, available);
  const hits = ports.map(({ hitShare }) => hitShare ?? 0);
  const served = systemCache
    ? grant(
        systemCache.bandwidth,
        limits.map((limit, i) => limit * hits[i]!),
      )
    : [];
  const wanted = limits.map((limit, i) =>
    hits[i]! > 0 ? Math.min(limit, served[i]! / hits[i]!) : limit,
  );
  if (streamModel) return wanted;
  const granted = grant(
    available,
    wanted.map((want, i) => want * (1 - hits[i]!)),
  );
  return wanted.map((want, i) => (hits[i]! < 1 ? granted[i]! / (1 - hits[i]!) : want));
}

function grantOne(capacity: BytesPerSecond, limits: readonly number[]): number[] {
  return [Math.min(capacity, limits[0]!)];
}

/** Limits from a stream model: hits hold their part of the window for the time they take. */
function modelledLimits(
  machine: Machine,
  model: StreamModel,
  ports: readonly StreamPort[],
  readShare: number,
): number[] {
  const hitLatency = machine.systemCache?.latency ?? 0;
  const missing = ports.filter((port) => missOf(port) > 0);
  const delays = missing.map((port) => {
    const hits = port.hitShare ?? 0;
    return model.interconnectLatency + (hits / (1 - hits)) * hitLatency;
  });
  const rates = missing.length > 0 ? model.rates(readShare, missing, delays) : [];
  return ports.map((port) => {
    if (missOf(port) === 0) return Math.min(port.bandwidth, port.outstandingBytes / hitLatency);
    const rate = rates[missing.indexOf(port)]!;
    return Math.min(port.bandwidth, rate / missOf(port));
  });
}
