/**
 * Which part of each operator's traffic the system cache serves.
 *
 * Model    activations are read where their producer left them, at the distance of the traffic in between;
 *          the key–value cache, then the weights, are held where the traffic of a whole step fits beside the rest
 * Ignores  re-reads of a tiling, which go to DRAM; traffic of other requests that run at the same time
 * Valid    operators in the order of the graph; traffic is what the units' own memories let through
 * Source   survival by hardware/cache/system-cache.ts
 * Checked  test/unit/engine/cache-traffic.test.ts, test/property/cache.test.ts
 */
import type { Bytes } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import {
  missShare,
  quotaOf,
  type Reuse,
  type SystemCache,
  survival,
} from '../hardware/cache/system-cache.ts';
import type { Graph } from '../workload/graph.ts';

/** One operator class on one unit: its tensors, and what of them passes the unit's own memory. */
export interface CellTraffic {
  readonly unit: string;
  readonly weights: Bytes;
  readonly cacheRead: Bytes;
  readonly cacheWrite: Bytes;
  readonly input: Bytes;
  readonly output: Bytes;
}

/** Bytes of an operator that do not go to DRAM. */
export interface Hits {
  readonly read: Bytes;
  readonly write: Bytes;
}

export const NO_HITS: Hits = { read: 0, write: 0 };

/**
 * Splits what a unit asks for: each tensor once at most, weights first, for re-reads of a tiling are not kept.
 * A unit that keeps activations in its own memory asks for less, and so less is left to be served here.
 */
export function splitTraffic(
  unit: string,
  work: Work,
  cost: { readonly readBytes: Bytes; readonly writeBytes: Bytes },
): CellTraffic {
  const weights = Math.min(cost.readBytes, work.weightBytes);
  const cacheRead = Math.min(cost.readBytes - weights, work.kvReadBytes);
  const input = Math.min(cost.readBytes - weights - cacheRead, work.inputBytes);
  const cacheWrite = Math.min(cost.writeBytes, work.kvWriteBytes);
  const output = Math.min(cost.writeBytes - cacheWrite, work.outputBytes);
  return { unit, weights, cacheRead, cacheWrite, input, output };
}

/** Share of each operator class's activations that hit, by unit that may fill the cache; works without growing parts. */
export interface ActivationHits {
  /** By class. */
  readonly read: Float64Array;
  readonly write: Float64Array;
  /** Traffic of activations in one step. */
  readonly bytes: Bytes;
}

interface Access extends Reuse {
  readonly work: number;
  readonly unit: string;
  readonly kind: 'read' | 'write';
}

/**
 * Follows the activations of one step through the cache.
 * @param trafficOf what operator `i` moves.
 */
export function activationHits(
  cache: SystemCache,
  graph: Graph,
  trafficOf: (operator: number) => CellTraffic,
): ActivationHits {
  const accesses = accessesOf(graph, trafficOf);
  const misses = new Map<string, number>();
  const read = new Float64Array(graph.works.length);
  const write = new Float64Array(graph.works.length);
  const readBytes = new Float64Array(graph.works.length);
  const writeBytes = new Float64Array(graph.works.length);
  for (const access of accesses) {
    const capacity = quotaOf(cache, access.unit);
    let share = misses.get(access.unit);
    if (share === undefined) {
      share = missShare(capacity, merged(accesses));
      misses.set(access.unit, share);
    }
    const hits = access.bytes * survival(capacity, share, access.distance);
    const [sum, all] = access.kind === 'read' ? [read, readBytes] : [write, writeBytes];
    sum[access.work]! += hits;
    all[access.work]! += access.bytes;
  }
  const shareOf = (hits: Float64Array, bytes: Float64Array) =>
    hits.map((value, index) => (bytes[index]! > 0 ? value / bytes[index]! : 0));
  return {
    read: shareOf(read, readBytes),
    write: shareOf(write, writeBytes),
    bytes: accesses.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Every read and write of an activation, with the traffic since it was written, or until it is read for the last time. */
function accessesOf(graph: Graph, trafficOf: (operator: number) => CellTraffic): Access[] {
  const { operators } = graph;
  const traffic = operators.map((_, i) => trafficOf(i));
  const before = new Float64Array(operators.length + 1);
  for (const [i, { input, output }] of traffic.entries())
    before[i + 1] = before[i]! + input + output;
  const lastReader = Int32Array.from(operators, (_, i) => i);
  for (const [i, { inputs }] of operators.entries()) for (const p of inputs) lastReader[p] = i;
  const found: Access[] = [];
  for (const [i, { work, inputs }] of operators.entries()) {
    const { unit, input, output } = traffic[i]!;
    const offered = inputs.reduce((sum, p) => sum + traffic[p]!.output, 0);
    // What no producer sent through memory comes from outside the graph: a first touch.
    const scale = Math.min(1, offered > 0 ? input / offered : 0);
    for (const p of inputs) {
      const bytes = traffic[p]!.output * scale;
      // The line sits in the part of the cache that its writer may fill.
      const distance = before[i]! - before[p]!;
      found.push({ work, unit: traffic[p]!.unit, kind: 'read', bytes, distance });
    }
    const foreign = input - offered * scale;
    const never = Number.POSITIVE_INFINITY;
    found.push({ work, unit, kind: 'read', bytes: foreign, distance: never });
    // A write stays out of DRAM if its line is still there once the last reader is through and the buffer is used again.
    const last = lastReader[i]!;
    const kept = last > i ? before[last + 1]! - before[i]! : never;
    found.push({ work, unit, kind: 'write', bytes: output, distance: kept });
  }
  return found.filter(({ bytes }) => bytes > 0);
}

/** Accesses of equal distance as one: layers repeat, so few remain. */
function merged(accesses: readonly Reuse[]): Reuse[] {
  const byDistance = new Map<number, number>();
  for (const { bytes, distance } of accesses) {
    byDistance.set(distance, (byDistance.get(distance) ?? 0) + bytes);
  }
  return [...byDistance].map(([distance, bytes]) => ({ bytes, distance }));
}

/** What the units read of the key–value cache and of weights in one step, all operators together. */
export interface StepStreams {
  readonly activations: Bytes;
  readonly keyValues: Bytes;
  readonly weights: Bytes;
  readonly steps: number;
}

/** Hits of one operator class: activations by their shares, streams all or nothing. */
export function hitsOf(
  cache: SystemCache,
  traffic: CellTraffic,
  streams: StepStreams,
  activations: { readonly read: number; readonly write: number },
): Hits {
  const capacity = quotaOf(cache, traffic.unit);
  const { keyValues } = streams;
  const held = streams.activations + keyValues;
  const keepsKeyValues = keyValues > 0 && held <= capacity;
  return {
    read:
      activations.read * traffic.input +
      (keepsKeyValues ? traffic.cacheRead : 0) +
      weightHitsOf(cache, traffic, streams),
    write: activations.write * traffic.output + (keepsKeyValues ? traffic.cacheWrite : 0),
  };
}

/** Of these, weights: the first step fetches them, later ones find them where all of them fit beside the rest. */
export function weightHitsOf(
  cache: SystemCache,
  { unit, weights }: CellTraffic,
  streams: StepStreams,
): Bytes {
  const { activations, keyValues, steps } = streams;
  const fits = activations + keyValues + streams.weights <= quotaOf(cache, unit);
  return (fits ? (steps - 1) / steps : 0) * weights;
}
