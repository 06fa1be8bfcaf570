/** `socsim sweep`: every combination of axis values, on all cores, as a CSV or Parquet table. */
import { formatMetric, intervalText, metricLabel } from '../analysis/metric-text.ts';
import { paretoFront } from '../analysis/pareto.ts';
import { runTasks } from '../analysis/pool.ts';
import { ranksOf } from '../analysis/rank.ts';
import { sweepTasks } from '../analysis/sweep.ts';
import type { SweepResult, SweepTask } from '../analysis/sweep-run.ts';
import {
  parseAxis,
  parseSweep,
  plainPath,
  pointsOf,
  type SweepSpec,
} from '../analysis/sweep-spec.ts';
import { type Cell, checkTableName, openJournal, writeTable } from '../analysis/table-file.ts';
import { SpecError } from '../base/errors.ts';
import { parseSpecFile, requireMap, type SpecFile } from '../base/spec-file.ts';
import { metrics as catalogue, type Metric } from '../engine/metrics.ts';
import type { Interval } from '../engine/run.ts';
import { fileSources, readUserFile } from '../load.ts';
import type { Args, Command } from './command.ts';
import { EXIT } from './exit.ts';
import { wholeOption } from './parse.ts';
import { overridesOf, scenarioOf, scenarioOptions } from './scenario-options.ts';
import { coloursFor, renderTable, startProgress } from './terminal.ts';

export const sweep: Command = {
  name: 'sweep',
  summary:
    'what-if sweep over any value of the descriptions, on all cores; Pareto front of the objectives',
  examples: [
    'socsim sweep --soc dimensity-9300 --workload llama-2-7b-chat --axis "npu.clock=npu.clock * 0.5,npu.clock,npu.clock * 1.5" --axis "memory.rate=7500 MT/s,8533 MT/s,9600 MT/s" --out sweep.csv',
    'socsim sweep my-sweep.yaml --out sweep.parquet --threads 2',
  ],
  positionals: { spec: { usage: '[SPEC]', summary: 'sweep file: scenario, axes, objectives' } },
  options: {
    ...scenarioOptions,
    axis: {
      type: 'array',
      summary: 'one axis: a path and its values, expressions allowed; repeat for a grid',
      value: 'PATH=V,V,…',
    },
    objective: {
      type: 'array',
      summary: 'metric to judge by (socsim list metrics); the first two make the Pareto front',
      value: 'METRIC',
    },
    out: { type: 'string', summary: 'table to write: .csv or .parquet', value: 'FILE' },
    threads: { type: 'number', summary: 'worker threads (all cores)', value: 'N' },
    json: { type: 'boolean', summary: 'print all points as JSON' },
  },
  run: async (args) => {
    const { spec, file } = sweepOf(args);
    const threads = wholeOption(args, 'threads');
    const out = args['out'] as string | undefined;
    if (out !== undefined) checkTableName(out);
    const points = pointsOf(spec.axes);
    const tasks = await sweepTasks(spec, points, fileSources(), file);
    const journal = out === undefined ? undefined : openJournal(out, columnsOf(spec));
    const { results, interrupted } = await runAll(tasks, threads, (result) =>
      journal?.append(rowOf(spec, tasks, result)),
    );
    if (out !== undefined) {
      await writeTable(
        out,
        columnsOf(spec),
        withRanks(spec, results).map(([result, rank]) => rowOf(spec, tasks, result, rank)),
      );
      journal?.close();
    }
    refuseOneFault(results);
    if (args['json'] === true)
      console.log(JSON.stringify(jsonOf(spec, tasks, results), undefined, 2));
    else console.log(describe(spec, tasks, results, out));
    if (interrupted) return EXIT.interrupted;
    return exitOf(results);
  },
};

/** A table in which every line is the same fault says no more than the fault does. @throws SpecError */
function refuseOneFault(results: readonly SweepResult[]): void {
  const messages = new Set(results.map(({ status, message }) => status === 'invalid' && message));
  const [message] = messages;
  if (messages.size !== 1 || !message) return;
  const hint = results.length > 1 ? `the same for all ${results.length} points` : '';
  throw new SpecError([{ message, hint }]);
}

