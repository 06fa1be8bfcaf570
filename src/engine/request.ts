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

/** One operator that has ended on a unit. */
export interface OperatorDone {
  readonly unit: number;
  readonly request: Active;
  readonly operator: number;
  readonly start: Seconds;
  readonly end: Seconds;
  /** Index into `CAUSES`. */
  readonly cause: number;
}

/** Called at simulated `now`, in order; must not change the simulation. */
export interface RunObserver {
  requestStarted(request: Active, now: Seconds): void;
  phaseStarted(request: Active, now: Seconds): void;
  operatorDone(done: OperatorDone): void;
  stepDone(request: Active, phase: Phase, now: Seconds): void;
  phaseDone(request: Active, phase: Phase, now: Seconds): void;
  requestDone(request: Active, now: Seconds): void;
}
