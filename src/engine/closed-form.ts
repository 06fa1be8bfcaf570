/**
 * How long the phases of one request take when nothing else runs, clocks stand at their top and nothing is hot.
 *
 * Model    an operator takes call + transfer + launch + max(cycles ÷ speed, bytes ÷ bandwidth alone); operators of one
 *          unit follow each other, units work side by side; bytes are those that a compiler has it fetch (fetch-ahead.ts);
 *          of steps that differ in context, the one in the middle
 * Ignores  governors, heat, bandwidth that units take from each other
 * Valid    requests on one unit, where it equals the simulation under `governor: performance` and no thermal limits
 * Source   the cost of an operator: src/engine/task-table.ts
 * Checked  test/unit/engine/closed-form.test.ts (against the simulation)
 */
import type { Seconds } from '../base/units.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Phase, RequestPlan } from '../workload/graph.ts';
import { compilePhase } from './compile.ts';
import type { Machine } from './machine.ts';
import type { TaskTable } from './task-table.ts';

export interface PhaseTime {
  readonly phase: string;
  readonly steps: number;
  readonly outputs: number;
  /** Of all steps together. */
  readonly seconds: Seconds;
}

/** A request placed and costed. */
export interface CompiledRequest {
  readonly tables: readonly TaskTable[];
  readonly plan: RequestPlan;
}

/** @throws InfeasibleError when an operator fits no unit. */
export function compileRequest(
  plan: RequestPlan,
  machine: Machine,
  policy: SchedulingPolicy,
): CompiledRequest {
  const tables = plan.phases.map((phase) => {
    const middle = { ...phase, contextStart: middleContext(phase) };
    return compilePhase(middle, machine, policy);
  });
  return { tables, plan };
}

export function phaseTimes({ tables, plan }: CompiledRequest, machine: Machine): PhaseTime[] {
  return plan.phases.map((phase, i) => ({
    phase: phase.name,
    steps: phase.steps,
    outputs: phase.steps * phase.outputsPerStep,
    seconds: phase.steps * stepSeconds(tables[i]!, machine),
  }));
}

/** Time that each unit works in all phases of a name, by its name. */
export function unitSeconds(
  { tables, plan }: CompiledRequest,
  machine: Machine,
  name: string,
): Map<string, Seconds> {
  const byUnit = new Map<string, Seconds>();
  for (const [k, phase] of plan.phases.entries()) {
    if (phase.name !== name) continue;
    const table = tables[k]!;
    const secondsOf = operatorSeconds(table, machine);
    for (const [i, u] of table.unit.entries()) {
      const unit = machine.units[u]!.unit.name;
      byUnit.set(unit, (byUnit.get(unit) ?? 0) + phase.steps * secondsOf(i));
    }
  }
  return byUnit;
}

/** Costs that grow with the context grow in proportion, so the mean step is the one in the middle. */
function middleContext({ contextStart, contextStride, steps }: Phase): number {
  return contextStart + (contextStride * (steps - 1)) / 2;
}

function stepSeconds(table: TaskTable, machine: Machine): Seconds {
  const { operators } = table.phase.graph;
  const secondsOf = operatorSeconds(table, machine);
  const free = new Float64Array(machine.units.length);
  const end = new Float64Array(operators.length);
  for (const [i, { inputs }] of operators.entries()) {
    const u = table.unit[i]!;
    const ready = inputs.reduce((latest, input) => Math.max(latest, end[input]!), 0);
    end[i] = Math.max(ready, free[u]!) + secondsOf(i);
    free[u] = end[i]!;
  }
  return free.reduce((latest, one) => Math.max(latest, one), 0);
}

/** What an operator takes alone at full clocks, waits included. */
function operatorSeconds(table: TaskTable, machine: Machine): (operator: number) => Seconds {
  const speeds = machine.units.map(({ unit, domains }) =>
    unit.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency)),
  );
  return (i) => {
    const cell = table.cell[i]!;
    const { readBytes, soloRate } = table.aheadStreams[i] ?? {
      readBytes: table.readBytes[cell]!,
      soloRate: table.soloRate[cell]!,
    };
    const bytes = readBytes + table.writeBytes[cell]!;
    const stream = bytes > 0 ? bytes / soloRate : 0;
    const compute = table.cycles[cell]! / speeds[table.unit[i]!]!;
    const wait =
      table.callSeconds[i]! +
      table.transferSeconds[i]! +
      table.launchSeconds[cell]! +
      table.storageSeconds[cell]!;
    return wait + Math.max(compute, stream);
  };
}
