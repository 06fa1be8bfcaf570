/** How far predictions of unseen rows lie from what was measured, as bands by quantity, unit and runtime class. */
import { type BandSpec, bandAt } from '../../runtime/calibration-spec.ts';
import { quantileOf } from '../statistics.ts';

/** One row predicted by fits that had not seen its model, its source or its SoC. */
export interface Unseen {
  readonly quantity: string;
  readonly unit: string;
  readonly runtime: string;
  readonly reference: number;
  /** Absent where the SoC has no other model. */
  readonly withoutModel: number | undefined;
  /** Absent where no other source measured that unit of the SoC. */
  readonly withoutSource: number | undefined;
  readonly withoutSoc: number;
  /** Who measured, where the row says. */
  readonly source?: string;
}

/** A band holds this share of the rows. */
const HELD = 0.8;
/**
 * Rows of one source are off together: the next source is one more beside the k that were left out, of which a share of
 * (k + 1) ÷ k must be held (conformal prediction with sources as the exchangeable units), up to this share of rows. Bands
 * made without a source hold 82 % of its rows, and 76 % without this.
 */
const MOST_HELD = 0.9;
/** A group of so many rows counts as much as the wider group around it. */
const HALF_WEIGHT = 6;
/** No prediction is known better than phones of one kind differ. */
const LEAST = Math.log(1.05);
/** What is known before any row: four of five predictions for SoCs without measurements lie within this factor. */
const UNKNOWN = Math.log(1.6); // leave-one-SoC-out errors of decode and prefill, test/validation/ACCURACY.md

/** For every runtime on every unit, for any runtime on a unit, and for anything. */
export function bandsOf(rows: readonly Unseen[]): BandSpec[] {
  const quantities = [...new Set(rows.map(({ quantity }) => quantity))].sort();
  return quantities.flatMap((quantity) => {
    const all = rows.filter((row) => row.quantity === quantity);
    const samples = samplesOf(all);
    const any = bandOf(all, { quantity, unit: 'any', runtime: 'any' }, samples);
    const units = [...new Set(all.map(({ unit }) => unit))].sort();
    return [
      any,
      ...units.flatMap((unit) => {
        const ofUnit = all.filter((row) => row.unit === unit);
        const wide = bandOf(ofUnit, { quantity, unit, runtime: 'any' }, samples, any);
        const runtimes = [...new Set(ofUnit.map(({ runtime }) => runtime))].sort();
        return [
          wide,
          ...runtimes.map((runtime) =>
            bandOf(
              ofUnit.filter((row) => row.runtime === runtime),
              { quantity, unit, runtime },
              samples,
              wide,
            ),
          ),
        ];
      }),
    ];
  });
}

/** With fewer rows than this, the wider group around still makes a fifth of a band: it does not stand by itself. */
const ENOUGH = 4 * HALF_WEIGHT;

/**
 * Bands of few rows beside those of many: a small fit is not known better than the large one until rows it had not seen
 * say so. Places that the few say nothing of are those of the many.
 */
export function bandsBeside(few: readonly Unseen[], many: readonly BandSpec[]): BandSpec[] {
  const own = bandsOf(few).map((band) => {
    const { quantity, unit, runtime } = band;
    const known = bandAt(many, quantity, runtime, unit);
    const inside = few.filter(
      (row) =>
        row.quantity === quantity &&
        (unit === 'any' || row.unit === unit) &&
        (runtime === 'any' || row.runtime === runtime),
    );
    const judged = inside.filter(({ withoutModel }) => withoutModel !== undefined).length;
    if (!known || judged >= ENOUGH) return band;
    const calibrated = Math.max(band.calibrated, known.calibrated);
    const uncalibrated = Math.max(band.uncalibrated, known.uncalibrated);
    return { ...band, calibrated, uncalibrated };
  });
  const isOwn = (one: BandSpec) =>
    own.some(
      ({ quantity, unit, runtime }) =>
        quantity === one.quantity && unit === one.unit && runtime === one.runtime,
    );
  return [...own, ...many.filter((one) => !isOwn(one))];
}

type Sample = 'withoutModel' | 'withoutSource' | 'withoutSoc';

/** Other models by sources that were seen, and sources that were not: a row of one source alone says nothing of others. */
function samplesOf(rows: readonly Unseen[]): readonly Sample[] {
  const told = rows.some(({ withoutSource }) => withoutSource !== undefined);
  return told ? ['withoutModel', 'withoutSource'] : ['withoutModel'];
}

/** As wide as the wider of its samples asks. */
function bandOf(
  rows: readonly Unseen[],
  place: Pick<BandSpec, 'quantity' | 'unit' | 'runtime'>,
  samples: readonly Sample[],
  around?: BandSpec,
): BandSpec {
  const away = (sample: Sample) =>
    rows.flatMap((row) => {
      const value = row[sample];
      return value === undefined ? [] : [Math.abs(Math.log(value / row.reference))];
    });
  const width = (found: readonly number[], wider = UNKNOWN, share = HELD) => {
    const own = found.length > 0 ? quantileOf(found, share) : wider;
    const mixed = (found.length * own + HALF_WEIGHT * wider) / (found.length + HALF_WEIGHT);
    return Number(Math.max(LEAST, mixed).toFixed(4));
  };
  const share = (sample: Sample) => (sample === 'withoutSource' ? sourceShare(rows) : HELD);
  const calibrated = Math.max(
    ...samples.map((one) => width(away(one), around?.calibrated, share(one))),
  );
  const uncalibrated = width(away('withoutSoc'), around?.uncalibrated);
  return {
    ...place,
    calibrated,
    uncalibrated: Math.max(calibrated, uncalibrated),
    rows: rows.length,
  };
}

/** Share of the rows of known sources that holds four fifths of the rows of the next one. */
function sourceShare(rows: readonly Unseen[]): number {
  const told = rows.filter(({ withoutSource }) => withoutSource !== undefined);
  // A row that names none is a source of its own.
  const sources = new Set(told.map(({ source }, i) => source ?? i)).size;
  return sources === 0 ? HELD : Math.min(MOST_HELD, (HELD * (sources + 1)) / sources);
}
