/** Runs one point of a sweep: plain data in and out, so that it may cross to a thread; loads nothing slow. */
import { InfeasibleError, SpecError } from '../base/errors.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { buildSimulation, prepare, type Sources } from '../engine/prepare.ts';
import type { Interval, RunInputs } from '../engine/run.ts';
import { simulate } from '../engine/simulation.ts';
import { tellsIdle } from '../engine/weight-notes.ts';

/** What a thread is handed: plain data. */
export interface SweepTask {
  readonly index: number;
  readonly scenario: Readonly<Record<string, unknown>>;
  /** `path=value` texts, expressions already evaluated. */
  readonly overrides: readonly string[];
  /** What each axis stands at, as people read it: expressions by their value. */
  readonly values: Readonly<Record<string, string>>;
}

export interface SweepResult {
  readonly index: number;
  /** `ok`, or why the point has no metrics. */
  readonly status: 'ok' | 'infeasible' | 'invalid';
  readonly message: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** How well metrics are known, by id. */
  readonly intervals: Readonly<Record<string, Interval>>;
  /** Absent for points that did not run. */
  readonly inputs?: RunInputs;
  /** Values that were changed and did nothing, in words; absent where there are none. */
  readonly idle?: readonly string[];
  /** What limited the last phase. */
  readonly limit: string;
}

/** A scenario that exists in memory only; faults name the sweep. */
export function scenarioFile(data: Readonly<Record<string, unknown>>, file: string): SpecFile {
  return { file, data: { version: 1, ...data }, faults: [], locate: () => ({}) };
}

/** Runs one point. Bad input and infeasible points are results, bugs are thrown. */
export function runTask(task: SweepTask, sources: Sources): SweepResult {
  const base = { index: task.index, metrics: {}, intervals: {}, limit: '' };
  try {
    const prepared = prepare(scenarioFile(task.scenario, 'sweep'), task.overrides, sources);
    const run = simulate(buildSimulation(prepared, task.overrides, sources));
    const idle = run.notes.filter(tellsIdle);
    return {
      ...base,
      status: 'ok',
      message: '',
      metrics: run.metrics,
      intervals: run.intervals ?? {},
      // Hashes of all files are the same for every point and would be most of the message between threads.
      inputs: { ...run.inputs, hashes: {} },
      ...(idle.length > 0 && { idle }),
      limit: run.phases.at(-1)?.limit ?? '',
    };
  } catch (error) {
    if (error instanceof InfeasibleError)
      return { ...base, status: 'infeasible', message: error.message };
    if (error instanceof SpecError) return { ...base, status: 'invalid', message: error.message };
    throw error;
  }
}
