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
  /** How reports call each phase: its name, numbered where the name comes back after others. */
  readonly labels: readonly string[];
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