/** Points that could not run keep their place in the table; the exit code says that there are some. */
function exitOf(results: readonly SweepResult[]): number | undefined {
  if (results.some(({ status }) => status === 'invalid')) return EXIT.badInput;
  return results.every(({ status }) => status === 'infeasible') ? EXIT.infeasible : undefined;
}

function sweepOf(args: Args): { spec: SweepSpec; file: string } {
  const path = args['spec'] as string | undefined;
  const axes = axesOf(args);
  const objectives = args['objective'] as readonly string[] | undefined;
  if (path !== undefined) {
    refuseScenarioOptions(args);
    const { file, text } = readUserFile(path);
    const written = parseSpecFile(text, file);
    const data = requireMap(written, 'sweep', ['scenario', 'axes', 'objectives']);
    const laid = {
      ...data,
      axes: { ...(data['axes'] as object), ...axes },
      ...(objectives && { objectives }),
    };
    return { spec: parseSweep({ ...written, data: laid }), file };
  }
  if (Object.keys(axes).length === 0) {
    throw new SpecError([
      {
        message: 'a sweep needs at least one --axis, or a sweep file',
        hint: 'socsim sweep --help shows both',
      },
    ]);
  }
  const { version: _, ...scenario } = scenarioOf(args, undefined).data as Record<string, unknown>;
  const set = overridesOf(args);
  const spec: SpecFile = {
    file: 'command line',
    data: {
      version: 1,
      scenario: { ...scenario, ...(set.length > 0 && { set }) },
      axes,
      ...(objectives && { objectives }),
    },
    faults: [],
    locate: () => ({}),
  };
  return { spec: parseSweep(spec), file: 'command line' };
}

/** A sweep file holds its scenario; options for one would change nothing. @throws SpecError */
function refuseScenarioOptions(args: Args): void {
  const given = Object.keys(scenarioOptions).filter((name) => args[name] !== undefined);
  if (given.length === 0) return;
  throw new SpecError(
    given.map((name) => ({
      path: `--${name}`,
      message: 'has no effect beside a sweep file',
      hint: 'put it under scenario: in the file',
    })),
  );
}

/** @throws SpecError for a path that is varied twice, or set and varied: one of the two would be lost. */
function axesOf(args: Args): Readonly<Record<string, readonly string[]>> {
  const axes = ((args['axis'] as readonly string[] | undefined) ?? []).map(parseAxis);
  const paths = axes.map(([path]) => plainPath(path));
  const twice = [...new Set(paths.filter((path, i) => paths.indexOf(path) < i))];
  const set = overridesOf(args).map((text) =>
    plainPath(text.slice(0, Math.max(0, text.indexOf('=')))),
  );
  const both = [...new Set(paths)].filter((path) => set.includes(path));
  const faults = [
    ...twice.map((path) => ({
      path: '--axis',
      message: `"${path}" is given twice`,
      hint: 'put all its values into one --axis',
    })),
    ...both.map((path) => ({
      path: '--axis',
      message: `"${path}" is also given by --set`,
      hint: 'leave one of the two out',
    })),
  ];
  if (faults.length > 0) throw new SpecError(faults);
  return Object.fromEntries(axes);
}

/** Ctrl-C ends after the points under way; a second one ends at once. */
async function runAll(
  tasks: readonly SweepTask[],
  threads: number | undefined,
  finished: (result: SweepResult) => void,
) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop);
  const results: SweepResult[] = [];
  const progress = startProgress('sweep', tasks.length);
  try {
    await runTasks(tasks, {
      threads,
      signal: abort.signal,
      onResult: (result) => {
        results.push(result);
        finished(result);
        progress.update(results.length);
      },
    });
  } finally {
    progress.stop();
    process.off('SIGINT', stop);
  }
  results.sort((a, b) => a.index - b.index);
  return { results, interrupted: abort.signal.aborted };
}

function columnsOf(spec: SweepSpec): string[] {
  return [
    'point',
    ...Object.keys(spec.axes),
    'status',
    'message',
    'limited_by',
    'rank',
    ...Object.keys(catalogue),
    ...BANDED.flatMap((id) => [`${id}_low`, `${id}_high`]),
  ];
}

