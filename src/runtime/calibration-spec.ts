/**
 * What measurements of phones decided: factors on runtime classes and units, and how wrong predictions are.
 *
 * Two kinds of file under `socs/calibrations`: `classes.json` holds what all SoCs say of runtime classes and the bands;
 * `<soc>.json` what one SoC adds. A user's own bundle may bring its own classes.
 */
import { checkSpec, type Infer, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { DTYPE_BITS, type DType } from '../base/work.ts';
import { combineTunings, type KernelTuning } from './kernel-tuning.ts';

const dtype = z.enum(Object.keys(DTYPE_BITS) as [DType, ...DType[]]);
const factor = z.strictObject({
  factor: z.number().positive(),
  /** Standard deviation of its logarithm. */
  sigma: z.number().nonnegative(),
  /** Measurements that depend on it. */
  rows: z.int().nonnegative(),
  /** The measurements say little of it. */
  undetermined: z.boolean(),
});
const tuning = z.strictObject({
  compute: factor.optional(),
  matrix: z.partialRecord(dtype, factor).optional(),
  rows: z.partialRecord(dtype, factor).optional(),
  attention: factor.optional(),
  superblocks: factor.optional(),
  recurrence: factor.optional(),
  bandwidth: factor.optional(),
  launch: factor.optional(),
  call: factor.optional(),
  host: factor.optional(),
});
export type TuningSpec = Infer<typeof tuning>;

/** By runtime, then by unit. */
const tunings = z.record(z.string(), z.record(z.string(), tuning));

const errors = z.strictObject({
  quantity: z.string(),
  rows: z.int(),
  median: z.number(),
  p80: z.number(),
  p90: z.number(),
  worst: z.number(),
});
const inputs = z.strictObject({
  file: z.string(),
  sha256: z.string(),
  rows: z.int(),
});
/** Half widths, as logarithms, that hold four fifths of the rows a fit had not seen. */
const band = z.strictObject({
  quantity: z.string(),
  unit: z.string(),
  runtime: z.string(),
  /** Of other models and sources on a SoC with measurements, and of a SoC without. */
  calibrated: z.number().positive(),
  uncalibrated: z.number().positive(),
  rows: z.int(),
});

export const classesSpec = z.strictObject({
  version: z.literal(1),
  kind: z.literal('classes'),
  date: z.string(),
  host: z.string(),
  inputs,
  classes: tunings,
  /** What units of one maker's SoCs have in common: by maker, then by unit. */
  makers: tunings.default({}),
  bands: z.array(band),
  /**
   * What the bands of energy and power follow from. Nothing is fitted to what was measured here, but the rates of the same
   * rows are in the fit that `predicted` is made with; `uncalibrated` is made without any.
   */
  energy: z
    .array(
      z.strictObject({
        id: z.string(),
        quantity: z.string(),
        unit: z.string(),
        runtime: z.string(),
        model: z.string().optional(),
        source: z.string().optional(),
        soc: z.string().optional(),
        measured: z.number(),
        predicted: z.number(),
        uncalibrated: z.number(),
      }),
    )
    .default([]),
  errors: z.record(z.string(), z.array(errors)),
});
export type ClassesSpec = Infer<typeof classesSpec>;

export const bundleSpec = z.strictObject({
  version: z.literal(1),
  kind: z.literal('device'),
  soc: z.string(),
  date: z.string(),
  host: z.string(),
  inputs,
  /** Classes and bands of a bundle that was fitted apart from the shipped ones. */
  classes: tunings.optional(),
  makers: tunings.optional(),
  bands: z.array(band).optional(),
  /** By unit. */
  units: z.record(z.string(), tuning),
  /** By runtime, then by unit. */
  pairs: tunings,
  errors: z.record(z.string(), z.array(errors)),
  residuals: z.array(
    z.strictObject({
      id: z.string(),
      quantity: z.string(),
      measured: z.number(),
      predicted: z.number(),
      /** By a fit that has not seen the model. */
      unseen: z.number().optional(),
    }),
  ),
});
export type BundleSpec = Infer<typeof bundleSpec>;
export type BandSpec = Infer<typeof band>;

/** Predicted value ÷ `factor` … × `factor` holds four fifths of the measured ones. */
export interface Band {
  readonly factor: number;
  /** What it rests on: rows, of which group, and whether the SoC was among them. */
  readonly basis: string;
  readonly seen: Seen;
}

/** What was measured of a SoC: this unit with this engine, this unit with others, or not this unit. */
export type Seen = 'engine' | 'unit' | 'others';

export interface Calibration {
  /** SoC whose measurements are applied beside the classes; `classes` or `none` where there are none. */
  readonly name: string;
  /** Class whose measurements stand for a runtime: its own, or those of the class that it is a build of while it has none. */
  engine(runtime: { readonly name: string; readonly family?: string | undefined }): string;
  tuning(runtime: string, unit: string, maker?: string): KernelTuning;
  band(quantity: string, runtime: string, unit: string): Band | undefined;
}

/** @throws SpecError with every fault of the file. */
export function parseClasses(spec: SpecFile): ClassesSpec {
  return checkSpec(spec, classesSpec);
}

/** @throws SpecError with every fault of the file. */
export function parseBundle(spec: SpecFile): BundleSpec {
  return checkSpec(spec, bundleSpec);
}

/**
 * @param changed units that are not those of the SoC that was measured: what it says of them is kept, known less well.
 */
export function buildCalibration(
  classes: ClassesSpec | undefined,
  bundle: BundleSpec | undefined,
  changed: ReadonlySet<string> = new Set(),
): Calibration {
  const shared = bundle?.classes ?? classes?.classes ?? {};
  const makers = bundle?.makers ?? classes?.makers ?? {};
  const bands = bundle?.bands ?? classes?.bands ?? [];
  return {
    name: bundle ? bundle.soc : classes ? 'classes' : 'none',
    engine: ({ name, family = name }) => (shared[name] || bundle?.pairs[name] ? name : family),
    tuning: (runtime, unit, maker = '') =>
      combineTunings(
        plainTuning(shared[runtime]?.[unit]),
        plainTuning(makers[maker]?.[unit]),
        plainTuning(bundle?.units[unit]),
        plainTuning(bundle?.pairs[runtime]?.[unit]),
      ),
    band: (quantity, runtime, unit) => {
      const measured = bundle?.units[unit] !== undefined && !changed.has(unit);
      const found = bandFor(bands, quantity, runtime, unit);
      if (!found) return undefined;
      return {
        factor: Math.exp(measured ? found.calibrated : found.uncalibrated),
        basis: `${rowsOf(found, quantity)}, predicted ${leftOut(quantity, measured)}`,
        seen: seenOf(bundle, runtime, unit),
      };
    },
  };
}

/** What the predictions that a band follows from did not know. */
function leftOut(quantity: string, measured: boolean): string {
  if (quantity === 'energy_per_token' || quantity === 'power')
    return measured
      ? 'by a fit that knows their rates, not their watts'
      : 'without any calibration';
  return `without their ${measured ? 'model or source' : 'SoC'}`;
}

function seenOf(bundle: BundleSpec | undefined, runtime: string, unit: string): Seen {
  if (bundle?.pairs[runtime]?.[unit] !== undefined) return 'engine';
  return bundle?.units[unit] === undefined ? 'others' : 'unit';
}

/** `81 measured rows of all engines on the gpu`. */
function rowsOf({ rows, quantity, runtime, unit }: BandSpec, wanted: string): string {
  const what = quantity === wanted ? 'rows' : OF_PROMPTS[quantity];
  if (runtime !== 'any') return `${rows} measured ${what}`;
  return `${rows} measured ${what} of all engines ${unit === 'any' ? 'and units' : `on the ${unit}`}`;
}

/** A rate and a time of the same prompts: one is the other's reciprocal, and off by the same factor. */
const OF_PROMPTS: Readonly<Record<string, string>> = {
  prefill: 'prefill rates',
  time_to_first_token: 'times to first token',
};

/** The band of a place; of rate and time of prompts, the one of the nearer group serves both, then that of more rows. */
function bandFor(
  bands: readonly BandSpec[],
  quantity: string,
  runtime: string,
  unit: string,
): BandSpec | undefined {
  const names = Object.hasOwn(OF_PROMPTS, quantity) ? Object.keys(OF_PROMPTS) : [quantity];
  const width = (one: BandSpec) => Number(one.runtime === 'any') + Number(one.unit === 'any');
  return names
    .flatMap((name) => bandAt(bands, name, runtime, unit) ?? [])
    .sort((a, b) => width(a) - width(b) || b.rows - a.rows)[0];
}

/** Fewer rows than this say next to nothing of the fifth that lies outside. */
const FEWEST = 8;

/**
 * The nearest group of enough rows: runtime and unit, then any runtime, then any unit. What fewer rows say can widen the
 * band of the group around them, not narrow it.
 */
export function bandAt(
  bands: readonly BandSpec[],
  quantity: string,
  runtime: string,
  unit: string,
): BandSpec | undefined {
  const groups = [
    [runtime, unit],
    ['any', unit],
    ['any', 'any'],
  ].flatMap(
    ([r, u]) =>
      bands.find((one) => one.quantity === quantity && one.runtime === r && one.unit === u) ?? [],
  );
  const enough = groups.findIndex(({ rows }) => rows >= FEWEST);
  const around = enough < 0 ? groups.at(-1) : groups[enough];
  const inside = groups.slice(0, enough < 0 ? groups.length : enough);
  if (!around) return undefined;
  return {
    ...around,
    calibrated: Math.max(around.calibrated, ...inside.map(({ calibrated }) => calibrated)),
    uncalibrated: Math.max(around.uncalibrated, ...inside.map(({ uncalibrated }) => uncalibrated)),
  };
}

function plainTuning(spec: TuningSpec | undefined): KernelTuning {
  if (!spec) return {};
  const { matrix, rows, ...single } = spec;
  const table = (given: typeof matrix) =>
    Object.fromEntries(Object.entries(given ?? {}).map(([name, one]) => [name, one.factor]));
  return {
    ...Object.fromEntries(Object.entries(single).map(([name, one]) => [name, one?.factor ?? 1])),
    matrix: table(matrix),
    rows: table(rows),
  };
}
