/** `socsim run`: one scenario, told as a table, and as files where --out says. */
import { formatMetric, intervalText, metricLabel } from '../analysis/metric-text.ts';
import { SpecError } from '../base/errors.ts';
import { formatQuantity, parseQuantity } from '../base/quantity.ts';
import { freshTokens } from '../engine/metrics.ts';
import { buildSimulation, prepare } from '../engine/prepare.ts';
import type { PhaseResult, Run } from '../engine/run.ts';
import { simulate } from '../engine/simulation.ts';
import { fileSources } from '../load.ts';
import { FUSION_NAMES } from '../workload/fusion/index.ts';
import { PRECISIONS } from '../workload/fusion/precision.ts';
import { auditLines } from './audit-text.ts';
import type { Args, Command } from './command.ts';
import { DIM_OPTION, parseDims, textsOf } from './model-file.ts';
import {
  describeOverlay,
  layOver,
  measurementsOf,
  overlayFacts,
  overlayOptions,
} from './overlay-options.ts';
import { needs } from './parse.ts';
import { overridesOf, scenarioOf, scenarioOptions } from './scenario-options.ts';
import { coloursFor, counted, renderTable } from './terminal.ts';
import { cloudLines, swapTable, workloadTable } from './workload-table.ts';

export const run: Command = {
  name: 'run',
  summary:
    'simulate one scenario: time to first token, rates, joules, temperatures, and what limits them',
  examples: [
    'socsim run --soc dimensity-9300 --workload llama-2-7b-chat',
    'socsim run --soc snapdragon-8-gen-3 --workload llama-2-7b-chat --policy stage-wise --decode-unit gpu --out out',
    'socsim run agent-session',
    'socsim run --soc snapdragon-8-gen-3 --workload model.onnx --dim batch=1,sequence=128',
    'socsim run --soc dimensity-9300 --workload llama-2-7b-chat --security pipelined',
    'socsim run --soc dimensity-9300 --workload llama-2-7b-chat --set npu.clock=3GHz --set workload.promptTokens=2048',
  ],
  positionals: {
    scenario: {
      usage: '[SCENARIO]',
      summary: 'scenario file, or a name of `socsim list scenarios`; options are laid over it',
    },
  },
  options: {
    ...scenarioOptions,
    dim: DIM_OPTION,
    precision: {
      type: 'string',
      summary: 'for an ONNX workload: run a floating-point model narrower than its file says',
      choices: Object.keys(PRECISIONS),
    },
    fusions: {
      type: 'string',
      summary: `for an ONNX workload: all, none, or names (${FUSION_NAMES.join(', ')})`,
      value: 'NAMES',
    },
    out: { type: 'string', summary: 'folder for report, charts, trace and run.json', value: 'DIR' },
    'heat-at': {
      type: 'string',
      summary: 'instant that the heat map shows (the hottest unless given)',
      value: 'TIME',
    },
    ...overlayOptions,
    json: { type: 'boolean', summary: 'print the run as JSON (without the timeline)' },
  },
  run: async (args) => {
    const sources = fileSources({ onnx: onnxOptions(args) });
    const overrides = overridesOf(args);
    const prepared = prepare(scenarioOf(args), overrides, sources);
    const out = args['out'] as string | undefined;
    const heatAt = timeOf(args['heat-at']);
    needs(args, 'heat-at', 'out');
    const measured = measurementsOf(args);
    // Before simulating, so that an unwritable folder costs nobody a run.
    const writer = out === undefined ? undefined : await import('../analysis/write-run.ts');
    if (out !== undefined) writer?.claimFolder(out);
    const result = simulate(buildSimulation(prepared, overrides, sources));
    const overlay = measured && layOver(result, measured);
    if (args['json'] === true) {
      const { timeline: _, ...summary } = result;
      const facts = overlay ? { ...summary, overlay: overlayFacts(overlay) } : summary;
      console.log(JSON.stringify(facts, undefined, 2));
    } else {
      console.log(describeRun(result));
      if (overlay) console.log(`\n${describeOverlay(overlay)}`);
    }
    if (out === undefined || !writer) return undefined;
    const written = await writer.writeRun(result, out, { at: heatAt, overlay });
    if (args['json'] !== true) console.log(`\nWrote ${written.join(', ')}`);
    return undefined;
  },
};

/** What the command line says about an ONNX file that is the workload: keys of its description. */
function onnxOptions(args: Args): Readonly<Record<string, unknown>> {
  const fusions = args['fusions'] as string | undefined;
  const passes = fusions === 'none' ? [] : fusions?.split(',').map((name) => name.trim());
  return {
    dims: parseDims(textsOf(args['dim'])),
    ...(args['precision'] === undefined ? {} : { precision: args['precision'] }),
    ...(passes === undefined || fusions === 'all' ? {} : { fusions: passes }),
  };
}

/** @throws SpecError when it is no time. */
function timeOf(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const parsed = parseQuantity(text as string, 'time');
  if ('value' in parsed) return parsed.value;
  throw new SpecError([{ path: '--heat-at', message: parsed.fault, got: String(text) }]);
}

