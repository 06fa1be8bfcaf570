/** Connectors between an image encoder and a language model: patches in, tokens of the language model's width out. */
import type { NetworkBuilder } from '../network/network-builder.ts';
import { addAttention } from '../network/transformer.ts';
import type { Connector } from './vision-model.ts';
import type { PatchGrid } from './vit.ts';

export interface ConnectorShape {
  readonly kind: Connector;
  /** Width of a patch, of the inner layer, and of a token. */
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly merge: number;
  readonly grid: PatchGrid;
  /** Tokens that come out. */
  readonly tokens: number;
}

type Part = (net: NetworkBuilder, input: number, shape: ConnectorShape) => number;

const PARTS: Readonly<Record<Connector, Part>> = {
  mlp: (net, input, shape) => addMlp(net, input, shape),
  'mlp-norm': addNormedMlp,
  ldp: addDownsampling,
  resampler: addResampler,
  'merge-mlp': (net, input, shape) => addMerged(net, input, shape, 'norm'),
  'merge-mlp-plain': (net, input, shape) => addMerged(net, input, shape, 'separators'),
  'pool-linear': addPooled,
};

/** Appends the connector; @returns the operator with the tokens. */
export function addConnector(net: NetworkBuilder, input: number, shape: ConnectorShape): number {
  return PARTS[shape.kind](net, input, shape);
}

function patchesOf({ grid }: ConnectorShape): number {
  return grid.rows * grid.columns;
}

function addMlp(
  net: NetworkBuilder,
  input: number,
  shape: ConnectorShape,
  rows = patchesOf(shape),
): number {
  const { inputs, hidden, outputs } = shape;
  const up = net.linear('connector.up', input, { rows, inputs, outputs: hidden });
  const active = net.activation('connector.activation', up, rows * hidden, 'gelu');
  return net.linear('connector.down', active, { rows, inputs: hidden, outputs });
}

function addNormedMlp(net: NetworkBuilder, input: number, shape: ConnectorShape): number {
  const { inputs, hidden, outputs } = shape;
  const rows = patchesOf(shape);
  const up = net.linear('connector.up', input, { rows, inputs, outputs: hidden });
  const first = net.norm('connector.up_norm', up, { rows, width: hidden });
  const active = net.activation('connector.activation', first, rows * hidden, 'gelu');
  const down = net.linear('connector.down', active, { rows, inputs: hidden, outputs });
  return net.norm('connector.down_norm', down, { rows, width: outputs });
}

/** Squares of patches become one wide row. */
function addMerged(
  net: NetworkBuilder,
  input: number,
  shape: ConnectorShape,
  start: 'norm' | 'separators',
): number {
  const { inputs, merge, tokens } = shape;
  const patches = patchesOf(shape);
  const wide = inputs * merge ** 2;
  const normed =
    start === 'norm' ? net.norm('connector.norm', input, { rows: patches, width: inputs }) : input;
  let merged = net.move('connector.merge', 'Transpose', normed, patches * inputs);
  // Two learned rows mark line and image ends.
  if (start === 'separators')
    merged = net.add('connector.separators', [merged], 2 * wide, 2 * wide);
  return addMlp(net, merged, { ...shape, inputs: wide }, tokens);
}

function addPooled(net: NetworkBuilder, input: number, shape: ConnectorShape): number {
  const { inputs, outputs, tokens } = shape;
  const pooled = net.vector('connector.pool', 'AveragePool', input, patchesOf(shape) * inputs, 1);
  const normed = net.norm('connector.norm', pooled, { rows: tokens, width: inputs, kind: 'rms' });
  return net.linear('connector.linear', normed, { rows: tokens, inputs, outputs, bias: false });
}

/** Heads of the resampler's attention. */
const RESAMPLER_HEAD = 128; // QwenLM/Qwen-VL: visual.py, num_heads = embed_dim // 128

function addResampler(net: NetworkBuilder, input: number, shape: ConnectorShape): number {
  const { inputs, outputs, tokens } = shape;
  const rows = patchesOf(shape);
  const narrowed = net.linear('connector.kv', input, { rows, inputs, outputs, bias: false });
  const keys = net.norm('connector.kv_norm', narrowed, { rows, width: outputs });
  const learned = net.gather('connector.queries', tokens, outputs, tokens);
  const queries = net.norm('connector.q_norm', learned, { rows: tokens, width: outputs });
  const attended = addAttention(
    net,
    'connector.attention',
    queries,
    {
      hidden: outputs,
      heads: outputs / RESAMPLER_HEAD,
      headDim: RESAMPLER_HEAD,
      queries: tokens,
      context: rows,
      bias: { qkv: true, out: true },
    },
    keys,
  );
  const normed = net.norm('connector.norm', attended, { rows: tokens, width: outputs });
  return net.linear('connector.out', normed, {
    rows: tokens,
    inputs: outputs,
    outputs,
    bias: false,
  });
}

/** The lightweight downsampling projector of MobileVLM. */
function addDownsampling(net: NetworkBuilder, input: number, shape: ConnectorShape): number {
  const { grid, outputs, merge } = shape;
  const projected = addMlp(net, input, shape);
  const half = {
    rows: Math.ceil(grid.rows / merge),
    columns: Math.ceil(grid.columns / merge),
  };
  const first = addSeparable(net, 'connector.0', projected, outputs, grid, 1);
  const joined = net.add('connector.0.sum', [projected, first], grid.rows * grid.columns * outputs);
  return addSeparable(net, 'connector.1', joined, outputs, half, merge);
}

/** Channels inside squeeze and excitation, as a share of all. */
const SQUEEZE = 4; // torchvision: models/mobilenetv3.py, squeeze_channels = expanded // 4

function addSeparable(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  channels: number,
  out: PatchGrid,
  stride: number,
): number {
  const rows = out.rows * out.columns;
  const elements = rows * channels;
  const conv = net.conv(`${prefix}.depthwise`, input, {
    outHeight: out.rows,
    outWidth: out.columns,
    inChannels: channels,
    outChannels: channels,
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: stride,
    strideWidth: stride,
    groups: channels,
    bias: false,
  });
  const normed = net.norm(`${prefix}.norm`, conv, { rows, width: channels });
  const active = net.vector(`${prefix}.activation`, 'HardSwish', normed, elements, 4);
  const pooled = net.vector(`${prefix}.pool`, 'GlobalAveragePool', active, elements, 1);
  const inner = Math.floor(channels / SQUEEZE);
  const squeeze = net.linear(`${prefix}.squeeze`, pooled, {
    rows: 1,
    inputs: channels,
    outputs: inner,
  });
  const excite = net.linear(`${prefix}.excite`, squeeze, {
    rows: 1,
    inputs: inner,
    outputs: channels,
  });
  const scaled = net.vector(`${prefix}.scale`, 'Mul', [active, excite], elements, 1);
  const product = net.linear(`${prefix}.pointwise`, scaled, {
    rows,
    inputs: channels,
    outputs: channels,
    bias: false,
  });
  return net.norm(`${prefix}.out_norm`, product, { rows, width: channels });
}
