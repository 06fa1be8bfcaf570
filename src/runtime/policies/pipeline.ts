/**
 * Cuts a graph into one stage per unit, so that several requests are under way at once, each on another unit.
 *
 * Model    consecutive operators stay together; the longest stage (its hand-over included) is as short as possible, for
 *          every order of the units: bisection of the bound, each unit taking as much as it allows
 * Ignores  bandwidth that stages take from each other
 * Valid    throughput of requests that overlap (`concurrent` above 1); a request alone gains nothing
 * Source   chain partitioning by parametric search: Bokhari, IEEE TC 37(1), 1988
 * Checked  test/unit/runtime/policies.test.ts (against all cuts), test/contract/policies.test.ts
 */
import type { PlacementView, SchedulingPolicy } from '../scheduling-policy.ts';
import { placeWithFallback } from './fallback.ts';

const BISECTIONS = 40;

export function pipeline(): SchedulingPolicy {
  return { place: (view) => bestCut(view)?.unit ?? placeWithFallback(view, 0) };
}

export interface Cut {
  readonly unit: Int32Array;
  /** Of the longest stage. */
  readonly seconds: number;
}

/** The cut whose longest stage is shortest; undefined where some operator would need to leave the row of units. */
export function bestCut(view: PlacementView): Cut | undefined {
  const orders = permutations(view.units.map((_, u) => u));
  let best: Cut | undefined;
  for (const order of orders) {
    const cut = cutFor(view, order);
    if (cut && (!best || cut.seconds < best.seconds)) best = cut;
  }
  return best;
}

function cutFor(view: PlacementView, order: readonly number[]): Cut | undefined {
  let low = 0;
  let high = 0;
  for (let operator = 0; operator < view.operatorCount; operator++) {
    const times = order.map((u) => view.seconds(operator, u)).filter(Number.isFinite);
    high += Math.max(0, ...times) + Math.max(0, ...order.map((u) => enter(view, operator, u)));
  }
  let best = fill(view, order, high);
  for (let step = 0; best && step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    const cut = fill(view, order, middle);
    if (cut) {
      best = cut;
      high = middle;
    } else low = middle;
  }
  return best;
}

/** Each unit takes operators until it has `bound` seconds of work. */
function fill(view: PlacementView, order: readonly number[], bound: number): Cut | undefined {
  const unit = new Int32Array(view.operatorCount);
  let stage = 0;
  let used = 0;
  let longest = 0;
  for (let operator = 0; operator < view.operatorCount; operator++) {
    const begins = used === 0 && operator > 0;
    let seconds =
      used +
      view.seconds(operator, order[stage]!) +
      (begins ? enter(view, operator, order[stage]!) : 0);
    while (!(seconds <= bound)) {
      if (++stage === order.length) return undefined;
      seconds =
        view.seconds(operator, order[stage]!) +
        (operator > 0 ? enter(view, operator, order[stage]!) : 0);
    }
    used = seconds;
    longest = Math.max(longest, used);
    unit[operator] = order[stage]!;
  }
  return { unit, seconds: longest };
}

/** Hand-over into the first operator of a stage, from whichever unit was before. */
function enter(view: PlacementView, operator: number, u: number): number {
  const [input] = view.inputs(operator);
  if (input === undefined) return 0;
  return Math.max(
    ...view.units.map((_, from) => (from === u ? 0 : view.transferSeconds(input, from, u))),
  );
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
