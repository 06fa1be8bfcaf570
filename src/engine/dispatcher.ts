/** Task life: requests arrive, their operators become ready, run where the policy put them, and free their successors. */

import type { Seconds } from '../base/units.ts';
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import { type Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import { agedPriority } from '../runtime/policies/urgency.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { RequestPlan } from '../workload/graph.ts';
import { AdmissionQueues } from './admission.ts';
import { type DispatcherParts, EVENT, type MachineView } from './dispatcher-parts.ts';
import type { Execution } from './execution.ts';
import { LoadWatch } from './load-watch.ts';
import type { Machine } from './machine.ts';
import { labelsOf, openRequest, pushReady, rowOf, Turn, usesMemory } from './ready.ts';
import { type AccessGuard, type Active, dueAt, type Job, type RunObserver } from './request.ts';
import { TableStore } from './table-store.ts';
import { followMemory, refresh, type TaskTable } from './task-table.ts';
import { unitStates } from './unit-states.ts';

export class Dispatcher {
  private readonly parts: DispatcherParts;
  private readonly kernel: Kernel;
  private readonly execution: Execution;
  private readonly observer: RunObserver;
  private readonly guard: AccessGuard | undefined;
  private readonly watch: LoadWatch;
  private readonly viewOf: MachineView;
  private readonly jobs: Job[];
  private readonly queues: AdmissionQueues;
  private readonly tables: TableStore;
  private readonly turn: Turn;
  /** In order of admission. */
  private readonly active: Active[] = [];
  /** The request that each unit served last. */
  private readonly last: (Active | undefined)[];
  private readonly running: (Active | undefined)[];
  private readonly runningOperator: Int32Array;
  private readonly startedAt: Float64Array;
  private readonly events: EventHandle[];
  private wasShared = false;
  finished = 0;

  constructor(parts: DispatcherParts) {
    this.parts = parts;
    this.kernel = parts.kernel;
    this.execution = parts.execution;
    this.observer = parts.observer;
    this.guard = parts.guard;
    const { swaps } = parts;
    if (swaps) {
      swaps.begin = (request, plan) => this.begin(request, plan);
      swaps.loaded = (...load) => this.observer.modelLoaded(...load);
    }
    if (parts.cloud) parts.cloud.done = (request) => this.nextStep(request);
    this.watch = new LoadWatch(parts.kernel, EVENT.load, parts.load, parts.guard);
    this.viewOf = parts.viewOf ?? ((_, machine) => machine);
    this.jobs = [...parts.jobs];
    this.queues = new AdmissionQueues(parts.concurrent);
    this.tables = new TableStore(parts.observer);
    this.turn = new Turn(parts.policy.urgency ?? agedPriority);
    const count = parts.machine.units.length;
    this.last = new Array(count).fill(undefined);
    this.running = new Array(count).fill(undefined);
    this.runningOperator = new Int32Array(count);
    this.startedAt = new Float64Array(count);
    this.events = new Array(count).fill(NO_EVENT);
    for (const [i, job] of parts.jobs.entries()) {
      parts.kernel.at(job.arrival, PRECEDENCE.arrival, EVENT.arrival, i);
    }
  }

  get done(): boolean {
    return this.finished === this.jobs.length;
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.active.length === 0;
  }

  handle(kind: number, subject: number): void {
    if (kind === EVENT.arrival) this.arrive(subject);
    else if (kind === EVENT.load) {
      this.watch.fired();
      this.flowsChanged();
      this.parts.swaps?.look(this.kernel.now);
      this.letIn();
    } else if (kind === EVENT.storage) {
      this.execution.progressAll(this.kernel.now);
      this.parts.swaps?.look(this.kernel.now);
      this.flowsChanged();
    } else if (kind === EVENT.link) {
      this.parts.cloud?.handle(this.kernel.now);
      for (let u = 0; u < this.running.length; u++) this.dispatch(u);
      this.flowsChanged();
    } else {
      this.events[subject] = NO_EVENT;
      this.fire(subject);
    }
    this.settle();
  }

  /** A request comes, and waits outside until its model is there. */
  private arrive(index: number): void {
    const asked = this.jobs[index]!;
    // Who answers is chosen before a model is fetched that may not be needed.
    const job = (this.parts.load && this.parts.cloud?.route(asked)) ?? asked;
    this.jobs[index] = job;
    this.observer.requestArrived(job, this.kernel.now);
    this.watch.hold(index, job);
    this.letIn();
  }

  /** Requests whose models are there by now. */
  private letIn(): void {
    for (const index of this.watch.take()) {
      this.queues.arrive(index, this.jobs[index]!);
      this.admit();
    }
    if (this.parts.load) this.flowsChanged();
  }

  /** After the control loop changed a clock: bandwidth, due times and events follow. */
  retime(): void {
    for (const request of this.active) followMemory(request.table, this.machineOf(request.job));
    this.execution.rerate();
    this.dropEvents();
    this.watch.follow();
    this.settle();
  }

  /** Runs ahead while it may; then leaves the rest to the queue. */
  private settle(): void {
    this.runAhead();
    const { kernel, execution } = this;
    for (let u = 0; u < this.running.length; u++) {
      if (this.running[u] === undefined || this.events[u] !== NO_EVENT) continue;
      const precedence = execution.isRunning(u) ? PRECEDENCE.completion : PRECEDENCE.launch;
      this.events[u] = kernel.at(execution.due(u, kernel.now), precedence, EVENT.unit, u);
    }
  }

  /** While one unit alone is at work and nothing else is due. */
  private runAhead(): void {
    const { kernel, execution } = this;
    while (execution.activeCount === 1 && !execution.beside.isBusy) {
      const u = this.soleUnit();
      if (this.events[u] !== NO_EVENT) return;
      if (kernel.advance(execution.dueAlone(u, kernel.now))) {
        execution.finishAlone(u, kernel.now);
        this.complete(u);
      } else if (kernel.advance(execution.due(u, kernel.now))) {
        this.fire(u);
        continue;
      } else return;
      this.flowsChanged();
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
    const loading = this.execution.beside.isBusy || this.watch.isBusy;
    const shared = this.execution.activeCount > 1 || loading;
    if (shared || this.wasShared) {
      this.execution.progressAll(this.kernel.now);
      this.dropEvents();
    }
    this.wasShared = shared;
    this.execution.rerate();
    this.watch.follow();
  }

  private machineOf(job: Job): Machine {
    return this.viewOf(job, this.execution.machine);
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
    request.served += now - this.startedAt[u]!;
    if (--request.running === 0) request.busy += now - request.busySince;
    this.observer.operatorDone(u, request, operator, this.startedAt[u]!, now, cause);
    const end = table.successorStart[operator + 1]!;
    for (let k = table.successorStart[operator]!; k < end; k++) {
      const next = table.successors[k]!;
      if (--request.pending[next]! === 0) pushReady(request, next);
    }
    if (--request.left === 0) this.nextStep(request);
    for (let i = 0; i < this.running.length; i++) this.dispatch(i);
  }

  private dispatch(u: number): void {
    if (!this.execution.isIdle(u)) return;
    const last = this.last[u];
    const request = this.turn.next(this.active, u, last);
    if (!request) return;
    const operator = request.ready[u]!.pop()!;
    const { table } = request;
    const { now } = this.kernel;
    this.running[u] = request;
    this.runningOperator[u] = operator;
    this.startedAt[u] = now;
    if (request.running++ === 0) request.busySince = now;
    const { name } = this.parts.machine.units[u]!.unit;
    const row = rowOf(this.parts.ledger, request, table.cell[operator]!, name);
    const again = last === request ? 0 : this.takeOver(u, request, operator);
    if (request.care !== undefined && request.care[operator] !== 0)
      this.startGuarded(u, operator, row, again);
    else this.execution.start(u, now, table, operator, row, again);
  }

  private startGuarded(u: number, operator: number, row: number, again: Seconds): void {
    const guard = this.guard!;
    const request = this.running[u] as Active;
    const { now } = this.kernel;
    const wait = guard.admit(u, request, operator, now);
    this.execution.start(u, now, request.table, operator, row, again, wait);
    guard.started(u);
  }

  /** Another request gets the unit. @returns seconds to submit again what was cut in the middle of a graph. */
  private takeOver(u: number, request: Active, operator: number): Seconds {
    const before = this.last[u];
    this.last[u] = request;
    if (!before) return 0;
    if (before.ready[u]!.length > 0) before.preemptions++;
    return request.table.callSeconds[operator]! > 0 ? 0 : this.parts.machine.units[u]!.callSeconds;
  }

  private admit(): void {
    for (let index = this.queues.next(); index !== undefined; index = this.queues.next()) {
      const { now } = this.kernel;
      const asked = this.jobs[index]!;
      const job = asked.answeredBy ? asked : (this.parts.cloud?.route(asked) ?? asked);
      if (job.lane?.late === 'skip' && now >= dueAt(job)) {
        this.observer.requestSkipped(job, now);
        this.end(job);
        continue;
      }
      const request = openRequest(job, index, this.takeTable(job, 0), now);
      this.active.push(request);
      this.observer.requestStarted(request, now);
      if (this.parts.swaps && usesMemory(job)) this.parts.swaps.ask(request, now);
      else this.begin(request, job.plan);
    }
  }

  /** Its model is in memory. */
  private begin(request: Active, plan: RequestPlan): void {
    if (plan !== request.job.plan) {
      this.tables.release(request.table);
      request.job = { ...request.job, plan };
      request.labels = labelsOf(plan);
      request.table = this.takeTable(request.job, 0);
    }
    this.beginPhase(request);
    for (let u = 0; u < this.running.length; u++) this.dispatch(u);
    this.flowsChanged();
  }

  private takeTable(job: Job, phase: number): TaskTable {
    const machine = this.viewOf(job, this.parts.machine);
    const mode = this.modeOf(job, phase);
    return this.tables.take(job.plan.phases[phase]!, machine, this.policyOf(job), mode);
  }

  private policyOf({ lane }: Job): SchedulingPolicy {
    return lane?.policy ?? this.parts.policy;
  }

  private modeOf(job: Job, phase: number): string {
    const { mode } = this.policyOf(job);
    const { name } = job.plan.phases[phase]!;
    return mode ? mode(unitStates(this.parts.machine, this.execution), name) : '';
  }

  /** The policy may want the rest of a phase elsewhere. */
  private followMode(request: Active): void {
    if (!this.policyOf(request.job).mode) return;
    if (this.modeOf(request.job, request.phase) === request.table.mode) return;
    this.tables.release(request.table);
    request.table = this.takeTable(request.job, request.phase);
    this.openTable(request);
  }

  private openTable(request: Active): void {
    const { table } = request;
    request.pending = new Int32Array(table.operatorCount);
    request.rows = new Int32Array(table.classCount * table.unitCount).fill(-1);
    this.parts.wishes?.follow(request, table);
  }

  private beginPhase(request: Active): void {
    request.step = 0;
    this.openTable(request);
    this.observer.phaseStarted(request, this.kernel.now);
    this.beginStep(request);
  }

  private beginStep(request: Active): void {
    if (request.step > 0) this.followMode(request);
    const { table } = request;
    const phase = request.job.plan.phases[request.phase]!;
    const machine = this.machineOf(request.job);
    followMemory(table, machine);
    refresh(table, machine, phase.contextStart + request.step * phase.contextStride);
    request.pending.set(table.inputCount);
    request.left = table.operatorCount;
    request.stepStart = this.kernel.now;
    if (phase.remote) {
      this.parts.cloud?.begin(request, phase.remote, this.kernel.now);
      return;
    }
    request.served = 0;
    if (this.guard) request.care = this.guard.openStep(request, this.kernel.now);
    for (const root of table.roots) pushReady(request, root);
  }

  private nextStep(request: Active): void {
    const { now } = this.kernel;
    const phase = request.job.plan.phases[request.phase]!;
    this.observer.stepDone(request, phase, now);
    this.guard?.stepDone(request, phase, now);
    request.step++;
    if (request.step < phase.steps) {
      this.beginStep(request);
      return;
    }
    this.observer.phaseDone(request, phase, now);
    this.tables.release(request.table);
    request.phase++;
    if (request.phase < request.job.plan.phases.length) {
      request.table = this.takeTable(request.job, request.phase);
      this.beginPhase(request);
      return;
    }
    this.active.splice(this.active.indexOf(request), 1);
    this.parts.wishes?.leave(request);
    this.observer.requestDone(request, now);
    if (usesMemory(request.job)) this.parts.swaps?.ended(request, now);
    this.end(request.job);
    this.admit();
  }

  /** A request is over, served or not: what waits for its end may come. */
  private end(job: Job): void {
    this.finished++;
    this.queues.leave(job);
    this.parts.load?.leave(job, this.kernel.now);
    for (const next of this.parts.follow?.(this.jobs.length, this.kernel.now, job) ?? []) {
      const index = this.jobs.push(next) - 1;
      this.kernel.at(next.arrival, PRECEDENCE.arrival, EVENT.arrival, index);
    }
  }
}
