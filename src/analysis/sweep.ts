/** Axes → scenarios → results, inline or on threads; the same bytes whichever, and in whatever order they finish. */
import { InfeasibleError, SpecError } from '../base/errors.ts';
import { dimensionOf, formatQuantity, parseQuantity } from '../base/quantity.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { resolvePath, valueAt } from '../engine/overrides.ts';
import { buildSimulation, overrideRoots, prepare, type Sources } from '../engine/prepare.ts';
import { simulate } from '../engine/simulation.ts';
import { evaluateExpression, isExpression, type ValueOf } from './expression.ts';
import type { SweepPoint, SweepSpec } from './sweep-spec.ts';

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
  /** What limited the last phase. */
  readonly limit: string;
}

/** A scenario that exists in memory only; faults name the sweep. */
export function scenarioFile(data: Readonly<Record<string, unknown>>, file: string): SpecFile {
  return { file, data: { version: 1, ...data }, faults: [], locate: () => ({}) };
}

/**
 * Turns points into tasks; axes named `scenario.x` or a scenario key set the scenario, all others a description.
 * @throws SpecError for unknown paths and expressions that cannot be computed, before anything runs.
 */
export function sweepTasks(
  spec: SweepSpec,
  points: readonly SweepPoint[],
  sources: Sources,
  file: string,
): SweepTask[] {
  const baselines = new Map<string, ValueOf>();
  return points.map(({ index, values }) => {
    const axes = Object.entries(values);
    const chosen = axes.filter(([path]) => SCENARIO_KEYS.has(path));
    const scenario = {
      ...spec.scenario,
      ...Object.fromEntries(chosen.map(([path, text]) => [path, asScalar(text)])),
    };
    const key = JSON.stringify(scenario);
    const read = baselines.get(key) ?? baselineOf(scenario, sources, file);
    baselines.set(key, read);
    const set = axes
      .filter(([path]) => !SCENARIO_KEYS.has(path))
      .map(([path, text]) => [path, evaluated(path, text, read)] as const);
    return {
      index,
      scenario,
      overrides: set.map(([path, text]) => `${path}=${text}`),
      values: {
        ...values,
        ...Object.fromEntries(set.map(([path, text]) => [path, readable(text)])),
      },
    };
  });
}

/** What the descriptions say before the sweep changes them. */
function baselineOf(
  scenario: Readonly<Record<string, unknown>>,
  sources: Sources,
  file: string,
): ValueOf {
  const roots = overrideRoots(scenarioFile(scenario, file), sources);
  return (path) => String(valueAt(roots, resolvePath(roots, path)));
}

function evaluated(path: string, text: string, read: ValueOf): string {
  // Reading it first makes an unknown path a fault before anything runs.
  read(path);
  return isExpression(text) ? evaluateExpression(text, path, read) : text;
}

/** `732500000 Hz` → `732.5 MHz`. */
function readable(text: string): string {
  const dimension = dimensionOf(text);
  const parsed = dimension && parseQuantity(text, dimension);
  return dimension && parsed && 'value' in parsed
    ? formatQuantity(parsed.value, dimension, 6)
    : text;
}

/** Axes that choose descriptions or software instead of changing a number. */
const SCENARIO_KEYS = new Set([
  'soc',
  'phone',
  'workload',
  'policy',
  'unit',
  'decodeUnit',
  'governor',
  'thermalGovernor',
  'runtime',
  'fidelity',
  'repeat',
  'seed',
]);

function asScalar(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** Runs one point. Bad input and infeasible points are results, bugs are thrown. */
export function runTask(task: SweepTask, sources: Sources): SweepResult {
  const base = { index: task.index, metrics: {}, limit: '' };
  try {
    const prepared = prepare(scenarioFile(task.scenario, 'sweep'), task.overrides, sources);
    const run = simulate(buildSimulation(prepared, task.overrides, sources));
    return {
      ...base,
      status: 'ok',
      message: '',
      metrics: run.metrics,
      limit: run.phases.at(-1)?.limit ?? '',
    };
  } catch (error) {
    if (error instanceof InfeasibleError)
      return { ...base, status: 'infeasible', message: error.message };
    if (error instanceof SpecError) return { ...base, status: 'invalid', message: error.message };
    throw error;
  }
}
