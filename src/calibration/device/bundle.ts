/** Calibrations as files: one for the runtime classes with the bands, one for each SoC with its residuals. */
import type { BundleSpec, ClassesSpec, TuningSpec } from '../../runtime/calibration-spec.ts';
import { quantileOf } from '../statistics.ts';
import { bandsBeside, bandsOf } from './bands.ts';
import type { DeviceCalibration } from './calibrate.ts';
import { keptEnergy } from './energy-bands.ts';
import type { Layer } from './fit-parameters.ts';
import type { FittedParameter } from './fit-solve.ts';
import { asUnseen, type CrossValidated } from './unseen.ts';

/** Where a calibration comes from. */
export interface Origin {
  /** ISO 8601 date. */
  readonly date: string;
  readonly host: string;
  readonly file: string;
  readonly sha256: string;
}

/** @param shipped of a larger fit, for one of few rows. */
export function classesOf(
  calibration: DeviceCalibration,
  origin: Origin,
  shipped?: Pick<ClassesSpec, 'bands'>,
): ClassesSpec {
  const unseen = [...calibration.rows.map(asUnseen), ...calibration.energy];
  return {
    version: 1,
    kind: 'classes',
    date: origin.date,
    host: origin.host,
    inputs: inputsOf(calibration.rows, origin),
    classes: nested(wholeClasses(calibration.fit.parameters), 'class', 'runtime'),
    makers: nested(calibration.fit.parameters, 'maker', 'maker'),
    bands: shipped ? bandsBeside(unseen, shipped.bands) : bandsOf(unseen),
    energy: keptEnergy(calibration.energy),
    errors: errorsOf(calibration.rows),
  };
}

/** SoCs with measurements. */
export function socsOf({ rows }: DeviceCalibration): string[] {
  return [...new Set(rows.map(({ observation }) => observation.row.use.soc))].sort();
}

/** @param apart with classes and bands of its own beside these, for a fit that is not shipped. */
export function bundleOf(
  calibration: DeviceCalibration,
  soc: string,
  origin: Origin,
  apart?: Pick<ClassesSpec, 'bands'>,
): BundleSpec {
  const mine = calibration.rows.filter(({ observation }) => observation.row.use.soc === soc);
  const own = calibration.fit.parameters.filter(({ parameter }) => parameter.soc === soc);
  const { classes, makers, bands } = classesOf(calibration, origin, apart);
  return {
    version: 1,
    kind: 'device',
    soc,
    date: origin.date,
    host: origin.host,
    inputs: inputsOf(mine, origin),
    ...(apart ? { classes, makers, bands } : {}),
    units: byUnit(own.filter(({ parameter }) => parameter.layer === 'unit')),
    pairs: nested(own, 'pair', 'runtime'),
    errors: errorsOf(mine),
    residuals: mine.map(({ observation, inSample, withoutModel }) => ({
      id: observation.id,
      quantity: observation.quantity,
      measured: observation.reference,
      predicted: round(inSample),
      ...(withoutModel === undefined ? {} : { unseen: round(withoutModel) }),
    })),
  };
}

function inputsOf(rows: readonly CrossValidated[], { file, sha256 }: Origin) {
  const ids = new Set(rows.map(({ observation }) => observation.id));
  return { file, sha256, rows: ids.size };
}

/** Classes with what they share with the class they are builds of multiplied in: a runtime looks up its own name only. */
function wholeClasses(parameters: readonly FittedParameter[]): FittedParameter[] {
  const find = (wanted: FittedParameter['parameter'], runtime: string | undefined) =>
    parameters.find(
      ({ parameter: { layer, field, dtype, unit, runtime: name } }) =>
        (layer === 'class' || layer === 'build') &&
        field === wanted.field &&
        dtype === wanted.dtype &&
        unit === wanted.unit &&
        name === runtime,
    );
  const whole = (one: FittedParameter): FittedParameter => {
    const { parameter } = one;
    const above = parameter.layer === 'build' ? find(parameter, parameter.family) : undefined;
    if (!above) return one;
    const { factor, sigma } = whole(above);
    return {
      ...one,
      parameter: { ...parameter, layer: 'class' },
      factor: one.factor * factor,
      sigma: Math.hypot(one.sigma, sigma),
    };
  };
  return parameters.map(whole);
}

/** Parameters of one layer by what tells them apart, then by unit. */
function nested(parameters: readonly FittedParameter[], layer: Layer, key: 'runtime' | 'maker') {
  const mine = parameters.filter(({ parameter }) => parameter.layer === layer);
  const names = [...new Set(mine.map(({ parameter }) => parameter[key] ?? ''))];
  return Object.fromEntries(
    names.map((name) => [name, byUnit(mine.filter(({ parameter }) => parameter[key] === name))]),
  );
}

function byUnit(parameters: readonly FittedParameter[]): Record<string, TuningSpec> {
  const found: Record<string, Record<string, unknown>> = {};
  for (const one of parameters) {
    const { unit, field, dtype } = one.parameter;
    const value = {
      factor: round(one.factor),
      sigma: round(one.sigma),
      rows: one.rows,
      undetermined: one.undetermined,
    };
    const entry = found[unit] ?? {};
    found[unit] = entry;
    if (dtype === undefined) entry[field] = value;
    else entry[field] = { ...(entry[field] as object | undefined), [dtype]: value };
  }
  return found as Record<string, TuningSpec>;
}

const QUANTITIES = ['decode', 'prefill', 'time_to_first_token'] as const;

/** Errors by how much of a row the fit had seen, and of the naive prediction. */
export function errorsOf(rows: readonly CrossValidated[]): ClassesSpec['errors'] {
  const of = (predicted: (row: CrossValidated) => number | undefined) =>
    QUANTITIES.flatMap((quantity) => {
      const found = rows.flatMap((row) => {
        const value = predicted(row);
        if (value === undefined || row.observation.quantity !== quantity) return [];
        return [Math.abs(value / row.observation.reference - 1)];
      });
      if (found.length === 0) return [];
      const at = (share: number) => round(quantileOf(found, share));
      return [
        { quantity, rows: found.length, median: at(0.5), p80: at(0.8), p90: at(0.9), worst: at(1) },
      ];
    });
  return {
    'in-sample': of(({ inSample }) => inSample),
    'leave-one-model-out': of(({ withoutModel }) => withoutModel),
    'leave-one-source-out': of(({ withoutSource }) => withoutSource),
    'leave-one-SoC-out': of(({ withoutSoc }) => withoutSoc),
    naive: of(({ naive }) => naive),
  };
}

const round = (value: number): number => Number(value.toPrecision(5));
