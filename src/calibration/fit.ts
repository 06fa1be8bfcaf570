/**
 * Fits the host's parameters to measured chains of operators.
 *
 * Model    minimises Σ ρ(ln(predicted / measured) / σ) with a pseudo-Huber ρ and σ from the spread of the bursts, plus a
 *          weak pull to the starting point; first what one thread shows, then what only several show.
 *          Uncertainty from the covariance (JᵀJ)⁻¹ of the logarithms.
 * Ignores  correlation between the errors of neighbouring shapes
 * Valid    a few times more observations than parameters
 * Source   Levenberg–Marquardt as in ml-levenberg-marquardt
 * Checked  test/unit/calibration/fit.test.ts (recovers known parameters from noisy synthetic data)
 */
import { Matrix, pseudoInverse } from 'ml-matrix';
import type { Seconds } from '../base/units.ts';
import type { Observation } from './collect.ts';
import type { FittedParameter, HostFit, Residual } from './host-fit.ts';
import type { HostShape } from './host-soc.ts';
import { centralJacobian, minimise, robust, type Terms } from './least-squares.ts';
import { PARAMETERS, type ParameterName, type ParameterValues } from './parameters.ts';
import {
  buildHostModel,
  type CountedWork,
  countWorks,
  graphSeconds,
  type HostModel,
  unitFor,
} from './predict.ts';
import { medianOf, quantileOf } from './statistics.ts';

/** Error that the model is expected to have at best; keeps a very steady observation from ruling the fit. */
const MODEL_ERROR = 0.05;
/** Beyond this a spread says no more: the fastest burst was still a fast one. */
const MOST_NOISE = 0.15;
/** A pull towards the starting point, in units of ln: a factor of e counts as much as one σ. */
const PRIOR_SIGMA = 1;

/** An observation made ready: equal works counted once. */
interface Prepared {
  readonly observation: Observation;
  readonly works: readonly CountedWork[];
  readonly sigma: number;
}

/** The library counts iterations instead of looking for an end; these reach it from afar, and from nearby. */
const ITERATIONS = { fresh: 30, warm: 8 };

/** @param prior starting point and what the data are weighed against; see `initialValues`. */
export function fitHost(
  observations: readonly Observation[],
  shape: HostShape,
  prior: ParameterValues,
): HostFit {
  const prepared = observations.map(prepare);
  const single = prepared.filter(({ observation }) => observation.threads === 1);
  const several = prepared.filter(({ observation }) => observation.threads > 1);
  const first = fitWithTrials(single, { shape, prior, threaded: false }, prior);
  const second = fitWithTrials(several, { shape, prior, threaded: true }, first.values);
  return {
    values: second.values,
    parameters: [...first.parameters, ...second.parameters, ...steppedParameters(second.values)],
    residuals: residualsOf(prepared, shape, second.values),
  };
}

/** Known to the next trial only: a factor of two. */
const TRIAL_UNCERTAINTY = 0.5;

function steppedParameters(values: ParameterValues): FittedParameter[] {
  return PARAMETERS.filter(({ name }) => TRIALS[name] !== undefined).map(({ name }) => ({
    name,
    value: values[name],
    uncertainty: TRIAL_UNCERTAINTY,
    undetermined: false,
  }));
}

function prepare(observation: Observation): Prepared {
  const sigma = Math.hypot(MODEL_ERROR, Math.min(observation.spread, MOST_NOISE));
  return { observation, works: countWorks(observation.works), sigma };
}

/** Predictions for any set of observations, in their order. */
export function predictObservations(
  observations: readonly Observation[],
  shape: HostShape,
  values: ParameterValues,
): Residual[] {
  return residualsOf(observations.map(prepare), shape, values);
}

function residualsOf(
  prepared: readonly Prepared[],
  shape: HostShape,
  values: ParameterValues,
): Residual[] {
  const predict = predictor(values, shape);
  return prepared.map((one) => {
    const { id, family, threads, seconds, spread } = one.observation;
    const predicted = predict(one);
    return {
      id,
      family,
      threads,
      measured: seconds,
      predicted,
      error: predicted / seconds - 1,
      spread,
    };
  });
}

function predictor(values: ParameterValues, shape: HostShape): (one: Prepared) => Seconds {
  const models = new Map<number, HostModel>();
  return ({ observation, works }) => {
    const { threads } = observation;
    const model = models.get(threads) ?? buildHostModel(values, shape, threads);
    models.set(threads, model);
    return graphSeconds(model, unitFor(model, observation.works), works);
  };
}

/** Numbers in which the model makes steps have no slope, so a few values are tried one by one. */
const TRIALS: Readonly<Partial<Record<ParameterName, readonly number[]>>> = {
  outputBlock: [4, 8, 16],
  splitCycles: [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000],
};

interface StagePlan {
  readonly shape: HostShape;
  readonly prior: ParameterValues;
  readonly threaded: boolean;
  readonly iterations?: number;
}

