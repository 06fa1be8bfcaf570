/** Shapes of element-by-element operators: one input, two with broadcasting, or many. */
import { type ElementType, elementTypeOf } from '../element-type.ts';
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  shapeFault,
  type Value,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

/** NumPy broadcasting, as the ONNX document "Broadcasting in ONNX" defines it. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  const out = new Array<number>(rank).fill(1);
  for (const dims of shapes) {
    const shift = rank - dims.length;
    for (const [i, dim] of dims.entries()) {
      const have = out[i + shift] as number;
      if (have === 1) out[i + shift] = dim;
      else if (dim !== 1 && dim !== have) {
        throw shapeFault(
          'shapes cannot be broadcast together',
          'equal dimensions or 1',
          shapes.map(formatDims).join(' and '),
        );
      }
    }
  }
  return out;
}

function presentInputs(view: NodeView): Value[] {
  return view.inputs.filter((value) => value !== undefined);
}

function broadcastAs(view: NodeView, type: ElementType): Inferred[] {
  return [{ dims: broadcast(presentInputs(view).map((value) => value.dims)), type }];
}

const same: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims, type }];
};
const sameAsBool: Inferer = (view) => [{ dims: inputAt(view, 0).dims, type: 'bool' }];
const combined: Inferer = (view) => broadcastAs(view, inputAt(view, 0).type);
const compared: Inferer = (view) => broadcastAs(view, 'bool');

/** `Where` and `com.microsoft` selectors: the condition's type does not count. */
const where: Inferer = (view) => broadcastAs(view, inputAt(view, 1).type);

const cast: Inferer = (view) => [
  { dims: inputAt(view, 0).dims, type: elementTypeOf(intOf(view, 'to', 1)) },
];
const castLike: Inferer = (view) => [{ dims: inputAt(view, 0).dims, type: inputAt(view, 1).type }];

/** The mask is as large as the data. */
const dropout: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [
    { dims, type },
    { dims, type: 'bool' },
  ];
};

/** `Upsample`-free element operators of opset 6 and before carry `axis` and `broadcast`; those are below our range. */
const clip: Inferer = (view) => {
  if (numbersOf(view, 'min')) throw shapeFault('min must be a scalar');
  return same(view);
};

const UNARY =
  'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax ' +
  'Identity LeakyRelu Log LogSoftmax Mish Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax ' +
  'Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Not BitwiseNot CumSum Trilu Bernoulli LpNormalization ' +
  'MeanVarianceNormalization ReverseSequence';
const BINARY = 'Add Sub Mul Div Pow Mod PRelu And Or Xor BitShift BitwiseAnd BitwiseOr BitwiseXor';
const COMPARE = 'Equal Greater GreaterOrEqual Less LessOrEqual';
const MANY = 'Max Min Mean Sum';

function all(names: string, inferer: Inferer): Record<string, Inferer> {
  return Object.fromEntries(names.split(' ').map((name) => [name, inferer]));
}

export const elementwise: Readonly<Record<string, Inferer>> = {
  ...all(UNARY, same),
  ...all(BINARY, combined),
  ...all(MANY, combined),
  ...all(COMPARE, compared),
  ...all('IsNaN IsInf', sameAsBool),
  Where: where,
  Cast: cast,
  CastLike: castLike,
  Clip: clip,
  Dropout: dropout,
  ...all('com.microsoft.QuickGelu com.microsoft.Gelu', same),
  ...all('com.microsoft.BiasGelu com.microsoft.FastGelu com.microsoft.BiasAdd', same),
  ...all('com.microsoft.QLinearSigmoid com.microsoft.QLinearLeakyRelu', same),
  'com.microsoft.QLinearSoftmax': same,
  'com.microsoft.QLinearAdd': (view) => qlinearBinary(view),
  'com.microsoft.QLinearMul': (view) => qlinearBinary(view),
};

/** A, its scale and zero point, then B with its own. */
function qlinearBinary(view: NodeView): Inferred[] {
  const a = inputAt(view, 0);
  return [{ dims: broadcast([a.dims, inputAt(view, 3).dims]), type: a.type }];
}
