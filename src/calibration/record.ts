/** The record of one host calibration: what was measured, where and when, what was fitted, and how wrong it is. */
import { createHash } from 'node:crypto';
import type { Refusal } from './collect.ts';
import { type ErrorSummary, summariseErrors } from './fit.ts';
import type { HostDescription } from './host.ts';
import type { FittedParameter, HostFit, Residual } from './host-fit.ts';
import type { CopyPoint } from './memory-probe.ts';
import { PARAMETERS } from './parameters.ts';
import { medianOf } from './statistics.ts';

/** Above this share of waiting for a processor several threads cannot have run side by side. */
const BUSY_SHARE = 0.1;
/** Above this median spread between bursts the machine was too busy for the numbers to be trusted. */
const NOISY_SPREAD = 0.1;

export interface CalibrationRecord {
  readonly version: 1;
  readonly kind: 'host';
  /** ISO 8601, as given by the caller. */
  readonly date: string;
  readonly host: HostDescription;
  readonly threads: readonly number[];
  readonly quick: boolean;
  /** SHA-256 over the measured times that the fit read. */
  readonly inputsHash: string;
  readonly parameters: readonly (FittedParameter & {
    readonly meaning: string;
    readonly dimension: string;
  })[];
  readonly copies: readonly CopyPoint[];
  readonly residuals: readonly Residual[];
  readonly errors: {
    readonly inSample: ErrorSummary;
    readonly byThreads: Readonly<Record<string, ErrorSummary>>;
    /** Each family predicted by a fit without it. */
    readonly leaveFamilyOut: Readonly<Record<string, ErrorSummary>>;
  };
  readonly noise: {
    readonly medianSpread: number;
    readonly waitedShare: number;
    readonly noisy: boolean;
  };
  readonly refused: readonly Refusal[];
}

export interface RecordInputs {
  readonly date: string;
  readonly host: HostDescription;
  readonly threads: readonly number[];
  readonly quick: boolean;
  readonly copies: readonly CopyPoint[];
  readonly fit: HostFit;
  readonly crossValidated: readonly Residual[];
  readonly refused: readonly Refusal[];
  readonly waitedShare: number;
}

export function buildRecord(inputs: RecordInputs): CalibrationRecord {
  const { fit, crossValidated } = inputs;
  const medianSpread = medianOf(fit.residuals.map(({ spread }) => spread));
  return {
    version: 1,
    kind: 'host',
    date: inputs.date,
    host: inputs.host,
    threads: inputs.threads,
    quick: inputs.quick,
    inputsHash: hashOf(fit.residuals),
    parameters: fit.parameters.map((parameter) => {
      const known = PARAMETERS.find(({ name }) => name === parameter.name);
      return {
        ...parameter,
        meaning: known?.meaning ?? '',
        dimension: known?.dimension ?? 'count',
      };
    }),
    copies: inputs.copies,
    residuals: fit.residuals,
    errors: {
      inSample: summariseErrors(fit.residuals),
      byThreads: groupErrors(fit.residuals, ({ threads }) => String(threads)),
      leaveFamilyOut: groupErrors(crossValidated, ({ family }) => family),
    },
    noise: {
      medianSpread,
      waitedShare: inputs.waitedShare,
      noisy: medianSpread > NOISY_SPREAD || inputs.waitedShare > BUSY_SHARE,
    },
    refused: inputs.refused,
  };
}

export function groupErrors(
  residuals: readonly Residual[],
  keyOf: (residual: Residual) => string,
): Record<string, ErrorSummary> {
  const groups = new Map<string, Residual[]>();
  for (const residual of residuals) {
    const group = groups.get(keyOf(residual));
    if (group) group.push(residual);
    else groups.set(keyOf(residual), [residual]);
  }
  return Object.fromEntries([...groups].map(([key, group]) => [key, summariseErrors(group)]));
}

function hashOf(residuals: readonly Residual[]): string {
  const measured = residuals.map(({ id, threads, measured: seconds }) => [id, threads, seconds]);
  return createHash('sha256').update(JSON.stringify(measured)).digest('hex');
}
