/**
 * Splits products over two units, so that both stream weights at the same time.
 *
 * Model    share of each product such that both parts end together: launch + max(compute, stream at the bandwidth the
 *          unit keeps while the other streams too); a product is split where that beats the faster unit by more than the
 *          hand-over; every pair of units is tried for a step, and the best is taken if it beats every single unit
 * Ignores  other requests on the second unit
 * Valid    two units; graphs stay open on both (one call each per step)
 * Source   HeteroInfer (arXiv 2501.14794); PowerInfer-2 (arXiv 2406.06282)
 * Checked  test/unit/runtime/policies.test.ts, test/contract/policies.test.ts, test/validation/scheduling.test.ts
 */
import type {
  OperatorCost,
  PartOf,
  Placement,
  PlacementView,
  SchedulingPolicy,
} from '../scheduling-policy.ts';
import { homesOf } from './homes.ts';

/** Halvings of the share: a thousandth of a product is below one tile. */
const BISECTIONS = 12;
/** Gain in a trial at full clocks below which a second unit is left out: parts are rounded to tiles. */
const WORTHWHILE = 1.03;
/** A part below this is not worth a launch. */
const LEAST_SHARE = 0.05;

export function tensorSplit(): SchedulingPolicy {
  return {
    place: (view) => {
      const homes = homesOf(view);
      const pairs = homes.flatMap(({ home, unit }) =>
        homes
          .filter((other) => other.home !== home)
          .map((other) => ({ unit, parts: partsOf(view, unit, home, other.home) })),
      );
      let best: Placement = homes[0]!.unit;
      let seconds = homes[0]!.seconds / WORTHWHILE;
      for (const pair of pairs.filter(({ parts }) => parts.size > 0)) {
        const tried = view.trial(pair);
        if (tried.seconds >= seconds) continue;
        best = pair;
        ({ seconds } = tried);
      }
      return best;
    },
  };
}

/** Products of `home` that end sooner when `second` takes a part of them. */
export function partsOf(view: PlacementView, unit: Int32Array, home: number, second: number) {
  const [first = 1, other = 1] = view.shares([home, second]);
  const parts = new Map<number, readonly PartOf[]>();
  for (let operator = 0; operator < view.operatorCount; operator++) {
    if (unit[operator] !== home || view.columns(operator) < 2) continue;
    const [a, b] = [view.cost(operator, home), view.cost(operator, second)];
    if (!a || !b) continue;
    const share = balance(a, b, first, other);
    const together = secondsOf(a, share, first) + view.handOverSeconds(operator, second, home);
    if (share > 1 - LEAST_SHARE || share < LEAST_SHARE) continue;
    if (together >= secondsOf(a, 1, 1)) continue;
    parts.set(operator, [
      { unit: home, share },
      { unit: second, share: 1 - share },
    ]);
  }
  return parts;
}

/** Share of the first unit at which both end together. */
function balance(a: OperatorCost, b: OperatorCost, first: number, second: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (secondsOf(a, middle, first) < secondsOf(b, 1 - middle, second)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function secondsOf({ launch, compute, stream }: OperatorCost, share: number, kept: number): number {
  return launch + share * Math.max(compute, stream / kept);
}
