/** Compiled phases that no request uses at the moment: a step of an equal graph reuses the costs of the last. */
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Graph, Phase } from '../workload/graph.ts';
import type { Machine } from './machine.ts';
import type { RunObserver } from './request.ts';
import { compilePhase, type TaskTable } from './task-table.ts';

export class TableStore {
  private readonly machine: Machine;
  private readonly observer: Pick<RunObserver, 'phaseCompiled'>;
  private readonly idle = new Map<Graph, TaskTable[]>();

  constructor(machine: Machine, observer: Pick<RunObserver, 'phaseCompiled'>) {
    this.machine = machine;
    this.observer = observer;
  }

  take(phase: Phase, policy: SchedulingPolicy): TaskTable {
    const idle = this.idle.get(phase.graph)?.pop();
    if (idle) return idle;
    const table = compilePhase(phase, this.machine, policy);
    this.observer.phaseCompiled(table);
    return table;
  }

  release(table: TaskTable): void {
    const list = this.idle.get(table.phase.graph);
    if (list) list.push(table);
    else this.idle.set(table.phase.graph, [table]);
  }
}
