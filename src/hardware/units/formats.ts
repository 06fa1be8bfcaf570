/** Which rate a pair of number formats runs at, and which operators a unit takes. */
import { DTYPE_BITS, type DType, type Work } from '../../base/work.ts';
import type { Support } from '../compute-unit.ts';

type Sourced = { readonly is: number };
type RateTable = Readonly<Record<string, Sourced>>;

interface FormatRate {
  readonly rate: number;
  /** Weights must be expanded to the activations' format first. */
  readonly expand: boolean;
}

/** Formats of the same width that hardware runs at the same rate unless a description says otherwise. */
const TWINS: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  bf16: ['fp16'],
  int16: ['fp16'],
  fp16: ['int16'],
  fp8: ['int8'],
  tf32: ['fp32'],
  int32: ['fp32'],
  bool: ['int8'],
  int64: ['int32', 'fp32'],
};

/** Rates for every pair of formats, looked up once when a unit is built. */
export type FormatRates = Readonly<Record<DType, Readonly<Record<DType, FormatRate | undefined>>>>;

const FLOATS: ReadonlySet<DType> = new Set(['fp16', 'bf16', 'tf32', 'fp32']);
const DTYPES = Object.keys(DTYPE_BITS) as DType[];

/** @param capped floating activations multiply no faster than two floating operands, whatever pair is named. */
export function buildFormatRates(rates: RateTable, capped = false): FormatRates {
  const byWeight = DTYPES.map((weight) => {
    const byActivation = DTYPES.map((activation) => [
      activation,
      cap(
        resolveRate(rates, weight, activation),
        capped ? floatRate(rates, activation) : undefined,
      ),
    ]);
    return [weight, Object.fromEntries(byActivation)];
  });
  return Object.fromEntries(byWeight);
}

function floatRate(rates: RateTable, activation: DType): number | undefined {
  return FLOATS.has(activation) ? twinRate(rates, activation) : undefined;
}

function cap(found: FormatRate | undefined, limit: number | undefined): FormatRate | undefined {
  return found && limit !== undefined ? { ...found, rate: Math.min(found.rate, limit) } : found;
}

/**
 * A named pair wins (`w4a16`); equal formats run at their own rate; otherwise the narrower
 * operand is expanded to the wider format.
 */
function resolveRate(rates: RateTable, weight: DType, activation: DType): FormatRate | undefined {
  const pair = rates[`w${DTYPE_BITS[weight]}a${DTYPE_BITS[activation]}`];
  if (pair && weight !== activation) return { rate: pair.is, expand: false };
  const narrower = DTYPE_BITS[weight] < DTYPE_BITS[activation];
  const rate = twinRate(rates, narrower ? activation : weight);
  if (rate === undefined) return undefined;
  return { rate, expand: narrower };
}

/** Rate of `dtype`, or of a format of the same width. */
export function twinRate(rates: RateTable, dtype: DType): number | undefined {
  for (const name of [dtype, ...(TWINS[dtype] ?? [])]) {
    const found = rates[name];
    if (found) return found.is;
  }
  return undefined;
}

/** Vector operations per clock for every dtype; undefined where the unit has none. */
export function buildVectorRates(rates: RateTable): Readonly<Record<DType, number | undefined>> {
  return Object.fromEntries(DTYPES.map((dtype) => [dtype, twinRate(rates, dtype)])) as Record<
    DType,
    number | undefined
  >;
}

/** What kernels reach of the lanes. */
export function scaledRates(
  rates: Readonly<Record<DType, number | undefined>>,
  share: number,
): Readonly<Record<DType, number | undefined>> {
  return Object.fromEntries(
    DTYPES.map((dtype) => [dtype, rates[dtype] === undefined ? undefined : rates[dtype] * share]),
  ) as Record<DType, number | undefined>;
}

export interface OperatorLists {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

function listedOperator(lists: OperatorLists | undefined, work: Work): Support {
  const { operator } = work;
  const barred = lists?.except?.includes(operator);
  if (!barred && (lists?.only === undefined || lists.only.includes(operator))) return { ok: true };
  const lever = barred ? `${operator} out of operators.except` : `${operator} in operators.only`;
  return { ok: false, reason: `no kernel for ${operator}`, lever };
}

/** Kernel, and a decompressor where weights come compressed: what is not unpacked on its way is no number to anyone else. */
export function supportedStorage(
  lists: OperatorLists | undefined,
  work: Work,
  unpacks = false,
  lever = 'weights without techniques.compression',
): Support {
  const { compression = 1 } = work;
  if (compression === 1 || unpacks) return listedOperator(lists, work);
  return { ok: false, reason: 'no decompressor for compressed weights', lever };
}

/** Matrix operators need a rate for their formats, vector operators lanes for theirs; moves need nothing. */
export function supportedFormat(
  work: Work,
  matrix: FormatRates,
  vector: Readonly<Record<DType, number | undefined>>,
): Support {
  const { kind } = work.form;
  if (kind === 'move') return { ok: true };
  if (kind === 'vector') {
    if (vector[work.activationDType] !== undefined) return { ok: true };
    return {
      ok: false,
      reason: `no vector arithmetic in ${work.activationDType}`,
      lever: `a vector rate for ${work.activationDType}`,
    };
  }
  if (matrix[work.weightDType][work.activationDType]) return { ok: true };
  return {
    ok: false,
    reason: `no matrix arithmetic for ${work.weightDType} weights and ${work.activationDType} activations`,
    lever: `a matrix rate for ${pairName(work)}`,
  };
}

/** As descriptions name it: `fp16`, or `w4a16`. */
function pairName({ weightDType, activationDType }: Work): string {
  if (weightDType === activationDType) return weightDType;
  return `w${DTYPE_BITS[weightDType]}a${DTYPE_BITS[activationDType]}`;
}
