/** `socsim offload`: the same requests answered by phone, cloud or both: latency, energy, and what left the phone. */
import { type Answer, evaluateOffload, type LocalAnswer } from '../analysis/offload/evaluate.ts';
import { SpecError } from '../base/errors.ts';
import { LABELS } from '../base/labels.ts';
import { type Dimension, formatQuantity, parseQuantity } from '../base/quantity.ts';
import { nearestHint } from '../base/registry.ts';
import { parseSpecFile, type SpecFile } from '../base/spec-file.ts';
import { type Link, parseLinks } from '../engine/offload/links.ts';
import { OVERHEAD_BYTES } from '../engine/offload/plans.ts';
import { type OffloadPolicy, offloadPolicies } from '../engine/offload/policies.ts';
import { buildSimulation, prepare, type Sources } from '../engine/prepare.ts';
import type { Job } from '../engine/request.ts';
import type { Run } from '../engine/run.ts';
import type { AuditVerdict } from '../engine/secure-audit.ts';
import type { Protection } from '../engine/secure-run.ts';
import { UploadGate, type UploadReport } from '../engine/secure-upload.ts';
import { simulate } from '../engine/simulation.ts';
import { fileSources, readBundled, readTrace } from '../load.ts';
import { parseRequestTrace, type TraceRequest } from '../workload/request-trace.ts';
import { buildWorkload, contextLimit, withLengths } from '../workload/workload-spec.ts';
import type { Args, Command } from './command.ts';
import { wholeOption } from './parse.ts';
import { overridesOf, scenarioOf, scenarioOptions } from './scenario-options.ts';
import { coloursFor, renderTable } from './terminal.ts';

const { repeat: _, duration: __, pause: ___, policy: ____, ...offloadScenario } = scenarioOptions;
const policies: Readonly<Record<string, OffloadPolicy>> = offloadPolicies;
const TRACE = 'azure-llm-2023-conv-sample';
/** Far enough apart that no request waits for another. */
const GAP_SECONDS = 1000;

export const offload: Command = {
  name: 'offload',
  summary:
    'requests answered on the phone, in the cloud or both: latency, energy, bytes that leave by label',
  examples: [
    'socsim offload --soc dimensity-9300 --workload llama-2-7b-chat --link 5g',
    'socsim offload --soc dimensity-9300 --workload llama-3.2-3b-chat --link weak --policies cloud,fallback',
    'socsim offload --soc dimensity-9300 --workload llama-3.2-3b-chat --link 5g --security weights-kv',
  ],
  options: {
    ...offloadScenario,
    link: {
      type: 'string',
      summary: '5g, wifi, weak or none (workloads/cloud/links.yaml)',
      value: 'NAME',
    },
    policies: {
      type: 'string',
      summary: `who answers, several with commas (${Object.keys(policies).join(', ')})`,
      value: 'A,B,…',
    },
    trace: { type: 'string', summary: `request trace (${TRACE})`, value: 'NAME' },
    limit: { type: 'number', summary: 'requests of the trace (12)', value: 'N' },
    redactor: {
      type: 'string',
      summary: 'local model that redacts (llama-3.2-1b-chat)',
      value: 'NAME',
    },
    'first-token': {
      type: 'string',
      summary: 'of the cloud, after its queue (400 ms)',
      value: 'TIME',
    },
    'cloud-rate': { type: 'number', summary: 'tokens per second of the cloud (60)', value: 'N' },
    queue: { type: 'string', summary: 'mean wait in the cloud (200 ms)', value: 'TIME' },
    longest: {
      type: 'number',
      summary: 'prompt tokens that stay on the phone, by length (1024)',
      value: 'N',
    },
    json: { type: 'boolean', summary: 'print every answer as JSON' },
  },
  run: async (args) => {
    const names = policyNames(args);
    const link = linkOf(args, names);
    const { endpoint, longest } = cloudOf(args);
    const sources = fileSources();
    const scenario = scenarioOf(args, undefined);
    const { requests, run, plan } = localAnswers(scenario, sources, args);
    const parts = {
      link,
      endpoint,
      options: { longest, leastCharge: 0.3, slowest: 0.2 },
      standingWatts: standingOf(run),
      charge: numberAt(args, 'charge', 1),
      seed: numberAt(args, 'seed', 1),
    };
    const results = names.map((name): PolicyAnswers => {
      const gate = new UploadGate(plan);
      const answers = evaluateOffload(requests, { ...parts, policy: policies[name]!, gate });
      return { policy: name, answers, audit: gate.report() };
    });
    if (args['json'] === true) console.log(JSON.stringify(results, undefined, 2));
    else console.log(describe(results, run, link));
    return undefined;
  },
};

