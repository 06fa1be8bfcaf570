/** What a calibration changes of a runtime's kernels on one unit: factors on the class's own numbers. */
import { DTYPE_BITS, type DType } from '../base/work.ts';
import type { KernelClass } from '../hardware/units/unit-options.ts';

/** Each factor multiplies what the description says; 1 where absent. */
export interface KernelTuning {
  /** On every matrix rate, and by format of the activations on top. */
  readonly compute?: number;
  readonly matrix?: Readonly<Partial<Record<DType, number>>>;
  /** On products of one row, by format of the weights. */
  readonly rows?: Readonly<Partial<Record<DType, number>>>;
  /** On the rate of attention, on top of the others. */
  readonly attention?: number;
  /** On the rate of products whose weights lie in super-blocks, on top of the others. */
  readonly superblocks?: number;
  /** On the rate of recurrences. */
  readonly recurrence?: number;
  readonly bandwidth?: number;
  /** On the time of launching an operator, of a call into the driver, and of host work per result. */
  readonly launch?: number;
  readonly call?: number;
  readonly host?: number;
}

/** Tunings of a class, a unit and a pair of both act together. */
export function combineTunings(...tunings: readonly KernelTuning[]): KernelTuning {
  const plain = (key: Exclude<keyof KernelTuning, 'matrix' | 'rows'>) =>
    tunings.reduce((product, one) => product * (one[key] ?? 1), 1);
  const table = (key: 'matrix' | 'rows') => {
    const found: Partial<Record<DType, number>> = {};
    for (const one of tunings) {
      for (const [dtype, factor] of Object.entries(one[key] ?? {}) as [DType, number][])
        found[dtype] = (found[dtype] ?? 1) * factor;
    }
    return found;
  };
  return {
    compute: plain('compute'),
    matrix: table('matrix'),
    rows: table('rows'),
    attention: plain('attention'),
    superblocks: plain('superblocks'),
    recurrence: plain('recurrence'),
    bandwidth: plain('bandwidth'),
    launch: plain('launch'),
    call: plain('call'),
    host: plain('host'),
  };
}

const DTYPES = Object.keys(DTYPE_BITS) as DType[];

export function tuneKernels(kernels: KernelClass, tuning: KernelTuning): KernelClass {
  const { compute = 1, matrix = {}, rows = {} } = tuning;
  const shares = DTYPES.map((dtype) => [
    dtype,
    (kernels.matrixShare?.[dtype] ?? 1) * compute * (matrix[dtype] ?? 1),
  ]);
  const weightShares = Object.entries(kernels.weightShare ?? {}).map(([dtype, share]) => [
    dtype,
    share * compute,
  ]);
  const rowShares = Object.entries(kernels.rowShare ?? {}).map(([dtype, share]) => [
    dtype,
    share * compute * (rows[dtype as DType] ?? 1),
  ]);
  return {
    ...kernels,
    matrixShare: Object.fromEntries(shares),
    ...(kernels.weightShare && { weightShare: Object.fromEntries(weightShares) }),
    ...(kernels.rowShare && { rowShare: Object.fromEntries(rowShares) }),
    superblockShare: (kernels.superblockShare ?? 1) * (tuning.superblocks ?? 1),
    ...recurrenceOf(kernels, tuning),
    bandwidthShare: (kernels.bandwidthShare ?? 1) * (tuning.bandwidth ?? 1),
    launchScale: (kernels.launchScale ?? 1) * (tuning.launch ?? 1),
    attentionScale: (kernels.attentionScale ?? 1) * (tuning.attention ?? 1),
    callScale: (kernels.callScale ?? 1) * (tuning.call ?? 1),
  };
}

/** Where a class says nothing of recurrences, no calibration does. */
function recurrenceOf({ recurrenceShare }: KernelClass, { recurrence = 1 }: KernelTuning) {
  return recurrenceShare === undefined
    ? {}
    : { recurrenceShare: Math.min(1, recurrenceShare * recurrence) };
}
