/**
 * Who goes next on a unit that several requests want.
 *
 * Model    priority with linear aging: urgency = waiting since + priority × AGING; the smallest goes first, so a step
 *          that has waited AGING longer than another outranks one more priority level. All that wait age alike: the
 *          order of two changes only when one of them is served
 *          earliest deadline first: urgency = deadline; what has none is due BEST_EFFORT after it began to wait
 * Ignores  what a step still needs (no least-laxity order)
 * Valid    any number of levels; a waiting step is overtaken at most until it has waited levels × AGING
 * Source   aging: Silberschatz et al., Operating System Concepts, section 5.3.4; deadlines: Liu and Layland,
 *          J. ACM 20(1), 1973
 * Checked  test/property/concurrency.test.ts (no starvation, order), test/unit/runtime/urgency.test.ts
 */
import type { Seconds } from '../../base/units.ts';
import type { RequestView } from '../scheduling-policy.ts';

/** Waiting that outweighs one level of priority: a person notices an answer that stands still for a second. */
export const AGING: Seconds = 1;
/** Under deadlines, work without one may wait so long: what a person takes for "still working on it". */
const BEST_EFFORT: Seconds = 10;

export function agedPriority({ priority, waitingSince }: RequestView): Seconds {
  return waitingSince + priority * AGING;
}

/** Work without a deadline keeps its priority among its like. */
export function byDeadline(request: RequestView): Seconds {
  return Number.isFinite(request.deadline) ? request.deadline : agedPriority(request) + BEST_EFFORT;
}
