/** What a hand-made run (sample-run.ts) goes through: spans, ledger, and a control loop of closed formulas. */
import type { Cause, LedgerRow } from '../../src/engine/run.ts';
import { CAUSES } from '../../src/engine/run.ts';
import type { Mark } from '../../src/engine/timeline.ts';

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
export const WEIGHT_BYTES = 3.9e9;
export const PARAMETERS = 6.74e9;
export const KV_BYTES_PER_TOKEN = 0.52e6;
export const PEAK_BANDWIDTH = 76.8e9;
export const PEAK_MACS = 16.5e12;
export const FREQUENCIES = [0.5e9, 0.7e9, 0.9e9, 1.1e9, 1.3e9];
export const CONTROL_PERIOD = 0.1;
export const SKIN_LIMIT = 43;
export const JUNCTION_TRIP = 95;

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

export interface State {
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

export function addSpan(
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

export function zeroCauses(): Record<Cause, number> {
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
export function hold(
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

export function runLayers(
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
