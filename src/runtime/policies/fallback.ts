/** What a policy does with operators that its unit cannot run: one other unit takes them, so that the graph is cut least. */
import type { PlacementView } from '../scheduling-policy.ts';

/**
 * @param asked whether `home` is what somebody asked for: he may try what protection will stop.
 * @param kind of the unit to ask first for the rest, where the runtime hands over to no other.
 * @returns `home` for what it takes; for the rest the unit that is fastest over all of them together,
 * and for what that one cannot run either, the fastest one that can.
 */
export function placeWithFallback(
  view: PlacementView,
  home: number,
  asked = false,
  kind?: string,
): Int32Array {
  const placed = new Int32Array(view.operatorCount).fill(home);
  const homeless: number[] = [];
  for (let operator = 0; operator < view.operatorCount; operator++) {
    const takes = Number.isFinite(view.seconds(operator, home));
    if (!takes && !(asked && view.barred(operator, home))) homeless.push(operator);
  }
  const first = kind === undefined ? -1 : view.kinds.indexOf(kind);
  const refuge = first >= 0 && first !== home ? first : bestForAll(view, homeless, home);
  for (const operator of homeless) {
    placed[operator] = Number.isFinite(view.seconds(operator, refuge))
      ? refuge
      : fastest(view, operator);
  }
  return placed;
}

/** Unsupported operators count as the slowest other unit needs for them, so that coverage weighs as much as speed. */
function bestForAll(view: PlacementView, operators: readonly number[], home: number): number {
  const totals = view.units.map((_, u) => {
    if (u === home) return Number.POSITIVE_INFINITY;
    return operators.reduce((sum, operator) => {
      const seconds = view.seconds(operator, u);
      return sum + (Number.isFinite(seconds) ? seconds : slowest(view, operator));
    }, 0);
  });
  return totals.indexOf(Math.min(...totals));
}

function slowest(view: PlacementView, operator: number): number {
  const times = view.units.map((_, u) => view.seconds(operator, u)).filter(Number.isFinite);
  return Math.max(0, ...times);
}

function fastest(view: PlacementView, operator: number): number {
  const times = view.units.map((_, u) => view.seconds(operator, u));
  return times.indexOf(Math.min(...times));
}
