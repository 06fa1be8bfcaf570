/** Where a policy is slower than the best unit by itself, its run says so, and why. */
import { formatQuantity } from '../base/quantity.ts';
import { homesOf } from '../runtime/policies/homes.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Phase } from '../workload/graph.ts';
import { compilePhase, placementView } from './compile.ts';
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';
import { runTrial } from './trial.ts';

/** By so much slower in a trial: less is rounding of tiles and turns. */
const SLOWER = 1.05;
/** Share of the time in which heat or the battery held clocks: enough to change which unit is best. */
const OFTEN = 0.2;

/** @param throttled share of the run in which clocks were held back. */
export function policyNotes(
  machine: Machine,
  jobs: readonly Job[],
  policy: SchedulingPolicy,
  throttled: number,
): string[] {
  const own = jobs[0]?.lane?.policy ?? policy;
  if (own.tradeoff === undefined) return [];
  const phases = new Map<string, Phase>();
  for (const phase of jobs[0]?.plan.phases ?? []) {
    if (!phase.remote && !phases.has(phase.name)) phases.set(phase.name, phase);
  }
  const slower = [...phases.values()].flatMap((phase) => noteOf(machine, phase, own));
  if (throttled < OFTEN) return slower;
  const held = `clocks were held back for ${Math.round(100 * throttled)} % of the time, and the policy chooses units as they are at full clocks`;
  return [...slower, held];
}

function noteOf(machine: Machine, phase: Phase, policy: SchedulingPolicy): string[] {
  const [best] = homesOf(placementView(phase, machine));
  if (!best) return [];
  const { seconds } = runTrial(machine, compilePhase(phase, machine, policy));
  if (seconds < SLOWER * best.seconds) return [];
  const show = (time: number) => formatQuantity(time, 'time', 3);
  const alone = machine.units[best.home]!.unit.name;
  return [
    `a step of ${phase.name} takes ${show(seconds)} where the ${alone} alone takes ${show(best.seconds)}: ${policy.tradeoff}`,
  ];
}
