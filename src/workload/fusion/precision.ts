/**
 * A floating-point model at the precision a phone runs it in: weights and activations stored and computed narrower.
 *
 * Model    every fp32 and fp16 tensor takes the given format; integers, indices and masks stay
 * Ignores  scales and zero points (one per channel, under 0.1 % of the weights), layers kept wide for accuracy
 * Source   formats a vendor compiler is asked for: fp16, w8a16, w8a8
 * Checked  test/unit/workload/fusion/precision.test.ts
 */
import { DTYPE_BITS, type DType, type Work } from '../../base/work.ts';
import type { ListedOperator, ListedTensor, OperatorList } from './operator-list.ts';

export interface Precision {
  readonly weights: DType;
  readonly activations: DType;
}

/** By the names that model zoos use. */
export const PRECISIONS = {
  fp16: { weights: 'fp16', activations: 'fp16' },
  w8a16: { weights: 'int8', activations: 'int16' },
  w8a8: { weights: 'int8', activations: 'int8' },
  w4a16: { weights: 'int4', activations: 'fp16' },
} as const satisfies Readonly<Record<string, Precision>>;
export type PrecisionName = keyof typeof PRECISIONS;

const FLOATS: ReadonlySet<DType> = new Set(['fp32', 'fp16', 'bf16']);

function narrow(from: DType, to: DType): DType {
  return FLOATS.has(from) ? to : from;
}

function scale(from: DType, to: DType): number {
  return DTYPE_BITS[narrow(from, to)] / DTYPE_BITS[from];
}

export function castList(list: OperatorList, precision: Precision): OperatorList {
  const { activations } = precision;
  const tensors = new Map(
    [...list.tensors].map(([name, tensor]): [string, ListedTensor] => [
      name,
      {
        ...tensor,
        dtype: narrow(tensor.dtype, activations),
        bytes: tensor.bytes * scale(tensor.dtype, activations),
      },
    ]),
  );
  const shrink = (names: readonly string[]) => {
    const before = names.reduce((sum, name) => sum + (list.tensors.get(name)?.bytes ?? 0), 0);
    const after = names.reduce((sum, name) => sum + (tensors.get(name)?.bytes ?? 0), 0);
    return before > 0 ? after / before : 1;
  };
  const operators = list.operators.map((operator) => castOperator(operator, precision, shrink));
  return { ...list, operators, tensors };
}

function castOperator(
  operator: ListedOperator,
  { weights, activations }: Precision,
  shrink: (names: readonly string[]) => number,
): ListedOperator {
  const { work, traits } = operator;
  const constants = traits.constants.map((constant) => {
    // Vectors (biases, norm weights) keep the precision of the activations.
    const to = constant.dims.length > 1 ? weights : activations;
    const bytes = constant.bytes * scale(constant.dtype, to);
    return { ...constant, dtype: narrow(constant.dtype, to), bytes };
  });
  const before = traits.constants.reduce((sum, constant) => sum + constant.bytes, 0);
  const after = constants.reduce((sum, constant) => sum + constant.bytes, 0);
  const cache = scale(work.activationDType, activations);
  const cast: Work = {
    ...work,
    activationDType: narrow(work.activationDType, activations),
    weightDType: narrow(work.weightDType, before > 0 ? weights : activations),
    weightBytes: work.weightBytes * (before > 0 ? after / before : 1),
    inputBytes: work.inputBytes * shrink(operator.inputs),
    outputBytes: work.outputBytes * shrink(operator.outputs),
    kvReadBytes: work.kvReadBytes * cache,
    kvWriteBytes: work.kvWriteBytes * cache,
  };
  return { ...operator, work: cast, traits: { ...traits, constants } };
}

/** Share of the weights' bytes left. */
export function weightShare(before: OperatorList, after: OperatorList): number {
  const bytes = (list: OperatorList) =>
    list.operators.reduce((sum, { work }) => sum + work.weightBytes, 0);
  return bytes(before) > 0 ? bytes(after) / bytes(before) : 1;
}
