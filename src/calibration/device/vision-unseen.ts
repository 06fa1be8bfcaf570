/**
 * Errors of latencies by fits that have not seen their network, or their chip.
 *
 * Model    least Σ ρ(ln(predicted ÷ measured) ÷ σ) + Σ (ln(value ÷ centre) ÷ prior)² over the numbers of all chips and
 *          engines at once; a fold takes Newton steps from the fit of all rows with its slopes, rows left out removed. The
 *          centre of a chip's number is the geometric mean over the other chips: a chip left out ends there
 *          What chips differ by from an engine comes last, with all else as found: a chip left out does not differ
 * Ignores  numbers that only the fold left out has told an engine apart by
 * Valid    numbers near their best for all rows, as shipped ones are
 * Source   chord steps as in src/calibration/device/fit-solve.ts; σ and ρ of src/calibration/device/class-fit.ts
 * Checked  test/unit/calibration/device/vision-unseen.test.ts, test/validation/vision.test.ts
 */
import type { SocUnitSpec } from '../../hardware/soc-spec.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { normalSolver } from '../normal-equations.ts';
import { SIGMA } from './class-fit.ts';
import {
  classTrials,
  factorsOf,
  type Sketch,
  type Trials,
  unitTrials,
  visionProblem,
  type Written,
  type WrittenNumber,
  withValues,
} from './vision-fit.ts';
import type { MappedVisionRow } from './vision-mapping.ts';

/** A number of one chip's NPU, of one engine, or what a chip differs by from an engine; from what is written of it. */
interface JointParameter extends WrittenNumber {
  readonly chip?: string;
  readonly engine?: string;
  /** Chip, unit and engine of a factor. */
  readonly pair?: string;
}
interface Fold {
  readonly kept: readonly number[];
  readonly centres: readonly number[];
}
/** Some of the numbers by some of the rows, the others staying as they are. */
interface Stage {
  readonly rows: readonly MappedVisionRow[];
  readonly parameters: readonly JointParameter[];
  readonly isFree: readonly boolean[];
  readonly predict: (point: readonly number[], some: readonly MappedVisionRow[]) => number[];
  readonly slopes: readonly ReadonlyMap<number, number>[];
}

const STEPS = 3;
const SLOPE_STEP = 0.02;
/** Shortest part of a step that is tried. */
const LEAST_SHARE = 1 / 8;

/** Predicted ÷ measured − 1 of every row, by a fit without the rows of its group. */
export function leaveOut(
  rows: readonly MappedVisionRow[],
  written: Written,
  sketchOf: (row: MappedVisionRow) => Sketch,
  groupOf: (row: MappedVisionRow) => string,
): Map<MappedVisionRow, number> {
  const { parameters, predict } = jointProblem(rows, written, sketchOf);
  const shipped = parameters.map(({ start }) => Math.log(start));
  const isFactor = parameters.map(({ pair }) => pair !== undefined);
  const plain = shipped.map((value, j) => (isFactor[j] ? 0 : value));
  const all = { rows, parameters, predict, isFree: isFactor.map((one) => !one) };
  const classes: Stage = { ...all, slopes: slopesAt(all, plain) };
  const known = new Set(parameters.map(({ pair }) => pair));
  const own = { ...all, rows: rows.filter((row) => known.has(pairOfRow(row))), isFree: isFactor };
  const factors: Stage = { ...own, slopes: slopesAt(own, shipped) };
  const errors = new Map<MappedVisionRow, number>();
  for (const group of new Set(rows.map(groupOf))) {
    const isKept = (row: MappedVisionRow) => groupOf(row) !== group;
    const chips = new Set(rows.filter(isKept).map(placeOf));
    const centres = centresOf(parameters, chips);
    const ofClass = settle(classes, plain, { kept: indices(rows, isKept), centres });
    const from = shipped.map((value, j) => (isFactor[j] ? value : (ofClass[j] as number)));
    const point = settle(factors, from, { kept: indices(factors.rows, isKept), centres });
    const left = rows.filter((row) => !isKept(row));
    for (const [i, predicted] of predict(point, left).entries()) {
      const row = left[i] as MappedVisionRow;
      errors.set(row, predicted / (row.row.milliseconds as number) - 1);
    }
  }
  return errors;
}

function indices<Row>(rows: readonly Row[], isWanted: (row: Row) => boolean): number[] {
  return rows.flatMap((row, i) => (isWanted(row) ? [i] : []));
}

