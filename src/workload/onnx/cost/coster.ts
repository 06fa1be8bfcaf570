/** The contract of operator costs: one closed form per operator, bytes filled in from the tensors themselves. */
import type { Bytes } from '../../../base/units.ts';
import type { DType, Packing, Work, WorkForm } from '../../../base/work.ts';
import { dtypeOf, tensorBytes } from '../element-type.ts';
import type { NodeView, Value } from '../node-view.ts';

/** A node with its results, all shapes known. */
export interface CostView extends NodeView {
  /** `Conv`, `com.microsoft.MatMulNBits`. */
  readonly key: string;
  readonly outputs: readonly Value[];
}

/**
 * What an operator does, where it differs from reading every input and writing every output once.
 *
 * Vector operations count scalar steps as the operator's own formula in the ONNX documents writes them; an
 * exponential, a root, a division and a comparison are one step each.
 */
export interface Cost {
  readonly form: WorkForm;
  readonly macs?: number;
  readonly vectorOps?: number;
  readonly weightDType?: DType;
  readonly weightBytes?: Bytes;
  readonly packing?: Packing;
  readonly inputBytes?: Bytes;
  readonly outputBytes?: Bytes;
  readonly kvReadBytes?: Bytes;
  readonly kvWriteBytes?: Bytes;
}

/** Depends on the view alone; called once per distinct node. */
export type Coster = (view: CostView) => Cost;

export function bytesOfValue(value: Value | undefined): Bytes {
  return value ? tensorBytes(value.dims, value.type) : 0;
}

/** A cost with its bytes: constants are weights, other inputs and all outputs are activations. */
export function workOf(view: CostView, cost: Cost): Work {
  const present = view.inputs.filter((value) => value !== undefined);
  const weights = present.filter((value) => value.constant);
  const activations = distinct(present.filter((value) => !value.constant));
  const activation = dtypeOf(
    (activations[0] ?? view.outputs[0] ?? { type: 'float' as const }).type,
  );
  const weight = weights.find((value) => value.dims.length > 1) ?? weights[0];
  return {
    operator: view.node.operator,
    form: cost.form,
    macs: cost.macs ?? 0,
    vectorOps: cost.vectorOps ?? 0,
    weightDType: cost.weightDType ?? (weight ? dtypeOf(weight.type) : activation),
    activationDType: activation,
    weightBytes: cost.weightBytes ?? sumBytes(distinct(weights)),
    inputBytes: cost.inputBytes ?? sumBytes(activations),
    outputBytes: cost.outputBytes ?? sumBytes(view.outputs),
    kvReadBytes: cost.kvReadBytes ?? 0,
    kvWriteBytes: cost.kvWriteBytes ?? 0,
    ...(cost.packing ? { packing: cost.packing } : {}),
  };
}

/** A tensor that is read twice (`x · x`) is loaded once. */
function distinct(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

function sumBytes(values: readonly Value[]): Bytes {
  return values.reduce((total, value) => total + bytesOfValue(value), 0);
}
