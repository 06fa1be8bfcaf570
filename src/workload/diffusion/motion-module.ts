/** Transformer over the frames of a video: every pixel attends to itself in the other frames. */
import type { NetworkBuilder } from '../network/network-builder.ts';
import { addFeedForward } from '../network/transformer.ts';
import { attentionWork } from '../operator-cost.ts';
import type { FeatureMap } from './residual-block.ts';

/** Self-attentions in a row in each module. */
const ATTENTIONS = 2; // guoyww/AnimateDiff: animatediff/models/motion_module.py
const FFN_EXPANSION = 4; // same file

/** The batch of `net` holds the frames; only attention looks across it. */
export function addMotionModule(
  net: NetworkBuilder,
  prefix: string,
  map: FeatureMap,
  heads: number,
  frames: number,
): FeatureMap {
  const { channels: hidden } = map;
  const rows = map.height * map.width;
  const square = { rows, inputs: hidden, outputs: hidden };
  const pixels = { pixels: rows, channels: hidden };
  let stream = net.linear(
    `${prefix}.proj_in`,
    net.groupNorm(`${prefix}.norm`, map.index, pixels),
    square,
  );
  for (let part = 0; part < ATTENTIONS; part++)
    stream = addTemporalAttention(net, `${prefix}.${part}`, stream, {
      rows,
      hidden,
      heads,
      frames,
    });
  const normed = net.norm(`${prefix}.mlp.norm`, stream, { rows, width: hidden });
  const fed = addFeedForward(net, `${prefix}.mlp`, normed, {
    rows,
    hidden,
    ffn: FFN_EXPANSION * hidden,
    gated: true,
    merged: true,
    activation: 'gelu',
    bias: true,
  });
  const sum = net.add(`${prefix}.mlp.sum`, [stream, fed], rows * hidden);
  const out = net.linear(`${prefix}.proj_out`, sum, square);
  return { ...map, index: net.add(`${prefix}.sum`, [map.index, out], rows * hidden) };
}

function addTemporalAttention(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  shape: { rows: number; hidden: number; heads: number; frames: number },
): number {
  const { rows, hidden, heads, frames } = shape;
  const square = { rows, inputs: hidden, outputs: hidden };
  const normed = net.norm(`${prefix}.norm`, input, { rows, width: hidden });
  const projected = ['q', 'k', 'v'].map((part) =>
    net.linear(`${prefix}.${part}`, normed, { ...square, bias: false }),
  );
  const work = attentionWork(
    {
      operator: 'MultiHeadAttention',
      batch: (net.settings.batch / frames) * rows,
      heads,
      kvHeads: heads,
      queries: frames,
      context: frames,
      headDim: hidden / heads,
      valueDim: hidden / heads,
      causal: false,
      headwise: true,
    },
    net.settings.activation,
  );
  const scored = net.other(`${prefix}.scores`, work, projected);
  const out = net.linear(`${prefix}.o`, scored, square);
  return net.add(`${prefix}.sum`, [input, out], rows * hidden);
}