function jointProblem(
  rows: readonly MappedVisionRow[],
  written: Written,
  sketchOf: (row: MappedVisionRow) => Sketch,
) {
  const units = new Map(rows.map((row) => [placeOf(row), written.units(row)]));
  const engines = [...new Set(rows.map(({ runtime }) => runtime))];
  const kindsOf = (engine: string) => [
    ...new Set(rows.flatMap(({ runtime, unit }) => (runtime === engine ? [unit] : []))),
  ];
  const parameters: JointParameter[] = [
    ...[...units].flatMap(([chip, spec]) =>
      unitTrials(spec, written).parameters.map((one) => ({ ...one, start: one.written, chip })),
    ),
    ...engines.flatMap((engine) =>
      distinctPaths(
        kindsOf(engine).flatMap(
          (kind) => classTrials(written.runtimes[engine] as RuntimeSpec, kind, written).parameters,
        ),
      ).map((one) => ({ ...one, start: one.written, engine })),
    ),
    ...engines.flatMap((engine) =>
      kindsOf(engine).flatMap((kind) =>
        factorsOf(written.runtimes[engine] as RuntimeSpec, kind).map((one) => ({
          ...one,
          start: one.written,
          pair: `${one.path.split('.')[1]} ${kind} ${engine}`,
        })),
      ),
    ),
  ];
  const trial: Trials['trial'] = (values) => {
    const changed = <Spec extends object>(spec: Spec, mine: (one: JointParameter) => boolean) => {
      const own = parameters.flatMap((one, j) => (mine(one) ? [j] : []));
      return withValues(
        spec,
        own.map((j) => (parameters[j] as JointParameter).path),
        own.map((j) => values[j] as number),
      );
    };
    const specs = new Map(
      [...units].map(([name, spec]) => [name, changed(spec, ({ chip }) => chip === name)]),
    );
    const runtimes = new Map(
      engines.map((name) => [
        name,
        changed(
          written.runtimes[name] as RuntimeSpec,
          ({ engine, pair }) => engine === name || pair?.endsWith(` ${name}`) === true,
        ),
      ]),
    );
    return (row) => ({
      spec: specs.get(placeOf(row)) as SocUnitSpec,
      runtime: runtimes.get(row.runtime) as RuntimeSpec,
    });
  };
  const { predict } = visionProblem({ parameters, trial }, rows, sketchOf);
  return {
    parameters,
    predict: (point: readonly number[], some: readonly MappedVisionRow[]) => [
      ...predict(point.map(Math.exp), some),
    ],
  };
}

/** A unit of a chip. */
const placeOf = ({ soc, unit }: MappedVisionRow) => `${soc} ${unit}`;
const pairOfRow = (row: MappedVisionRow) => `${placeOf(row)} ${row.runtime}`;

/** What an engine says whatever the unit is one number. */
function distinctPaths<One extends { readonly path: string }>(parameters: readonly One[]): One[] {
  return [...new Map(parameters.map((one) => [one.path, one])).values()];
}

/** Logarithms: of a chip's number the mean over the chips that are seen, of an engine's what is written, of a factor 0. */
function centresOf(parameters: readonly JointParameter[], seen: ReadonlySet<string>): number[] {
  return parameters.map(({ chip, pair, path, start }) => {
    if (pair !== undefined) return 0;
    if (chip === undefined) return Math.log(start);
    const others = parameters.filter(
      (one) =>
        one.path === path && one.chip !== undefined && one.chip !== chip && seen.has(one.chip),
    );
    if (others.length === 0) return Math.log(start);
    return others.reduce((sum, one) => sum + Math.log(one.start), 0) / others.length;
  });
}

function residuals(
  { rows, predict }: Pick<Stage, 'rows' | 'predict'>,
  point: readonly number[],
): number[] {
  return predict(point, rows).map(
    (value, i) =>
      Math.log(value / ((rows[i] as MappedVisionRow).row.milliseconds as number)) / SIGMA,
  );
}

/**
 * Forward differences. Numbers of different chips move different rows, and so do those of different engines: the n-th
 * number of every chip is moved at once.
 */
