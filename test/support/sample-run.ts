/**
 * A hand-made Run for tests of charts, traces and reports: a 7B INT4 chat on a phone with NPU, GPU and CPU.
 *
 * Not the simulator: a dozen closed formulas with round numbers, so that these tests neither wait for the
 * engine nor change with it. Shares of a phase, and energy by rail against `energy_joules`, add up as the contract
 * asks; the ledger books its own plausible joules.
 */
import type { Cause, LedgerRow, PhaseResult, RequestResult, Run } from '../../src/engine/run.ts';
import { CAUSES } from '../../src/engine/run.ts';
import type { Counter, Limit, Mark, Timeline } from '../../src/engine/timeline.ts';

export interface SampleOptions {
  readonly requests?: number;
  readonly promptTokens?: number;
  readonly generatedTokens?: number;
  /** One span per operator, or one per decode step and prefill layer. */
  readonly detail?: 'operator' | 'step';
  readonly counters?: boolean;
  readonly gapSeconds?: number;
}

const LAYERS = 32;
const WEIGHT_BYTES = 3.9e9;
const PARAMETERS = 6.74e9;
const KV_BYTES_PER_TOKEN = 0.52e6;
const PEAK_BANDWIDTH = 76.8e9;
const PEAK_MACS = 16.5e12;
const FREQUENCIES = [0.5e9, 0.7e9, 0.9e9, 1.1e9, 1.3e9];
const CONTROL_PERIOD = 0.1;
const SKIN_LIMIT = 43;
const JUNCTION_TRIP = 95;

/** Share of a layer's time, unit and cause of each operator; the shares of a phase sum to one. */
const OPERATORS: readonly (readonly [string, string, number, number, Cause, Cause])[] = [
  // name, unit, prefill share, decode share, prefill cause, decode cause
  ['LayerNormalization', 'npu', 0.02, 0.01, 'launch', 'launch'],
  ['MatMulNBits qkv', 'npu', 0.22, 0.2, 'compute', 'bandwidth'],
  ['RotaryEmbedding', 'cpu', 0.03, 0.02, 'transfer', 'transfer'],
  ['Attention', 'npu', 0.1, 0.09, 'compute', 'bandwidth'],
  ['MatMulNBits gate-up', 'npu', 0.36, 0.4, 'compute', 'bandwidth'],
  ['SiLU-Mul', 'gpu', 0.03, 0.02, 'bandwidth', 'launch'],
  ['MatMulNBits down', 'npu', 0.24, 0.26, 'compute', 'bandwidth'],
];

interface State {
  time: number;
  skin: number;
  junction: number;
  point: number;
  nextControl: number;
  readonly spans: {
    track: number[];
    start: number[];
    end: number[];
    name: number[];
    request: number[];
    cause: number[];
  };
  readonly strings: string[];
  readonly tracks: { name: string; kind: 'unit' | 'request' }[];
  readonly samples: Map<string, { time: number[]; value: number[] }>;
  readonly marks: Mark[];
  readonly ledger: Map<string, LedgerRow>;
  readonly energy: Record<string, number>;
}

function addSpan(
  s: State,
  track: string,
  name: string,
  start: number,
  end: number,
  request: number,
  cause: Cause,
): void {
  let row = s.tracks.findIndex((entry) => entry.name === track);
  if (row < 0)
    row =
      s.tracks.push({ name: track, kind: track.startsWith('request') ? 'request' : 'unit' }) - 1;
  let id = s.strings.indexOf(name);
  if (id < 0) id = s.strings.push(name) - 1;
  s.spans.track.push(row);
  s.spans.start.push(start);
  s.spans.end.push(end);
  s.spans.name.push(id);
  s.spans.request.push(request);
  s.spans.cause.push(CAUSES.indexOf(cause));
}

function zeroCauses(): Record<Cause, number> {
  return Object.fromEntries(CAUSES.map((cause) => [cause, 0])) as Record<Cause, number>;
}

