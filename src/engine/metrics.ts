/** The catalogue of metrics: one id, one unit, one meaning each. */
import type { Joules, Seconds } from '../base/units.ts';
import type { PhaseResult, RequestResult } from './run.ts';
import type { SecurityAudit } from './secure-audit.ts';

/** What metrics are computed from. */
export interface MetricView {
  readonly requests: readonly RequestResult[];
  readonly phases: readonly PhaseResult[];
  readonly seconds: Seconds;
  readonly joules: Joules;
  readonly dramBytes: number;
  readonly peakMemoryBytes: number;
  readonly memoryPeakRate: number;
  readonly batteryJoules: Joules;
  /** Taken from the battery, less what a charger put in. */
  readonly drawnJoules: Joules;
  /** Absent where power was not followed over time. */
  readonly peakWatts: number | undefined;
  readonly maxSkin: number;
  readonly endSkin: number;
  readonly maxJunction: number;
  /** Absent where nothing throttles. */
  readonly throttledSeconds: Seconds | undefined;
  readonly audit?: SecurityAudit | undefined;
}

export interface Metric {
  /** For people: `time to first token`. */
  readonly label: string;
  readonly unit: string;
  readonly meaning: string;
  /** Which direction a user wants; absent where neither is better. */
  readonly better?: 'lower' | 'higher';
  /** @returns undefined where the metric does not apply. */
  readonly compute: (view: MetricView) => number | undefined;
}

const SECONDS_PER_HOUR = 3600;

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const defined = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

const named = (view: MetricView, phase: string) => view.phases.filter((p) => p.stage === phase);
const secondsOf = (phases: readonly PhaseResult[]) =>
  sum(phases.map((p) => p.activeSeconds ?? p.endSeconds - p.startSeconds));
const served = (view: MetricView) => view.requests.filter((r) => r.skipped !== true);
const tokens = (view: MetricView) => sum(view.requests.map((r) => r.generatedTokens));

function rate(
  phases: readonly PhaseResult[],
  count: (p: PhaseResult) => number,
): number | undefined {
  return phases.length === 0 ? undefined : defined(sum(phases.map(count)) / secondsOf(phases));
}

/** Tokens of a prompt that had to be computed. */
export function freshTokens({ promptTokens, cachedTokens = 0 }: RequestResult): number {
  return promptTokens - cachedTokens;
}

/** Whether the phone's own model read the prompt: a cloud's answers have no prefill phase here, nor have redactions. */
const readHere = ({ answeredBy = 'local' }: RequestResult) => answeredBy === 'local';

