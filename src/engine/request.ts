/** Requests under way, and what the dispatcher tells those who record them. */
import type { Seconds } from '../base/units.ts';
import type { Phase, RequestPlan } from '../workload/graph.ts';
import type { TaskTable } from './task-table.ts';

export interface Job {
  readonly plan: RequestPlan;
  readonly arrival: Seconds;
  /** Smaller is more urgent; takes effect at operator boundaries. */
  readonly priority: number;
}

/** Asked after a request has ended: the next one of a closed loop, arriving at `now` or later, or nothing more. */
export type JobSource = (index: number, now: Seconds) => Job | undefined;

/** One request under way. */
export interface Active {
  readonly job: Job;
  readonly index: number;
  phase: number;
  step: number;
  table: TaskTable;
  pending: Int32Array;
  left: number;
  stepStart: Seconds;
  /** Ledger row of each cell of the present phase; −1 until used. */
  rows: Int32Array;
}

/** Called at simulated `now`, in order; must not change the simulation. */
export interface RunObserver {
  /** A graph was placed and costed, before its first operator runs. */
  phaseCompiled(table: TaskTable): void;
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
  requestDone(request: Active, now: Seconds): void;
}
