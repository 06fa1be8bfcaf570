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
  /** What was left out, where the row says; a row that names none is one of its own. */
  readonly model?: string;
  /** Who measured. */
  readonly source?: string;
  readonly soc?: string;
}

/** A band holds this share of the rows. */
const HELD = 0.8;
/**
 * Rows of one source are off together: the next source is one more beside the k that were left out, of which a share of
 * (k + 1) ÷ k must be held (conformal prediction with sources as the exchangeable units), up to this share of rows. Bands
 * made without a source hold 83 % of its rows, and 76 % without this.
 */
const MOST_HELD = 0.9;
/**
 * A group of so many models, sources or SoCs counts as much as the wider group around it: rows of one are off together, so
 * that twenty of one source say of the next one what one row does. Bands made without a source, a model or a SoC hold as
 * many of its rows (first tokens, prompts and answers 89, 82, 82 %; 96, 95, 90 %; 88, 89, 86 %) as those that count rows,
 * and engines known by few sources are no longer as wide as their worst (llama.cpp's prompts on GPUs 2.7 for 3.6 times).
 */
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

/** Fewer rows than this, five of them outside at most, do not stand by themselves. */
const ENOUGH = 24;

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

/** What a sample left out. */
const LEFT_OUT = { withoutModel: 'model', withoutSource: 'source', withoutSoc: 'soc' } as const;

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
  const width = (sample: Sample, wider = UNKNOWN, share = HELD) => {
    const judged = rows.filter((row) => row[sample] !== undefined);
    const found = judged.map((row) => Math.abs(Math.log((row[sample] ?? 1) / row.reference)));
    const own = found.length > 0 ? quantileOf(found, share) : wider;
    // What is known before any row is a guess, to which every row is one more.
    const said = around ? foldsOf(judged, sample) : judged.length;
    const mixed = (said * own + HALF_WEIGHT * wider) / (said + HALF_WEIGHT);
    return Number(Math.max(LEAST, mixed).toFixed(4));
  };
  const share = (sample: Sample) => (sample === 'withoutSource' ? sourceShare(rows) : HELD);
  const calibrated = Math.max(...samples.map((one) => width(one, around?.calibrated, share(one))));
  const uncalibrated = width('withoutSoc', around?.uncalibrated);
  return {
    ...place,
    calibrated,
    uncalibrated: Math.max(calibrated, uncalibrated),
    rows: rows.length,
  };
}

/** Models, sources or SoCs among the rows. */
function foldsOf(rows: readonly Unseen[], sample: Sample): number {
  return new Set(rows.map((row, i) => row[LEFT_OUT[sample]] ?? i)).size;
}

/** Share of the rows of known sources that holds four fifths of the rows of the next one. */
function sourceShare(rows: readonly Unseen[]): number {
  const told = rows.filter(({ withoutSource }) => withoutSource !== undefined);
  const sources = foldsOf(told, 'withoutSource');
  return sources === 0 ? HELD : Math.min(MOST_HELD, (HELD * (sources + 1)) / sources);
}
