/**
 * Fits a phone's body to measured runs over time: one factor on the resistances out of its hot spot, one on the
 * capacities there.
 *
 * Model    pairs of a grid, downhill, are run on every series; the loss of a series is the mean size of ln(predicted ÷ measured)
 *          over its rates and times, and of kelvins ÷ 10 over its temperatures; the pair with the least mean is taken, where it
 *          explains a tenth of it and lies within the grid; a factor that makes no difference stays 1
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
import {
  AS_DESCRIBED,
  type BodyFactors,
  type BodyGrid,
  plainest,
  requireEvidence,
  searchBody,
  undetermined,
} from './body-search.ts';
import { predictSustained } from './sustained.ts';
import type { SustainedPrediction } from './sustained-compare.ts';
import { protocolOf, type Series } from './sustained-rows.ts';
import { phoneOfDevice } from './sustained-scenario.ts';

/** Paths out of the hot spot, and what stores heat there. */
const RESISTANCES = ['boardToFrame', 'chamberToFrame', 'chamberToFront', 'chamberToBack'] as const;
const CAPACITIES = ['board', 'chamber'] as const;
type Part = (typeof RESISTANCES)[number] | (typeof CAPACITIES)[number];

/** Resistances out of the hot spot and capacities there: as far from a description as one may be by estimates. */
const BODY_GRID: BodyGrid = {
  resistance: [0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.1, 1.3, 1.6, 2],
  capacity: [0.5, 0.7, 1, 1.4, 2],
};

/** Kelvins that weigh as much as a rate that is e times off. */
const KELVINS = 10;
/** Bodies that a search tries, as a rule. */
const TYPICAL = 14;

/** Mean size of the error of one quantity of one series; relative, in kelvin for temperatures. */
export interface BodyResidual {
  readonly series: string;
  readonly quantity: string;
  readonly points: number;
  readonly before: number;
  readonly after: number;
}

export interface BodyFit {
  readonly phone: string;
  readonly factors: BodyFactors;
  /** Mean loss over the series, as described and fitted. */
  readonly before: number;
  readonly after: number;
  /** Why the body is not to be used; empty where the runs determine it. */
  readonly undetermined: readonly string[];
  readonly residuals: readonly BodyResidual[];
  /** Series (or those of one session together) that a fit to the others had not seen; none where there is but one, or no body to use. */
  readonly heldOut: readonly { readonly series: string; before: number; after: number }[];
  /** Values in their units that are not as described; none where they are not determined. */
  readonly values: Readonly<Partial<Record<Part, number>>>;
}

/**
 * @param tell hears of every run that is done, out of how many as a rule.
 * @throws SpecError where too little was measured of the phone.
 */
export function fitBody(
  all: readonly Series[],
  phone: string,
  sources: Sources,
  tell: (done: number, total: number) => void = () => {},
  grid: BodyGrid = BODY_GRID,
): BodyFit {
  const own = all.filter((series) => phoneOfDevice(series.device) === phone);
  const predict = predictor(own, phone, sources, tell);
  if (own.length > 0) requireEvidence(own, phone);
  const asDescribed = predict(AS_DESCRIBED);
  const groups = [...asDescribed.losses.keys()];
  if (groups.length === 0)
    throw new SpecError([
      { message: `no run over time that could be predicted is of phone "${phone}"` },
    ]);
  const meanOf = (of: readonly string[]) => (factors: BodyFactors) =>
    of.reduce((sum, group) => sum + (predict(factors).losses.get(group) ?? 0), 0) / of.length;
  const lossOf = meanOf(groups);
  const factors = plainest(searchBody(lossOf, grid), lossOf);
  const [before, after] = [lossOf(AS_DESCRIBED), lossOf(factors)];
  const reasons = undetermined(factors, { before, after }, grid);
  const heldOut =
    reasons.length > 0 || groups.length < 2
      ? []
      : groups.map((group) => {
          const unseen = searchBody(meanOf(groups.filter((other) => other !== group)), grid);
          const loss = meanOf([group]);
          return { series: group, before: loss(AS_DESCRIBED), after: loss(unseen) };
        });
  return {
    phone,
    factors,
    before,
    after,
    undetermined: reasons,
    residuals: residualsOf(asDescribed.rows, predict(factors).rows),
    heldOut,
    values: reasons.length > 0 ? {} : changedParts(parsePhone(sources.phone(phone)), factors),
  };
}

interface Predicted {
  readonly rows: readonly SustainedPrediction[];
  readonly losses: ReadonlyMap<string, number>;
}

/** Runs every series in a body, once for each pair of factors. */
function predictor(
  own: readonly Series[],
  phone: string,
  sources: Sources,
  tell: (done: number, total: number) => void,
): (factors: BodyFactors) => Predicted {
  const spec = sources.phone(phone);
  const described = parsePhone(spec);
  const known = new Map<string, Predicted>();
  return (factors) => {
    const key = `${factors.resistance} ${factors.capacity}`;
    const before = known.get(key);
    if (before) return before;
    const body = withBody(spec, described, factors);
    const inBody: Sources = {
      ...sources,
      phone: (name) => (name === phone ? body : sources.phone(name)),
    };
    const count = known.size;
    const bodies = Math.max(TYPICAL, count + 1);
    const { rows } = predictSustained(own, inBody, (done, runs) =>
      tell(count * runs + done, bodies * runs),
    );
    const found = { rows, losses: lossesOf(rows) };
    known.set(key, found);
    return found;
  };
}

function residualsOf(
  before: readonly SustainedPrediction[],
  after: readonly SustainedPrediction[],
): BodyResidual[] {
  const fitted = meanErrors(after);
  return [...meanErrors(before)].map(([key, { sum, count, series, quantity }]) => {
    const { sum: left, count: rows } = fitted.get(key) ?? { sum: Number.NaN, count: 1 };
    return { series, quantity, points: count, before: sum / count, after: left / rows };
  });
}

function meanErrors(rows: readonly SustainedPrediction[]) {
  const sums = new Map<string, { series: string; quantity: string; sum: number; count: number }>();
  for (const { series, quantity, error } of rows) {
    const key = JSON.stringify([series.id, quantity]);
    const { sum, count } = sums.get(key) ?? { sum: 0, count: 0 };
    sums.set(key, { series: series.id, quantity, sum: sum + Math.abs(error), count: count + 1 });
  }
  return sums;
}

function changedParts(phone: Phone, factors: BodyFactors): Partial<Record<Part, number>> {
  const kept = factors.resistance === 1 ? RESISTANCES : [];
  const still: readonly string[] = [...kept, ...(factors.capacity === 1 ? CAPACITIES : [])];
  return Object.fromEntries(
    Object.entries(bodyOf(phone, factors)).filter(([part]) => !still.includes(part)),
  );
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
