/** Requests under way, and what the dispatcher tells those who record them. */
import type { Seconds } from '../base/units.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { Phase, RequestPlan } from '../workload/graph.ts';
import type { LoadReport } from './load-plan.ts';
import type { Routes } from './offload/plans.ts';
import type { OffloadOptions, OffloadPolicy } from './offload/policies.ts';
import type { TaskTable } from './task-table.ts';

export interface Job {
  readonly plan: RequestPlan;
  readonly arrival: Seconds;
  /** Smaller is more urgent; takes effect at operator boundaries. */
  readonly priority: number;
  /** The workload it belongs to, where several share the phone. */
  readonly lane?: Lane;
  /** Who answers, where a cloud may. */
  readonly answeredBy?: 'local' | 'cloud' | 'hybrid';
  /** What it has to do where the cache that `plan` counts on is lost. */
  readonly whole?: RequestPlan;
}

/** Requests of an equal model share its weights. */
export function modelOf({ model, name }: RequestPlan): string {
  return model ?? name;
}

/** One of several workloads that share a phone: its requests queue behind each other and are reported together. */
export interface Lane {
  readonly name: string;
  /** From the arrival of a request to its last output; what is later counts as missed. */
  readonly deadline?: Seconds;
  /** What becomes of a request that has missed its deadline before it could start. */
  readonly late: 'serve' | 'skip';
  /** Requests of the workload under way at the same time. */
  readonly concurrent: number;
  /** Who may answer its requests beside the phone, and by which rule. */
  readonly offload?: Offload;
  /** Workloads of one session add to one key–value cache, turn by turn. */
  readonly session?: string;
  /** Where its operators run; the simulation's policy unless given. */
  readonly policy?: SchedulingPolicy;
}

export interface Offload {
  readonly policy: OffloadPolicy;
  readonly options: OffloadOptions;
  /** The same request as others answer it. */
  readonly routes: Routes;
}

/** When a job has to be done; Infinity where nobody says. */
export function dueAt({ arrival, lane }: Job): Seconds {
  return arrival + (lane?.deadline ?? Number.POSITIVE_INFINITY);
}

/** Under which name a request is accounted for: its workload's where several share the phone, else its own. */
export function requestLabel({ plan, lane }: Job): string {
  return lane?.name ?? plan.name;
}

/** Asked after a request has ended: what follows it, arriving at `now` or later. `index` is the number of jobs so far. */
export type JobSource = (index: number, now: Seconds, ended: Job) => readonly Job[];

/** One request under way. */
export interface Active {
  job: Job;
  readonly index: number;
  phase: number;
  step: number;
  table: TaskTable;
  pending: Int32Array;
  left: number;
  stepStart: Seconds;
  /** Seconds that units worked for the present step. */
  served: Seconds;
  /** Units that work for it now, since when one did at all, and how long until then. */
  running: number;
  busySince: Seconds;
  busy: Seconds;
  /** Operators that wait, by unit; the first to run last, so that `pop` takes it. */
  ready: number[][];
  /** How often a unit was taken from it before its step was over. */
  preemptions: number;
  /** How reports call each phase: its name, numbered where the name comes back after others. */
  labels: readonly string[];
  /** Ledger row of each cell of the present phase; −1 until used. */
  rows: Int32Array;
  /** Where data are protected, by operator of the present step: not 0 where the guard is asked before it starts. */
  care: Uint8Array | undefined;
}

/** Called at simulated `now`, in order; must not change the simulation. */
export interface RunObserver {
  /** A graph was placed and costed, before its first operator runs. */
  phaseCompiled(table: TaskTable): void;
  /** It may have to wait, for its turn or for its model. */
  requestArrived(job: Job, now: Seconds): void;
  requestStarted(request: Active, now: Seconds): void;
  phaseStarted(request: Active, now: Seconds): void;
  /** One operator has ended; plain arguments, for this is the innermost call. `cause` is an index into `CAUSES`. */
  operatorDone(
    unit: number,
    request: Active,
    operator: number,
    start: Seconds,
    end: Seconds,
    cause: number,
  ): void;
  stepDone(request: Active, phase: Phase, now: Seconds): void;
  phaseDone(request: Active, phase: Phase, now: Seconds): void;
  /** The model that a request waited for came from storage. */
  modelLoaded(request: Active, report: LoadReport): void;
  requestDone(request: Active, now: Seconds): void;
  /** A request was late before it began, and its workload skips what is late. */
  requestSkipped(job: Job, now: Seconds): void;
}

/** Checks what operators access, before they do; the one part that may hold them up. */
export interface AccessGuard {
  /**
   * A step is about to begin: everything that it will access is looked at.
   * @returns by operator, 0 where that was all; the others come by `admit`, one by one.
   */
  openStep(request: Active, now: Seconds): Uint8Array;
  /**
   * An operator is about to start on an idle unit.
   * @returns seconds that it waits before its launch.
   * @throws SecurityFault where an access must not be.
   */
  admit(unit: number, request: Active, operator: number, now: Seconds): Seconds;
  /** It has started: what its admission left to take from it, or to charge it with. */
  started(unit: number): void;
  stepDone(request: Active, phase: Phase, now: Seconds): void;
  /** Rates of memory have changed while models are on their way: waiting for them ends sooner or later than it was said. */
  follow(now: Seconds): void;
}

/** `encoder, decode, encoder, decode` → `encoder, decode, encoder 2, decode 2`; neighbours of one name share it. */
export function phaseLabels(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  const labels: string[] = [];
  for (const [i, name] of names.entries()) {
    if (i > 0 && names[i - 1] === name) {
      labels.push(labels[i - 1] as string);
      continue;
    }
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    labels.push(count === 1 ? name : `${name} ${count}`);
  }
  return labels;
}
