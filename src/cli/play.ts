/** `socsim play`: a request trace on one phone: queueing, time to first token and latency as percentiles. */
import { formatMetric } from '../analysis/metric-text.ts';
import { quantile } from '../analysis/row-report.ts';
import { SpecError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { buildSimulation, type Prepared, prepare, type Sources } from '../engine/prepare.ts';
import type { Job } from '../engine/request.ts';
import type { RequestResult, Run } from '../engine/run.ts';
import { simulate } from '../engine/simulation.ts';
import { fileSources, readTrace } from '../load.ts';
import { parseRequestTrace, TRACE_FORMATS, type TraceRequest } from '../workload/request-trace.ts';
import { buildWorkload, contextLimit, withLengths } from '../workload/workload-spec.ts';
import type { Args, Command } from './command.ts';
import { wholeOption } from './parse.ts';
import { overridesOf, scenarioOf, scenarioOptions } from './scenario-options.ts';
import { coloursFor, renderTable } from './terminal.ts';

/** Requests come when the trace says: no option for making them again. */
const { repeat: _, duration: __, pause: ___, ...traceScenario } = scenarioOptions;

export const play: Command = {
  name: 'play',
  summary:
    'replay a request trace: queueing, time to first token and per-token latency as percentiles',
  examples: [
    'socsim play azure-llm-2023-conv-sample --soc dimensity-9300 --workload llama-3.2-1b-chat --every 20',
    'socsim play my-trace.csv --soc snapdragon-8-gen-3 --workload llama-2-7b-chat --limit 50 --out out',
  ],
  positionals: {
    trace: {
      usage: 'TRACE',
      summary: `a name under traces/, or a file: ${TRACE_FORMATS}`,
    },
  },
  options: {
    ...traceScenario,
    limit: { type: 'number', summary: 'only the first N requests (after --every)', value: 'N' },
    every: {
      type: 'number',
      summary: 'only every Nth request: thins a service of many users to one',
      value: 'N',
    },
    'time-scale': { type: 'number', summary: 'stretch arrivals by this factor', value: 'X' },
    'max-context': {
      type: 'number',
      summary: 'cut longer prompts, keeping their answer within the context (the model’s limit)',
      value: 'TOKENS',
    },
    out: { type: 'string', summary: 'folder for report, charts, trace and run.json', value: 'DIR' },
    json: { type: 'boolean', summary: 'print requests and percentiles as JSON' },
  },
  run: async (args) => {
    const sources = fileSources();
    const overrides = overridesOf(args);
    const { file, text } = readTrace(String(args['trace']));
    const requests = select(parseRequestTrace(text, file), args);
    const prepared = prepare(scenarioOf(args, undefined), overrides, sources);
    const out = args['out'] as string | undefined;
    const writer = out === undefined ? undefined : await import('../analysis/write-run.ts');
    if (out !== undefined) writer?.claimFolder(out);
    const jobs = jobsOf(requests, prepared, sources, args);
    const result = simulate(buildSimulation(prepared, overrides, sources, jobs));
    if (args['json'] === true) console.log(JSON.stringify(jsonOf(result), undefined, 2));
    else console.log(describe(result, file, requests.length));
    if (out !== undefined && writer) {
      const written = await writer.writeRun(result, out);
      if (args['json'] !== true) console.log(`\nWrote ${written.join(', ')}`);
    }
    return undefined;
  },
};

function select(requests: readonly TraceRequest[], args: Args): TraceRequest[] {
  const every = wholeOption(args, 'every') ?? 1;
  const limit = wholeOption(args, 'limit') ?? Number.POSITIVE_INFINITY;
  const scale = (args['time-scale'] as number | undefined) ?? 1;
  if (!(scale > 0))
    throw new SpecError([{ message: '--time-scale must be above zero', got: String(scale) }]);
  return requests
    .filter((_, i) => i % every === 0)
    .slice(0, limit)
    .map((request) => ({ ...request, arrival: request.arrival * scale }));
}

/** Each request is the scenario's workload with the trace's own lengths, cut to the context. */
function jobsOf(
  requests: readonly TraceRequest[],
  prepared: Prepared,
  sources: Sources,
  args: Args,
): Job[] {
  const { workload, clients } = prepared;
  const limit = wholeOption(args, 'max-context') ?? contextLimit(workload, sources.tables);
  return requests.map(({ arrival, promptTokens, generatedTokens }, i) => {
    const generated = Math.min(generatedTokens, Math.max(1, limit - 1));
    const lengths = {
      promptTokens: Math.min(promptTokens, limit - generated),
      generatedTokens: generated,
    };
    const name = `request ${i + 1}`;
    const plan = buildWorkload(withLengths(workload, lengths), sources.tables, name);
    return { plan: { ...plan, name, model: clients[0]!.file }, arrival, priority: 0 };
  });
}

/** What people ask of a service, per request. */
const MEASURES: readonly { id: string; label: string; of: (r: RequestResult) => number }[] = [
  {
    id: 'queueing_seconds',
    label: 'waiting in the queue',
    of: (r) => r.startSeconds - r.arrivalSeconds,
  },
  {
    id: 'time_to_first_token_seconds',
    label: 'time to first token',
    of: (r) => r.firstTokenSeconds - r.arrivalSeconds,
  },
  {
    id: 'time_per_output_token_seconds',
    label: 'time per output token',
    of: (r) => (r.endSeconds - r.firstTokenSeconds) / Math.max(r.generatedTokens - 1, 1),
  },
  {
    id: 'request_latency_seconds',
    label: 'request latency',
    of: (r) => r.endSeconds - r.arrivalSeconds,
  },
];
const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;

interface Percentiles {
  readonly id: string;
  readonly label: string;
  /** `mean`, the quantiles of `SHARES`, and `max`, in seconds. */
  readonly values: Readonly<Record<string, number>>;
}

function percentiles(result: Run): Percentiles[] {
  return MEASURES.map(({ id, label, of }) => {
    const sorted = result.requests.map(of).sort((a, b) => a - b);
    const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
    const quantiles = Object.entries(SHARES).map(([name, share]) => [
      name,
      quantile(sorted, share),
    ]);
    const values = { mean, ...Object.fromEntries(quantiles), max: sorted.at(-1) as number };
    return { id, label, values };
  });
}

function describe(result: Run, file: string, count: number): string {
  const colours = coloursFor(process.stdout);
  const rows = percentiles(result).map((row) => [
    row.label,
    ...['mean', 'p50', 'p90', 'p99', 'max'].map((name) =>
      formatQuantity(row.values[name] as number, 'time', 3),
    ),
  ]);
  const columns = ['mean', 'p50', 'p90', 'p99', 'max'].map((header) => ({
    header,
    align: 'quantity' as const,
  }));
  const { inputs, metrics } = result;
  const busy = result.phases.reduce((sum, p) => sum + p.endSeconds - p.startSeconds, 0);
  const seconds = metrics['run_seconds'] as number;
  const show = (id: string) => formatMetric(id, metrics[id] as number);
  return [
    colours.bold(
      `${file}: ${count} requests on ${inputs.soc} in ${inputs.phone} · ${inputs.workload} · ${inputs.policy}`,
    ),
    '',
    renderTable([{ header: 'per request' }, ...columns], rows),
    '',
    `${formatQuantity(seconds, 'time')} simulated, busy ${Math.round((100 * busy) / seconds)} %; energy ${show('energy_joules')}, ${show('average_power_watts')} on average, battery ${show('battery_ratio')}`,
    `hottest skin ${show('skin_temperature_celsius')}, hottest junction ${show('junction_temperature_celsius')}, throttled ${show('throttled_ratio')}`,
    ...result.notes.map((note) => colours.dim(`note: ${note}`)),
  ].join('\n');
}

function jsonOf(result: Run): unknown {
  const { inputs, metrics, requests } = result;
  return {
    inputs,
    metrics,
    percentiles: percentiles(result).map(({ id, values }) => ({ id, ...values })),
    requests,
  };
}
