/**
 * Fits what latencies of whole networks decide: per chip what its NPU reaches with compiled networks, per engine its own
 * few numbers, in turns, for the rows of one depend on the other.
 *
 * Model    numbers of an engine as if chips did not differ, so that they hold for one that was not measured; then, where
 *          the engine brings its own kernels, two factors per chip on top (rates, launches), pulled to one
 * Ignores  rows of mixed units, of grades C and D, and broken runs (more than a minute for one image)
 * Valid    several networks per chip and engine
 * Source   src/calibration/device/class-fit.ts
 * Checked  test/unit/calibration/device/vision-calibrate.test.ts, test/validation/vision.test.ts
 */
import type { SocUnitSpec } from '../../hardware/soc-spec.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { fitClass } from './class-fit.ts';
import {
  chipTrials,
  classTrials,
  type Sketch,
  type Trials,
  unitTrials,
  visionProblem,
  type Written,
  withValues,
} from './vision-fit.ts';
import type { MappedVisionRow } from './vision-mapping.ts';

/** Longer than any network of a table takes on any NPU that works. */
const BROKEN_MILLISECONDS = 60_000;
/** Classes whose numbers on CPU and GPU come from latencies of networks; others are known by language models. */
const ENGINES: ReadonlySet<string> = new Set(['ncnn']);
/** Turns from the middle of the priors. */
const TURNS = 2;

export interface FittedNumber {
  /** SoC or runtime class. */
  readonly of: string;
  readonly path: string;
  readonly written: number;
  readonly fitted: number;
}

export interface VisionFit {
  readonly numbers: readonly FittedNumber[];
  /** Predicted ÷ measured − 1, by row that was fitted to. */
  readonly errors: ReadonlyMap<MappedVisionRow, number>;
  /** Descriptions with the numbers found. */
  readonly fitted: Written;
  readonly predict: (rows: readonly MappedVisionRow[]) => readonly number[];
}

/** Rows that say something of one unit running a whole network under an engine that was described to that end. */
export function fittingRows(rows: readonly MappedVisionRow[]): MappedVisionRow[] {
  return rows.filter(
    ({ row, unit, runtime }) =>
      (unit === 'npu' || ENGINES.has(runtime)) &&
      !row.unit.includes('mixed') &&
      'AB'.includes(row.quality) &&
      (row.milliseconds ?? 0) < BROKEN_MILLISECONDS,
  );
}

/** What chips may differ by under an engine whose own kernels are fitted. */
const FACTORS = ['compute', 'launch'] as const;

/** Classes with a place for what each chip of the rows says of them, at one where nothing is written yet. */
export function openChips(
  rows: readonly MappedVisionRow[],
  runtimes: Written['runtimes'],
): Written['runtimes'] {
  const opened = new Map<string, RuntimeSpec>();
  for (const { runtime: name, soc, unit } of rows) {
    const runtime = opened.get(name) ?? runtimes[name];
    if (!ENGINES.has(name) || !runtime) continue;
    const { [soc]: own = {} } = runtime.chips;
    const factors = Object.fromEntries(
      FACTORS.map((factor) => [factor, { is: 1, from: 'fit', trust: 'fitted' } as const]),
    );
    const chips = { ...runtime.chips, [soc]: { ...own, [unit]: { ...factors, ...own[unit] } } };
    opened.set(name, { ...runtime, chips });
  }
  return { ...runtimes, ...Object.fromEntries(opened) };
}

export function fitVision(
  rows: readonly MappedVisionRow[],
  written: Written,
  sketchOf: (row: MappedVisionRow) => Sketch,
): VisionFit {
  const units = new Map<string, SocUnitSpec>();
  // Engines start from the middle as well, or the first turn of the chips would depend on what is written.
  let runtimes = started(rows, written);
  const found = new Map<string, Found>();
  const now = (): Written => ({
    units: (row) => (row.unit === 'npu' ? units.get(row.soc) : undefined) ?? written.units(row),
    runtimes,
  });
  for (let turn = 0; turn < TURNS; turn++) {
    const compiled = rows.filter(({ unit }) => unit === 'npu');
    for (const [soc, some] of groups(compiled, (row) => row.soc)) {
      const spec = written.units(some[0] as MappedVisionRow);
      const fit = solve(unitTrials(spec, now()), some, sketchOf, found.get(soc));
      found.set(soc, fit);
      units.set(soc, withValues(spec, fit.paths, fit.values));
    }
    for (const [key, some] of groups(rows, ({ runtime, unit }) => `${runtime} ${unit}`)) {
      const { runtime: name, unit } = some[0] as MappedVisionRow;
      const spec = written.runtimes[name] as RuntimeSpec;
      const keep = (part: string, trials: Trials) => {
        const fit = solve(trials, some, sketchOf, found.get(`${key}${part}`));
        found.set(`${key}${part}`, fit);
        // What another unit has told of the class is kept.
        const before = runtimes[name] as RuntimeSpec;
        runtimes = { ...runtimes, [name]: withValues(before, fit.paths, fit.values) };
      };
      keep('', classTrials(spec, unit, now()));
      if (ENGINES.has(name))
        keep(', chips', chipTrials(runtimes[name] as RuntimeSpec, unit, now()));
    }
  }
  const fitted = now();
  const { units: unitOf, runtimes: classes } = fitted;
  const trial = () => (row: MappedVisionRow) => ({
    spec: unitOf(row),
    runtime: classes[row.runtime] as RuntimeSpec,
  });
  const predict = (some: readonly MappedVisionRow[]) =>
    visionProblem({ parameters: [], trial }, some, sketchOf).predict([], some);
  const predicted = predict(rows);
  return {
    fitted,
    predict,
    numbers: [...found].flatMap(([of, { paths, written: before, values }]) =>
      paths.map((path, i) => ({
        of,
        path,
        written: before[i] as number,
        fitted: values[i] as number,
      })),
    ),
    errors: new Map(
      rows.map((row, i) => [row, (predicted[i] as number) / (row.row.milliseconds as number) - 1]),
    ),
  };
}

function started(
  rows: readonly MappedVisionRow[],
  { runtimes, units }: Written,
): Written['runtimes'] {
  const names = [...new Set(rows.map(({ runtime }) => runtime))];
  const specs = names.map((name) => {
    const spec = runtimes[name] as RuntimeSpec;
    const { parameters } = classTrials(spec, 'npu', { runtimes, units });
    const paths = parameters.map(({ path }) => path);
    return [
      name,
      withValues(
        spec,
        paths,
        parameters.map(({ start }) => start),
      ),
    ] as const;
  });
  return { ...runtimes, ...Object.fromEntries(specs) };
}

interface Found {
  readonly paths: readonly string[];
  readonly written: readonly number[];
  readonly values: readonly number[];
}

function solve(
  trials: Trials,
  rows: readonly MappedVisionRow[],
  sketchOf: (row: MappedVisionRow) => Sketch,
  before: Found | undefined,
): Found {
  return {
    paths: trials.parameters.map(({ path }) => path),
    // Factors of chips are written anew with every turn.
    written: before?.written ?? trials.parameters.map(({ written }) => written),
    values: fitClass(visionProblem(trials, rows, sketchOf), before?.values),
  };
}

function groups<Row>(rows: readonly Row[], keyOf: (row: Row) => string): [string, Row[]][] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const list = found.get(keyOf(row));
    if (list) list.push(row);
    else found.set(keyOf(row), [row]);
  }
  return [...found];
}
