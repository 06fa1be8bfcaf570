/** The plainest placements, one per unit: everything on it, the rest falls back. What cleverer policies must beat. */
import type { PlacementView, Trial } from '../scheduling-policy.ts';
import { placeWithFallback } from './fallback.ts';

export interface Home extends Trial {
  readonly home: number;
  readonly unit: Int32Array;
}

/** Fastest first. */
export function homesOf(view: PlacementView): Home[] {
  const usable = view.units.map((_, u) => u).filter((u) => runsAnything(view, u));
  return usable
    .map((home) => {
      const unit = placeWithFallback(view, home);
      return { home, unit, ...view.trial(unit) };
    })
    .sort((a, b) => a.seconds - b.seconds);
}

function runsAnything(view: PlacementView, u: number): boolean {
  for (let operator = 0; operator < view.operatorCount; operator++) {
    if (Number.isFinite(view.seconds(operator, u))) return true;
  }
  return false;
}
