/** Operators that wait for a unit, kept by request, and the request whose turn it is. */
import type { Seconds } from '../base/units.ts';
import type { RequestView, SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { Ledger } from './ledger.ts';
import { type Active, dueAt, type Job, phaseLabels, requestLabel } from './request.ts';
import type { TaskTable } from './task-table.ts';

/** A request that is as urgent waits until the one being served has had this much: one look of the control loop. */
const SLICE: Seconds = 0.01;

/** A request at the start of its first phase. */
export function openRequest(job: Job, index: number, table: TaskTable, now: Seconds): Active {
  return {
    job,
    index,
    phase: 0,
    step: 0,
    table,
    pending: new Int32Array(0),
    left: 0,
    stepStart: now,
    served: 0,
    running: 0,
    busySince: now,
    busy: 0,
    ready: Array.from({ length: table.unitCount }, () => []),
    preemptions: 0,
    labels: labelsOf(job.plan),
    rows: new Int32Array(0),
    care: undefined,
  };
}

export function labelsOf({ phases }: RequestPlan): string[] {
  return phaseLabels(phases.map(({ name }) => name));
}

/** Whether it needs a model in memory: what a cloud does needs none. */
export function usesMemory({ plan }: Job): boolean {
  return plan.memory.weights > 0;
}

/** The row of the ledger for a cell of the request's present phase, on the unit of that name. */
export function rowOf(ledger: Ledger, request: Active, cell: number, unit: string): number {
  const known = request.rows[cell]!;
  if (known >= 0) return known;
  const { table, labels, phase } = request;
  const type = table.operatorType[Math.floor(cell / table.unitCount)]!;
  const row = ledger.row(requestLabel(request.job), labels[phase] as string, type, unit);
  request.rows[cell] = row;
  return row;
}

/** Operators of one request go in the order of its graph. */
export function pushReady(request: Active, operator: number): void {
  const queue = request.ready[request.table.unit[operator]!]!;
  let place = queue.length;
  queue.push(operator);
  while (place > 0 && queue[place - 1]! < operator) {
    queue[place] = queue[place - 1]!;
    place--;
  }
  queue[place] = operator;
}

/** Chooses among requests; holds nothing but a view that it shows to policies again and again. */
export class Turn {
  private readonly urgency: NonNullable<SchedulingPolicy['urgency']>;
  private readonly view: { -readonly [K in keyof RequestView]: RequestView[K] } = {
    priority: 0,
    deadline: 0,
    waitingSince: 0,
  };

  constructor(urgency: NonNullable<SchedulingPolicy['urgency']>) {
    this.urgency = urgency;
  }

  /** The request that unit `u`, which served `last`, serves next; undefined when none is ready. */
  next(active: readonly Active[], u: number, last: Active | undefined): Active | undefined {
    if (active.length === 1) return active[0]!.ready[u]!.length > 0 ? active[0] : undefined;
    let best: Active | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i < active.length; i++) {
      const request = active[i]!;
      if (request.ready[u]!.length === 0 || queuesBehind(active, i, u)) continue;
      const rank = this.rankOf(request) - (request === last ? SLICE : 0);
      const level = best ? request.job.priority - best.job.priority : -1;
      if (rank < bestRank || (rank === bestRank && level < 0)) {
        best = request;
        bestRank = rank;
      }
    }
    return best;
  }

  private rankOf({ job, stepStart, served }: Active): Seconds {
    this.view.priority = job.priority;
    this.view.deadline = dueAt(job);
    this.view.waitingSince = stepStart + served;
    return this.urgency(this.view);
  }
}

/** Requests of one workload take a unit in their order. */
function queuesBehind(active: readonly Active[], i: number, u: number): boolean {
  const { lane } = active[i]!.job;
  if (!lane) return false;
  for (let k = 0; k < i; k++) {
    if (active[k]!.job.lane === lane && active[k]!.ready[u]!.length > 0) return true;
  }
  return false;
}
