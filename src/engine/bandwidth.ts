/**
 * How much memory bandwidth units can draw, alone and beside others.
 *
 * Model    limit = min(port width × clock, reads in flight ÷ latency under the load of all), hits of the system cache
 *          at its own latency, writes posted; total = peak × efficiency(mix) − real-time traffic, which is served first;
 *          a guarded stream's reads are held longer, its addresses take time per byte, and what is ciphered shares the
 *          throughput of the cipher; what its unit deciphers by itself comes at the rate of the unit's own cipher;
 *          latency-sensitive ports wait for each other only, and the others for all: mean waiting is conserved
 * Ignores  bank conflicts between particular address streams (inside `efficiency`)
 * Valid    steady streams longer than a few microseconds
 * Source   Little's law for the port; efficiency and latency from the memory system; Kleinrock, Queueing Systems II,
 *          sections 3.4 (conservation law) and 3.6 (head-of-the-line priorities) for the classes
 * Checked  test/unit/engine/bandwidth.test.ts, test/property/engine.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import type { Bytes, BytesPerSecond, Seconds } from '../base/units.ts';
import type { TrafficMix } from '../hardware/memory-system.ts';
import { type Hits, NO_HITS } from './cache-traffic.ts';
import type { Machine, MachineUnit } from './machine.ts';
import type { StreamGuard, StreamPort, StreamSplit } from './stream.ts';

/** A page of LPDDR in bank-group mode: streams of a unit walk whole pages. */
const STREAM_GRANULARITY = 2048; // lpddr page, 2 KB per bank (JESD209-5)
/** Memory temperature at which rates are evaluated; refresh does not double below 85 °C (JESD209-5). */
const RATE_TEMPERATURE = 60;
/** Halvings of the interval: 2^-30 of the port's rate is far below any measurement. */
const BISECTIONS = 30;
/** Waiting grows with 1 ÷ (1 − load / 2), as the memory's own latency curve does (fluid-memory.ts). */
const WAITING_SLOPE = 0.5;
/** So much must be left for units, or they would never end. */
const LEAST_SHARE = 0.01;
/** A unit walks several tensors, or several parts of one, at the same time: its transfer engines and threads. */
export const STREAMS_PER_UNIT = 4;
const ALL_READS: StreamSplit = { dramReads: 1, dramWrites: 0, readHits: 0, writeHits: 0 };

/** The port of a unit with its class: CPU cores stall on memory, NPUs and GPUs stream ahead of their arithmetic. */
export function streamPort({ unit }: MachineUnit, split = ALL_READS): StreamPort {
  return { ...unit.port, urgent: unit.kind === 'cpu', split };
}

/** How the bytes of an operator split. */
export function splitOf(
  cost: { readonly readBytes: Bytes; readonly writeBytes: Bytes },
  hits: Hits,
): StreamSplit {
  const bytes = cost.readBytes + cost.writeBytes;
  if (bytes === 0) return ALL_READS;
  return {
    dramReads: (cost.readBytes - hits.read) / bytes,
    dramWrites: (cost.writeBytes - hits.write) / bytes,
    readHits: hits.read / bytes,
    writeHits: hits.write / bytes,
  };
}

/** Share of DRAM reads in all DRAM traffic; reads where there is none. */
export function readShareOf({ dramReads, dramWrites }: StreamSplit): number {
  return dramReads + dramWrites > 0 ? dramReads / (dramReads + dramWrites) : 1;
}

/** The traffic of so many streaming units, and of real-time masters beside them. */
export function streamMix(readShare: number, units: number, realTime = 0): TrafficMix {
  return {
    readShare,
    streams: STREAMS_PER_UNIT * units + realTime,
    granularityBytes: STREAM_GRANULARITY,
    temperature: RATE_TEMPERATURE,
  };
}

/** Bandwidth left for so many units once real-time traffic is served. */
export function availableBandwidth(
  machine: Machine,
  readShare: number,
  units: number,
): BytesPerSecond {
  const total =
    machine.memory.peak *
    machine.memory.efficiency(streamMix(readShare, units, machine.background.length));
  return Math.max(total - backgroundBandwidth(machine), 0);
}

export function backgroundBandwidth(machine: Machine): BytesPerSecond {
  return machine.background.reduce((sum, load) => sum + load.bytesPerSecond, 0);
}

