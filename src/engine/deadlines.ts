/** Deadlines that cannot be met whatever the policy: refused before the run, with what the fastest unit needs. */
import { InfeasibleError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import type { Seconds } from '../base/units.ts';
import { homesOf } from '../runtime/policies/homes.ts';
import type { RequestPlan } from '../workload/graph.ts';
import { placementView } from './compile.ts';
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';

/** @throws InfeasibleError when a request alone on an idle phone at full clocks ends later than it may. */
export function requireDeadlines(machine: Machine, jobs: readonly Job[]): void {
  for (const { plan, lane } of jobs) {
    // What a cloud may answer is late by the link's doing, if at all.
    if (lane?.deadline === undefined || lane.offload) continue;
    const phases = fastest(plan, machine);
    const demand = Object.values(phases).reduce((sum, seconds) => sum + seconds, 0);
    const bound = lane.deadline;
    if (demand <= bound) continue;
    const show = (seconds: Seconds) => formatQuantity(seconds, 'time', 3);
    throw new InfeasibleError(
      `no unit of ${machine.soc} meets the deadline of ${lane.name}: alone it takes ${show(demand)}, ${show(demand - bound)} more than ${show(bound)}`,
      {
        demand,
        bound,
        unit: 's',
        breakdown: phases,
        levers: [
          `a deadline of at least ${show(demand)}`,
          'a smaller model, fewer tokens or a smaller picture',
          'a faster unit or memory',
        ],
      },
    );
  }
}

/** Seconds of each phase on the unit that is fastest for it. */
function fastest(plan: RequestPlan, machine: Machine): Record<string, Seconds> {
  const seconds: Record<string, Seconds> = {};
  for (const phase of plan.phases) {
    const step = homesOf(placementView(phase, machine))[0]?.seconds ?? 0;
    seconds[phase.name] = (seconds[phase.name] ?? 0) + phase.steps * step;
  }
  return seconds;
}
