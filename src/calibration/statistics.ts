/** Order statistics of repeated timings. */

/** Linear-interpolated quantile of values in any order; NaN when there are none. */
export function quantileOf(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return a + (b - a) * (place - low);
}

export const medianOf = (values: readonly number[]): number => quantileOf(values, 0.5);
