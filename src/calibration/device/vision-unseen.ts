/**
 * Errors of latencies by fits that have not seen their network, or their chip.
 *
 * Model    least Σ ρ(ln(predicted ÷ measured) ÷ σ) + Σ (ln(value ÷ centre) ÷ prior)² over the numbers of all chips and
 *          engines at once; a fold takes Newton steps from the fit of all rows with its slopes, rows left out removed. The
 *          centre of a chip's number is the geometric mean over the other chips: a chip left out ends there
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
  type Sketch,
  type Trials,
  unitTrials,
  visionProblem,
  type Written,
  type WrittenNumber,
  withValues,
} from './vision-fit.ts';
import type { MappedVisionRow } from './vision-mapping.ts';

/** A number of one chip's NPU or of one engine, from what is written of it. */
interface JointParameter extends WrittenNumber {
  readonly chip?: string;
  readonly engine?: string;
}
interface Fold {
  readonly kept: readonly number[];
  readonly centres: readonly number[];
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
  const problem = jointProblem(rows, written, sketchOf);
  const start = problem.parameters.map(({ start: value }) => Math.log(value));
  const slopes = slopesAt(problem, start);
  const errors = new Map<MappedVisionRow, number>();
  for (const group of new Set(rows.map(groupOf))) {
    const isOut = rows.map((row) => groupOf(row) === group);
    const kept = rows.flatMap((_, i) => (isOut[i] ? [] : [i]));
    const chips = new Set(kept.map((i) => placeOf(rows[i] as MappedVisionRow)));
    const point = settle(problem, start, slopes, {
      kept,
      centres: centresOf(problem.parameters, chips),
    });
    const left = rows.filter((_, i) => isOut[i]);
    for (const [i, predicted] of problem.predict(point, left).entries()) {
      const row = left[i] as MappedVisionRow;
      errors.set(row, predicted / (row.row.milliseconds as number) - 1);
    }
  }
  return errors;
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
        changed(written.runtimes[name] as RuntimeSpec, ({ engine }) => engine === name),
      ]),
    );
    return (row) => ({
      spec: specs.get(placeOf(row)) as SocUnitSpec,
      runtime: runtimes.get(row.runtime) as RuntimeSpec,
    });
  };
  const { predict } = visionProblem({ parameters, trial }, rows, sketchOf);
  return {
    rows,
    parameters,
    predict: (point: readonly number[], some: readonly MappedVisionRow[]) =>
      predict(point.map(Math.exp), some),
  };
}
type Joint = ReturnType<typeof jointProblem>;

/** A unit of a chip. */
const placeOf = ({ soc, unit }: MappedVisionRow) => `${soc} ${unit}`;

/** What an engine says whatever the unit is one number. */
function distinctPaths<One extends { readonly path: string }>(parameters: readonly One[]): One[] {
  return [...new Map(parameters.map((one) => [one.path, one])).values()];
}

/** Logarithms: of a chip's number the mean over the chips that are seen, of an engine's what is written. */
function centresOf(parameters: readonly JointParameter[], seen: ReadonlySet<string>): number[] {
  return parameters.map(({ chip, path, start }) => {
    if (chip === undefined) return Math.log(start);
    const others = parameters.filter(
      (one) =>
        one.path === path && one.chip !== undefined && one.chip !== chip && seen.has(one.chip),
    );
    if (others.length === 0) return Math.log(start);
    return others.reduce((sum, one) => sum + Math.log(one.start), 0) / others.length;
  });
}

function residuals({ rows, predict }: Joint, point: readonly number[]): number[] {
  return predict(point, rows).map(
    (value, i) =>
      Math.log(value / ((rows[i] as MappedVisionRow).row.milliseconds as number)) / SIGMA,
  );
}

/**
 * Forward differences. Numbers of different chips move different rows, and so do those of different engines: the n-th
 * number of every chip is moved at once.
 */
function slopesAt(problem: Joint, point: readonly number[]): Map<number, number>[] {
  const { rows, parameters } = problem;
  const base = residuals(problem, point);
  const slopes = rows.map(() => new Map<number, number>());
  for (const nameOf of [chipOf, engineOf]) {
    for (const numbers of ranks(parameters, nameOf)) {
      const moving = new Set(numbers.values());
      const moved = residuals(
        problem,
        point.map((value, j) => (moving.has(j) ? value + SLOPE_STEP : value)),
      );
      for (const [i, row] of rows.entries()) {
        const j = numbers.get(nameOf({ chip: placeOf(row), engine: row.runtime }) ?? '');
        if (j === undefined) continue;
        slopes[i]?.set(j, ((moved[i] as number) - (base[i] as number)) / SLOPE_STEP);
      }
    }
  }
  return slopes;
}

type Owner = Pick<JointParameter, 'chip' | 'engine'>;
const chipOf = ({ chip }: Owner) => chip;
const engineOf = ({ engine }: Owner) => engine;

/** The first number of every owner, the second of every owner, and so on. */
function ranks(
  parameters: readonly JointParameter[],
  nameOf: (owner: Owner) => string | undefined,
): Map<string, number>[] {
  const found: Map<string, number>[] = [];
  for (const [j, one] of parameters.entries()) {
    const name = nameOf(one);
    if (name === undefined) continue;
    const rank = found.find((numbers) => !numbers.has(name));
    if (rank) rank.set(name, j);
    else found.push(new Map([[name, j]]));
  }
  return found;
}

function settle(
  problem: Joint,
  start: readonly number[],
  slopes: readonly ReadonlyMap<number, number>[],
  fold: Fold,
): number[] {
  let point = [...start];
  let terms = residuals(problem, point);
  for (let step = 0; step < STEPS; step++) {
    const away = newtonStep(problem.parameters, slopes, fold, point, terms);
    // The first step is taken whole, better or not: what only the rows left out had told must be forgotten.
    const found = shorten(problem, fold, point, terms, away, step === 0);
    if (!found) break;
    ({ point, terms } = found);
  }
  return point;
}

/** The longest part of a step that lowers the sum of squares. */
function shorten(
  problem: Joint,
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
  parameters: readonly JointParameter[],
  slopes: readonly ReadonlyMap<number, number>[],
  { kept, centres }: Fold,
  point: readonly number[],
  terms: readonly number[],
): number[] {
  const gradient = parameters.map(
    ({ prior }, j) => ((point[j] as number) - (centres[j] as number)) / prior ** 2,
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