/** @throws InfeasibleError when real-time traffic leaves units next to nothing. */
export function requireBandwidth(machine: Machine): void {
  const bound = availableBandwidth({ ...machine, background: [] }, 1, 1);
  if (backgroundBandwidth(machine) <= (1 - LEAST_SHARE) * bound) return;
  throw noBandwidth(machine, bound);
}

/** What no work can go on without. */
export function noBandwidth(machine: Machine, bound: BytesPerSecond): InfeasibleError {
  return new InfeasibleError('real-time traffic takes all the bandwidth that memory has', {
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
  if (ports.length === 1) return [soloLimit(machine, ports[0]!, available)];
  const limitsAt = (total: BytesPerSecond) => limitsUnder(machine, ports, available, total);
  const drawnAt = (total: BytesPerSecond) =>
    limitsAt(total).reduce((sum, limit, i) => sum + limit * missOf(ports[i]!), 0);
  return limitsAt(balancedLoad(available, drawnAt));
}

/** The same for one port, which waits for itself only: every cell of every step asks, so no lists are made. */
function soloLimit(machine: Machine, port: StreamPort, available: BytesPerSecond): BytesPerSecond {
  const realTime = backgroundBandwidth(machine);
  const latencyAt = latencyOf(machine, [port]);
  const misses = missOf(port);
  const limitAt = (total: BytesPerSecond) => {
    const latency = latencyAt(Math.min((total + realTime) / (available + realTime), 1));
    return limitOf(machine, port, available, latency);
  };
  return limitAt(balancedLoad(available, (total) => limitAt(total) * misses));
}

/** What ports can draw falls as the load rises; the load they cause is where the two meet. */
function balancedLoad(
  available: BytesPerSecond,
  drawnAt: (total: BytesPerSecond) => BytesPerSecond,
): BytesPerSecond {
  if (drawnAt(available) >= available) return available;
  let low = 0;
  let high = available;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (drawnAt(middle) >= middle) low = middle;
    else high = middle;
  }
  return low;
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
  const latencyAt = latencyOf(machine, ports);
  const mean = latencyAt(load);
  const plain = ports.map((port) => limitOf(machine, port, available, mean));
  const urgentOnes = ports.filter(({ urgent }) => urgent === true).length;
  if (urgentOnes === 0 || urgentOnes === ports.length) return plain;
  const drawn = (urgent: boolean) =>
    ports.reduce(
      (sum, port, i) => sum + ((port.urgent ?? false) === urgent ? plain[i]! * missOf(port) : 0),
      0,
    );
  const urgentShare = drawn(true) / (drawn(true) + drawn(false) || 1);
  const idle = latencyAt(0);
  const waiting = classWaiting(mean - idle, load, urgentShare);
  return ports.map((port) =>
    limitOf(machine, port, available, idle + (port.urgent ? waiting.urgent : waiting.bulk)),
  );
}

/** Latency of the mix that the ports make, by load. */
function latencyOf({ memory }: Machine, ports: readonly StreamPort[]): (load: number) => Seconds {
  const { streamLatency } = memory;
  const readShare = meanReadShare(ports);
  return (load) => streamLatency?.(load, readShare) ?? memory.latency(load);
}

function streamCount(ports: readonly StreamPort[]): number {
  return ports.reduce((sum, { weight = 1 }) => sum + weight, 0);
}

function meanReadShare(ports: readonly StreamPort[]): number {
  const sum = ports.reduce(
    (all, { split, weight = 1 }) => all + weight * readShareOf(split ?? ALL_READS),
    0,
  );
  return sum / streamCount(ports);
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

/** Reads hold their place in the port until they are answered; writes are posted. */
function limitOf(
  { systemCache }: Machine,
  port: StreamPort,
  available: BytesPerSecond,
  latency: Seconds,
): BytesPerSecond {
  const { dramReads, readHits, guard } = port.split ?? ALL_READS;
  const plain = dramReads * latency + readHits * (systemCache?.latency ?? 0);
  const held = guard ? plain + guard.held + guard.again * latency : plain;
  const hits = hitsIn(port);
  const cache = hits > 0 ? (systemCache?.bandwidth ?? 0) / hits : Number.POSITIVE_INFINITY;
  const misses = missOf(port);
  const dram = misses > 0 ? available / misses : Number.POSITIVE_INFINITY;
  const own = Math.min(port.bandwidth, port.outstandingBytes / held);
  return Math.min(dram, cache, guard ? guarded(own, guard) : own);
}

/** What checks and ciphers leave of a rate. */
export function guarded(rate: BytesPerSecond, guard: StreamGuard): BytesPerSecond {
  const { secondsPerByte, ciphered, cipherRate, deciphered, decipherRate } = guard;
  const checked = secondsPerByte > 0 ? 1 / (1 / rate + secondsPerByte) : rate;
  const inFront = ciphered > 0 ? cipherRate / ciphered : Number.POSITIVE_INFINITY;
  const onTheWay = deciphered > 0 ? decipherRate / deciphered : Number.POSITIVE_INFINITY;
  return Math.min(checked, inFront, onTheWay);
}

function hitsIn({ split }: StreamPort): number {
  return split ? split.readHits + split.writeHits : 0;
}

function missOf(port: StreamPort): number {
  return 1 - hitsIn(port);
}

/** The rate of one operator that has memory to itself: all its bytes per second, cache hits included. */
export function soloRate(
  machine: Machine,
  port: StreamPort,
  cost: { readonly readBytes: Bytes; readonly writeBytes: Bytes },
  hits: Hits = NO_HITS,
  guard?: StreamGuard,
): BytesPerSecond {
  const split = splitOf(cost, hits);
  return sharedRates(machine, [{ ...port, split: guard ? { ...split, guard } : split }])[0]!;
}

/**
 * What every port gets when all stream at once, cache hits included: cache and DRAM are granted by `grant` within the
 * limits of the ports.
 * @param grant shares a capacity among flows that want at most their limits.
 */
export function sharedRates(
  machine: Machine,
  ports: readonly StreamPort[],
  grant: (capacity: BytesPerSecond, limits: readonly number[]) => readonly number[] = grantOne,
): number[] {
  const { systemCache, streamModel } = machine;
  const readShare = meanReadShare(ports);
  const available = streamModel ? 0 : availableBandwidth(machine, readShare, streamCount(ports));
  const limits = streamModel
    ? streamModel.rates(
        ports.map((port) => heldOutside(machine, port)),
        systemCache?.latency ?? 0,
      )
    : portLimits(machine, ports, available);
  const hits = ports.map(hitsIn);
  const asked = limits.map((limit, i) => limit * hits[i]!);
  const served = systemCache ? grant(systemCache.bandwidth, asked) : asked;
  const uncached = limits.map((limit, i) =>
    hits[i]! > 0 ? Math.min(limit, served[i]! / hits[i]!) : limit,
  );
  const wanted = throughCipher(ports, uncached, grant);
  if (streamModel) return [...wanted];
  const granted = grant(
    available,
    wanted.map((want, i) => want * (1 - hits[i]!)),
  );
  return wanted.map((want, i) => (hits[i]! < 1 ? granted[i]! / (1 - hits[i]!) : want));
}

/** Load at which a further access to memory is charged where no closed form tells the load: half way. */
const FURTHER_LOAD = 0.5;

/** For models that know time outside the memory only: waiting for one more access counts there. */
function heldOutside({ memory }: Machine, port: StreamPort): StreamPort {
  const { split } = port;
  if (!split?.guard || split.guard.again === 0) return port;
  const { held, again } = split.guard;
  const guard = { ...split.guard, held: held + again * memory.latency(FURTHER_LOAD), again: 0 };
  return { ...port, split: { ...split, guard } };
}

/** One cipher stands before all of memory: streams share what it gives. */
function throughCipher(
  ports: readonly StreamPort[],
  rates: readonly BytesPerSecond[],
  grant: (capacity: BytesPerSecond, limits: readonly number[]) => readonly number[],
): readonly BytesPerSecond[] {
  const share = ({ split }: StreamPort) => split?.guard?.ciphered ?? 0;
  const first = ports.find((port) => share(port) > 0);
  if (!first || ports.length === 1) return rates;
  const passed = grant(
    first.split!.guard!.cipherRate,
    rates.map((rate, i) => rate * share(ports[i]!)),
  );
  return rates.map((rate, i) =>
    share(ports[i]!) > 0 ? Math.min(rate, passed[i]! / share(ports[i]!)) : rate,
  );
}

function grantOne(capacity: BytesPerSecond, limits: readonly number[]): number[] {
  return [Math.min(capacity, limits[0]!)];
}
