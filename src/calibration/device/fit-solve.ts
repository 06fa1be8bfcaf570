/**
 * Fits the parameters of runtime classes, units and pairs to measured rows, and predicts rows that a fit has not seen.
 *
 * Model    least Σ ρ(ln(predicted ÷ measured) ÷ σ)² + Σ (ln factor ÷ prior)², Levenberg–Marquardt from the descriptions'
 *          own numbers; covariance (JᵀJ)⁻¹. A fit without some rows starts from the whole one and takes Newton steps with
 *          its slopes, rows left out removed from them: what only those rows told falls back to the start. Parameters are
 *          held there as the rows left would have them held.
 * Ignores  errors that rows of one source share
 * Valid    factors within the bounds of `fit-parameters.ts`
 * Source   ml-levenberg-marquardt; chord steps as in Ortega and Rheinboldt, section 10.1
 * Checked  test/unit/calibration/device/fit-solve.test.ts (recovers known factors; leaving out equals refitting)
 */
import type { KernelTuning } from '../../runtime/kernel-tuning.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { minimise, robust } from '../least-squares.ts';
import { normalSolver } from '../normal-equations.ts';
import {
  keyOf,
  type Parameter,
  parametersOf,
  parametersOfUse,
  tuningOf,
  type Use,
} from './fit-parameters.ts';
import { type Observation, predictor } from './fit-rows.ts';

export interface Fit {
  readonly parameters: readonly FittedParameter[];
  readonly predicted: readonly number[];
}

export interface FittedParameter {
  readonly parameter: Parameter;
  readonly factor: number;
  /** Standard deviation of its logarithm. */
  readonly sigma: number;
  /** The data say little: more than this share of what was unknown before is unknown still. */
  readonly undetermined: boolean;
  /** Observations that depend on it. */
  readonly rows: number;
}

const UNDETERMINED = 0.7;
const ITERATIONS = 10;
const STEP = 0.02;
/** Steps of a fit without some rows; with slopes of their own they end at the same errors. */
const FOLD_STEPS = 2;
/** Steps after the search, and the relative gain that makes another worth its slopes. */
const POLISH_STEPS = 4;
const ENOUGH = 1e-3;
/** Shortest step tried. */
const LEAST_SHARE = 1 / 16;

type Solver = (terms: readonly number[]) => number[];
interface Place {
  readonly point: number[];
  readonly terms: readonly number[];
}
/** How parameters are held by what these observations say of them. */
export type Holding = (observations: readonly Observation[]) => (parameter: Parameter) => Parameter;

const sumOfSquares = (terms: readonly number[]) =>
  terms.reduce((sum, term) => sum + term * term, 0);

export class DeviceFit {
  readonly parameters: readonly Parameter[];
  private readonly given: readonly Parameter[];
  private readonly holding: Holding;
  private readonly runtimes: Readonly<Record<string, RuntimeSpec>>;
  private readonly observations: readonly Observation[];
  /** Per parameter: observations that depend on it. */
  private readonly touched: readonly (readonly number[])[];
  private readonly indexOf: ReadonlyMap<string, number>;
  private readonly partsOfUse = new Map<string, readonly number[]>();
  private point: number[] = [];
  private slopes: Float64Array[] = [];
  private terms: readonly number[] = [];

  constructor(
    observations: readonly Observation[],
    runtimes: Readonly<Record<string, RuntimeSpec>>,
    parameters = parametersOf(
      observations.map(({ row }) => row.use),
      runtimes,
    ),
    holding: Holding = () => (parameter) => parameter,
  ) {
    this.observations = observations;
    this.runtimes = runtimes;
    this.given = parameters;
    this.holding = holding;
    this.parameters = parameters.map(holding(observations));
    this.indexOf = new Map(parameters.map((parameter, i) => [keyOf(parameter), i]));
    const touched: number[][] = parameters.map(() => []);
    for (const [i, { row }] of observations.entries()) {
      for (const j of this.partsOf(row.use)) touched[j]?.push(i);
    }
    this.touched = touched;
  }

