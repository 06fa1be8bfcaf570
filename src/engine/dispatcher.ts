/** Task life: requests arrive, their operators become ready, run where the policy put them, and free their successors. */
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import { type Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Graph, Phase } from '../workload/graph.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { type Active, type Job, type JobSource, phaseLabels, type RunObserver } from './request.ts';
import { compilePhase, followMemory, refresh, type TaskTable } from './task-table.ts';

/** Event kinds of the kernel; control events belong to the control loop. */
export const EVENT = { unit: 0, arrival: 1, control: 2 } as const;

/** Ready operators are ordered by priority, then request, then position in the graph: one number each. */
const PER_REQUEST = 2 ** 22;
const PER_PRIORITY = 2 ** 42;

export class Dispatcher {
  private readonly machine: Machine;
  private readonly kernel: Kernel;
  private readonly execution: Execution;
  private readonly ledger: Ledger;
  private readonly observer: RunObserver;
  private readonly policy: SchedulingPolicy;
  private readonly jobs: Job[];
  private readonly follow: JobSource | undefined;
  private readonly concurrent: number;
  private readonly waiting: number[] = [];
  private readonly active = new Map<number, Active>();
  private readonly ready: number[][];
  private readonly running: (Active | undefined)[];
  private readonly runningOperator: Int32Array;
  private readonly startedAt: Float64Array;
  private readonly events: EventHandle[];
  /** Tables not in use, by graph: a step of an equal graph reuses the costs of the last. */
  private readonly idleTables = new Map<Graph, TaskTable[]>();
  private wasShared = false;
  finished = 0;

  constructor(parts: {
    machine: Machine;
    kernel: Kernel;
    execution: Execution;
    ledger: Ledger;
    observer: RunObserver;
    policy: SchedulingPolicy;
    jobs: readonly Job[];
    /** When models are in memory: no request runs before. */
    ready?: number;
    /** What comes after a request has ended; nothing more when absent. */
    follow?: JobSource | undefined;
    /** Requests served at the same time; the others queue in order of arrival. */
    concurrent: number;
  }) {
    this.machine = parts.machine;
    this.kernel = parts.kernel;
    this.execution = parts.execution;
    this.ledger = parts.ledger;
    this.observer = parts.observer;
    this.policy = parts.policy;
    this.jobs = [...parts.jobs];
    this.follow = parts.follow;
    this.concurrent = parts.concurrent;
    const count = parts.machine.units.length;
    this.ready = Array.from({ length: count }, () => []);
    this.running = new Array(count).fill(undefined);
    this.runningOperator = new Int32Array(count);
    this.startedAt = new Float64Array(count);
    this.events = new Array(count).fill(NO_EVENT);
    for (const [i, job] of parts.jobs.entries()) {
      parts.kernel.at(
        Math.max(job.arrival, parts.ready ?? 0),
        PRECEDENCE.arrival,
        EVENT.arrival,
        i,
      );
    }
  }

  get done(): boolean {
    return this.finished === this.jobs.length;
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.active.size === 0;
  }

  handle(kind: number, subject: number): void {
    if (kind === EVENT.arrival) {
      this.waiting.push(subject);
      this.admit();
    } else {
      this.events[subject] = NO_EVENT;
      this.fire(subject);
    }
    this.settle();
  }

  /** After the control loop changed a clock: bandwidth, due times and events follow. */
  retime(): void {
    for (const { table } of this.active.values()) followMemory(table, this.execution.machine);
    this.execution.rerate();
    this.dropEvents();
    this.settle();
  }

  /** Runs ahead while one unit alone is at work and nothing else is due; then leaves the rest to the queue. */
  private settle(): void {
    const { kernel, execution } = this;
    while (execution.activeCount === 1) {
      const u = this.soleUnit();
      if (this.events[u] !== NO_EVENT) break;
      if (kernel.advance(execution.dueAlone(u, kernel.now))) {
        execution.finishAlone(u, kernel.now);
        this.complete(u);
      } else if (kernel.advance(execution.due(u, kernel.now))) {
        this.fire(u);
        continue;
      } else break;
      this.flowsChanged();
    }
    for (let u = 0; u < this.running.length; u++) {
      if (this.running[u] === undefined || this.events[u] !== NO_EVENT) continue;
      const precedence = execution.isRunning(u) ? PRECEDENCE.completion : PRECEDENCE.launch;
      this.events[u] = kernel.at(execution.due(u, kernel.now), precedence, EVENT.unit, u);
    }
  }

  private soleUnit(): number {
    for (let u = 0; u < this.running.length; u++) if (this.running[u] !== undefined) return u;
    return -1;
  }

  private fire(u: number): void {
    const { execution, kernel } = this;
    const { now } = kernel;
    const complete = execution.fire(u, now);
    if (complete) this.complete(u);
    this.flowsChanged();
  }

  /** A unit that was and stays alone keeps its rate and has no event to move; otherwise everybody's share changes. */
  private flowsChanged(): void {
    const shared = this.execution.activeCount > 1;
    if (shared || this.wasShared) {
      this.execution.progressAll(this.kernel.now);
      this.dropEvents();
    }
    this.wasShared = shared;
    this.execution.rerate();
  }