/** @throws SpecError with every number that no cloud has. */
function cloudOf(args: Args) {
  const endpoint = {
    firstTokenSeconds: quantityAt(args, 'first-token', 'time', 0.4),
    tokensPerSecond: numberAt(args, 'cloud-rate', 60),
    queueSeconds: quantityAt(args, 'queue', 'time', 0.2),
  };
  const longest = numberAt(args, 'longest', 1024);
  const { firstTokenSeconds, tokensPerSecond, queueSeconds } = endpoint;
  const checks: readonly (readonly [string, number, boolean, string])[] = [
    ['first-token', firstTokenSeconds, firstTokenSeconds >= 0, 'at least 0 s'],
    ['queue', queueSeconds, queueSeconds >= 0, 'at least 0 s'],
    ['cloud-rate', tokensPerSecond, tokensPerSecond > 0, 'above 0 tokens per second'],
    ['longest', longest, longest >= 0, 'at least 0 tokens'],
  ];
  const faults = checks
    .filter(([, , ok]) => !ok)
    .map(([option, value, , expected]) => ({
      path: `--${option}`,
      message: 'no cloud has that',
      expected,
      got: String(value),
    }));
  if (faults.length > 0) throw new SpecError(faults);
  return { endpoint, longest };
}

function policyNames(args: Args): string[] {
  const text = args['policies'] as string | undefined;
  const known = Object.keys(policies);
  const names =
    text?.split(',').map((name) => name.trim()) ?? (args['link'] === undefined ? ['local'] : known);
  const faults = names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: '--policies',
      message: `no policy "${name}"`,
      hint: nearestHint(name, known),
    }));
  if (faults.length > 0) throw new SpecError(faults);
  return names;
}

/** @throws SpecError for a policy that needs a link where there is none. */
function linkOf(args: Args, names: readonly string[]): Link | undefined {
  const { file, text } = readBundled('workloads/cloud/links.yaml');
  const links = parseLinks(parseSpecFile(text, file));
  const name = args['link'] as string | undefined;
  if (name !== undefined && name !== 'none' && !Object.hasOwn(links, name)) {
    const known = [...Object.keys(links), 'none'];
    throw new SpecError([
      { path: '--link', message: `no link "${name}"`, hint: nearestHint(name, known) },
    ]);
  }
  const link = name === undefined || name === 'none' ? undefined : links[name];
  // Without a signal, what can answer on the phone does; the cloud alone cannot.
  const stuck = names.filter(
    (policy) => policies[policy]!.needsLink && (name === undefined || !policies[policy]!.staysHere),
  );
  if (!link && stuck.length > 0)
    throw new SpecError(
      stuck.map((policy) => ({
        path: '--policies',
        message: `${policy} needs a link to the cloud`,
        hint: `add --link ${Object.keys(links).join(' or --link ')}, or choose local`,
      })),
    );
  return link;
}

function localAnswers(scenario: SpecFile, sources: Sources, args: Args) {
  const { file, text } = readTrace((args['trace'] as string | undefined) ?? TRACE);
  const asked = parseRequestTrace(text, file).slice(0, wholeOption(args, 'limit') ?? 12);
  // What the phone draws at rest is seen between requests: a single one comes twice, and counts once.
  const served = asked.length === 1 ? [asked[0]!, asked[0]!] : asked;
  const { run, protection } = serve(scenario, served, sources, overridesOf(args));
  const redactor = (args['redactor'] as string | undefined) ?? 'llama-3.2-1b-chat';
  const data = { ...(scenario.data as object), workload: redactor };
  const { run: redacted } = serve({ ...scenario, data }, asked, sources, []);
  const requests = run.requests.slice(0, asked.length).map((request, i): LocalAnswer => {
    const other = redacted.requests[i]!;
    return {
      promptTokens: request.promptTokens,
      generatedTokens: request.generatedTokens,
      firstTokenSeconds: request.firstTokenSeconds - request.arrivalSeconds,
      latencySeconds: request.endSeconds - request.arrivalSeconds,
      joules: joulesOf(run, request.name),
      redactSeconds: other.firstTokenSeconds - other.arrivalSeconds,
      redactJoules: joulesOf(redacted, other.name, UNTIL_FIRST_TOKEN),
    };
  });
  return { requests, run, plan: protection?.plans[0] };
}

/** Every request alone. */
function serve(
  scenario: SpecFile,
  asked: readonly TraceRequest[],
  sources: Sources,
  set: readonly string[],
): { run: Run; protection: Protection | undefined } {
  const prepared = prepare(scenario, set, sources);
  const { workload, protection } = prepared;
  const limit = contextLimit(workload, sources.tables);
  const jobs = asked.map(({ promptTokens, generatedTokens }, i): Job => {
    const generated = Math.min(generatedTokens, Math.max(1, limit - 1));
    const lengths = {
      promptTokens: Math.min(promptTokens, limit - generated),
      generatedTokens: generated,
    };
    const name = `request ${i + 1}`;
    const plan = buildWorkload(withLengths(workload, lengths), sources.tables, name);
    return {
      plan: { ...plan, name, model: prepared.clients[0]!.file },
      arrival: i * GAP_SECONDS,
      priority: 0,
    };
  });
  return { run: simulate(buildSimulation(prepared, set, sources, jobs)), protection };
}