function addLedger(
  s: State,
  key: Omit<LedgerRow, 'count' | 'seconds'>,
  cause: Cause,
  seconds: number,
) {
  const id = [key.request, key.phase, key.operator, key.unit].join('|');
  const old = s.ledger.get(id);
  const split = { ...(old?.seconds ?? zeroCauses()) };
  split[cause] += seconds;
  s.ledger.set(id, {
    ...key,
    count: (old?.count ?? 0) + 1,
    seconds: split,
    joules: key.joules + (old?.joules ?? 0),
    dramBytes: key.dramBytes + (old?.dramBytes ?? 0),
    macs: key.macs + (old?.macs ?? 0),
  });
}

function sample(s: State, name: string, time: number, value: number): void {
  const column = s.samples.get(name) ?? { time: [], value: [] };
  s.samples.set(name, column);
  column.time.push(time);
  column.value.push(value);
}

/** One control period: two coupled first-order nodes and a cap that steps down above the skin limit. */
function control(
  s: State,
  watts: Record<string, number>,
  traffic: Record<string, number>,
  rate: number,
): void {
  const total = Object.values(watts).reduce((sum, value) => sum + value, 0);
  s.skin += (CONTROL_PERIOD / 240) * (25 + 5.2 * total - s.skin);
  s.junction += (CONTROL_PERIOD / 1.5) * (s.skin + 7.5 * total - s.junction);
  const old = s.point;
  const every = Math.round(s.nextControl / CONTROL_PERIOD) % 20 === 0;
  if (every && s.skin > SKIN_LIMIT && s.point > 0) s.point -= 1;
  if (every && s.skin < SKIN_LIMIT - 0.4 && s.point < FREQUENCIES.length - 1) s.point += 1;
  if (s.point !== old) {
    const ghz = (FREQUENCIES[s.point]! / 1e9).toFixed(1);
    const reason = s.point < old ? 'skin limit' : 'skin limit released';
    s.marks.push({ time: s.nextControl, track: 'npu', name: `cap ${ghz} GHz`, reason });
  }
  const t = s.nextControl;
  for (const [rail, value] of Object.entries(watts)) {
    sample(s, `${rail} power`, t, value);
    s.energy[rail] = (s.energy[rail] ?? 0) + value * CONTROL_PERIOD;
  }
  for (const [unit, value] of Object.entries(traffic)) sample(s, `${unit} bandwidth`, t, value);
  sample(s, 'skin temperature', t, s.skin);
  sample(s, 'battery temperature', t, 0.9 * s.skin + 2);
  sample(s, 'npu temperature', t, s.junction);
  const busy = rate > 0 || (traffic['npu'] ?? 0) > 0;
  sample(s, 'npu frequency', t, busy ? FREQUENCIES[s.point]! : FREQUENCIES[0]!);
  sample(s, 'npu frequency cap', t, FREQUENCIES[s.point]!);
  sample(s, 'cpu frequency', t, busy ? 1.2e9 + 0.2e9 * (Math.round(t * 10) % 3) : 0.6e9);
  sample(s, 'decode rate', t, rate);
  s.nextControl += CONTROL_PERIOD;
}

/** Advances the control loop to `until` with the power and traffic of one activity. */
function hold(
  s: State,
  until: number,
  activity: 'prefill' | 'decode' | 'idle',
  rate: number,
): void {
  const f = FREQUENCIES[s.point]! / FREQUENCIES.at(-1)!;
  const level = { prefill: 1, decode: 0.6, idle: 0 }[activity];
  const share = { prefill: 0.28, decode: 0.68 * (0.55 + 0.45 * f), idle: 0.01 }[activity];
  while (s.nextControl < until) {
    const wobble = 1 + 0.04 * Math.sin(s.nextControl * 7);
    const watts = {
      npu: 0.05 + 3.4 * level * f ** 2.6 * wobble,
      gpu: 0.04 + 0.15 * level,
      cpu: 0.12 + 0.6 * level * wobble,
      dram: 0.18 + 1.7 * share * wobble,
      'rest of device': 0.65,
    };
    const bytes = PEAK_BANDWIDTH * share * wobble;
    const traffic = { npu: 0.9 * bytes, gpu: 0.03 * bytes, cpu: 0.04 * bytes, display: 1.1e9 };
    control(s, watts, traffic, rate);
  }
}

