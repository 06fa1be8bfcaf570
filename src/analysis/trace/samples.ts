/** Fewer samples of a counter without losing its peaks. */
import type { Counter } from '../../engine/timeline.ts';

/**
 * Indices of at most about `most` samples: of each stretch of equal length the first, lowest, highest and last,
 * so that a viewer draws the same envelope. Repeats of a value are dropped first, which loses nothing.
 */
export function thinSamples({ value }: Pick<Counter, 'value'>, most: number): readonly number[] {
  const changes: number[] = [];
  for (let i = 0; i < value.length; i += 1) {
    const last = i === value.length - 1;
    if (i === 0 || last || value[i] !== value[i - 1]) changes.push(i);
  }
  if (changes.length <= most) return changes;
  const stretches = Math.max(1, Math.floor(most / 4));
  const kept = new Set<number>();
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const from = Math.floor((changes.length * stretch) / stretches);
    const to = Math.floor((changes.length * (stretch + 1)) / stretches);
    const part = changes.slice(from, to);
    if (part.length === 0) continue;
    const at = (i: number): number => value[i] as number;
    const low = part.reduce((best, i) => (at(i) < at(best) ? i : best));
    const high = part.reduce((best, i) => (at(i) > at(best) ? i : best));
    for (const i of [part[0], low, high, part.at(-1)]) kept.add(i as number);
  }
  return [...kept].sort((a, b) => a - b);
}
