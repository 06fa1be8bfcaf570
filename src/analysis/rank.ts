/** Ranks of sweep points by one metric, equal where their difference is smaller than what is known of them. */
import { separable, sharesError } from '../engine/bands.ts';
import type { SweepResult } from './sweep-run.ts';

/** Differences below a thousandth are the simulation's own grain. */
const GRAIN = 1e-3;

/** One plus the number of points that are better beyond doubt; null for points without the metric. */
export function ranksOf(
  results: readonly SweepResult[],
  metric: string,
  better: 'higher' | 'lower',
): (number | null)[] {
  return results.map((one) => {
    if (one.metrics[metric] === undefined) return null;
    return 1 + results.filter((other) => beats(other, one, metric, better)).length;
  });
}

function beats(
  a: SweepResult,
  b: SweepResult,
  metric: string,
  better: 'higher' | 'lower',
): boolean {
  const [first, second] = [a.metrics[metric], b.metrics[metric]];
  if (first === undefined || second === undefined) return false;
  const ahead = better === 'higher' ? first > second : first < second;
  if (!ahead || Math.abs(first - second) <= GRAIN * Math.abs(second)) return false;
  // The same chip, engine and work are wrong in the same way: what was varied tells them apart.
  if (a.inputs && b.inputs && sharesError(a.inputs, b.inputs)) return true;
  return separable(
    { value: first, interval: a.intervals[metric] },
    { value: second, interval: b.intervals[metric] },
  );
}