export const metrics = {
  time_to_first_token_seconds: {
    label: 'time to first token',
    unit: 's',
    better: 'lower',
    meaning:
      'from the arrival of a request to its first output, waiting included; mean over requests',
    compute: (v) => mean(served(v).map((r) => r.firstTokenSeconds - r.arrivalSeconds)),
  },
  prefill_tokens_per_second: {
    label: 'prefill rate',
    unit: 'tok/s',
    better: 'higher',
    meaning: 'prompt tokens that were not in the cache, over the time of the prefill phase',
    compute: (v) => {
      const phases = named(v, 'prefill');
      return phases.length === 0
        ? undefined
        : defined(sum(v.requests.filter(readHere).map(freshTokens)) / secondsOf(phases));
    },
  },
  decode_tokens_per_second: {
    label: 'decode rate',
    unit: 'tok/s',
    better: 'higher',
    meaning: 'tokens of the decode phase over its time, for one request at a time',
    compute: (v) => rate(named(v, 'decode'), (p) => p.outputs),
  },
  time_per_output_token_seconds: {
    label: 'time per output token',
    unit: 's',
    better: 'lower',
    meaning: 'time of the decode phase over its tokens',
    compute: (v) => {
      const value = rate(named(v, 'decode'), (p) => p.outputs);
      return value === undefined ? undefined : defined(1 / value);
    },
  },
  request_latency_seconds: {
    label: 'request latency',
    unit: 's',
    better: 'lower',
    meaning: 'from arrival to the last output, waiting included; mean over requests',
    compute: (v) => mean(served(v).map((r) => r.endSeconds - r.arrivalSeconds)),
  },
  deadline_miss_ratio: {
    label: 'deadlines missed',
    unit: '',
    better: 'lower',
    meaning:
      'requests that ended after their deadline or were skipped for it, over all that had one',
    compute: (v) => {
      const due = v.requests.filter((r) => r.missed !== undefined);
      return mean(due.map((r) => (r.missed ? 1 : 0)));
    },
  },
  energy_joules: {
    label: 'energy',
    unit: 'J',
    better: 'lower',
    meaning:
      'everything the phone draws from start to end: units, DRAM, fabric, display, the rest of the device, and losses down to the cell',
    compute: (v) => v.joules,
  },
  energy_per_token_joules: {
    label: 'energy per token',
    unit: 'J/tok',
    better: 'lower',
    meaning: 'energy of the decode phase, whole phone, over its tokens',
    compute: (v) => {
      const phases = named(v, 'decode');
      return defined(sum(phases.map((p) => p.joules)) / sum(phases.map((p) => p.outputs)));
    },
  },
  request_energy_per_token_joules: {
    label: 'energy per token, prefill included',
    unit: 'J/tok',
    better: 'lower',
    meaning: 'energy of the whole run over all generated tokens',
    compute: (v) => defined(v.joules / tokens(v)),
  },
  average_power_watts: {
    label: 'average power',
    unit: 'W',
    better: 'lower',
    meaning: 'energy over time, whole phone',
    compute: (v) => defined(v.joules / v.seconds),
  },
  peak_power_watts: {
    label: 'peak power',
    unit: 'W',
    better: 'lower',
    meaning: 'largest mean power over one control period, whole phone',
    compute: (v) => v.peakWatts,
  },
  skin_temperature_celsius: {
    label: 'hottest skin',
    unit: '°C',
    better: 'lower',
    meaning: 'highest temperature of either face during the run',
    compute: (v) => v.maxSkin,
  },
  end_skin_temperature_celsius: {
    label: 'skin at the end',
    unit: '°C',
    better: 'lower',
    meaning: 'temperature of the hotter face when the run ends',
    compute: (v) => v.endSkin,
  },
  junction_temperature_celsius: {
    label: 'hottest junction',
    unit: '°C',
    better: 'lower',
    meaning: 'highest temperature of any die block during the run',
    compute: (v) => v.maxJunction,
  },
  throttled_ratio: {
    label: 'throttled share',
    unit: '',
    better: 'lower',
    meaning:
      'share of time in which heat or the battery held a busy clock below what its governor asked for',
    compute: (v) =>
      v.throttledSeconds === undefined ? undefined : defined(v.throttledSeconds / v.seconds),
  },
  dram_bytes: {
    label: 'DRAM traffic',
    unit: 'B',
    better: 'lower',
    meaning: 'bytes read and written by units and background traffic',
    compute: (v) => v.dramBytes,
  },
  dram_bandwidth_bytes_per_second: {
    label: 'DRAM bandwidth',
    unit: 'B/s',
    meaning: 'DRAM traffic over time',
    compute: (v) => defined(v.dramBytes / v.seconds),
  },
  dram_utilisation_ratio: {
    label: 'DRAM utilisation',
    unit: '',
    meaning: 'DRAM bandwidth over the theoretical peak',
    compute: (v) => defined(v.dramBytes / v.seconds / v.memoryPeakRate),
  },
  peak_memory_bytes: {
    label: 'memory in use',
    unit: 'B',
    better: 'lower',
    meaning: 'weights, key–value cache, activations and what the system reserves',
    compute: (v) => v.peakMemoryBytes,
  },
  battery_ratio: {
    label: 'battery used',
    unit: '',
    better: 'lower',
    meaning: 'energy taken from the battery over that of a full one; negative after charging',
    compute: (v) => defined(v.drawnJoules / v.batteryJoules),
  },
  battery_ratio_per_request: {
    label: 'battery used per request',
    unit: '',
    better: 'lower',
    meaning: 'battery used over the number of requests',
    compute: (v) => defined(v.drawnJoules / v.batteryJoules / v.requests.length),
  },
  battery_hours: {
    label: 'hours on a full battery',
    unit: 'h',
    better: 'higher',
    meaning:
      'how long a full battery would last at the mean power of the run, pauses between requests included',
    compute: (v) =>
      v.drawnJoules > 0
        ? defined((v.batteryJoules / v.drawnJoules) * (v.seconds / SECONDS_PER_HOUR))
        : undefined,
  },
  protection_seconds: {
    label: 'time for protection',
    unit: 's',
    better: 'lower',
    meaning: 'by which the mechanisms that protect data lengthened the run',
    compute: (v) => v.audit && sum(v.audit.protection.map(({ seconds }) => seconds)),
  },
  protection_joules: {
    label: 'energy for protection',
    unit: 'J',
    better: 'lower',
    meaning:
      'drawn by the mechanisms that protect data, and by the rest of the phone while they make the run longer',
    compute: (v) => v.audit && sum(v.audit.protection.map(({ joules }) => joules)),
  },
  protection_bytes: {
    label: 'memory for protection',
    unit: 'B',
    better: 'lower',
    meaning: 'memory that protection keeps from others: codes, counters, empty secure memory',
    compute: (v) => v.audit && sum(v.audit.protection.map(({ bytes }) => bytes)),
  },
  leaked_bytes: {
    label: 'leaked',
    unit: 'B',
    better: 'lower',
    meaning:
      'promised secrets that came below their clearance; an attack that leaked counts with what it took, a probe with one page',
    compute: (v) => v.audit?.leakedBytes,
  },
  model_load_seconds: {
    label: 'models from storage, time',
    unit: 's',
    better: 'lower',
    meaning: 'that storage filled memory with models: at a cold start, or as they took turns',
    compute: (v) => (named(v, 'load').length > 0 ? secondsOf(named(v, 'load')) : undefined),
  },
  model_load_bytes: {
    label: 'models from storage',
    unit: 'B',
    better: 'lower',
    meaning: 'weights read from storage: at a cold start, or as models took turns in memory',
    compute: (v) =>
      named(v, 'load').length > 0 ? sum(named(v, 'load').map((p) => p.dramBytes)) : undefined,
  },
  run_seconds: {
    label: 'simulated time',
    unit: 's',
    meaning: 'from the start to the last output',
    compute: (v) => v.seconds,
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

/** Every metric that applies, by id. */
export function computeMetrics(view: MetricView): Record<string, number> {
  const entries = Object.entries(metrics).map(
    ([id, metric]) => [id, (metric as Metric).compute(view)] as const,
  );
  return Object.fromEntries(
    entries.filter((entry): entry is [MetricName, number] => entry[1] !== undefined),
  );
}