  /** @param start logarithms to begin at; what the descriptions say when absent. */
  run(start: readonly number[] = this.parameters.map(({ centre }) => centre)): Fit {
    const { parameters } = this;
    const count = this.observations.length + parameters.length;
    this.point = minimise((point) => this.termsAt(point), {
      initial: start,
      min: parameters.map(({ centre, limit }) => centre - limit),
      max: parameters.map(({ centre, limit }) => centre + limit),
      count,
      iterations: ITERATIONS,
      damping: 0.1,
      jacobian: (point) => this.jacobianAt(point),
    });
    this.polish();
    return { parameters: this.fitted(), predicted: this.predictAt(this.point, this.observations) };
  }

  /** Newton steps with slopes of their own: the search above ends early where an operator turns from computing to waiting. */
  private polish(): void {
    const all = this.observations.map((_, i) => i);
    for (let step = 0; step < POLISH_STEPS; step++) {
      this.terms = this.termsAt(this.point);
      this.slopes = this.jacobianAt(this.point);
      const next = this.descend({ point: this.point, terms: this.terms }, this.solver(all));
      const gain = sumOfSquares(this.terms) / sumOfSquares(next.terms) - 1;
      this.point = next.point;
      if (gain < ENOUGH) break;
    }
    this.terms = this.termsAt(this.point);
    this.slopes = this.jacobianAt(this.point);
  }

  /** The longest of a few shares of a Newton step that lowers the sum; the same place where none does. */
  private descend(
    from: Place,
    solve: Solver,
    kept?: readonly number[],
    held = this.parameters,
  ): Place {
    const away = solve(from.terms);
    const least = sumOfSquares(from.terms);
    for (let share = 1; share >= LEAST_SHARE; share /= 2) {
      const point = moved(from.point, away, share, held);
      const terms = this.termsAt(point, kept, held);
      if (sumOfSquares(terms) < least) return { point, terms };
    }
    return from;
  }

  /** Predictions of `left` by a fit that has seen none of `out`. */
  without(out: ReadonlySet<number>, left: readonly Observation[]): number[] {
    const kept = this.observations.map((_, i) => i).filter((i) => !out.has(i));
    const held = this.given.map(this.holding(kept.map((i) => this.observations[i] as Observation)));
    const solve = this.solver(kept, held);
    const terms = [...this.terms.slice(0, this.observations.length), ...pullsAt(this.point, held)];
    // The first step is taken whole, better or not: what only the rows left out had told must be forgotten.
    const first = moved(this.point, solve(terms), 1, held);
    let place: Place = { point: first, terms: this.termsAt(first, kept, held) };
    for (let step = 1; step < FOLD_STEPS; step++) place = this.descend(place, solve, kept, held);
    return this.predictAt(place.point, left);
  }

  /** Newton steps on the kept observations and the pulls. */
  private solver(kept: readonly number[], held = this.parameters): Solver {
    const count = this.observations.length;
    const normal = normalSolver(held.length, [
      ...kept.map((row) => this.slopesOf(row)),
      ...held.map(({ prior }, j): [number, number][] => [[j, 1 / prior]]),
    ]);
    return (terms) =>
      normal(
        this.slopes.map((column, j) =>
          kept.reduce(
            (sum, row) => sum + (column[row] ?? 0) * (terms[row] ?? 0),
            (terms[count + j] ?? 0) / (held[j] as Parameter).prior,
          ),
        ),
      );
  }

  /** Terms of the kept observations, and of the pulls of all parameters behind them. */
  private rowsOf(kept: readonly number[]): number[] {
    return [...kept, ...this.parameters.map((_, j) => this.observations.length + j)];
  }

