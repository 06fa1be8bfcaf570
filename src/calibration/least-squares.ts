/** Bounded least squares on terms that are already divided by their error: the door of ml-levenberg-marquardt. */
import { levenbergMarquardt } from 'ml-levenberg-marquardt';

/** Values of all terms at a point. */
export type Terms = (point: readonly number[]) => number[];

export interface Search {
  readonly initial: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
  /** Terms that `terms` returns. */
  readonly count: number;
  readonly iterations: number;
  /** To begin with; 1 unless given. */
  readonly damping?: number;
  /** Columns, one per parameter; by central differences where absent. */
  readonly jacobian?: (point: readonly number[]) => readonly ArrayLike<number>[];
}

/** @returns the point with the least sum of squares that the search reached. */
export function minimise(terms: Terms, search: Search): number[] {
  const x = Array.from({ length: search.count }, (_, i) => i);
  const slopes = search.jacobian ?? ((point) => centralJacobian(terms, point));
  const result = levenbergMarquardt(
    { x, y: x.map(() => 0) },
    (point) => {
      const values = terms(point);
      return (i) => values[i] as number;
    },
    {
      initialValues: [...search.initial],
      minValues: [...search.min],
      maxValues: [...search.max],
      jacobianFunction: (point) => {
        const columns = slopes(point);
        return (i) => columns.map((column) => column[i] as number);
      },
      damping: search.damping ?? 1,
      maxIterations: search.iterations,
      errorTolerance: 1e-9,
    },
  );
  return result.parameterValues;
}

const STEP = 1e-3;

/** One column per parameter. */
export function centralJacobian(terms: Terms, point: readonly number[]): number[][] {
  return point.map((_, j) => {
    const up = terms(point.map((value, i) => (i === j ? value + STEP : value)));
    const down = terms(point.map((value, i) => (i === j ? value - STEP : value)));
    return up.map((value, i) => (value - (down[i] as number)) / (2 * STEP));
  });
}

/** Residuals beyond this many σ count less: files of measurements hold figures misread. */
const ROBUST_FROM = 1.5;

/** Pseudo-Huber: a term whose square grows like |x| far out. */
export function robust(x: number): number {
  const k = ROBUST_FROM;
  return Math.sign(x) * k * Math.sqrt(2 * (Math.sqrt(1 + (x / k) ** 2) - 1));
}
