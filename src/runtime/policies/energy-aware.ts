/**
 * The unit and the clock that take least energy for a step, whole device included.
 *
 * Model    each unit at some of its operating points, tried for a step: joules = work + standing power × time, so that
 *          racing to idle wins where standing power dominates and slow and steady where switching power (f·V²) does;
 *          nothing slower than SLACK × the fastest
 * Ignores  what else runs meanwhile, heat
 * Valid    a step on an idle machine
 * Source   Le Sueur and Heiser, HotPower 2010 (when slowing down pays and when it does not)
 * Checked  test/unit/runtime/policies.test.ts, test/contract/policies.test.ts
 */
import type { Placement, PlacementView, SchedulingPolicy } from '../scheduling-policy.ts';
import { homesOf } from './homes.ts';

/** An answer may take half as long again before it is no longer the same service. */
const SLACK = 1.5;
/** Points tried per unit, evenly over its table. */
const TRIED = 6;

export function energyAware(): SchedulingPolicy {
  return {
    place: (view) => {
      const homes = homesOf(view);
      const limit = SLACK * homes[0]!.seconds;
      let best: Placement = homes[0]!.unit;
      let { joules } = homes[0]!;
      for (const { home, unit } of homes) {
        for (const share of sharesOf(view, home)) {
          const placement = { unit, clocks: new Map([[home, share]]) };
          const tried = view.trial(placement);
          if (tried.seconds > limit || tried.joules >= joules) continue;
          best = placement;
          ({ joules } = tried);
        }
      }
      return best;
    },
  };
}

function sharesOf(view: PlacementView, unit: number): number[] {
  const count = Math.min(TRIED, view.clockSteps(unit));
  if (count < 1) return [1];
  return Array.from({ length: count + 1 }, (_, i) => 1 - i / count);
}
