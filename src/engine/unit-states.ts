/** How hot and how held back each unit is, for policies that follow heat. */
import type { UnitState } from '../runtime/scheduling-policy.ts';
import type { Execution } from './execution.ts';
import type { Machine } from './machine.ts';

export function unitStates(machine: Machine, execution: Execution): UnitState[] {
  return machine.units.map(({ unit, domains }, u) => ({
    name: unit.name,
    kelvinsToTrip:
      machine.limits.junction -
      Math.max(...domains.map((d) => machine.thermal.temperatures[machine.domains[d]!.node]!)),
    speedShare: execution.speed[u]! / execution.wantedSpeed[u]!,
  }));
}