function runLayers(
  s: State,
  options: Required<SampleOptions>,
  request: number,
  phase: 'prefill' | 'decode',
  seconds: number,
  tokens: number,
): void {
  const start = s.time;
  const name = `request ${request + 1}`;
  const cause = phase === 'prefill' ? 'compute' : 'bandwidth';
  if (options.detail === 'step')
    addSpan(s, 'npu', `${phase} step`, start, start + seconds, request, cause);
  const layers = options.detail === 'step' ? 1 : LAYERS;
  let at = start;
  for (let layer = 0; layer < layers; layer += 1) {
    for (const [operator, unit, prefill, decode, prefillCause, decodeCause] of OPERATORS) {
      const share = phase === 'prefill' ? prefill : decode;
      const held = phase === 'prefill' ? prefillCause : decodeCause;
      const length = (seconds * share) / layers;
      if (options.detail === 'operator') addSpan(s, unit, operator, at, at + length, request, held);
      const heavy = operator.startsWith('MatMul') || operator === 'Attention';
      addLedger(
        s,
        {
          request: name,
          phase,
          operator: operator.split(' ')[0]!,
          unit,
          joules: (phase === 'prefill' ? 4.6 : 3.4) * length,
          dramBytes: ((WEIGHT_BYTES * share) / layers) * (heavy ? 1 : 0.05),
          macs: heavy ? (PARAMETERS * tokens * share) / layers : 0,
        },
        held,
        length,
      );
      at += length;
    }
  }
  s.time = start + seconds;
}

function phaseResult(
  s: State,
  name: string,
  phase: string,
  start: number,
  steps: number,
): PhaseResult {
  const rows = [...s.ledger.values()].filter((row) => row.request === name && row.phase === phase);
  const total = zeroCauses();
  for (const row of rows) for (const cause of CAUSES) total[cause] += row.seconds[cause];
  const sum = CAUSES.reduce((all, cause) => all + total[cause], 0) || 1;
  const shares = zeroCauses();
  for (const cause of CAUSES) shares[cause] = total[cause] / sum;
  return {
    request: name,
    phase,
    stage: phase,
    units: ['npu', 'cpu', 'gpu'],
    startSeconds: start,
    endSeconds: s.time,
    steps,
    outputs: phase === 'decode' ? steps : 1,
    joules: rows.reduce((all, row) => all + row.joules, 0),
    dramBytes: rows.reduce((all, row) => all + row.dramBytes, 0),
    macs: rows.reduce((all, row) => all + row.macs, 0),
    shares,
    limit: CAUSES.reduce((best, cause) => (shares[cause] > shares[best] ? cause : best)),
  };
}

/** Two blocks of which one is measured. */
const FLOORPLAN = [
  { name: 'npu', x: 0, y: 0, width: 0.004, height: 0.005 },
  { name: 'memory', x: 0.004, y: 0, width: 0.006, height: 0.005 },
];

/** Builds the run; same options, same bytes. */
export function sampleRun(given: SampleOptions = {}): Run {
  const options: Required<SampleOptions> = {
    requests: 1,
    promptTokens: 512,
    generatedTokens: 12,
    detail: 'operator',
    counters: true,
    gapSeconds: 0.4,
    ...given,
  };
  const s: State = {
    time: 0,
    skin: 27,
    junction: 29,
    point: FREQUENCIES.length - 1,
    nextControl: 0,
    spans: { track: [], start: [], end: [], name: [], request: [], cause: [] },
    strings: [],
    tracks: ['npu', 'gpu', 'cpu'].map((name) => ({ name, kind: 'unit' as const })),
    samples: new Map(),
    marks: [],
    ledger: new Map(),
    energy: {},
  };
  const phases: PhaseResult[] = [];
  const requests: RequestResult[] = [];
  for (let index = 0; index < options.requests; index += 1)
    runRequest(s, options, index, phases, requests);
  hold(s, s.time, 'idle', 0);
  return assemble(s, options, phases, requests);
}