  private dropEvents(): void {
    for (let u = 0; u < this.events.length; u++) {
      this.kernel.cancel(this.events[u]!);
      this.events[u] = NO_EVENT;
    }
  }

  private complete(u: number): void {
    const request = this.running[u] as Active;
    const operator = this.runningOperator[u]!;
    const { table } = request;
    const { now } = this.kernel;
    this.running[u] = undefined;
    const cause = this.execution.causeOf(u);
    this.observer.operatorDone(u, request, operator, this.startedAt[u]!, now, cause);
    const end = table.successorStart[operator + 1]!;
    for (let k = table.successorStart[operator]!; k < end; k++) {
      const next = table.successors[k]!;
      if (--request.pending[next]! === 0) this.makeReady(request, next);
    }
    if (--request.left === 0) this.nextStep(request);
    for (let i = 0; i < this.ready.length; i++) this.dispatch(i);
  }

  private makeReady(request: Active, operator: number): void {
    const queue = this.ready[request.table.unit[operator]!]!;
    const key = request.job.priority * PER_PRIORITY + request.index * PER_REQUEST + operator;
    let place = queue.length;
    // Sorted from the last to be served to the first, so that `pop` takes the most urgent.
    queue.push(key);
    while (place > 0 && queue[place - 1]! < key) {
      queue[place] = queue[place - 1]!;
      place--;
    }
    queue[place] = key;
  }

  private dispatch(u: number): void {
    const queue = this.ready[u]!;
    if (queue.length === 0 || !this.execution.isIdle(u)) return;
    const key = queue.pop()!;
    const request = this.active.get(Math.floor((key % PER_PRIORITY) / PER_REQUEST)) as Active;
    const operator = key % PER_REQUEST;
    const { table } = request;
    const { now } = this.kernel;
    this.running[u] = request;
    this.runningOperator[u] = operator;
    this.startedAt[u] = now;
    this.execution.start(u, now, table, operator, this.rowOf(request, table.cell[operator]!, u));
  }

  private rowOf(request: Active, cell: number, u: number): number {
    const known = request.rows[cell]!;
    if (known >= 0) return known;
    const type = request.table.operatorType[Math.floor(cell / request.table.unitCount)]!;
    const { name } = this.machine.units[u]!.unit;
    const phase = request.labels[request.phase] as string;
    const row = this.ledger.row(request.job.plan.name, phase, type, name);
    request.rows[cell] = row;
    return row;
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.active.size < this.concurrent) {
      const index = this.waiting.shift()!;
      const job = this.jobs[index] as Job;
      const table = this.takeTable(job.plan.phases[0]!);
      const request: Active = {
        job,
        index,
        phase: 0,
        step: 0,
        table,
        pending: new Int32Array(0),
        left: 0,
        stepStart: this.kernel.now,
        labels: phaseLabels(job.plan.phases.map(({ name }) => name)),
        rows: new Int32Array(0),
      };
      this.active.set(index, request);
      this.observer.requestStarted(request, this.kernel.now);
      this.beginPhase(request);
      for (let u = 0; u < this.ready.length; u++) this.dispatch(u);
      this.flowsChanged();
    }
  }

  private beginPhase(request: Active): void {
    const { table } = request;
    request.step = 0;
    request.pending = new Int32Array(table.operatorCount);
    request.rows = new Int32Array(table.classCount * table.unitCount).fill(-1);
    this.observer.phaseStarted(request, this.kernel.now);
    this.beginStep(request);
  }

  private beginStep(request: Active): void {
    const { table } = request;
    const phase = request.job.plan.phases[request.phase]!;
    followMemory(table, this.execution.machine);
    refresh(table, this.execution.machine, phase.contextStart + request.step * phase.contextStride);
    request.pending.set(table.inputCount);
    request.left = table.operatorCount;
    request.stepStart = this.kernel.now;
    for (const root of table.roots) this.makeReady(request, root);
  }

  private nextStep(request: Active): void {
    const { now } = this.kernel;
    const phase = request.job.plan.phases[request.phase]!;
    this.observer.stepDone(request, phase, now);
    request.step++;
    if (request.step < phase.steps) {
      this.beginStep(request);
      return;
    }
    this.observer.phaseDone(request, phase, now);
    this.releaseTable(request.table);
    request.phase++;
    const next = request.job.plan.phases[request.phase];
    if (next) {
      request.table = this.takeTable(next);
      this.beginPhase(request);
      return;
    }
    this.active.delete(request.index);
    this.finished++;
    this.observer.requestDone(request, now);
    this.askForMore();
    this.admit();
  }

  private askForMore(): void {
    const job = this.follow?.(this.jobs.length, this.kernel.now);
    if (!job) return;
    this.kernel.at(job.arrival, PRECEDENCE.arrival, EVENT.arrival, this.jobs.push(job) - 1);
  }

  private takeTable(phase: Phase): TaskTable {
    const idle = this.idleTables.get(phase.graph)?.pop();
    if (idle) return idle;
    const table = compilePhase(phase, this.machine, this.policy);
    this.observer.phaseCompiled(table);
    return table;
  }

  private releaseTable(table: TaskTable): void {
    const list = this.idleTables.get(table.phase.graph);
    if (list) list.push(table);
    else this.idleTables.set(table.phase.graph, [table]);
  }
}
