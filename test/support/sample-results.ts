/** The tables of a hand-made run (sample-run.ts), from the state it went through. */
import type { PhaseResult, RequestResult, Run } from '../../src/engine/run.ts';
import { CAUSES } from '../../src/engine/run.ts';
import type { Counter, Limit, Timeline } from '../../src/engine/timeline.ts';
import {
  CONTROL_PERIOD,
  JUNCTION_TRIP,
  PEAK_BANDWIDTH,
  type SampleOptions,
  SKIN_LIMIT,
  type State,
  zeroCauses,
} from './sample-state.ts';

export function phaseResult(
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

export function assemble(
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
