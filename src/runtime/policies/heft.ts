/**
 * Heterogeneous earliest finish time.
 *
 * Model    upward rank = mean time + max over successors (mean transfer + their rank); in falling rank, each operator
 *          goes to the unit on which it finishes first, gaps between placed operators included; then the placement and
 *          every single unit are tried for a step with shared bandwidth, and the fastest is taken
 * Ignores  bandwidth that units take from each other while it places; clocks that fall under heat
 * Valid    graphs up to some thousands of operators
 * Source   Topcuoglu, Hariri, Wu: IEEE TPDS 13(3), 2002
 * Checked  test/unit/runtime/policies.test.ts (bounds on the paper's example), test/contract/policies.test.ts
 */
import type { PlacementView, SchedulingPolicy } from '../scheduling-policy.ts';
import { homesOf } from './homes.ts';

export function heft(): SchedulingPolicy {
  return {
    place: (view) => {
      const { unit } = schedule(view);
      // List scheduling looks one operator ahead and knows nothing of shared bandwidth: staying put may be faster.
      const [home] = homesOf(view);
      return home && home.seconds <= view.trial(unit).seconds * WORTHWHILE ? home.unit : unit;
    },
  };
}

/** Predicted gain below which a cut graph is not worth its hand-overs, which also disturb memory and caches. */
const WORTHWHILE = 1.02;

/** The placement with its predicted times, for tests and reports. */
export function schedule(view: PlacementView): { unit: Int32Array; finish: Float64Array } {
  const rank = upwardRanks(view);
  const order = Array.from(rank, (_, i) => i).sort((a, b) => rank[b]! - rank[a]! || a - b);
  const unit = new Int32Array(view.operatorCount);
  const finish = new Float64Array(view.operatorCount);
  const busy: Slot[][] = view.units.map(() => []);
  for (const operator of order) {
    let best: Slot = { start: 0, end: Number.POSITIVE_INFINITY };
    for (let u = 0; u < view.units.length; u++) {
      const seconds = view.seconds(operator, u);
      if (!Number.isFinite(seconds)) continue;
      const ready = readyAt(view, operator, u, unit, finish);
      const start = earliestGap(busy[u]!, ready, seconds);
      if (start + seconds < best.end) {
        best = { start, end: start + seconds };
        unit[operator] = u;
      }
    }
    finish[operator] = best.end;
    insert(busy[unit[operator]!]!, best);
  }
  return { unit, finish };
}

interface Slot {
  readonly start: number;
  readonly end: number;
}

function upwardRanks(view: PlacementView): Float64Array {
  const rank = new Float64Array(view.operatorCount);
  for (let operator = view.operatorCount - 1; operator >= 0; operator--) {
    rank[operator]! += meanSeconds(view, operator);
    for (const input of view.inputs(operator)) {
      rank[input] = Math.max(rank[input]!, meanTransfer(view, input) + rank[operator]!);
    }
  }
  return rank;
}

function meanSeconds(view: PlacementView, operator: number): number {
  const times = view.units.map((_, u) => view.seconds(operator, u)).filter(Number.isFinite);
  return times.reduce((a, b) => a + b, 0) / Math.max(times.length, 1);
}

/** Over all pairs of different units, as in the paper, whose example ranks count a whole transfer. */
function meanTransfer(view: PlacementView, operator: number): number {
  const count = view.units.length;
  let sum = 0;
  for (let from = 0; from < count; from++) {
    for (let to = 0; to < count; to++) sum += view.transferSeconds(operator, from, to);
  }
  return sum / (count * Math.max(count - 1, 1));
}

function readyAt(
  view: PlacementView,
  operator: number,
  u: number,
  unit: Int32Array,
  finish: Float64Array,
): number {
  let ready = 0;
  for (const input of view.inputs(operator)) {
    ready = Math.max(ready, finish[input]! + view.transferSeconds(input, unit[input]!, u));
  }
  return ready;
}

function earliestGap(slots: readonly Slot[], ready: number, seconds: number): number {
  let start = ready;
  for (const slot of slots) {
    if (slot.end <= start) continue;
    if (start + seconds <= slot.start) return start;
    start = Math.max(start, slot.end);
  }
  return start;
}

function insert(slots: Slot[], slot: Slot): void {
  let place = slots.length;
  while (place > 0 && slots[place - 1]!.start > slot.start) place--;
  slots.splice(place, 0, slot);
}