/** What a chip architect wants to know, as text. */
export function describeRun(result: Run): string {
  const colours = coloursFor(process.stdout);
  const { inputs } = result;
  const head = `${inputs.soc} in ${inputs.phone} · ${inputs.workload} · ${inputs.policy}, governor ${inputs.governor}, thermal ${inputs.thermalGovernor}, runtime ${inputs.runtime}`;
  return [
    colours.bold(head),
    ...inputs.overrides.map((text) => `  with ${text}`),
    '',
    phaseTable(result),
    '',
    ...(result.workloads ? [workloadTable(result.workloads), ''] : []),
    ...(result.swaps ? [swapTable(result.swaps), ''] : []),
    ...(result.cloud ? [cloudLines(result.cloud), ''] : []),
    metricTable(result),
    '',
    ...fusionLines(result),
    ...compileLines(result),
    memoryLine(result),
    energyLine(result),
    ...calibrationNotes(result).map((note) => colours.dim(`note: ${note}`)),
    ...result.notes.map((note) => colours.dim(`note: ${note}`)),
    ...(result.audit ? auditLines(result.audit) : []),
  ].join('\n');
}

/** Where the intervals come from, once. */
export function calibrationNotes({
  inputs,
  intervals,
}: Pick<Run, 'inputs' | 'intervals'>): string[] {
  const bases = [...new Set(Object.values(intervals ?? {}).map(({ basis }) => basis))];
  if (bases.length === 0) return [];
  const [first] = bases;
  const measured = measuredText(inputs, intervals ?? {});
  const more = bases.length > 1 ? ' (and alike for other metrics)' : '';
  return [
    `${measured}; intervals hold four of five of ${first}${more}; of energy three numbers of CPUs and the rates of its rows are fitted, heat has no interval`,
  ];
}

/** Of which measurements a run's numbers are: those of its own SoC, unit and engine, or less. */
function measuredText(inputs: Run['inputs'], intervals: NonNullable<Run['intervals']>): string {
  if (inputs.calibration === 'classes')
    return 'this SoC has no measurements of its own; runtime classes are calibrated on others';
  const copied = inputs.calibration !== inputs.soc;
  const soc = copied ? inputs.calibration : 'this SoC';
  const words = {
    engine: `of ${soc}, unit and engine among others`,
    unit: `of this unit of ${soc} with other engines, and of other SoCs`,
    others: `of other SoCs: ${soc} was not measured on this unit`,
  };
  const { time_to_first_token_seconds: prompt, decode_tokens_per_second: decode } = intervals;
  const stages = Object.entries({ prefill: prompt, decode }).flatMap(([stage, interval]) =>
    interval ? [{ stage, seen: interval.seen }] : [],
  );
  const differ = new Set(stages.map(({ seen }) => seen)).size > 1;
  const what = differ
    ? stages.map(({ stage, seen }) => `${stage} ${words[seen]}`).join(', ')
    : words[(stages[0] ?? Object.values(intervals)[0])?.seen ?? 'others'];
  return `calibrated on measurements, ${what}${copied ? '; what differs from it is known less well' : ''}`;
}

function phaseTable(result: Run): string {
  const shown = result.phases.slice(0, MAX_PHASES);
  const rows = shown.map((phase) => phaseRow(phase, result));
  const more = result.phases.length - shown.length;
  const table = renderTable(
    [
      ...(result.requests.length > 1 ? [{ header: 'request' }] : []),
      { header: 'phase' },
      { header: 'unit' },
      { header: 'time', align: 'quantity' as const },
      ...(result.workloads ? [{ header: 'of it waiting', align: 'quantity' as const }] : []),
      { header: 'rate', align: 'quantity' as const },
      { header: 'limited by' },
      { header: 'DRAM', align: 'quantity' as const },
      { header: 'bandwidth', align: 'quantity' as const },
      { header: 'power', align: 'quantity' as const },
      { header: 'energy', align: 'quantity' as const },
    ],
    rows,
  );
  return more > 0 ? `${table}\n… and ${more} more phases (--json lists all)` : table;
}

/** Phases that fit a screen; the rest of a long trace goes to JSON. */
const MAX_PHASES = 12;

function phaseRow(phase: PhaseResult, result: Run): string[] {
  const seconds = phase.activeSeconds ?? phase.endSeconds - phase.startSeconds;
  const request = result.requests.find(({ name }) => name === phase.request);
  const prefills = result.phases.filter(
    (p) => p.request === phase.request && p.stage === 'prefill',
  );
  const prompt = (request ? freshTokens(request) : 0) / Math.max(prefills.length, 1);
  const made = phase.stage === 'cloud' ? 0 : phase.outputs;
  const outputs = phase.stage === 'prefill' ? prompt : made;
  const share = Math.round(phase.shares[phase.limit] * 100);
  return [
    ...(result.requests.length > 1 ? [phase.request] : []),
    phase.phase,
    phase.units.join('+'),
    formatQuantity(seconds, 'time'),
    ...(result.workloads ? [waitText(phase.waitedSeconds ?? 0)] : []),
    outputs > 0 ? `${Number((outputs / seconds).toPrecision(4))} /s` : '',
    `${phase.units[0] === 'storage' ? 'storage' : phase.limit} ${share} %${phase.bandwidthBound ? ` (${phase.bandwidthBound})` : ''}`,
    formatQuantity(phase.dramBytes, 'size'),
    // A restore goes on beside the prompt: over the time that it alone takes, its bytes and joules are no rate.
    phase.stage === 'restore' ? '' : formatQuantity(phase.dramBytes / seconds, 'bandwidth', 3),
    phase.stage === 'restore' ? '' : formatQuantity(phase.joules / seconds, 'power', 3),
    formatQuantity(phase.joules, 'energy', 3),
  ];
}

