/**
 * Closed-form work of operators on vector units: activations, norms, softmax, pooling, reductions, quantisation.
 *
 * Model    scalar steps per element as the operator's formula writes them, times the elements
 * Ignores  how a machine approximates an exponential or a root; its unit says what one step costs
 * Source   formulas of the ONNX and ONNX Runtime operator documents
 * Checked  test/unit/workload/onnx/cost.test.ts
 */
import { OPS_PER_ELEMENT } from '../../operator-cost.ts';
import { elementsOf } from '../element-type.ts';
import { inputAt, intOf, numbersOf } from '../node-view.ts';
import type { Coster, CostView } from './coster.ts';

/** Steps per result element, one sweep over the data. */
const STEPS: Readonly<Record<string, number>> = {
  Abs: 1,
  Acos: 1,
  Acosh: 1,
  Asin: 1,
  Asinh: 1,
  Atan: 1,
  Atanh: 1,
  Ceil: 1,
  Cos: 1,
  Cosh: 1,
  Erf: 1,
  Exp: 1,
  Floor: 1,
  Log: 1,
  Neg: 1,
  Not: 1,
  Reciprocal: 1,
  Relu: 1,
  Round: 1,
  Sign: 1,
  Sin: 1,
  Sinh: 1,
  Sqrt: 1,
  Tan: 1,
  Tanh: 1,
  Cast: 1,
  CastLike: 1,
  IsNaN: 1,
  IsInf: 1,
  BitwiseNot: 1,
  Trilu: 1,
  ThresholdedRelu: 1,
  Bernoulli: 1,
  Add: 1,
  Sub: 1,
  Mul: 1,
  Div: 1,
  Pow: 1,
  Mod: 1,
  And: 1,
  Or: 1,
  Xor: 1,
  BitShift: 1,
  BitwiseAnd: 1,
  BitwiseOr: 1,
  BitwiseXor: 1,
  Equal: 1,
  Greater: 1,
  GreaterOrEqual: 1,
  Less: 1,
  LessOrEqual: 1,
  Where: 1,
  Clip: 2,
  LeakyRelu: 2,
  PRelu: 2,
  Shrink: 2,
  Softplus: 3,
  Softsign: 3,
  Elu: 3,
  HardSigmoid: 4,
  Sigmoid: 4,
  Selu: 4,
  Celu: 5,
  HardSwish: 5,
  Mish: 5,
  Gelu: 5,
  CumSum: 1,
  'com.microsoft.Gelu': 5,
  'com.microsoft.BiasGelu': 6,
  'com.microsoft.FastGelu': OPS_PER_ELEMENT.gelu,
  'com.microsoft.QuickGelu': OPS_PER_ELEMENT.quickGelu,
  'com.microsoft.BiasAdd': 2,
  'com.microsoft.QLinearSigmoid': 10,
  'com.microsoft.QLinearLeakyRelu': 8,
  'com.microsoft.QLinearAdd': 9,
  'com.microsoft.QLinearMul': 9,
  BatchNormalization: 2,
  QuantizeLinear: 4,
  DequantizeLinear: 2,
  'com.microsoft.QuantizeLinear': 4,
  'com.microsoft.DequantizeLinear': 2,
  /** Squares summed over five channels, and a power: logarithm and exponential of some 25 steps each (Cephes: polynomials of degree 8 and 5). */
  LRN: 60,
  EyeLike: 1,
  OneHot: 1,
  RandomNormal: 4,
  RandomUniform: 2,
  RandomNormalLike: 4,
  RandomUniformLike: 2,
  Multinomial: 4,
  Det: 1,
  ReverseSequence: 0,
};

