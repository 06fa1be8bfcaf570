/**
 * The cache between the units and DRAM that all of them share: how much of what is read again it still holds.
 *
 * Model    a line survives until it is read again, d bytes of allocating traffic later, with probability
 *          exp(−m·d ÷ C), C being the capacity its unit may use and m the share of that traffic that misses:
 *          m = Σ b·(1 − exp(−m·d ÷ C)) ÷ Σ b over all accesses b
 * Ignores  conflicts of sets, hardware prefetch, write-back of lines that nobody will read again
 * Valid    capacities of thousands of lines; streams that do not fit are not allocated (drivers map them past the cache)
 * Source   Berg & Hagersten, StatCache: a probabilistic approach to efficient and accurate data locality analysis
 *          (ISPASS 2004), random replacement
 * Checked  test/unit/hardware/cache/system-cache.test.ts, test/property/cache.test.ts
 */
import type { Bytes, BytesPerSecond, JoulesPerByte, Seconds } from '../../base/units.ts';

export interface SystemCache {
  readonly size: Bytes;
  /** What all hits together can draw. */
  readonly bandwidth: BytesPerSecond;
  /** Load to use of a hit. */
  readonly latency: Seconds;
  /** Of a byte that hits, on top of the fabric that every byte crosses. */
  readonly energyPerByte: JoulesPerByte;
  /** Part of the capacity that each unit may fill, 0…1, by unit name; all of it where absent. */
  readonly shares: Readonly<Record<string, number>>;
}

/** Bytes that are looked up `distance` bytes of allocating traffic after they came in; infinite for the first time. */
export interface Reuse {
  readonly bytes: Bytes;
  readonly distance: Bytes;
}

/** Halvings of the interval in which the miss share lies. */
const BISECTIONS = 40;

/** Capacity that a unit may fill. */
export function quotaOf(cache: SystemCache, unit: string): Bytes {
  return cache.size * (cache.shares[unit] ?? 1);
}

/** Share of the traffic that misses, all of it together; 1 without capacity. */
export function missShare(capacity: Bytes, accesses: readonly Reuse[]): number {
  const total = accesses.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0 || capacity <= 0) return 1;
  const missesAt = (share: number) =>
    accesses.reduce(
      (sum, { bytes, distance }) => sum + bytes * (1 - survival(capacity, share, distance)),
      0,
    ) / total;
  // The right side is concave in the share and meets it once above zero, or only at zero.
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (missesAt(middle) >= middle) low = middle;
    else high = middle;
  }
  return high;
}

/** Probability that a byte is still held when it is looked up again. */
export function survival(capacity: Bytes, misses: number, distance: Bytes): number {
  if (distance === 0) return 1;
  if (capacity <= 0 || distance === Number.POSITIVE_INFINITY) return 0;
  return Math.exp((-misses * distance) / capacity);
}
