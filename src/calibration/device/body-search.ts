/** The two factors on a body that lose least (a coarse row of resistances, then downhill), and whether runs tell them at all. */
import { SpecError } from '../../base/errors.ts';
import type { Series, SeriesPoint, SustainedQuantity } from './sustained-rows.ts';

/** Factors on what the description says. */
export interface BodyFactors {
  readonly resistance: number;
  readonly capacity: number;
}

/** Values that each factor may take, ascending; 1 is among them. */
export type BodyGrid = { readonly [key in keyof BodyFactors]: readonly number[] };
type Axis = keyof BodyFactors;

export const AS_DESCRIBED: BodyFactors = { resistance: 1, capacity: 1 };
/** Of the first row, every third value. */
const STRIDE = 3;
/** Share of the loss that is worth another step. */
const STEP = 0.01;

export function searchBody(lossOf: (factors: BodyFactors) => number, grid: BodyGrid): BodyFactors {
  const least = (pairs: readonly BodyFactors[]) =>
    pairs.reduce((best, pair) => (lossOf(pair) < lossOf(best) ? pair : best));
  const { resistance: all } = grid;
  const coarse = all.filter((_, i) => i % STRIDE === 0 || i === all.length - 1);
  let best = least([
    AS_DESCRIBED,
    ...coarse.map((resistance) => ({ ...AS_DESCRIBED, resistance })),
  ]);
  for (;;) {
    const better = least([best, ...neighbours(best, grid)]);
    if (lossOf(better) >= (1 - STEP) * lossOf(best)) return best;
    best = better;
  }
}

function neighbours(at: BodyFactors, grid: BodyGrid): BodyFactors[] {
  return AXES.flatMap((axis) => {
    const i = grid[axis].indexOf(at[axis]);
    return [grid[axis][i - 1], grid[axis][i + 1]].flatMap((value) =>
      value === undefined ? [] : [{ ...at, [axis]: value }],
    );
  });
}

const AXES: readonly Axis[] = ['resistance', 'capacity'];
/** A factor that reduces the loss by less than this share is not told by the runs: it stays as described. */
const TELLING = 0.05;
/** A body must reduce it by this share to be worth using. */
const MEANINGFUL = 0.1;

/** Without the factors that make next to no difference. */
export function plainest(
  found: BodyFactors,
  lossOf: (factors: BodyFactors) => number,
): BodyFactors {
  let kept = found;
  for (const axis of AXES) {
    const plain = { ...kept, [axis]: 1 };
    if (lossOf(plain) * (1 - TELLING) <= lossOf(kept)) kept = plain;
  }
  return kept;
}

/** Why a body with these factors is not to be used; empty where it is. */
export function undetermined(
  factors: BodyFactors,
  { before, after }: { readonly before: number; readonly after: number },
  grid: BodyGrid,
): string[] {
  if (after > (1 - MEANINGFUL) * before)
    return [`no body reduces the error by ${100 * MEANINGFUL} % of it`];
  return AXES.flatMap((axis) => {
    const [low, high] = [grid[axis][0]!, grid[axis].at(-1)!];
    const factor = factors[axis];
    if (factor === 1 || (factor > low && factor < high)) return [];
    const where = `the edge of ${low} to ${high}`;
    return [`the factor ${factor} on ${axis} is at ${where}: something else is off`];
  });
}

/** Two for two factors, and as many that could contradict them. */
const FEWEST_POINTS = 4;
/** Changes that noise and rounding do not make. */
const WARMS_KELVIN = 2;
const SLOWS = 0.05;

/** @throws SpecError where too little was measured of a phone to tell its body. */
export function requireEvidence(own: readonly Series[], phone: string): void {
  const timed = own.flatMap(({ id, points }) =>
    points.filter(isTold).map(({ time, iteration }) => JSON.stringify([id, time, iteration])),
  );
  const count = new Set(timed).size;
  const expected = `at least ${FEWEST_POINTS} points in time (a temperature at 0 s is only where they start), over which a sensor warms by ${WARMS_KELVIN} K or the rate falls by ${100 * SLOWS} %`;
  const told = `the runs do not tell the body of "${phone}"`;
  if (count < FEWEST_POINTS)
    throw new SpecError([{ message: `${told}: too few points`, expected, got: String(count) }]);
  if (!own.some(({ points }) => heats(points)))
    throw new SpecError([{ message: `${told}: nothing warms up or slows down`, expected }]);
}

/** What a sensor reads at the start is where a prediction starts, not what it says. */
function isTold({ statistic, quantity, time, iteration }: SeriesPoint): boolean {
  if (statistic !== 'point' || (time === undefined && iteration === undefined)) return false;
  return quantity !== 'temperature' || time !== 0;
}

function heats(points: readonly SeriesPoint[]): boolean {
  const curves = new Map<string, SeriesPoint[]>();
  for (const point of points.filter(({ statistic }) => statistic === 'point')) {
    const key = point.quantity === 'temperature' ? `temperature ${point.sensor}` : point.quantity;
    curves.set(key, [...(curves.get(key) ?? []), point]);
  }
  return [...curves.values()].some((curve) => {
    const { quantity, reference: first } = curve[0]!;
    return curve.some(({ reference }) => shows(quantity, first, reference));
  });
}

function shows(quantity: SustainedQuantity, first: number, later: number): boolean {
  if (quantity === 'temperature') return later - first >= WARMS_KELVIN;
  if (quantity === 'latency') return later >= first / (1 - SLOWS);
  return quantity !== 'power' && later <= first * (1 - SLOWS);
}
