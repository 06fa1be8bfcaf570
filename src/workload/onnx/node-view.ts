/** What shape inference, folding and costing see of one node: its inputs' shapes and known elements. */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { ElementType } from './element-type.ts';
import type { Attribute, OnnxNode, TensorConstant } from './model.ts';
import { isTensor } from './model.ts';

/** One tensor of the model with every dimension bound. */
export interface Value {
  readonly dims: readonly number[];
  readonly type: ElementType;
  /** Known before the model runs: weights, and all that is computed from constants alone. */
  readonly constant: boolean;
  /** Elements in row-major order, where they are known and few. */
  readonly data?: readonly number[];
  /** Known because sizes or scalars of a run are: an engine works it out again in every run. */
  readonly steered?: boolean;
  /** File that would have to be read for the elements. */
  readonly external?: string;
}

/** A result of shape inference; whether it is constant follows from the inputs. */
export type Inferred = Pick<Value, 'dims' | 'type' | 'data'>;

export interface NodeView {
  readonly node: OnnxNode;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  /** By position; absent for optional inputs left out. */
  readonly inputs: readonly (Value | undefined)[];
}

/** The shape cannot be known before the model runs; carries why. */
export class UnknownShape extends Error {
  override readonly name = 'UnknownShape';
}

/** The `index`-th input, which the operator cannot do without. */
export function inputAt(view: NodeView, index: number): Value {
  const value = view.inputs[index];
  if (value) return value;
  throw new SpecError([
    { message: `input ${index} is missing`, got: `${view.inputs.length} inputs` },
  ]);
}

/** Elements of an input that decides a shape; nothing when the input is left out. */
export function dataAt(view: NodeView, index: number): readonly number[] | undefined {
  const value = view.inputs[index];
  if (!value || value.data) return value?.data;
  const name = view.node.inputs[index] ?? '';
  if (value.external !== undefined) {
    throw new SpecError([
      {
        message: `the values of "${name}" decide a shape, and the external data that hold them are missing`,
        expected: `file "${value.external}" beside the model`,
      },
    ]);
  }
  throw new UnknownShape(`depends on the values of "${name}" at run time`);
}

export function intOf(view: NodeView, name: string, fallback: number): number {
  const value = view.node.attributes.get(name);
  return typeof value === 'number' ? value : fallback;
}

export function textOf(view: NodeView, name: string, fallback: string): string {
  const value = view.node.attributes.get(name);
  return typeof value === 'string' ? value : fallback;
}

export function numbersOf(view: NodeView, name: string): readonly number[] | undefined {
  const value = view.node.attributes.get(name);
  return isNumbers(value) ? value : undefined;
}

export function tensorAttribute(view: NodeView, name: string): TensorConstant | undefined {
  const value = view.node.attributes.get(name);
  return isTensor(value) ? value : undefined;
}

function isNumbers(value: Attribute | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** Axes given by an attribute in old operator sets and by an input since. */
export function axesOf(view: NodeView, input: number): readonly number[] | undefined {
  return numbersOf(view, 'axes') ?? dataAt(view, input);
}

/** A negative axis counts from the back. */
export function wrapAxis(axis: number, rank: number): number {
  const wrapped = axis < 0 ? axis + rank : axis;
  if (wrapped >= 0 && wrapped < Math.max(rank, 1)) return wrapped;
  throw shapeFault('axis outside the tensor', `-${rank} to ${rank - 1}`, String(axis));
}

export function shapeFault(message: string, expected?: string, got?: string): SpecError {
  const fault: Fault = {
    message,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  };
  return new SpecError([fault]);
}

export function formatDims(dims: readonly number[]): string {
  return `[${dims.join(', ')}]`;
}

/** `X[1, 3, 224, 224] W[64, 4, 7, 7]`: the inputs as messages show them. */
export function formatInputs(view: NodeView): string {
  return view.inputs
    .map((value, i) => (value ? `${view.node.inputs[i]}${formatDims(value.dims)}` : ''))
    .filter(Boolean)
    .join(' ');
}
