/**
 * Leaves a hot unit for a cooler one while heat holds it back, and comes back when it has cooled.
 *
 * Model    home is the fastest unit; at the start of a step, once its clock is held below LOW of what it wants or a block
 *          is within NEAR of its trip, work moves to the next fastest unit if that is faster than home now; back at FAR
 * Ignores  that skin heat is shared: moving helps junctions, hardly the body
 * Valid    phases of many steps; the key–value cache lies in memory that all units read
 * Source   task migration under heat: Coskun et al., ICCAD 2007
 * Checked  test/unit/runtime/policies.test.ts, test/contract/policies.test.ts
 */
import type { PlacementView, SchedulingPolicy, UnitState } from '../scheduling-policy.ts';
import { type Home, homesOf } from './homes.ts';

const LOW = 0.8;
/** Kelvins to the trip at which work leaves, and at which it comes back. */
const NEAR = 1;
const FAR = 15;

export function thermalAware(): SchedulingPolicy {
  // By phase, for each has a fastest unit of its own: units by speed, and who has left.
  const ranked = new Map<string, readonly Home[]>();
  const away = new Set<string>();
  return {
    place: (view: PlacementView) => {
      const homes = homesOf(view);
      ranked.set(view.phase, homes);
      return homes[Math.min(view.mode === 'away' ? 1 : 0, homes.length - 1)]!.unit;
    },
    mode: (units, phase) => {
      const [home, relief] = ranked.get(phase) ?? [];
      if (!home || !relief) return 'home';
      const slower = relief.seconds / home.seconds;
      if (leaves(away.has(phase), units[home.home]!, slower)) away.add(phase);
      else away.delete(phase);
      return away.has(phase) ? 'away' : 'home';
    },
  };
}

/** @param slower time on the other unit over time at home at full clock. */
function leaves(away: boolean, { kelvinsToTrip, speedShare }: UnitState, slower: number): boolean {
  if (away) return kelvinsToTrip < FAR;
  const held = speedShare < LOW || kelvinsToTrip < NEAR;
  return held && speedShare < 1 / slower;
}
