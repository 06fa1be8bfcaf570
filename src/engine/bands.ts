/**
 * The interval of each answer that measurements know something of.
 *
 * Model    low = value ÷ factor, high = value × factor, the factor holding four fifths of measured rows that no fit had
 *          seen; the time of a whole request takes each stage with its own factor; where units share a stage, the
 *          widest factor of those that hold a good part of its time
 * Ignores  errors in heat; that energy and power were measured while decoding only; that errors of one SoC go the same way
 * Valid    workloads of the families that a calibration was fitted on
 * Source   socs/calibrations (bands of classes.json)
 * Checked  test/unit/engine/bands.test.ts
 */
import type { Seconds } from '../base/units.ts';
import type { Band, Calibration } from '../runtime/calibration-spec.ts';
import type { Interval, RunInputs } from './run.ts';

/** Which measured quantity says how well a metric is known, and the stage whose unit counts. */
const QUANTITIES: Readonly<Record<string, { readonly quantity: string; readonly stage: string }>> =
  {
    time_to_first_token_seconds: { quantity: 'time_to_first_token', stage: 'prefill' },
    prefill_tokens_per_second: { quantity: 'prefill', stage: 'prefill' },
    decode_tokens_per_second: { quantity: 'decode', stage: 'decode' },
    time_per_output_token_seconds: { quantity: 'decode', stage: 'decode' },
    energy_per_token_joules: { quantity: 'energy_per_token', stage: 'decode' },
    energy_joules: { quantity: 'energy_per_token', stage: 'decode' },
    request_energy_per_token_joules: { quantity: 'energy_per_token', stage: 'decode' },
    battery_ratio: { quantity: 'energy_per_token', stage: 'decode' },
    battery_ratio_per_request: { quantity: 'energy_per_token', stage: 'decode' },
    average_power_watts: { quantity: 'power', stage: 'decode' },
    battery_hours: { quantity: 'power', stage: 'decode' },
  };
const LATENCY = 'request_latency_seconds';

/** Share of a stage's time from which on what is known of a unit counts: less would change the sum by little. */
const GOOD_PART = 0.25;

/** What a calibration knows of one run. */
export interface BandSource {
  readonly calibration: Calibration;
  readonly runtime: string;
}

/** Time of units by name. */
export type UnitSeconds = ReadonlyMap<string, Seconds>;

/** Units that hold a good part of a stage's time, most first. */
export function unitsThatCount(seconds: UnitSeconds): { unit: string; share: number }[] {
  const total = [...seconds.values()].reduce((sum, one) => sum + one, 0);
  return [...seconds]
    .map(([unit, own]) => ({ unit, share: own / total }))
    .filter(({ share }) => share >= GOOD_PART)
    .sort((a, b) => b.share - a.share);
}

/** Of units that share a stage, the band of the one that measurements know least of, whoever is ahead at the moment. */
export function widestBand(
  { calibration, runtime }: BandSource,
  quantity: string,
  seconds: UnitSeconds,
): Band | undefined {
  return unitsThatCount(seconds)
    .flatMap(({ unit }) => calibration.band(quantity, runtime, unit) ?? [])
    .reduce<Band | undefined>((a, b) => (a && a.factor >= b.factor ? a : b), undefined);
}

/**
 * Intervals by metric; a metric of which nothing was measured has none.
 * @param secondsOf time of units in a stage; nothing where the run has none of it.
 */
export function intervalsOf(
  metrics: Readonly<Record<string, number>>,
  secondsOf: (stage: string) => UnitSeconds | undefined,
  source: BandSource,
): Record<string, Interval> {
  const found: Record<string, Interval> = {};
  const bandOf = (quantity: string, stage: string) => {
    const seconds = secondsOf(stage);
    return seconds && widestBand(source, quantity, seconds);
  };
  for (const [id, { quantity, stage }] of Object.entries(QUANTITIES)) {
    const value = metrics[id];
    // A battery that a charger fills faster than it is emptied has a figure below zero, of which no factor is known.
    const band = value === undefined || value <= 0 ? undefined : bandOf(quantity, stage);
    if (value !== undefined && band)
      found[id] = {
        low: value / band.factor,
        high: value * band.factor,
        basis: band.basis,
        seen: band.seen,
      };
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
      seen: decode.seen,
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
