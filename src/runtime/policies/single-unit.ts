/** Everything on one unit; what it cannot run falls back to one other. */
import { SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import type { PlacementView, SchedulingPolicy } from '../scheduling-policy.ts';
import { placeWithFallback } from './fallback.ts';

export function singleUnit(unit: string, refuge?: string): SchedulingPolicy {
  return {
    place: (view) => {
      const home = unitIndex(view, unit);
      return { unit: placeWithFallback(view, home, true, refuge), home };
    },
  };
}

/** Position of unit `name`; an unknown one fails with the nearest. */
function unitIndex(view: PlacementView, name: string): number {
  const index = view.units.indexOf(name);
  if (index >= 0) return index;
  throw new SpecError([
    { message: `the SoC has no unit "${name}"`, hint: nearestHint(name, view.units) },
  ]);
}