/** While the units that it needed worked for others; rounding is no wait. */
function waitText(seconds: number): string {
  return seconds < 1e-6 ? '' : formatQuantity(seconds, 'time', 3);
}

function fusionLines({ fusions }: Run): string[] {
  if (fusions.length === 0) return [];
  const parts = fusions.map(
    ({ fusion, launches, bytes }) =>
      `${fusion} ${counted(launches, 'launch')} and ${formatQuantity(bytes, 'size', 3)}`,
  );
  return [`fused (saves per run): ${parts.join(', ')}`];
}

/** Said only where a graph was cut or left its unit: one line per phase, one per kind of fallback. */
function compileLines({ compiled }: Run): string[] {
  const cut = compiled.filter(
    ({ partitions, fallbacks }) => partitions > 1 || fallbacks.length > 0,
  );
  return cut.flatMap(({ phase, operators, partitions, operatorsByUnit, fallbacks }) => {
    const units = Object.entries(operatorsByUnit).map(([unit, count]) => `${count} on ${unit}`);
    const moved = fallbacks.slice(0, MAX_FALLBACKS);
    const more = fallbacks.length - moved.length;
    return [
      `compiled ${phase}: ${counted(operators, 'operator')} in ${counted(partitions, 'partition')} (${units.join(', ')})`,
      ...moved.map((f) => `  ${f.count} × ${f.operator} from ${f.from} to ${f.to}: ${f.reason}`),
      ...(more > 0 ? [`  … and ${more} more kinds (--json lists all)`] : []),
      ...(fallbacks.some(({ reason }) => reason.includes('fp32'))
        ? ['  a model in single precision runs narrower with --precision fp16, w8a16 or w8a8']
        : []),
    ];
  });
}

/** Kinds of fallback that fit a screen. */
const MAX_FALLBACKS = 6;

/** The figures quoted first, in this order; the JSON holds all. */
const HEADLINE = [
  'time_to_first_token_seconds',
  'prefill_tokens_per_second',
  'decode_tokens_per_second',
  'request_latency_seconds',
  'deadline_miss_ratio',
  'energy_per_token_joules',
  'average_power_watts',
  'peak_power_watts',
  'junction_temperature_celsius',
  'skin_temperature_celsius',
  'throttled_ratio',
  'dram_bandwidth_bytes_per_second',
  'dram_utilisation_ratio',
  'battery_ratio',
  'battery_hours',
];

const PER_REQUEST: ReadonlySet<string> = new Set([
  'time_to_first_token_seconds',
  'prefill_tokens_per_second',
  'decode_tokens_per_second',
  'request_latency_seconds',
  'energy_per_token_joules',
]);

function metricTable({ metrics, requests, workloads, intervals }: Run): string {
  // An image or a classification has no tokens, and its first output is its only one.
  const hasTokens = requests.some(({ generatedTokens }) => generatedTokens > 0);
  // Means over requests of several workloads say nothing: their own table has them.
  const fitting = (id: string) =>
    workloads ? !PER_REQUEST.has(id) : hasTokens || !id.includes('token');
  const shown = HEADLINE.filter(fitting);
  const rows = shown
    .filter((id) => metrics[id] !== undefined)
    .map((id) => [
      metricLabel(id),
      formatMetric(id, metrics[id] as number),
      ...(intervals ? [intervalText(id, intervals[id])] : []),
    ]);
  const columns = [
    { header: 'metric' },
    { header: 'value', align: 'quantity' as const },
    ...(intervals ? [{ header: 'four of five within' }] : []),
  ];
  return renderTable(columns, rows);
}

function memoryLine({ memory }: Run): string {
  const used = Object.values(memory.owners).reduce((a, b) => a + b, 0);
  const parts = Object.entries(memory.owners)
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${name} ${formatQuantity(bytes, 'size', 3)}`);
  return `memory: ${formatQuantity(used, 'size', 3)} of ${formatQuantity(memory.capacity, 'size', 3)} (${parts.join(', ')})`;
}

function energyLine({ energy, metrics }: Run): string {
  const total = metrics['energy_joules'] ?? 0;
  const parts = Object.entries(energy)
    .filter(([, joules]) => joules / total >= 0.01)
    .sort((a, b) => b[1] - a[1])
    .map(([rail, joules]) => `${rail} ${Math.round((100 * joules) / total)} %`);
  return `energy: ${formatQuantity(total, 'energy', 3)} (${parts.join(', ')})`;
}