function runRequest(
  s: State,
  options: Required<SampleOptions>,
  index: number,
  phases: PhaseResult[],
  requests: RequestResult[],
): void {
  const name = `request ${index + 1}`;
  const arrival = s.time;
  hold(s, arrival + options.gapSeconds * (index === 0 ? 0.1 : 1), 'idle', 0);
  s.time = Math.max(s.time, s.nextControl - CONTROL_PERIOD);
  if (s.time > arrival) addSpan(s, name, 'queue', arrival, s.time, index, 'queue');
  const start = s.time;
  const scale = FREQUENCIES[s.point]! / FREQUENCIES.at(-1)!;
  const prefill = (PARAMETERS * options.promptTokens) / (0.29 * PEAK_MACS * scale);
  runLayers(s, options, index, 'prefill', prefill, options.promptTokens);
  hold(s, s.time, 'prefill', 0);
  addSpan(s, name, 'prefill', start, s.time, index, 'compute');
  phases.push(phaseResult(s, name, 'prefill', start, 1));
  const first = s.time;
  for (let token = 1; token < options.generatedTokens; token += 1) {
    const f = FREQUENCIES[s.point]! / FREQUENCIES.at(-1)!;
    const bytes = WEIGHT_BYTES + KV_BYTES_PER_TOKEN * (options.promptTokens + token);
    const seconds = bytes / (PEAK_BANDWIDTH * 0.68 * (0.55 + 0.45 * f)) + 0.012;
    runLayers(s, options, index, 'decode', seconds, 1);
    hold(s, s.time, 'decode', 1 / seconds);
  }
  if (options.generatedTokens > 1) {
    addSpan(s, name, 'decode', first, s.time, index, 'bandwidth');
    phases.push(phaseResult(s, name, 'decode', first, options.generatedTokens - 1));
  }
  requests.push({
    name,
    arrivalSeconds: arrival,
    startSeconds: start,
    firstTokenSeconds: first,
    endSeconds: s.time,
    promptTokens: options.promptTokens,
    generatedTokens: options.generatedTokens,
  });
}

const QUANTITY: Readonly<Record<string, readonly [Counter['quantity'], string]>> = {
  power: ['power', 'W'],
  bandwidth: ['bandwidth', 'B/s'],
  temperature: ['temperature', '°C'],
  frequency: ['frequency', 'Hz'],
  cap: ['frequency', 'Hz'],
  rate: ['rate', '1/s'],
};

const LIMITS: readonly Limit[] = [
  { quantity: 'bandwidth', subject: 'dram', label: 'LPDDR5T peak', value: PEAK_BANDWIDTH },
  { quantity: 'temperature', subject: 'npu', label: 'junction trip', value: JUNCTION_TRIP },
  { quantity: 'temperature', subject: 'skin', label: 'skin limit', value: SKIN_LIMIT },
];

function buildTimeline(s: State, withCounters: boolean): Timeline {
  const counters = [...s.samples].map(([name, { time, value }]): Counter => {
    const words = name.split(' ');
    const [quantity, unit] = QUANTITY[words.at(-1)!]!;
    const subject = words.slice(0, words.at(-1) === 'cap' ? -2 : -1).join(' ');
    return {
      name,
      quantity,
      unit,
      subject,
      time: new Float64Array(time),
      value: new Float64Array(value),
    };
  });
  return {
    limits: LIMITS,
    tracks: s.tracks,
    strings: s.strings,
    spans: {
      length: s.spans.track.length,
      track: new Int32Array(s.spans.track),
      start: new Float64Array(s.spans.start),
      end: new Float64Array(s.spans.end),
      name: new Int32Array(s.spans.name),
      request: new Int32Array(s.spans.request),
      cause: new Uint8Array(s.spans.cause),
    },
    counters: withCounters ? counters : [],
    marks: withCounters ? s.marks : [],
  };
}

