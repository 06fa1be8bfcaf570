/** Transformer over the pixels of a feature map, with cross-attention to the prompt. */
import type { NetworkBuilder } from '../network/network-builder.ts';
import { addAttention, addFeedForward } from '../network/transformer.ts';
import type { FeatureMap } from './residual-block.ts';

export interface SpatialTransformerShape {
  readonly depth: number;
  readonly heads?: number | undefined;
  readonly headDim?: number | undefined;
  readonly contextWidth: number;
  readonly contextTokens: number;
}

/** Expansion of the gated feed-forward part. */
const FFN_EXPANSION = 4; // CompVis/stable-diffusion: ldm/modules/attention.py

export function addSpatialTransformer(
  net: NetworkBuilder,
  prefix: string,
  map: FeatureMap,
  shape: SpatialTransformerShape,
): FeatureMap {
  const { channels: hidden } = map;
  const rows = map.height * map.width;
  const square = { rows, inputs: hidden, outputs: hidden };
  const normed = net.groupNorm(`${prefix}.norm`, map.index, { pixels: rows, channels: hidden });
  let stream = net.linear(`${prefix}.proj_in`, normed, square);
  for (let layer = 0; layer < shape.depth; layer++)
    stream = addLayer(net, `${prefix}.${layer}`, stream, rows, hidden, shape);
  const out = net.linear(`${prefix}.proj_out`, stream, square);
  return { ...map, index: net.add(`${prefix}.sum`, [map.index, out], rows * hidden) };
}

function addLayer(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  rows: number,
  hidden: number,
  shape: SpatialTransformerShape,
): number {
  const heads = shape.heads ?? hidden / (shape.headDim ?? hidden);
  const attention = {
    hidden,
    heads,
    headDim: hidden / heads,
    queries: rows,
    bias: { qkv: false, out: true },
  };
  const residual = (name: string, stream: number, part: (normed: number) => number): number => {
    const normed = net.norm(`${prefix}.${name}.norm`, stream, { rows, width: hidden });
    return net.add(`${prefix}.${name}.sum`, [stream, part(normed)], rows * hidden);
  };
  const seen = residual('self', input, (normed) =>
    addAttention(net, `${prefix}.self`, normed, attention),
  );
  const told = residual('cross', seen, (normed) =>
    addAttention(net, `${prefix}.cross`, normed, {
      ...attention,
      context: shape.contextTokens,
      contextWidth: shape.contextWidth,
    }),
  );
  return residual('mlp', told, (normed) =>
    addFeedForward(net, `${prefix}.mlp`, normed, {
      rows,
      hidden,
      ffn: FFN_EXPANSION * hidden,
      gated: true,
      merged: true,
      activation: 'gelu',
      bias: true,
    }),
  );
}
