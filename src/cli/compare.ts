/** `socsim compare`: several SoCs, workloads or scenario files side by side. */
import { formatMetric, metricLabel } from '../analysis/metric-text.ts';
import { InfeasibleError, SecurityFault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { separable, sharesError } from '../engine/bands.ts';
import { READS_WHOLE, RUNS_AS_IT_COMES } from '../engine/cold-notes.ts';
import { HELD_BACK } from '../engine/held-clocks.ts';
import { metrics as catalogue, type Metric } from '../engine/metrics.ts';
import { buildSimulation, prepare } from '../engine/prepare.ts';
import type { Run } from '../engine/run.ts';
import { simulate } from '../engine/simulation.ts';
import { fileSources, listBundled, SCENARIOS } from '../load.ts';
import { policies } from '../runtime/policies/index.ts';
import type { Args, Command } from './command.ts';
import { type Ending, endingOf } from './exit.ts';
import { overridesOf, scenarioOf, scenarioOptions } from './scenario-options.ts';
import { coloursFor, renderTable } from './terminal.ts';
import { workloadTable } from './workload-table.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'several SoCs, workloads or scenarios side by side, each against the first that runs',
  examples: [
    'socsim compare dimensity-9300 snapdragon-8-gen-3 --workload llama-2-7b-chat',
    'socsim compare llama-2-7b-chat gemma-2b-chat --soc dimensity-9300',
    'socsim compare today.yaml next-year.yaml',
    'socsim compare game-characters agent-session',
    'socsim compare --policy single-unit,tensor-split,energy-aware --soc snapdragon-8-gen-3 --workload llama-3-8b-chat',
    'socsim compare --security none,weights,all,naive,pipelined --soc dimensity-9300 --workload llama-2-7b-chat',
  ],
  positionals: {
    items: {
      usage: '[NAME..]',
      summary:
        'SoCs, workloads, scenarios by name or file; two or more, or several names at --security or --policy',
    },
  },
  options: {
    ...scenarioOptions,
    policy: {
      type: 'string',
      summary: `who runs what; several with commas are compared (${Object.keys(policies).join(', ')})`,
      value: 'A,B,…',
    },
    json: { type: 'boolean', summary: 'print JSON for machines' },
  },
  run: async (args) => {
    const entries = entriesOf(args);
    if (entries.length < 2) {
      throw new SpecError([
        { message: 'compare needs at least two names', hint: 'socsim compare A B --workload W' },
      ]);
    }
    const columns = entries.map(columnOf);
    const first = columns.find(({ run }) => run)?.run;
    if (args['json'] === true) {
      console.log(
        JSON.stringify(
          columns.map((column) => jsonOf(column, first)),
          undefined,
          2,
        ),
      );
    } else console.log(describe(columns));
    return columns.find(({ ending }) => ending)?.ending?.code;
  },
};

/** A run, or why there is none. */
interface Column {
  readonly name: string;
  readonly run?: Run;
  readonly ending?: Ending;
}

/** What cannot run takes nothing from the others; bad input does: that is none of the things to compare. */
function columnOf(entry: Entry): Column {
  const { name } = entry;
  try {
    return { name, run: runOf(entry) };
  } catch (error) {
    if (error instanceof InfeasibleError || error instanceof SecurityFault)
      return { name, ending: endingOf(error) };
    throw error;
  }
}

function jsonOf({ name, run, ending }: Column, first: Run | undefined) {
  if (!run) return { name, exitCode: ending?.code, error: ending?.text };
  return {
    name,
    inputs: run.inputs,
    metrics: run.metrics,
    intervals: run.intervals ?? {},
    separable: first ? separableFrom(run, first) : {},
    phases: run.phases,
    ...(run.workloads && { workloads: run.workloads }),
  };
}

interface Entry {
  readonly name: string;
  /** Absent where only the protection differs. */
  readonly item: string | undefined;
  readonly args: Args;
}

/** Options whose names may be several, each compared. */
const COMPARED = ['security', 'policy'] as const;

/** Every name with every one of several names at an option. */
function entriesOf(args: Args): Entry[] {
  const items = (args['items'] as readonly string[] | undefined) ?? [];
  const start: Entry[] = items.map((item) => ({ name: item, item, args }));
  checkPolicies(namesAt(args, 'policy'));
  return COMPARED.reduce<Entry[]>((entries, option) => {
    const named = namesAt(args, option);
    if (named.length < 2) return entries;
    const each = entries.length > 0 ? entries : [{ name: '', item: undefined, args }];
    return each.flatMap((entry) =>
      named.map((value) => ({
        name: entry.name === '' ? value : `${entry.name}, ${value}`,
        item: entry.item,
        args: { ...entry.args, [option]: value },
      })),
    );
  }, start);
}

function namesAt(args: Args, option: string): string[] {
  return (args[option] as string | undefined)?.split(',').map((name) => name.trim()) ?? [];
}

/** @throws SpecError for names that are no policy, with the nearest. */
function checkPolicies(names: readonly string[]): void {
  const known = Object.keys(policies);
  const faults = names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: '--policy',
      message: `no policy "${name}"`,
      hint: nearestHint(name, known),
    }));
  if (faults.length > 0) throw new SpecError(faults);
}

function runOf({ item, args }: Entry): Run {
  const sources = fileSources();
  const overrides = overridesOf(args);
  const scenario = item === undefined ? scenarioOf(args, undefined) : scenarioFor(item, args);
  return simulate(buildSimulation(prepare(scenario, overrides, sources), overrides, sources));
}

