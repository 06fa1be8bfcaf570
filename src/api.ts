/** What `import { … } from "socsim"` offers: the command line's work as functions. */
import { runTasks } from './analysis/pool.ts';
import { sweepTasks } from './analysis/sweep.ts';
import { type SweepResult, scenarioFile } from './analysis/sweep-run.ts';
import { parseSweep, pointsOf } from './analysis/sweep-spec.ts';
import { buildSimulation, prepare } from './engine/prepare.ts';
import type { Run } from './engine/run.ts';
import { simulate as simulatePrepared } from './engine/simulation.ts';
import { parseSoc, type SocSpec } from './hardware/soc-spec.ts';
import { type Phone, parsePhone } from './hardware/thermal/phone-spec.ts';
import { fileSources } from './load.ts';
import type { RequestPlan } from './workload/graph.ts';
import { buildWorkload, parseWorkload } from './workload/workload-spec.ts';

/** A checked SoC description, by bundled name or file. @throws SpecError */
export function loadSoc(name: string): SocSpec {
  return parseSoc(fileSources().soc(name));
}

/** A checked phone description, by bundled name or file. @throws SpecError */
export function loadPhone(name: string): Phone {
  return parsePhone(fileSources().phone(name));
}

/** A workload as phases of operator graphs, by bundled name or file. @throws SpecError */
export function loadWorkload(name: string): RequestPlan {
  const sources = fileSources();
  return buildWorkload(parseWorkload(sources.workload(name), sources.tables), sources.tables, name);
}

/**
 * Simulates one scenario.
 * @param scenario keys of a scenario file: at least `soc` and `workload`.
 * @param set `path=value` texts, as `--set` takes them.
 * @throws SpecError for bad input, InfeasibleError for what cannot run.
 */
export function simulate(
  scenario: Readonly<Record<string, unknown>>,
  set: readonly string[] = [],
): Run {
  const sources = fileSources();
  const prepared = prepare(scenarioFile(scenario, 'scenario'), set, sources);
  return simulatePrepared(buildSimulation(prepared, set, sources));
}

/**
 * Simulates every combination of axis values, on all cores.
 * @param spec keys of a sweep file: `scenario`, `axes`, and optionally `objectives`.
 * @returns one result per point, in grid order (the last axis varies fastest).
 */
export async function sweep(
  spec: Readonly<Record<string, unknown>>,
  options: { readonly threads?: number } = {},
): Promise<SweepResult[]> {
  const parsed = parseSweep(scenarioFile(spec, 'sweep'));
  const tasks = await sweepTasks(parsed, pointsOf(parsed.axes), fileSources(), 'sweep');
  const results: SweepResult[] = [];
  await runTasks(tasks, { threads: options.threads, onResult: (result) => results.push(result) });
  return results.sort((a, b) => a.index - b.index);
}