function rowOf(
  spec: SweepSpec,
  tasks: readonly SweepTask[],
  result: SweepResult,
  rank: number | null = null,
): Cell[] {
  const { values } = tasks[result.index]!;
  return [
    result.index,
    ...Object.keys(spec.axes).map((axis) => values[axis]!),
    result.status,
    result.message,
    result.limit,
    rank,
    ...Object.keys(catalogue).map((id) => result.metrics[id] ?? null),
    ...BANDED.flatMap((id) => [
      result.intervals[id]?.low ?? null,
      result.intervals[id]?.high ?? null,
    ]),
  ];
}

function jsonOf(
  spec: SweepSpec,
  tasks: readonly SweepTask[],
  results: readonly SweepResult[],
): unknown {
  return withRanks(spec, results).map(([{ index, inputs: _, ...rest }, rank]) => ({
    point: index,
    values: tasks[index]!.values,
    rank,
    ...rest,
  }));
}

/** Metrics that intervals are known of. */
const BANDED = [
  'time_to_first_token_seconds',
  'prefill_tokens_per_second',
  'decode_tokens_per_second',
  'time_per_output_token_seconds',
  'request_latency_seconds',
];

function bandedText(id: string, value: number, interval: Interval | undefined): string {
  const text = formatMetric(id, value);
  return interval ? `${text} (${intervalText(id, interval)})` : text;
}

/** Each result with its rank by the first objective: points that cannot be told apart share one. */
function withRanks(
  spec: SweepSpec,
  results: readonly SweepResult[],
): (readonly [SweepResult, number | null])[] {
  const [name] = spec.objectives;
  if (name === undefined) return results.map((result) => [result, null]);
  const { better } = (catalogue as Readonly<Record<string, Metric>>)[name] as Metric;
  const ranks = ranksOf(results, name, better ?? 'higher');
  return results.map((result, i) => [result, ranks[i] ?? null]);
}

/** Rows of the table on the terminal; the rest is in the file. */
const MAX_ROWS = 24;

function describe(
  spec: SweepSpec,
  tasks: readonly SweepTask[],
  results: readonly SweepResult[],
  out: string | undefined,
): string {
  const colours = coloursFor(process.stdout);
  const axes = Object.keys(spec.axes);
  const objectives = spec.objectives.slice(0, 2).map((name) => ({
    name,
    better: ((catalogue as Readonly<Record<string, Metric>>)[name] as Metric).better ?? 'higher',
  }));
  const values = results.map((result) =>
    objectives.map(({ name }) => result.metrics[name] ?? Number.NaN),
  );
  const front = new Set(paretoFront(values, objectives));
  const ranks = withRanks(spec, results).map(([, rank]) => rank);
  const shown = results
    .map((result, i) => ({ result, i }))
    .sort((a, b) => Number(front.has(b.i)) - Number(front.has(a.i)) || a.i - b.i)
    .slice(0, MAX_ROWS);
  const rows = shown.map(({ result, i }) => [
    front.has(i) ? '*' : '',
    ranks[i] === null ? '' : String(ranks[i]),
    ...axes.map((axis) => tasks[result.index]!.values[axis]!),
    ...spec.objectives.map((id) =>
      result.metrics[id] === undefined
        ? result.status
        : bandedText(id, result.metrics[id], result.intervals[id]),
    ),
    result.status === 'ok' ? result.limit : result.message,
  ]);
  const table = renderTable(
    [
      { header: '' },
      { header: 'rank', align: 'right' as const },
      ...axes.map((header) => ({ header })),
      ...spec.objectives.map((id) => ({ header: metricLabel(id), align: 'quantity' as const })),
      { header: 'limited by', wrap: true },
    ],
    rows,
  );
  const hidden = results.length - rows.length;
  const failed = results.filter(({ status }) => status !== 'ok').length;
  return [
    table,
    '',
    `${results.length} of ${tasks.length} points${failed > 0 ? `, ${failed} of them not runnable` : ''}; * on the Pareto front of ${objectives.map(({ name }) => metricLabel(name)).join(' and ')}; equal ranks in ${metricLabel(spec.objectives[0] ?? '')} cannot be told apart`,
    ...[...new Set(results.flatMap(({ idle = [] }) => idle))].map((note) => `note: ${note}`),
    ...(hidden > 0
      ? [colours.dim(`${hidden} more points are in the table file (--out) or in --json`)]
      : []),
    ...(out === undefined ? [] : [`Wrote ${out}`]),
  ].join('\n');
}