/** Operators that sweep over their data more than once: [sweeps, steps per element]. */
const SWEEPS: Readonly<Record<string, readonly [number, number]>> = {
  Softmax: [2, OPS_PER_ELEMENT.softmax],
  LogSoftmax: [2, OPS_PER_ELEMENT.softmax],
  Hardmax: [2, 2],
  'com.microsoft.QLinearSoftmax': [2, OPS_PER_ELEMENT.softmax + 4],
  LayerNormalization: [2, OPS_PER_ELEMENT.layerNorm],
  InstanceNormalization: [2, OPS_PER_ELEMENT.layerNorm],
  GroupNormalization: [2, OPS_PER_ELEMENT.layerNorm],
  'com.microsoft.GroupNorm': [2, OPS_PER_ELEMENT.layerNorm],
  'com.microsoft.SkipGroupNorm': [2, OPS_PER_ELEMENT.layerNorm + 1],
  MeanVarianceNormalization: [2, 6],
  RMSNormalization: [2, OPS_PER_ELEMENT.rmsNorm],
  SimplifiedLayerNormalization: [2, OPS_PER_ELEMENT.rmsNorm],
  'com.microsoft.SimplifiedLayerNormalization': [2, OPS_PER_ELEMENT.rmsNorm],
  SkipSimplifiedLayerNormalization: [2, OPS_PER_ELEMENT.rmsNorm + 1],
  'com.microsoft.SkipSimplifiedLayerNormalization': [2, OPS_PER_ELEMENT.rmsNorm + 1],
  'com.microsoft.SkipLayerNormalization': [2, OPS_PER_ELEMENT.layerNorm + 1],
  'com.microsoft.EmbedLayerNormalization': [2, OPS_PER_ELEMENT.layerNorm + 2],
  LpNormalization: [2, 3],
  DynamicQuantizeLinear: [2, 6],
};

function outputElements(view: CostView): number {
  return elementsOf(view.outputs[0]?.dims ?? []);
}

function sweep(passes: number, steps: number): Coster {
  return (view) => {
    const elements = outputElements(view);
    return { form: { kind: 'vector', elements, passes }, vectorOps: elements * steps };
  };
}

/** One step less than there are inputs, per element. */
const many: Coster = (view) => {
  const steps = Math.max(1, view.inputs.length - 1);
  return sweep(1, steps)(view);
};

/** Every result looks at its whole window. */
const pool: Coster = (view) => {
  const window = elementsOf(numbersOf(view, 'kernel_shape') ?? []);
  const elements = outputElements(view);
  return { form: { kind: 'vector', elements, passes: window }, vectorOps: elements * window };
};

/** Every input element is looked at once; some reductions square or exponentiate first. */
function reduce(steps: number): Coster {
  return (view) => {
    const elements = elementsOf(inputAt(view, 0).dims);
    return { form: { kind: 'vector', elements, passes: 1 }, vectorOps: elements * steps };
  };
}

/** Sorting along the axis: a comparison per element and level of a heap of k. */
const topK: Coster = (view) => {
  const x = inputAt(view, 0).dims;
  const k =
    view.outputs[0]?.dims[intOf(view, 'axis', -1) + (intOf(view, 'axis', -1) < 0 ? x.length : 0)] ??
    1;
  const elements = elementsOf(x);
  const levels = 1 + Math.ceil(Math.log2(Math.max(1, k)));
  return { form: { kind: 'vector', elements, passes: 1 }, vectorOps: elements * levels };
};

const fastTransform: Coster = (view) => {
  const elements = outputElements(view);
  const length = view.outputs[0]?.dims.at(-2) ?? 1;
  const levels = Math.ceil(Math.log2(Math.max(2, length)));
  return { form: { kind: 'vector', elements, passes: levels }, vectorOps: elements * levels * 4 };
};

const REDUCTIONS: Readonly<Record<string, number>> = {
  ReduceMax: 1,
  ReduceMin: 1,
  ReduceSum: 1,
  ReduceMean: 1,
  ReduceProd: 1,
  ReduceL1: 2,
  ReduceL2: 2,
  ReduceSumSquare: 2,
  ReduceLogSum: 1,
  ReduceLogSumExp: 2,
  ArgMax: 1,
  ArgMin: 1,
  GlobalAveragePool: 1,
  GlobalMaxPool: 1,
  GlobalLpPool: 2,
  'com.microsoft.QLinearGlobalAveragePool': 1,
};

function mapValues<T>(record: Readonly<Record<string, T>>, make: (value: T) => Coster) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(value)]));
}

export const vectors: Readonly<Record<string, Coster>> = {
  ...mapValues(STEPS, (steps) => sweep(1, steps)),
  ...mapValues(SWEEPS, ([passes, steps]) => sweep(passes, steps)),
  ...mapValues(REDUCTIONS, reduce),
  Max: many,
  Min: many,
  Mean: many,
  Sum: many,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  'com.microsoft.QLinearAveragePool': pool,
  TopK: topK,
  DFT: fastTransform,
  STFT: fastTransform,
};