/** A first fit places everything else; then the best trial stays, and the rest is fitted again if it is another one. */
function fitWithTrials(data: readonly Prepared[], plan: StagePlan, from: ParameterValues): Stage {
  const stepped = PARAMETERS.filter(
    (one) => one.threaded === plan.threaded && TRIALS[one.name] !== undefined,
  );
  const first = bestStart(data, plan, from);
  let values = first.values;
  for (const { name } of stepped) {
    const trials = (TRIALS[name] ?? []).map((value) => ({ ...values, [name]: value }));
    const misfits = trials.map((trial) =>
      termsOf(data, plan.shape, trial).reduce((sum, term) => sum + term * term, 0),
    );
    values = trials[misfits.indexOf(Math.min(...misfits))] ?? values;
  }
  const moved = stepped.some(({ name }) => values[name] !== first.values[name]);
  return moved ? fitStage(data, plan, values) : first;
}

/** The edge of a cache is a kink that can hold a search on its wrong side, so it begins on both. */
function bestStart(data: readonly Prepared[], plan: StagePlan, from: ParameterValues): Stage {
  const scales = plan.threaded ? [1] : [1, 0.5, 2];
  const stages = scales.map((scale) =>
    fitStage(data, plan, { ...from, lastLevel: scale * from.lastLevel }),
  );
  return stages.reduce((best, one) => (one.misfit < best.misfit ? one : best));
}

function termsOf(data: readonly Prepared[], shape: HostShape, values: ParameterValues): number[] {
  const predict = predictor(values, shape);
  return data.map((one) => robust(Math.log(predict(one) / one.observation.seconds) / one.sigma));
}

interface Stage {
  readonly values: ParameterValues;
  readonly parameters: readonly FittedParameter[];
  /** Sum of squares, pull included. */
  readonly misfit: number;
}

function fitStage(data: readonly Prepared[], plan: StagePlan, from: ParameterValues): Stage {
  const { shape, prior, threaded } = plan;
  const free = PARAMETERS.filter((one) => one.threaded === threaded && !TRIALS[one.name]);
  if (data.length === 0) return { values: from, parameters: [], misfit: 0 };
  const valuesOf = (logs: readonly number[]): ParameterValues => ({
    ...from,
    ...Object.fromEntries(free.map(({ name }, i) => [name, Math.exp(logs[i] as number)])),
  });
  const terms = (logs: readonly number[]): number[] => {
    const misfit = termsOf(data, shape, valuesOf(logs));
    const pull = free.map(
      ({ name }, i) => ((logs[i] as number) - Math.log(prior[name])) / PRIOR_SIGMA,
    );
    return [...misfit, ...pull];
  };
  const initial = free.map(({ name, min, max }) =>
    Math.log(Math.min(max, Math.max(min, from[name]))),
  );
  const box = {
    min: free.map(({ min }) => Math.log(min)),
    max: free.map(({ max }) => Math.log(max)),
  };
  const iterations = plan.iterations ?? ITERATIONS.fresh;
  const count = data.length + free.length;
  const logs = minimise(terms, { initial, count, ...box, iterations });
  const sigmas = deviations(terms, logs);
  const values = valuesOf(logs);
  const parameters = free.map(({ name }, i) => ({
    name,
    value: values[name],
    uncertainty: sigmas[i] as number,
    undetermined: (sigmas[i] as number) > PRIOR_SIGMA / 2,
  }));
  const misfit = terms(logs).reduce((sum, term) => sum + term * term, 0);
  return { values, parameters, misfit };
}

/** Relative standard deviations at the optimum. */
function deviations(terms: Terms, logs: readonly number[]): number[] {
  const columns = centralJacobian(terms, logs);
  const values = terms(logs);
  const freedom = Math.max(1, values.length - logs.length);
  const variance = values.reduce((sum, value) => sum + value * value, 0) / freedom;
  const j = new Matrix(columns).transpose();
  const covariance = pseudoInverse(j.transpose().mmul(j));
  return logs.map((_, i) => Math.sqrt(Math.max(0, covariance.get(i, i) * Math.max(1, variance))));
}

export interface ErrorSummary {
  readonly count: number;
  readonly median: number;
  readonly p90: number;
  readonly worst: number;
}

export function summariseErrors(residuals: readonly { readonly error: number }[]): ErrorSummary {
  const errors = residuals.map(({ error }) => Math.abs(error));
  return {
    count: errors.length,
    median: medianOf(errors),
    p90: quantileOf(errors, 0.9),
    worst: Math.max(...errors),
  };
}

/**
 * Every family predicted by a fit that has not seen it. Such a fit starts where the whole one ended, which saves time
 * and changes nothing but the numbers found by trial: those stay as the whole suite has them.
 */
export function crossValidate(
  observations: readonly Observation[],
  shape: HostShape,
  prior: ParameterValues,
  whole: HostFit,
): Residual[] {
  const prepared = observations.map(prepare);
  const families = [...new Set(observations.map(({ family }) => family))];
  return families.flatMap((family) => {
    const rest = prepared.filter(({ observation }) => observation.family !== family);
    const stage = (threaded: boolean, from: ParameterValues) =>
      fitStage(
        rest.filter(({ observation }) => observation.threads > 1 === threaded),
        { shape, prior, threaded, iterations: ITERATIONS.warm },
        from,
      ).values;
    const values = stage(true, stage(false, whole.values));
    const left = prepared.filter(({ observation }) => observation.family === family);
    return residualsOf(left, shape, values);
  });
}
