/** What units get of memory when several stream at once, worked out once for each mix of streams. */
import { Fluid } from '../kernel/fluid.ts';
import { sharedRates, streamPort } from './bandwidth.ts';
import type { Machine } from './machine.ts';
import type { StreamPort, StreamSplit } from './stream.ts';

/** Mixes kept; a long decode meets new ones at every step. */
const MOST = 20_000;

export class SharedStreams {
  private readonly known = new Map<string, readonly number[]>();

  /** Memory has changed its clock. */
  forget(): void {
    this.known.clear();
  }

  /** Writes into `rate` what each of `units` gets. @returns what `more` get. */
  share(
    machine: Machine,
    units: readonly number[],
    splits: readonly StreamSplit[],
    rate: Float64Array,
    more: readonly StreamPort[],
  ): readonly number[] {
    const rates = this.rates(machine, units, splits, more);
    for (const [i, u] of units.entries()) rate[u] = rates[i]!;
    return rates.slice(units.length);
  }

  /**
   * @param more streams of no unit.
   * @returns bytes per second of each of `units`, whose bytes split as `splits` say, then of `more`.
   */
  private rates(
    machine: Machine,
    units: readonly number[],
    splits: readonly StreamSplit[],
    more: readonly StreamPort[] = [],
  ): readonly number[] {
    let key = '';
    for (const [i, u] of units.entries()) {
      const { dramReads, dramWrites, readHits, writeHits, guard } = splits[i]!;
      key += `${u} ${dramReads} ${dramWrites} ${readHits} ${writeHits}`;
      if (guard) key += ` ${guard.held} ${guard.again} ${guard.secondsPerByte} ${guard.ciphered}`;
      if (guard) key += ` ${guard.deciphered}`;
      key += ';';
    }
    for (const { bandwidth, split } of more) key += `+${bandwidth} ${split?.dramReads}`;
    const known = this.known.get(key);
    if (known) return known;
    const own = units.map((u, i) => streamPort(machine.units[u]!, splits[i]!));
    const rates = sharedRates(machine, [...own, ...more], fairShares);
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(key, rates);
    return rates;
  }
}

/** A capacity shared max–min fairly among flows that want at most their limits. */
export function fairShares(capacity: number, limits: readonly number[]): number[] {
  const fluid = new Fluid(limits.length);
  for (const [i, limit] of limits.entries()) fluid.open(i, limit);
  fluid.share(capacity);
  return limits.map((_, i) => fluid.rate[i]!);
}
