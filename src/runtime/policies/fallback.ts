/** What every policy does with an operator that its unit cannot run: the fastest unit that can. */
import type { PlacementView } from '../scheduling-policy.ts';

/** @returns `unit` where it supports `operator`, otherwise the supporting unit with the least time. */
export function unitOrFallback(view: PlacementView, operator: number, unit: number): number {
  if (Number.isFinite(view.seconds(operator, unit))) return unit;
  let best = unit;
  let least = Number.POSITIVE_INFINITY;
  for (let u = 0; u < view.units.length; u++) {
    const seconds = view.seconds(operator, u);
    if (seconds < least) {
      best = u;
      least = seconds;
    }
  }
  return best;
}
