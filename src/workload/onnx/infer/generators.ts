/** Shapes (and, where they are small, elements) of operators that make tensors from attributes and sizes. */
import { type ElementType, elementsOf, elementTypeOf } from '../element-type.ts';
import {
  dataAt,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  tensorAttribute,
  wrapAxis,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

/** `value` is a tensor; the other spellings are scalars and vectors. */
function constant(view: NodeView): Inferred[] {
  const tensor = tensorAttribute(view, 'value') ?? tensorAttribute(view, 'sparse_value');
  if (tensor) {
    const { dims, type, values } = tensor;
    return [{ dims, type, ...(values ? { data: values } : {}) }];
  }
  const attributes = view.node.attributes;
  if (attributes.has('value_string') || attributes.has('value_strings')) {
    const list = attributes.get('value_strings');
    return [{ dims: Array.isArray(list) ? [list.length] : [], type: 'string' }];
  }
  const list = numbersOf(view, 'value_ints') ?? numbersOf(view, 'value_floats');
  const type: ElementType =
    attributes.has('value_int') || attributes.has('value_ints') ? 'int64' : 'float';
  if (list) return [{ dims: [list.length], type, data: list }];
  const scalar = attributes.get('value_int') ?? attributes.get('value_float');
  return [{ dims: [], type, data: [scalar as number] }];
}

/** `start` and `end` (opset 15) cut out some dimensions. */
const shape: Inferer = (view) => {
  const dims = inputAt(view, 0).dims;
  const end = intOf(view, 'end', dims.length);
  const part = dims.slice(intOf(view, 'start', 0), end);
  return [{ dims: [part.length], type: 'int64', data: part }];
};

const size: Inferer = (view) => [
  { dims: [], type: 'int64', data: [elementsOf(inputAt(view, 0).dims)] },
];

function constantOfShape(view: NodeView): Inferred[] {
  const dims = dataAt(view, 0) ?? [];
  return [{ dims, type: tensorAttribute(view, 'value')?.type ?? 'float' }];
}

function range(view: NodeView): Inferred[] {
  const [start, limit, delta] = [0, 1, 2].map((i) => dataAt(view, i)?.[0] ?? 0) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  return [{ dims: [count], type: inputAt(view, 0).type }];
}

const eyeLike: Inferer = (view) => {
  const x = inputAt(view, 0);
  const code = intOf(view, 'dtype', 0);
  return [{ dims: x.dims, type: code ? elementTypeOf(code) : x.type }];
};

function oneHot(view: NodeView): Inferred[] {
  const indices = inputAt(view, 0).dims;
  const depth = dataAt(view, 1)?.[0] ?? 0;
  const axis = wrapAxis(intOf(view, 'axis', -1), indices.length + 1);
  const dims = [...indices.slice(0, axis), depth, ...indices.slice(axis)];
  return [{ dims, type: inputAt(view, 2).type }];
}

const random: Inferer = (view) => [
  { dims: numbersOf(view, 'shape') ?? [], type: elementTypeOf(intOf(view, 'dtype', 1)) },
];
const randomLike: Inferer = (view) => {
  const x = inputAt(view, 0);
  const code = intOf(view, 'dtype', 0);
  return [{ dims: x.dims, type: code ? elementTypeOf(code) : x.type }];
};

function multinomial(view: NodeView): Inferred[] {
  const batch = inputAt(view, 0).dims[0] as number;
  const type = elementTypeOf(intOf(view, 'dtype', 6));
  return [{ dims: [batch, intOf(view, 'sample_size', 1)], type }];
}

/** Window length is a value; `periodic` does not change it. */
const window: Inferer = (view) => [
  { dims: [dataAt(view, 0)?.[0] ?? 0], type: elementTypeOf(intOf(view, 'output_datatype', 1)) },
];

const melWeights: Inferer = (view) => {
  const bins = dataAt(view, 0)?.[0] ?? 0;
  const length = dataAt(view, 1)?.[0] ?? 0;
  const type = elementTypeOf(intOf(view, 'output_datatype', 1));
  return [{ dims: [Math.floor(length / 2) + 1, bins], type }];
};

export const generators: Readonly<Record<string, Inferer>> = {
  Constant: constant,
  Shape: shape,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  OneHot: oneHot,
  RandomNormal: random,
  RandomUniform: random,
  RandomNormalLike: randomLike,
  RandomUniformLike: randomLike,
  Multinomial: multinomial,
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
  MelWeightMatrix: melWeights,
};

/** Operators whose result differs from run to run even with constant inputs. */
export const RANDOM = new Set(
  'RandomNormal RandomUniform RandomNormalLike RandomUniformLike Multinomial Bernoulli'.split(' '),
);