  private slopesOf(row: number): [number, number][] {
    return this.slopes.flatMap((column, j): [number, number][] => {
      const slope = column[row];
      return slope ? [[j, slope]] : [];
    });
  }

  private fitted(): FittedParameter[] {
    const rows = this.rowsOf(this.observations.map((_, i) => i));
    const solve = normalSolver(
      this.parameters.length,
      rows.map((row) => this.slopesOf(row)),
    );
    return this.parameters.map((parameter, i) => {
      const variance = solve(this.parameters.map((_, j) => (j === i ? 1 : 0)))[i] as number;
      const sigma = Math.sqrt(Math.max(0, variance));
      return {
        parameter,
        factor: Math.exp(this.point[i] as number),
        sigma,
        undetermined: sigma > UNDETERMINED * parameter.prior,
        rows: this.touched[i]?.length ?? 0,
      };
    });
  }

  private partsOf(use: Use): readonly number[] {
    const key = JSON.stringify(use);
    const known = this.partsOfUse.get(key);
    if (known) return known;
    const parts = parametersOfUse(use, this.runtimes).flatMap((parameter) => {
      const index = this.indexOf.get(keyOf(parameter));
      return index === undefined ? [] : [index];
    });
    this.partsOfUse.set(key, parts);
    return parts;
  }

  private tuningAt(point: readonly number[]): (use: Use, unit: string) => KernelTuning {
    return (use, unit) =>
      tuningOf(
        this.partsOf(use)
          .map((i) => ({
            parameter: this.parameters[i] as Parameter,
            factor: Math.exp(point[i] as number),
          }))
          .filter(({ parameter }) => parameter.unit === unit),
      );
  }

  private predictAt(point: readonly number[], observations: readonly Observation[]): number[] {
    return predictor(this.tuningAt(point))(observations);
  }

  /** Terms of the observations (zero for those not in `kept`), then of the pulls. */
  private termsAt(
    point: readonly number[],
    kept?: readonly number[],
    held = this.parameters,
  ): number[] {
    const indices = kept ?? this.observations.map((_, i) => i);
    const chosen = indices.map((i) => this.observations[i] as Observation);
    const predicted = this.predictAt(point, chosen);
    const terms = new Array<number>(this.observations.length).fill(0);
    for (const [k, i] of indices.entries()) {
      const { reference, sigma } = chosen[k] as Observation;
      terms[i] = robust(Math.log((predicted[k] as number) / reference) / sigma);
    }
    return [...terms, ...pullsAt(point, held)];
  }

  /** Forward differences; a parameter moves only the observations that depend on it. */
  private jacobianAt(point: readonly number[]): Float64Array[] {
    const rows = this.observations.length + this.parameters.length;
    const base = this.termsAt(point);
    return this.parameters.map((parameter, j) => {
      const column = new Float64Array(rows);
      const indices = this.touched[j] as readonly number[];
      const moved = point.map((value, i) => (i === j ? value + STEP : value));
      const chosen = indices.map((i) => this.observations[i] as Observation);
      const predicted = this.predictAt(moved, chosen);
      for (const [k, i] of indices.entries()) {
        const { reference, sigma } = chosen[k] as Observation;
        const term = robust(Math.log((predicted[k] as number) / reference) / sigma);
        column[i] = (term - (base[i] as number)) / STEP;
      }
      column[this.observations.length + j] = 1 / parameter.prior;
      return column;
    });
  }
}

function pullsAt(point: readonly number[], held: readonly Parameter[]): number[] {
  return held.map(({ centre, prior }, j) => ((point[j] as number) - centre) / prior);
}

/** A share of a step against `away`, within bounds. */
function moved(
  point: readonly number[],
  away: readonly number[],
  share: number,
  held: readonly Parameter[],
): number[] {
  return point.map((value, j) => {
    const { centre, limit } = held[j] as Parameter;
    const there = value - share * (away[j] as number);
    return Math.min(centre + limit, Math.max(centre - limit, there));
  });
}