/** Stages that the first token waits for. */
const UNTIL_FIRST_TOKEN = ['prefill', 'first-token'];

function joulesOf({ phases }: Run, request: string, stages?: readonly string[]): number {
  return phases
    .filter((phase) => phase.request === request && stages?.includes(phase.stage) !== false)
    .reduce((sum, { joules }) => sum + joules, 0);
}

/** What the phone draws while nothing runs: energy of the gaps between requests over their time. */
function standingOf({ metrics, phases }: Run): number {
  const busy = phases.reduce((sum, phase) => sum + phase.endSeconds - phase.startSeconds, 0);
  const working = phases.reduce((sum, { joules }) => sum + joules, 0);
  const idle = (metrics['run_seconds'] ?? 0) - busy;
  return idle > 0 ? ((metrics['energy_joules'] ?? 0) - working) / idle : 0;
}

function numberAt(args: Args, key: string, fallback: number): number {
  return (args[key] as number | undefined) ?? fallback;
}

function quantityAt(args: Args, key: string, dimension: Dimension, fallback: number): number {
  const text = args[key] as string | undefined;
  if (text === undefined) return fallback;
  const parsed = parseQuantity(text, dimension);
  if ('value' in parsed) return parsed.value;
  throw new SpecError([{ path: `--${key}`, message: parsed.fault, got: text }]);
}

interface PolicyAnswers {
  readonly policy: string;
  readonly answers: readonly Answer[];
  /** What left, as the gate in front of the modem saw it. */
  readonly audit: UploadReport;
}

/** What the audit says of the uploads of a policy. */
function uploadLine({ policy, audit }: PolicyAnswers): string {
  if (audit.flows.length === 0) return `  ${policy}: nothing was handed to the modem`;
  const told = audit.flows.map(
    ({ label, verdict, accesses, bytes }) =>
      `${accesses} × ${label} ${VERDICTS[verdict]}${bytes > 0 ? `, ${formatQuantity(bytes, 'size', 3)}` : ''}`,
  );
  return `  ${policy}: ${audit.leakedBytes > 0 ? 'LEAK: ' : ''}${told.join('; ')}`;
}

const VERDICTS: Readonly<Record<AuditVerdict, string>> = {
  public: 'sent',
  protected: 'sent',
  released: 'sent',
  unpromised: 'sent, which no strategy promises to keep',
  refused: 'refused by the cloud gate and answered on the phone',
  leak: 'sent as the user wrote it',
};

function describe(results: readonly PolicyAnswers[], run: Run, link: Link | undefined): string {
  const colours = coloursFor(process.stdout);
  const mean = (answers: readonly Answer[], pick: (answer: Answer) => number) =>
    answers.reduce((sum, answer) => sum + pick(answer), 0) / answers.length;
  const rows = results.map(({ policy, answers }) => [
    policy,
    `${answers.filter(({ where }) => where === 'local').length} of ${answers.length}`,
    formatQuantity(
      mean(answers, (a) => a.firstTokenSeconds),
      'time',
      3,
    ),
    formatQuantity(
      mean(answers, (a) => a.latencySeconds),
      'time',
      3,
    ),
    formatQuantity(Math.max(...answers.map((a) => a.latencySeconds)), 'time', 3),
    formatQuantity(
      mean(answers, (a) => a.joules),
      'energy',
      3,
    ),
    ...LABELS.map((label) =>
      formatQuantity(
        answers.reduce((sum, { bytesLeft }) => sum + bytesLeft[label], 0),
        'size',
        3,
      ),
    ),
  ]);
  const table = renderTable(
    [
      { header: 'policy' },
      { header: 'on the phone', align: 'right' },
      { header: 'first token', align: 'quantity' },
      { header: 'whole answer', align: 'quantity' },
      { header: 'longest', align: 'quantity' },
      { header: 'energy', align: 'quantity' },
      ...LABELS.map((label) => ({ header: `${label} left`, align: 'quantity' as const })),
    ],
    rows,
  );
  const { inputs } = run;
  return [
    colours.bold(
      `${inputs.soc} in ${inputs.phone} · ${inputs.workload} · ${link?.summary ?? 'no link'}`,
    ),
    '',
    table,
    '',
    `audit of what left (cloud gate: ${results[0]!.audit.gate}; --security NAME sets it)`,
    ...results.map(uploadLine),
    '',
    colours.dim(
      `means over requests, what left in all; energy of the whole phone per request, radio and its tail included
the audit counts prompts; the table adds ${formatQuantity(OVERHEAD_BYTES, 'size', 3)} of headers for each exchange, which are public`,
    ),
  ].join('\n');
}
