/** The whole of a host calibration: probe, measure, fit, cross-validate, check. */
import { MEBI } from '../base/units.ts';
import { checkOperators, type OperatorCheck } from './check.ts';
import { type Candidate, collect, threadCounts } from './collect.ts';
import { crossValidate, fitHost, predictObservations } from './fit.ts';
import { describeHost, type HostDescription } from './host.ts';
import type { HostFit, Residual } from './host-fit.ts';
import { type HostShape, shapeOf } from './host-soc.ts';
import { cacheLevels, probeCopies } from './memory-probe.ts';
import { operatorCases } from './onnx-models.ts';
import { initialValues } from './parameters.ts';
import { buildHostModel } from './predict.ts';
import { buildRecord, type CalibrationRecord } from './record.ts';

export interface CalibrateOptions {
  readonly quick: boolean;
  /** Threads to calibrate for; all of the machine's by default. */
  readonly threads?: number;
  /** ISO 8601; goes into the record. */
  readonly date: string;
  /** Models to predict with the fit; measured in the same run, between the operators of the suite. */
  readonly checks: readonly Candidate[];
  progress?(share: number, label: string): void;
}

export interface CheckedModel {
  readonly residual: Residual;
  /** At the largest number of threads only. */
  readonly operators?: OperatorCheck;
}

export interface HostCalibration {
  readonly record: CalibrationRecord;
  readonly fit: HostFit;
  readonly host: HostDescription;
  readonly shape: HostShape;
  readonly checks: readonly CheckedModel[];
}

const PROBE_BYTES = 256 * MEBI;
/** Seconds of budget leave room for the fit within a minute, and within five. Both cover every case in two passes or more where there is time, so that minutes of interference cannot hit one case alone. */
const PLANS = {
  quick: { passes: 2, rounds: 2, budget: 45, burst: { seconds: 0.02, minimum: 3, maximum: 300 } },
  full: { passes: 3, rounds: 2, budget: 230, burst: { seconds: 0.04, minimum: 3, maximum: 400 } },
} as const;
/** Share of the time that goes into measuring; the rest fits, validates and profiles. */
const MEASURING = 0.85;

export async function calibrateHost(options: CalibrateOptions): Promise<HostCalibration> {
  const { quick, checks } = options;
  const host = describeHost();
  const limit = options.threads ?? host.threads;
  const threads = threadCounts(limit);
  const shape = shapeOf(host, limit);
  options.progress?.(0, 'memory');
  const copies = probeCopies(PROBE_BYTES, quick ? 0.01 : 0.04);
  const cases = operatorCases(quick);
  const { observations, refused, waitedShare } = await collect(interleave(cases, checks), {
    ...(quick ? PLANS.quick : PLANS.full),
    threads,
    progress: (share, label) => options.progress?.(MEASURING * share, label),
  });
  const known = new Set(cases.map(({ id }) => id));
  const suite = observations.filter(({ id }) => known.has(id));
  const start = initialValues({
    levels: cacheLevels(copies),
    lastLevelBytes: host.lastLevelBytes,
  });
  const fit = fitHost(suite, shape, start);
  options.progress?.(MEASURING, 'cross-validation');
  const crossValidated = crossValidate(suite, shape, start, fit);
  const residuals = predictObservations(
    observations.filter(({ id }) => !known.has(id)),
    shape,
    fit.values,
  );
  const checked = await checkAll(residuals, options, fit, shape, limit);
  const record = buildRecord({
    date: options.date,
    host,
    threads,
    quick,
    copies,
    fit,
    crossValidated,
    refused,
    waitedShare,
  });
  return { record, fit, host, shape, checks: checked };
}

/** Check models spread evenly among the cases: whatever the machine does, it does to both. */
export function interleave(
  cases: readonly Candidate[],
  checks: readonly Candidate[],
): readonly Candidate[] {
  const step = cases.length / Math.max(1, checks.length);
  const place = (index: number) => Math.floor((index + 0.5) * step);
  return cases.flatMap((one, index) => [
    one,
    ...checks.filter((_, i) => Math.min(place(i), cases.length - 1) === index),
  ]);
}

async function checkAll(
  residuals: readonly Residual[],
  { checks, progress }: CalibrateOptions,
  fit: HostFit,
  shape: HostShape,
  threads: number,
): Promise<CheckedModel[]> {
  const model = buildHostModel(fit.values, shape, threads);
  const operators = new Map<string, OperatorCheck>();
  for (const [index, candidate] of checks.entries()) {
    progress?.(MEASURING + ((1 - MEASURING) * index) / checks.length, candidate.id);
    if (!residuals.some(({ id }) => id === candidate.id)) continue;
    operators.set(candidate.id, await checkOperators(candidate, model, threads));
  }
  return residuals.map((residual) => {
    const found = operators.get(residual.id);
    return residual.threads === threads && found ? { residual, operators: found } : { residual };
  });
}