function slopesAt(problem: Omit<Stage, 'slopes'>, point: readonly number[]): Map<number, number>[] {
  const { rows, parameters, isFree } = problem;
  const base = residuals(problem, point);
  const slopes = rows.map(() => new Map<number, number>());
  for (const nameOf of [chipOf, engineOf, pairOf]) {
    const free = (owner: Owner, j: number) => (isFree[j] ? nameOf(owner) : undefined);
    for (const numbers of ranks(parameters, free)) {
      const moving = new Set(numbers.values());
      const moved = residuals(
        problem,
        point.map((value, j) => (moving.has(j) ? value + SLOPE_STEP : value)),
      );
      for (const [i, row] of rows.entries()) {
        const j = numbers.get(nameOf(ownersOf(row)) ?? '');
        if (j === undefined) continue;
        slopes[i]?.set(j, ((moved[i] as number) - (base[i] as number)) / SLOPE_STEP);
      }
    }
  }
  return slopes;
}

type Owner = Pick<JointParameter, 'chip' | 'engine' | 'pair'>;
const ownersOf = (row: MappedVisionRow) => ({
  chip: placeOf(row),
  engine: row.runtime,
  pair: pairOfRow(row),
});
const chipOf = ({ chip }: Owner) => chip;
const engineOf = ({ engine }: Owner) => engine;
const pairOf = ({ pair }: Owner) => pair;

/** The first number of every owner, the second of every owner, and so on. */
function ranks(
  parameters: readonly JointParameter[],
  nameOf: (owner: Owner, j: number) => string | undefined,
): Map<string, number>[] {
  const found: Map<string, number>[] = [];
  for (const [j, one] of parameters.entries()) {
    const name = nameOf(one, j);
    if (name === undefined) continue;
    const rank = found.find((numbers) => !numbers.has(name));
    if (rank) rank.set(name, j);
    else found.push(new Map([[name, j]]));
  }
  return found;
}

function settle(stage: Stage, start: readonly number[], fold: Fold): number[] {
  let point = [...start];
  let terms = residuals(stage, point);
  for (let step = 0; step < STEPS; step++) {
    const away = newtonStep(stage, fold, point, terms);
    // The first step is taken whole, better or not: what only the rows left out had told must be forgotten.
    const found = shorten(stage, fold, point, terms, away, step === 0);
    if (!found) break;
    ({ point, terms } = found);
  }
  return point;
}

/** The longest part of a step that lowers the sum of squares. */
function shorten(
  problem: Stage,
  fold: Fold,
  from: readonly number[],
  terms: readonly number[],
  away: readonly number[],
  whole: boolean,
) {
  const least = objective(problem.parameters, fold, from, terms);
  for (let share = 1; share >= LEAST_SHARE; share /= 2) {
    const point = from.map((value, j) => {
      const { min, max } = problem.parameters[j] as JointParameter;
      const moved = value - share * (away[j] as number);
      return Math.min(Math.log(max), Math.max(Math.log(min), moved));
    });
    const found = { point, terms: residuals(problem, point) };
    if (whole || objective(problem.parameters, fold, point, found.terms) < least) return found;
  }
  return undefined;
}

/** Quadratic to one σ, linear beyond. */
function objective(
  parameters: readonly JointParameter[],
  { kept, centres }: Fold,
  point: readonly number[],
  terms: readonly number[],
): number {
  const misfit = kept.reduce((sum, i) => {
    const size = Math.abs(terms[i] as number);
    return sum + (size <= 1 ? size * size : 2 * size - 1);
  }, 0);
  return parameters.reduce(
    (sum, { prior }, j) => sum + (((point[j] as number) - (centres[j] as number)) / prior) ** 2,
    misfit,
  );
}

function newtonStep(
  { parameters, isFree, slopes }: Stage,
  { kept, centres }: Fold,
  point: readonly number[],
  terms: readonly number[],
): number[] {
  const gradient = parameters.map(({ prior }, j) =>
    isFree[j] ? ((point[j] as number) - (centres[j] as number)) / prior ** 2 : 0,
  );
  const rows = kept.map((i) => {
    const term = terms[i] as number;
    const weight = 1 / Math.max(1, Math.abs(term));
    return [...(slopes[i] ?? [])].map(([j, slope]): [number, number] => {
      gradient[j] = (gradient[j] as number) + weight * slope * term;
      return [j, Math.sqrt(weight) * slope];
    });
  });
  const pulls = parameters.map(({ prior }, j): [number, number][] => [[j, 1 / prior]]);
  return normalSolver(parameters.length, [...rows, ...pulls])(gradient);
}
