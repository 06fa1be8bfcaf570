/** Shapes of normalisation and quantisation operators: the data keep their shape, statistics come beside. */
import { type ElementType, elementTypeOf } from '../element-type.ts';
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  shapeFault,
  wrapAxis,
} from '../node-view.ts';
import { broadcast } from './elementwise.ts';
import type { Inferer } from './inferer.ts';

/** In training mode the running statistics follow; inference exports have one output. */
const batchNormalization: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  const scale = inputAt(view, 1).dims;
  if (scale[0] !== dims[1]) {
    throw shapeFault(
      'scale must have one entry per channel',
      `${dims[1]}`,
      `X${formatDims(dims)} and scale${formatDims(scale)}`,
    );
  }
  const statistics = { dims: scale, type };
  return [{ dims, type }, statistics, statistics, statistics, statistics];
};

/** Mean and inverse deviation have extent 1 along the normalised axes. */
const layerNormalization: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', -1), dims.length);
  const statistics: Inferred = { dims: dims.map((dim, i) => (i < axis ? dim : 1)), type: 'float' };
  return [{ dims, type }, statistics, statistics];
};

/** Result, mean, inverse deviation, and the sum of input, skip and bias. */
const skipNormalization: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  const sum = { dims: broadcast([dims, inputAt(view, 1).dims]), type };
  const statistics: Inferred = {
    dims: dims.map((dim, i) => (i < dims.length - 1 ? dim : 1)),
    type: 'float',
  };
  return [{ dims, type }, statistics, statistics, sum];
};

/** Token, position and segment embeddings added and normalised. */
function embedLayerNormalization(view: NodeView): Inferred[] {
  const ids = inputAt(view, 0).dims;
  const table = inputAt(view, 2);
  const dims = [...ids, table.dims[1] as number];
  return [
    { dims, type: table.type },
    { dims: [ids[0] as number], type: 'int32' },
    { dims, type: table.type },
  ];
}

const same: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims, type }];
};

/** `com.microsoft.SkipGroupNorm` also hands on the sum. */
const groupNormalization: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [
    { dims, type },
    { dims, type },
  ];
};

/** The zero point gives the type; without one it is `output_dtype`, else uint8. */
function quantise(view: NodeView): Inferred[] {
  const code = intOf(view, 'output_dtype', 0);
  const type: ElementType = view.inputs[2]?.type ?? (code ? elementTypeOf(code) : 'uint8');
  return [{ dims: inputAt(view, 0).dims, type }];
}

const dequantise: Inferer = (view) => [
  { dims: inputAt(view, 0).dims, type: inputAt(view, 1).type },
];

const dynamicQuantise: Inferer = (view) => [
  { dims: inputAt(view, 0).dims, type: 'uint8' },
  { dims: [], type: 'float' },
  { dims: [], type: 'uint8' },
];

export const normalisation: Readonly<Record<string, Inferer>> = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: same,
  GroupNormalization: same,
  LRN: same,
  LayerNormalization: layerNormalization,
  RMSNormalization: same,
  // Written without a domain by ONNX Runtime's own optimiser.
  SimplifiedLayerNormalization: layerNormalization,
  'com.microsoft.SimplifiedLayerNormalization': layerNormalization,
  'com.microsoft.SkipLayerNormalization': skipNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipNormalization,
  SkipSimplifiedLayerNormalization: skipNormalization,
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.GroupNorm': same,
  'com.microsoft.SkipGroupNorm': groupNormalization,
  QuantizeLinear: quantise,
  DequantizeLinear: dequantise,
  'com.microsoft.QuantizeLinear': quantise,
  'com.microsoft.DequantizeLinear': dequantise,
  DynamicQuantizeLinear: dynamicQuantise,
};
