/** Compiled phases that no request uses at the moment: a step of an equal graph reuses the costs of the last. */
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Graph, Phase } from '../workload/graph.ts';
import { compilePhase } from './compile.ts';
import type { Machine } from './machine.ts';
import type { RunObserver } from './request.ts';
import { buildTable, type TaskTable } from './task-table.ts';

export class TableStore {
  private readonly observer: Pick<RunObserver, 'phaseCompiled'>;
  private readonly idle = new Map<Graph, TaskTable[]>();

  constructor(observer: Pick<RunObserver, 'phaseCompiled'>) {
    this.observer = observer;
  }

  /** @param machine as the request's operators see it. */
  take(phase: Phase, machine: Machine, policy: SchedulingPolicy, mode: string): TaskTable {
    const list = this.idle.get(phase.graph) ?? [];
    const place = list.findLastIndex((table) => table.mode === mode && table.madeFor === machine);
    if (place >= 0) return list.splice(place, 1)[0]!;
    if (phase.remote) return buildTable(phase, machine, { unit: new Int32Array(0) });
    const table = compilePhase(phase, machine, policy, mode);
    this.observer.phaseCompiled(table);
    return table;
  }

  release(table: TaskTable): void {
    const list = this.idle.get(table.source.graph);
    if (list) list.push(table);
    else this.idle.set(table.source.graph, [table]);
  }
}
