/**
 * Copies arrays of growing size to see the levels of cache and the bandwidth of DRAM.
 *
 * Model    bandwidth(size) is flat inside a level; a level ends where it falls below the middle between its neighbours
 * Ignores  write-allocate traffic (counted as one read and one write), sharing with other tenants
 * Valid    working sets from 16 KiB to a few hundred MiB; one thread
 * Source   measured in place
 * Checked  test/unit/calibration/memory-probe.test.ts
 */
import type { Bytes, BytesPerSecond, Seconds } from '../base/units.ts';
import { KIBI, MEBI, MILLI, NANO } from '../base/units.ts';
import { quantileOf } from './statistics.ts';

export interface CopyPoint {
  /** Source and destination together. */
  readonly workingSet: Bytes;
  /** Bytes read plus bytes written per second. */
  readonly bandwidth: BytesPerSecond;
}

const SMALLEST = 16 * KIBI;

/** Working sets in steps of a factor of two, each copied for `seconds`, three times around. */
export function probeCopies(largest: Bytes, seconds: Seconds): CopyPoint[] {
  const sizes: number[] = [];
  for (let size = SMALLEST; size <= largest; size *= 2) sizes.push(size);
  const source = new Float64Array(largest / 2 / 8).fill(1);
  const target = new Float64Array(largest / 2 / 8);
  const best = sizes.map(() => [] as number[]);
  for (let round = 0; round < 3; round++) {
    for (const [index, size] of sizes.entries()) {
      best[index]?.push(copyRate(source, target, size, seconds));
    }
  }
  return sizes.map((workingSet, index) => ({
    workingSet,
    bandwidth: quantileOf(best[index] ?? [], 1),
  }));
}

function copyRate(
  source: Float64Array,
  target: Float64Array,
  workingSet: Bytes,
  limit: Seconds,
): BytesPerSecond {
  const from = source.subarray(0, workingSet / 2 / 8);
  const copies = Math.max(1, Math.round((4 * MEBI) / workingSet));
  target.set(from);
  const rates: number[] = [];
  for (let spent = 0; spent < limit; ) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < copies; i++) target.set(from);
    const elapsed = Math.max(Number(process.hrtime.bigint() - start) * NANO, MILLI * MILLI);
    spent += elapsed;
    rates.push((copies * workingSet) / elapsed);
  }
  return quantileOf(rates, 0.75);
}

export interface CacheLevel {
  /** Largest working set that still ran at the level's speed. */
  readonly size: Bytes;
  readonly bandwidth: BytesPerSecond;
}

/** A step down by more than this between neighbouring sizes begins another level. */
const STEP = 0.75;

/** Plateaus of the copy curve, fastest first; the last one is DRAM if the probe went far enough. */
export function cacheLevels(points: readonly CopyPoint[]): CacheLevel[] {
  const levels: { size: number; rates: number[] }[] = [];
  for (const { workingSet, bandwidth } of points) {
    const current = levels.at(-1);
    if (current && bandwidth > STEP * Math.max(...current.rates)) {
      current.size = workingSet;
      current.rates.push(bandwidth);
    } else {
      levels.push({ size: workingSet, rates: [bandwidth] });
    }
  }
  return levels.map(({ size, rates }) => ({ size, bandwidth: quantileOf(rates, 0.5) }));
}
