/** What units get of memory when several stream at once, worked out once for each mix of streams. */
import { Fluid } from '../kernel/fluid.ts';
import { type StreamPort, type StreamSplit, sharedRates, streamPort } from './bandwidth.ts';
import type { Machine } from './machine.ts';

/** Mixes kept; a long decode meets new ones at every step. */
const MOST = 20_000;

export class SharedStreams {
  private readonly known = new Map<string, readonly number[]>();

  /** Memory has changed its clock. */
  forget(): void {
    this.known.clear();
  }

  /** @returns bytes per second of each of `units`, whose bytes split as `splits` say, and of `side` after them. */
  rates(
    machine: Machine,
    units: readonly number[],
    splits: readonly StreamSplit[],
    side?: StreamPort,
  ): readonly number[] {
    let key = side ? `${side.bandwidth};` : '';
    for (const [i, u] of units.entries()) {
      const { dramReads, dramWrites, readHits, writeHits } = splits[i]!;
      key += `${u} ${dramReads} ${dramWrites} ${readHits} ${writeHits};`;
    }
    const known = this.known.get(key);
    if (known) return known;
    const ports: StreamPort[] = units.map((u, i) => streamPort(machine.units[u]!, splits[i]!));
    if (side) ports.push(side);
    const rates = sharedRates(machine, ports, fairShares);
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
