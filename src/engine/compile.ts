/** From a phase to a task table: the policy places it, by what the machine predicts of its operators and placements. */
import { InfeasibleError, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { Work } from '../base/work.ts';
import type {
  Clocks,
  Placement,
  PlacementView,
  SchedulingPolicy,
  Trial,
} from '../runtime/scheduling-policy.ts';
import { type Graph, type Phase, workAt } from '../workload/graph.ts';
import { sharedRates, soloRate, streamPort } from './bandwidth.ts';
import type { Machine } from './machine.ts';
import { heldTransferSeconds } from './operator-waits.ts';
import { fairShares } from './shared-streams.ts';
import { columnsOf, splitPhase } from './split.ts';
import { buildTable, predictAlone, type TaskTable } from './task-table.ts';
import { runTrial, topPoints } from './trial.ts';

/**
 * Places and costs a phase.
 * @throws InfeasibleError when an operator fits no unit that the policy may use.
 */
export function compilePhase(
  phase: Phase,
  machine: Machine,
  policy: SchedulingPolicy,
  mode = '',
): TaskTable {
  requireSupport(phase.graph, phase.contextStart, machine);
  const placement = asAsked(
    phase.graph,
    machine,
    policy.place(placementView(phase, machine, mode)),
  );
  return tableOf(phase, machine, placement, mode);
}

/** Operators that the workload wants on a unit go there. @throws SpecError where there is no such unit. */
function asAsked(graph: Graph, machine: Machine, placement: Placement): Placement {
  if (graph.operators.every(({ on }) => on === undefined)) return placement;
  const names = machine.units.map(({ unit: { name } }) => name);
  const unknown = graph.operators.find(({ on }) => on !== undefined && !names.includes(on))?.on;
  if (unknown !== undefined) {
    const message = `${machine.soc} has no unit "${unknown}", on which ${graph.name} wants operators`;
    throw new SpecError([{ message, hint: nearestHint(unknown, names) }]);
  }
  const unit = (placement instanceof Int32Array ? placement : placement.unit).slice();
  for (const [i, { on, work }] of graph.operators.entries()) {
    const u = on === undefined ? -1 : names.indexOf(on);
    if (u >= 0 && machine.units[u]!.unit.supports(workAt(graph, work, 1)).ok) unit[i] = u;
  }
  return placement instanceof Int32Array ? unit : { ...placement, unit };
}

function tableOf(phase: Phase, machine: Machine, placement: Placement, mode = ''): TaskTable {
  if (placement instanceof Int32Array) {
    return buildTable(phase, machine, { unit: placement }, phase, mode);
  }
  const points = placement.clocks && pointsOf(machine, placement.clocks);
  const { home } = placement;
  const clocks = { ...(points && { points }), ...(home !== undefined && { home }) };
  if (!placement.parts) {
    return buildTable(phase, machine, { unit: placement.unit, ...clocks }, phase, mode);
  }
  const split = splitPhase(phase, placement.unit, placement.parts);
  return buildTable(split.phase, machine, { unit: split.unit, held: true, ...clocks }, phase, mode);
}

/** The operating point of each unit that is just as fast as asked for. */
function pointsOf(machine: Machine, clocks: Clocks): Int32Array {
  const points = topPoints(machine);
  for (const [u, share] of clocks) points[u] = Math.round(share * points[u]!);
  return points;
}

/** Every operator must run somewhere, or the phase cannot be placed at all. */
function requireSupport(graph: Graph, context: number, machine: Machine): void {
  const lost = new Map<number, Refusal[]>();
  for (let index = 0; index < graph.works.length; index++) {
    const found = refusals(workAt(graph, index, context), machine);
    if (found.length === machine.units.length) lost.set(index, found);
  }
  if (lost.size > 0) throw unplaceable(graph, context, machine, lost);
}

interface Refusal {
  readonly unit: string;
  readonly reason: string;
  readonly lever?: string;
}

/** Units that do not take an operator, and why. */
function refusals(work: Work, machine: Machine): Refusal[] {
  return machine.units.flatMap(({ unit }, u) => {
    const support = unit.supports(work);
    const refusal = support.ok ? machine.barred?.(u, work) : support;
    return refusal ? [{ unit: unit.name, ...refusal }] : [];
  });
}

function unplaceable(
  graph: Graph,
  context: number,
  machine: Machine,
  lost: ReadonlyMap<number, readonly Refusal[]>,
): InfeasibleError {
  const homeless = graph.operators.filter(({ work }) => lost.has(work));
  const breakdown: Record<string, number> = {};
  for (const { work } of homeless) {
    const kind = kindOf(workAt(graph, work, context));
    breakdown[kind] = (breakdown[kind] ?? 0) + 1;
  }
  const first = homeless[0]!;
  const why = lost.get(first.work)!.map(({ unit, reason }) => `${unit}: ${reason}`);
  const levers = [...lost.values()].flat().flatMap(({ unit, lever }) => {
    return lever === undefined ? [] : [`for ${unit}, ${lever}`];
  });
  return new InfeasibleError(
    `no unit of ${machine.soc} can run ${first.name} of ${graph.name}, a ${kindOf(workAt(graph, first.work, context))} (${why.join('; ')})`,
    {
      demand: graph.operators.length,
      bound: graph.operators.length - homeless.length,
      unit: 'operators',
      breakdown,
      levers: [...new Set(levers)],
    },
  );
}

function kindOf({ operator, form, weightDType, activationDType }: Work): string {
  if (form.kind === 'move' || form.kind === 'vector') return `${operator} in ${activationDType}`;
  return `${operator} of ${weightDType} weights and ${activationDType} activations`;
}

export function placementView(phase: Phase, machine: Machine, mode = ''): PlacementView {
  const { graph } = phase;
  const context = phase.contextStart + ((phase.steps - 1) / 2) * phase.contextStride;
  const workOf = (operator: number) => graph.operators[operator]!.work;
  const isBarred = (u: number, work: Work) => machine.barred?.(u, work) !== undefined;
  const allowed = byClass(graph, context, machine, (u, work) =>
    isBarred(u, work) ? undefined : predictAlone(machine, u, work),
  );
  const kept = byClass(
    graph,
    context,
    machine,
    (u, work) =>
      isBarred(u, work) &&
      machine.barred!(u, work)!.firm !== true &&
      machine.units[u]!.unit.supports(work).ok,
  );
  const alone = (operator: number, u: number) => allowed(workOf(operator), u);
  const middle = { ...phase, contextStart: Math.round(context), steps: 1 };
  return {
    phase: phase.name,
    mode,
    units: machine.units.map(({ unit }) => unit.name),
    kinds: machine.units.map(({ unit }) => unit.kind),
    operatorCount: graph.operators.length,
    seconds: (operator, u) => alone(operator, u)?.seconds ?? Number.POSITIVE_INFINITY,
    barred: (operator, u) => kept(workOf(operator), u),
    cost: alone,
    inputs: (operator) => graph.operators[operator]!.inputs,
    columns: (operator) => columnsOf(workAt(graph, workOf(operator), context)),
    shares: (units) => streamShares(machine, units),
    clockSteps: (u) => topPoints(machine)[u]!,
    handOverSeconds: (operator, from, to) =>
      from === to
        ? 0
        : heldTransferSeconds(machine, workAt(graph, workOf(operator), context).outputBytes),
    // Crossing units pays the call into the other driver too, or a list scheduler would cut graphs to pieces.
    transferSeconds: (operator, from, to) =>
      from === to
        ? 0
        : machine.units[to]!.callSeconds +
          machine.transferSeconds(workAt(graph, workOf(operator), context).outputBytes),
    trial: (placement): Trial => runTrial(machine, tableOf(middle, machine, placement)),
  };
}

/** What holds of an operator on a unit, found once for all operators of a class. */
function byClass<T>(
  graph: Graph,
  context: number,
  machine: Machine,
  find: (u: number, work: Work) => T,
): (index: number, u: number) => T {
  const known = new Map<number, T>();
  return (index, u) => {
    const key = index * machine.units.length + u;
    if (!known.has(key)) known.set(key, find(u, workAt(graph, index, context)));
    return known.get(key)!;
  };
}

/** What each of some units keeps of the bandwidth that it has alone when all of them stream. */
function streamShares(machine: Machine, units: readonly number[]): number[] {
  const ports = units.map((u) => streamPort(machine.units[u]!));
  const cost = { readBytes: 1, writeBytes: 0 };
  return sharedRates(machine, ports, fairShares).map(
    (rate, i) => rate / soloRate(machine, ports[i]!, cost),
  );
}