function assemble(
  s: State,
  options: Required<SampleOptions>,
  phases: readonly PhaseResult[],
  requests: readonly RequestResult[],
): Run {
  const ledger = [...s.ledger.values()];
  const energy = Object.values(s.energy).reduce((all, value) => all + value, 0);
  const decode = phases.filter(({ phase }) => phase === 'decode');
  const tokens = decode.reduce((all, phase) => all + phase.outputs, 0);
  const decodeSeconds = decode.reduce((all, p) => all + p.endSeconds - p.startSeconds, 0);
  const dramBytes = ledger.reduce((all, row) => all + row.dramBytes, 0);
  const first = requests[0];
  return {
    compiled: [],
    fusions: [],
    inputs: {
      soc: 'dimensity-9300',
      phone: 'reference-phone',
      workload: 'llama-2-7b-chat',
      policy: 'one-unit',
      governor: 'schedutil',
      thermalGovernor: 'power-allocator',
      runtime: 'neuropilot',
      fidelity: 'fluid',
      seed: 1,
      overrides: ['prompt_tokens=512'],
      hashes: {
        'socs/dimensity-9300.yaml': 'a3'.repeat(32),
        'workloads/llama-2-7b-chat.yaml': '5c'.repeat(32),
      },
      version: '0.1.0',
    },
    metrics: {
      ...(first
        ? { time_to_first_token_seconds: first.firstTokenSeconds - first.arrivalSeconds }
        : {}),
      ...(tokens > 0 ? { decode_tokens_per_second: tokens / decodeSeconds } : {}),
      energy_joules: energy,
      average_power_watts: energy / Math.max(s.time, CONTROL_PERIOD),
      skin_temperature_celsius: s.skin,
      throttled_ratio: s.marks.length > 0 ? 0.6 : 0,
      dram_bytes: dramBytes,
      dram_bandwidth_bytes_per_second: dramBytes / Math.max(s.time, CONTROL_PERIOD),
      peak_memory_bytes: 4.9e9,
    },
    requests,
    phases,
    ledger,
    roofline: {
      points: ledger
        .filter((row) => row.request === 'request 1')
        .map((row) => {
          const seconds = CAUSES.reduce((all, cause) => all + row.seconds[cause], 0);
          const cause = CAUSES.reduce((best, c) => (row.seconds[c] > row.seconds[best] ? c : best));
          const { phase, operator, unit, count, macs, dramBytes: bytes } = row;
          return { phase, operator, unit, count, macs, dramBytes: bytes, seconds, cause };
        }),
      ceilings: [
        { unit: 'npu', peakOpsPerSecond: 33e12, label: 'NPU INT8', bytesPerSecond: 62e9 },
        { unit: 'gpu', peakOpsPerSecond: 5.9e12, label: 'GPU FP16', bytesPerSecond: 48e9 },
        { unit: 'cpu', peakOpsPerSecond: 1.1e12, label: 'CPU INT8', bytesPerSecond: 40e9 },
      ],
    },
    memory: {
      capacity: 16e9,
      owners: {
        'operating system': 4.2e9,
        weights: 3.9e9,
        'KV cache': 0.4e9,
        activations: 0.12e9,
        applications: 2.1e9,
      },
    },
    energy: { ...s.energy },
    trust: { datasheet: 0.34, paper: 0.12, measured: 0.21, fitted: 0.08, estimated: 0.25 },
    floorplan: FLOORPLAN,
    timeline: buildTimeline(s, options.counters),
    notes: ['NPU peak rate is estimated from a leaked table; prefill time moves in proportion.'],
    eventCount: s.spans.track.length,
  };
}

/** The shapes every chart has to survive. */
export const SAMPLES: Readonly<Record<string, () => Run>> = {
  'two seconds, one request': () => sampleRun(),
  'ten requests': () => sampleRun({ requests: 10, promptTokens: 128, generatedTokens: 6 }),
  'thirty minutes': () =>
    sampleRun({ requests: 10, generatedTokens: 1500, detail: 'step', gapSeconds: 12 }),
  'no counters': () => sampleRun({ counters: false }),
  'one token': () => sampleRun({ generatedTokens: 1, promptTokens: 1, gapSeconds: 0 }),
  empty: () => sampleRun({ requests: 0 }),
};
