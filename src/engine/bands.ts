/**
 * The interval of each answer that measurements know something of.
 *
 * Model    low = value ÷ factor, high = value × factor, the factor holding four fifths of measured rows that no fit had
 *          seen; the time of a whole request takes each stage with its own factor
 * Ignores  errors in heat; that energy and power were measured while decoding only; that errors of one SoC go the same way
 * Valid    workloads of the families that a calibration was fitted on
 * Source   socs/calibrations (bands of classes.json)
 * Checked  test/unit/engine/bands.test.ts
 */
import type { Calibration } from '../runtime/calibration-spec.ts';
import type { Interval, PhaseResult, RunInputs } from './run.ts';

/** Which measured quantity says how well a metric is known, and the stage whose unit counts. */
const QUANTITIES: Readonly<Record<string, { readonly quantity: string; readonly stage: string }>> =
  {
    time_to_first_token_seconds: { quantity: 'time_to_first_token', stage: 'prefill' },
    prefill_tokens_per_second: { quantity: 'prefill', stage: 'prefill' },
    decode_tokens_per_second: { quantity: 'decode', stage: 'decode' },
    time_per_output_token_seconds: { quantity: 'decode', stage: 'decode' },
    energy_per_token_joules: { quantity: 'energy_per_token', stage: 'decode' },
    average_power_watts: { quantity: 'power', stage: 'decode' },
  };
const LATENCY = 'request_latency_seconds';

/** What a calibration knows of one run. */
export interface BandSource {
  readonly calibration: Calibration;
  readonly runtime: string;
}

/** Intervals by metric; a metric of which nothing was measured has none. */
export function intervalsOf(
  metrics: Readonly<Record<string, number>>,
  phases: readonly PhaseResult[],
  { calibration, runtime }: BandSource,
): Record<string, Interval> {
  const found: Record<string, Interval> = {};
  const bandOf = (quantity: string, stage: string) => {
    const unit = phases.find((phase) => phase.stage === stage)?.units[0];
    return unit === undefined ? undefined : calibration.band(quantity, runtime, unit);
  };
  for (const [id, { quantity, stage }] of Object.entries(QUANTITIES)) {
    const value = metrics[id];
    const band = value === undefined ? undefined : bandOf(quantity, stage);
    if (value !== undefined && band)
      found[id] = { low: value / band.factor, high: value * band.factor, basis: band.basis };
  }
  const latency = metrics[LATENCY];
  const first = found['time_to_first_token_seconds'];
  const decode = bandOf('decode', 'decode');
  const firstValue = metrics['time_to_first_token_seconds'];
  if (latency !== undefined && first && decode && firstValue !== undefined) {
    const rest = Math.max(0, latency - firstValue);
    found[LATENCY] = {
      low: first.low + rest / decode.factor,
      high: first.high + rest * decode.factor,
      basis: decode.basis,
    };
  }
  return found;
}

/**
 * Whether two runs are wrong in the same way: same hardware, engine and work, so that only what was changed tells
 * them apart and intervals, which hold for each by itself, say nothing of the difference.
 */
export function sharesError(a: RunInputs, b: RunInputs): boolean {
  return (['soc', 'workload', 'runtime', 'policy', 'calibration'] as const).every(
    (key) => a[key] === b[key],
  );
}

/** Whether one value can be told from another: their intervals do not meet. Values without an interval are exact. */
export function separable(
  a: { readonly value: number; readonly interval?: Interval | undefined },
  b: { readonly value: number; readonly interval?: Interval | undefined },
): boolean {
  const range = ({ value, interval }: typeof a) => interval ?? { low: value, high: value };
  const [one, other] = [range(a), range(b)];
  return one.high < other.low || other.high < one.low;
}
