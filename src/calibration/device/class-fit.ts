/**
 * Fits the few numbers of a runtime class to measured latencies of whole networks.
 *
 * Model    minimises Σ ρ(ln(predicted / measured) / σ) + Σ (ln(value / start) / prior)² over the logarithms of the
 *          numbers, ρ being quadratic to one σ and linear beyond (reweighted least squares): rows of broken runs pull no more than
 *          others
 * Ignores  correlation between rows of one network on several chips
 * Valid    several networks per number
 * Source   Levenberg–Marquardt as in ml-levenberg-marquardt; Huber, Robust Statistics
 * Checked  test/unit/calibration/device/class-fit.test.ts (recovers known numbers), test/validation/vision.test.ts
 */
import { minimise } from '../least-squares.ts';

export interface ClassParameter {
  /** Dotted path under `kernels.UNIT` of a runtime class, or `host.copy`. */
  readonly path: string;
  /** Where the fit starts, and the middle of the prior. */
  readonly start: number;
  readonly min: number;
  readonly max: number;
  /** Spread of the prior, in units of ln. */
  readonly prior: number;
}

export interface FitProblem<Row> {
  readonly parameters: readonly ClassParameter[];
  readonly rows: readonly Row[];
  readonly measured: (row: Row) => number;
  /** Predictions of all `rows`, with the numbers in the order of `parameters`. */
  readonly predict: (values: readonly number[], rows: readonly Row[]) => readonly number[];
}

/** Model error at best: what networks of one class scatter around any model of this kind. */
export const SIGMA = 0.15;
const REWEIGHTS = 3;
const ITERATIONS = 12;

export function fitClass<Row>(problem: FitProblem<Row>, from?: readonly number[]): number[] {
  const { parameters, rows, measured, predict } = problem;
  const target = rows.map((row) => Math.log(measured(row)));
  const valuesOf = (logs: readonly number[]) => logs.map(Math.exp);
  const terms = (logs: readonly number[]) => {
    const predicted = predict(valuesOf(logs), rows);
    return [
      ...predicted.map((value, i) => (Math.log(value) - (target[i] as number)) / SIGMA),
      ...logs.map((log, i) => {
        const { start, prior } = parameters[i] as ClassParameter;
        return (log - Math.log(start)) / prior;
      }),
    ];
  };
  let logs = (from ?? parameters.map(({ start }) => start)).map(Math.log);
  for (let round = 0; round < (from ? 1 : REWEIGHTS); round++) {
    const weights = terms(logs).map((term, i) =>
      i < rows.length ? 1 / Math.sqrt(Math.max(1, Math.abs(term))) : 1,
    );
    logs = minimise((at) => terms(at).map((term, i) => term * (weights[i] as number)), {
      initial: logs,
      min: parameters.map(({ min }) => Math.log(min)),
      max: parameters.map(({ max }) => Math.log(max)),
      count: rows.length + parameters.length,
      iterations: ITERATIONS,
    });
  }
  return valuesOf(logs);
}