/** A name stands for whatever the other options leave open: a scenario file, a SoC, or a workload. */
function scenarioFor(item: string, args: Args): SpecFile {
  const isFile = /[/\\]|\.ya?ml$/.test(item);
  const [socs, workloads, scenarios] = (['socs', 'workloads', SCENARIOS] as const).map((folder) =>
    listBundled(folder, '.yaml'),
  ) as [string[], string[], string[]];
  const isOpen = args['soc'] === undefined && args['workload'] === undefined;
  if (isOpen && !isFile && ![...socs, ...scenarios].includes(item)) {
    const hint = nearestHint(item, [...socs, ...scenarios]);
    throw new SpecError([{ message: `no SoC and no scenario "${item}"`, hint }]);
  }
  const isScenario = isFile
    ? isOpen
    : scenarios.includes(item) && ![...socs, ...workloads].includes(item);
  if (isScenario) return scenarioOf(args, item);
  const knownWorkload = !isFile && workloads.includes(item);
  const key =
    args['soc'] !== undefined && (knownWorkload || args['workload'] === undefined)
      ? 'workload'
      : 'soc';
  return scenarioOf({ ...args, [key]: item }, undefined);
}

function describe(columns: readonly Column[]): string {
  const { bold } = coloursFor(process.stdout);
  const base = columns.findIndex(({ run }) => run);
  const failed = columns.flatMap(({ name, ending }) => (ending ? [`${name}: ${ending.text}`] : []));
  const reasons = failed.length > 0 ? ['', bold('cannot run'), ...failed] : [];
  if (base < 0) return reasons.slice(1).join('\n');
  const shared = columns.flatMap(({ name, run }) =>
    run?.workloads ? ['', bold(name), workloadTable(run.workloads)] : [],
  );
  const limits = columns.flatMap(({ name, run }) => (run ? limitsOf(name, run) : []));
  return [
    metricTable(columns, base),
    ...shared,
    '',
    bold('limited by'),
    ...limits,
    ...unlike(columns),
    ...reasons,
  ].join('\n');
}

/** What a reader of columns side by side could take for the effect of something else. */
function unlike(columns: readonly Column[]): string[] {
  const said = (note: string) => columns.some(({ run }) => run?.notes.includes(note));
  if (!said(READS_WHOLE) || !said(RUNS_AS_IT_COMES)) return [];
  return ['', coloursFor(process.stdout).dim(`note: ${RUNS_AS_IT_COMES}`)];
}

/** @param base the column that the others are compared with: the first that runs. */
function metricTable(columns: readonly Column[], base: number): string {
  const first = columns[base]!.run as Run;
  const ids = Object.keys(catalogue).filter((id) =>
    columns.some(({ run }) => run?.metrics[id] !== undefined),
  );
  const rows = ids.map((id) => [
    metricLabel(id),
    ...columns.flatMap(({ run }, i) => {
      const value = run?.metrics[id];
      const text = value === undefined ? '–' : formatMetric(id, value);
      return i === base ? [text] : [text, run ? verdict(id, run, first) : ''];
    }),
  ]);
  const headers = [
    { header: 'metric' },
    ...columns.flatMap(({ name, run }, i) => [
      { header: run ? name : `${name} (cannot run)`, align: 'quantity' as const },
      ...(i === base ? [] : [{ header: `vs ${columns[base]!.name}`, align: 'right' as const }]),
    ]),
  ];
  return renderTable(headers, rows);
}

/** What each kind of phase waited for most, and which clocks were held: the same phase of a later request adds a line only where it differs. */
function limitsOf(name: string, { phases, notes }: Run): string[] {
  const parts = phases.map(({ phase, units, limit, bandwidthBound }) => {
    const bound = bandwidthBound ? ` (${bandwidthBound})` : '';
    return `${phase} on ${units.join('+')}: ${limit}${bound}`;
  });
  const held = notes.filter((note) => note.startsWith(HELD_BACK));
  const different = [...new Set(parts)].slice(0, SHOWN_PHASES);
  return [`${name}: ${different.join(', ')}`, ...held.map((note) => `${name}: ${note}`)];
}

const SHOWN_PHASES = 4;

/** The ratio to the first, unless their intervals meet. */
function verdict(id: string, run: Run, first: Run): string {
  const ratio = ratioText(id, run.metrics[id], first.metrics[id]);
  return separableFrom(run, first)[id] === false ? `not separable (${ratio})` : ratio;
}

/** For every metric with intervals on both sides, whether one can be told from the other. */
function separableFrom(run: Run, first: Run): Record<string, boolean> {
  if (run === first || sharesError(run.inputs, first.inputs)) return {};
  const ids = Object.keys(run.intervals ?? {}).filter((id) => first.intervals?.[id]);
  const side = (of: Run, id: string) => ({ value: of.metrics[id]!, interval: of.intervals?.[id] });
  return Object.fromEntries(ids.map((id) => [id, separable(side(run, id), side(first, id))]));
}

/** Temperatures differ by kelvins, everything else by factors. */
function ratioText(id: string, value: number | undefined, base: number | undefined): string {
  if (value === undefined || base === undefined) return '';
  const { unit } = (catalogue as Readonly<Record<string, Metric>>)[id] as Metric;
  if (unit === '°C') {
    const kelvins = Math.abs(value - base).toFixed(1);
    if (Number(kelvins) === 0) return 'same';
    return `${value > base ? '+' : '−'}${kelvins} K`;
  }
  if (base === 0) return value === 0 ? 'same' : '';
  return `×${Number((value / base).toPrecision(3))}`;
}
