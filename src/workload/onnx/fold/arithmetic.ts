/** Folding of element-by-element arithmetic in the type of the operands. */
import { type ElementType, elementTypeOf, isFloat } from '../element-type.ts';
import { intOf, type NodeView } from '../node-view.ts';
import { elementsAt, type Folder } from './folder.ts';
import { broadcastStrides, offsetsOf } from './strides.ts';

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

/** Rounds a result to the tensor's type, so that chains agree with a run in that type. */
function rounder(type: ElementType): Unary {
  if (type === 'double') return (x) => x;
  if (isFloat(type)) return Math.fround;
  return type === 'bool' ? (x) => (x ? 1 : 0) : Math.trunc;
}

function unary(apply: Unary): Folder {
  return (view, outputs) => {
    const round = rounder(outputs[0]?.type ?? 'float');
    return [elementsAt(view, 0).map((x) => round(apply(x)))];
  };
}

function many(apply: Binary): Folder {
  return (view, outputs) => {
    const out = outputs[0]?.dims ?? [];
    const round = rounder(outputs[0]?.type ?? 'float');
    const [first, ...rest] = view.inputs.map((_, i) => stretched(view, i, out));
    const sum = rest.reduce(
      (left, right) => left.map((a, i) => apply(a, right[i] as number)),
      first ?? [],
    );
    return [sum.map(round)];
  };
}

function stretched(view: NodeView, index: number, out: readonly number[]): number[] {
  const data = elementsAt(view, index);
  const strides = broadcastStrides(view.inputs[index]?.dims ?? [], out);
  return offsetsOf(out, strides).map((offset) => data[offset] as number);
}

/** Integer division truncates towards zero. */
const divide: Folder = (view, outputs) => {
  const whole = !isFloat(outputs[0]?.type ?? 'float');
  return many((a, b) => (whole ? Math.trunc(a / b) : a / b))(view, outputs);
};

/** The sign follows the divisor, or the dividend with `fmod`. */
const modulo: Folder = (view, outputs) => {
  const fmod = intOf(view, 'fmod', 0) === 1;
  return many((a, b) => (fmod ? a % b : a - b * Math.floor(a / b)))(view, outputs);
};

const where: Folder = (view, outputs) => {
  const out = outputs[0]?.dims ?? [];
  const [condition = [], yes = [], no = []] = [0, 1, 2].map((i) => stretched(view, i, out));
  return [condition.map((test, i) => (test ? yes[i] : no[i]) as number)];
};

const cast: Folder = (view) => {
  const round = rounder(elementTypeOf(intOf(view, 'to', 1)));
  return [elementsAt(view, 0).map(round)];
};

/** Bounds are attributes before opset 11. */
const clip: Folder = (view) => {
  const low = view.inputs[1]?.data?.[0] ?? intOf(view, 'min', Number.NEGATIVE_INFINITY);
  const high = view.inputs[2]?.data?.[0] ?? intOf(view, 'max', Number.POSITIVE_INFINITY);
  return [elementsAt(view, 0).map((x) => Math.min(Math.max(x, low), high))];
};

/** Halves go to the even neighbour. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

export const arithmetic: Readonly<Record<string, Folder>> = {
  Abs: unary(Math.abs),
  Ceil: unary(Math.ceil),
  Exp: unary(Math.exp),
  Floor: unary(Math.floor),
  Log: unary(Math.log),
  Neg: unary((x) => -x),
  Not: unary((x) => (x ? 0 : 1)),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(0, x)),
  Round: unary(roundEven),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Add: many((a, b) => a + b),
  Sub: many((a, b) => a - b),
  Mul: many((a, b) => a * b),
  Pow: many((a, b) => a ** b),
  Max: many(Math.max),
  Min: many(Math.min),
  Sum: many((a, b) => a + b),
  And: many((a, b) => (a && b ? 1 : 0)),
  Or: many((a, b) => (a || b ? 1 : 0)),
  Xor: many((a, b) => (Boolean(a) === Boolean(b) ? 0 : 1)),
  Equal: many((a, b) => (a === b ? 1 : 0)),
  Greater: many((a, b) => (a > b ? 1 : 0)),
  GreaterOrEqual: many((a, b) => (a >= b ? 1 : 0)),
  Less: many((a, b) => (a < b ? 1 : 0)),
  LessOrEqual: many((a, b) => (a <= b ? 1 : 0)),
  Div: divide,
  Mod: modulo,
  Where: where,
  Cast: cast,
  Clip: clip,
};
