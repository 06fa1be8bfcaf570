/** What compiling a phase decided: how the graph was cut into partitions, which operators left their unit, and why. */
import { workAt } from '../workload/graph.ts';
import type { Machine } from './machine.ts';
import type { CompiledPhase, Fallback } from './run.ts';
import type { TaskTable } from './task-table.ts';

/** A partition is a run of operators on one unit, in graph order; each border is a hand-over. */
export function reportCompilation(table: TaskTable, machine: Machine): CompiledPhase {
  const names = machine.units.map(({ unit }) => unit.name);
  const counts = new Array<number>(names.length).fill(0);
  let partitions = 0;
  for (let i = 0; i < table.operatorCount; i++) {
    counts[table.unit[i]!]!++;
    if (i === 0 || table.unit[i] !== table.unit[i - 1]) partitions++;
  }
  const home = table.home ?? counts.indexOf(Math.max(...counts));
  return {
    phase: table.phase.name,
    graph: table.phase.graph.name,
    operators: table.operatorCount,
    partitions,
    operatorsByUnit: Object.fromEntries(
      names.flatMap((name, u) => (counts[u]! > 0 ? [[name, counts[u]!]] : [])),
    ),
    fallbacks: fallbacks(table, machine, home),
  };
}

/** Operators away from the unit that was to run them, or that runs most, grouped by type and reason. */
function fallbacks(table: TaskTable, machine: Machine, home: number): Fallback[] {
  const found = new Map<string, Fallback>();
  const { graph } = table.phase;
  for (let i = 0; i < table.operatorCount; i++) {
    const u = table.unit[i]!;
    if (u === home) continue;
    const work = workAt(graph, graph.operators[i]!.work, table.context);
    const support = machine.units[home]!.unit.supports(work);
    const reason = support.ok ? 'the policy finds it faster there' : support.reason;
    const to = machine.units[u]!.unit.name;
    const key = `${work.operator}\n${to}\n${reason}`;
    const count = (found.get(key)?.count ?? 0) + 1;
    found.set(key, {
      operator: work.operator,
      from: machine.units[home]!.unit.name,
      to,
      reason,
      count,
    });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}
