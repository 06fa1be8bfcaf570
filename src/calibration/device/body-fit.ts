/**
 * Fits a phone's body to measured runs over time: one factor on the resistances out of its hot spot, one on the
 * capacities there.
 *
 * Model    every pair of a grid is run on every series; the loss of a series is the mean size of ln(predicted ÷ measured)
 *          over its rates and times, and of kelvins ÷ 10 over its temperatures; the pair with the least mean is taken
 * Ignores  that a rate carries the error of its runtime class, which no body can mend; the vendor's set points
 * Valid    phones with a description, series that throttle
 * Source   least absolute deviations; the issue of throttling allows resistance and capacity of the body, nothing else
 * Checked  test/unit/calibration/device/body-fit.test.ts (recovers the body that made the runs)
 */
import { SpecError } from '../../base/errors.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { applyOverrides } from '../../engine/overrides.ts';
import type { Sources } from '../../engine/prepare.ts';
import { type Phone, parsePhone, phoneSchema } from '../../hardware/thermal/phone-spec.ts';
import { predictSustained } from './sustained.ts';
import type { SustainedPrediction } from './sustained-compare.ts';
import { protocolOf, type Series } from './sustained-rows.ts';
import { phoneOfDevice } from './sustained-scenario.ts';

/** Paths out of the hot spot, and what stores heat there. */
const RESISTANCES = ['boardToFrame', 'chamberToFrame', 'chamberToFront', 'chamberToBack'] as const;
const CAPACITIES = ['board', 'chamber'] as const;
type Part = (typeof RESISTANCES)[number] | (typeof CAPACITIES)[number];

/** Factors on what the description says. */
export interface BodyFactors {
  readonly resistance: number;
  readonly capacity: number;
}

export const BODY_GRID = {
  resistance: [0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.1, 1.3, 1.6, 2],
  capacity: [0.6, 1, 1.6],
} as const;

/** Kelvins that weigh as much as a rate that is e times off. */
const KELVINS = 10;
const AS_DESCRIBED: BodyFactors = { resistance: 1, capacity: 1 };

export interface BodyFit {
  readonly phone: string;
  readonly factors: BodyFactors;
  /** Mean loss over the series, as described and fitted. */
  readonly before: number;
  readonly after: number;
  /** Series (or those of one session together) that a fit to the others had not seen; none where there is but one. */
  readonly heldOut: readonly { readonly series: string; before: number; after: number }[];
  /** Fitted values in their units. */
  readonly values: Readonly<Record<Part, number>>;
}

/**
 * @param tell hears of every run of the grid that is done, out of how many.
 * @throws SpecError where no series ran on the phone.
 */
export function fitBody(
  all: readonly Series[],
  phone: string,
  sources: Sources,
  tell: (done: number, total: number) => void = () => {},
  grid: { readonly [key in keyof BodyFactors]: readonly number[] } = BODY_GRID,
): BodyFit {
  const own = all.filter((series) => phoneOfDevice(series.device) === phone);
  const spec = sources.phone(phone);
  const described = parsePhone(spec);
  const pairs = grid.resistance.flatMap((resistance) =>
    grid.capacity.map((capacity) => ({ resistance, capacity })),
  );
  const losses = pairs.map((factors, i) => {
    const body = withBody(spec, described, factors);
    const inBody: Sources = {
      ...sources,
      phone: (name) => (name === phone ? body : sources.phone(name)),
    };
    const found = lossesOf(predictSustained(own, inBody).rows);
    tell(i + 1, pairs.length);
    return found;
  });
  const groups = [...(losses[0]?.keys() ?? [])];
  if (groups.length === 0)
    throw new SpecError([
      { message: `no run over time that could be predicted is of phone "${phone}"` },
    ]);
  const asDescribed = pairs.findIndex(
    ({ resistance, capacity }) =>
      resistance === AS_DESCRIBED.resistance && capacity === AS_DESCRIBED.capacity,
  );
  const mean = (pair: number, of: readonly string[]) =>
    of.reduce((sum, group) => sum + (losses[pair]!.get(group) ?? 0), 0) / of.length;
  const best = (of: readonly string[]) =>
    pairs.reduce((least, _, i) => (mean(i, of) < mean(least, of) ? i : least), asDescribed);
  const chosen = best(groups);
  const heldOut =
    groups.length < 2
      ? []
      : groups.map((group) => {
          const unseen = best(groups.filter((other) => other !== group));
          const [before, after] = [mean(asDescribed, [group]), mean(unseen, [group])];
          return { series: group, before, after };
        });
  const factors = pairs[chosen]!;
  return {
    phone,
    factors,
    before: mean(asDescribed, groups),
    after: mean(chosen, groups),
    heldOut,
    values: bodyOf(described, factors),
  };
}

function bodyOf({ thermal }: Phone, { resistance, capacity }: BodyFactors): Record<Part, number> {
  const scaled = (parts: readonly Part[], factor: number) =>
    parts.map((part) => [part, thermal[part].is * factor] as const);
  return Object.fromEntries([
    ...scaled(RESISTANCES, resistance),
    ...scaled(CAPACITIES, capacity),
  ]) as Record<Part, number>;
}

function withBody(spec: SpecFile, phone: Phone, factors: BodyFactors): SpecFile {
  const values = bodyOf(phone, factors);
  const set = [
    ...RESISTANCES.map((part) => `phone.thermal.${part}=${values[part]} K/W`),
    ...CAPACITIES.map((part) => `phone.thermal.${part}=${values[part]} J/K`),
  ];
  return applyOverrides({ phone: { spec, schema: phoneSchema } }, set).phone;
}

/** By series; those of one session are one, since a fit to one of them has seen the others' heat. */
function lossesOf(rows: readonly SustainedPrediction[]): Map<string, number> {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const row of rows) {
    const loss = lossOf(row);
    if (loss === undefined) continue;
    const group = groupOf(row.series);
    const known = sums.get(group) ?? { sum: 0, count: 0 };
    sums.set(group, { sum: known.sum + loss, count: known.count + 1 });
  }
  return new Map([...sums].map(([group, { sum, count }]) => [group, sum / count]));
}

function lossOf({
  quantity,
  predicted,
  reference,
  error,
}: SustainedPrediction): number | undefined {
  if (quantity === 'temperature') return Math.abs(error) / KELVINS;
  return predicted > 0 && reference > 0 ? Math.abs(Math.log(predicted / reference)) : undefined;
}

function groupOf(series: Series): string {
  const { session } = protocolOf(series.remarks);
  return session ? `session of ${series.device} on the ${series.unit}` : series.id;
}
