/**
 * Transformer layers of encoders: attention and feed-forward with a residual each, norm first.
 *
 * Model    y = x + out(attention(norm(x))); z = y + down(act(up(norm(y)))); weights and arithmetic of each product
 * Ignores  dropout and masks
 * Valid    bidirectional or causal self-attention, cross-attention over a fixed context
 * Source   public implementations of CLIP, T5, ViT and Whisper, per component in workloads/models
 * Checked  test/validation/model-counts.test.ts
 */
import { type Activation, rotaryWork } from '../operator-cost.ts';
import type { NetworkBuilder } from './network-builder.ts';

export interface AttentionPartShape {
  readonly hidden: number;
  readonly heads: number;
  readonly headDim: number;
  readonly queries: number;
  /** Tokens that are attended to; the queries themselves when absent. */
  readonly context?: number;
  /** Width of the attended tokens where it differs from `hidden`. */
  readonly contextWidth?: number;
  readonly causal?: boolean;
  /** Independent groups of `queries` tokens, as windows or frames. */
  readonly groups?: number;
  readonly bias: { readonly qkv: boolean; readonly key?: boolean; readonly out: boolean };
  /** One product for q, k and v. */
  readonly merged?: boolean;
  readonly qkNorm?: boolean;
  /** Rotary positions on queries and keys. */
  readonly rotary?: boolean;
}

/** q, k, v, scores and output projection; `context` is the operator whose result is attended to. */
export function addAttention(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  shape: AttentionPartShape,
  context = input,
): number {
  const { hidden, heads, headDim, queries, groups = 1, bias } = shape;
  const width = heads * headDim;
  const keys = shape.context ?? queries;
  const rows = groups * queries;
  const projections = (): number[] => {
    if (shape.merged)
      return [
        net.linear(`${prefix}.qkv`, input, {
          rows,
          inputs: hidden,
          outputs: 3 * width,
          bias: bias.qkv,
        }),
      ];
    const side = { rows: groups * keys, inputs: shape.contextWidth ?? hidden, outputs: width };
    const q = net.linear(`${prefix}.q`, input, {
      rows,
      inputs: hidden,
      outputs: width,
      bias: bias.qkv,
    });
    const k = net.linear(`${prefix}.k`, context, { ...side, bias: bias.key ?? bias.qkv });
    const v = net.linear(`${prefix}.v`, context, { ...side, bias: bias.qkv });
    if (shape.rotary) return [addRotary(net, prefix, [q, k], rows * width), v];
    if (!shape.qkNorm) return [q, k, v];
    return [
      net.norm(`${prefix}.q_norm`, q, { rows, width, kind: 'rms' }),
      net.norm(`${prefix}.k_norm`, k, { rows: groups * keys, width, kind: 'rms' }),
      v,
    ];
  };
  const scored = addScores(net, `${prefix}.scores`, projections(), {
    heads,
    headDim,
    queries,
    context: keys,
    causal: shape.causal ?? false,
    groups,
  });
  return net.linear(`${prefix}.o`, scored, {
    rows,
    inputs: width,
    outputs: hidden,
    bias: bias.out,
  });
}

function addRotary(
  net: NetworkBuilder,
  prefix: string,
  inputs: readonly number[],
  elements: number,
): number {
  const { batch, activation } = net.settings;
  return net.other(`${prefix}.rotary`, rotaryWork(batch * 2 * elements, 1, activation), inputs);
}

/** Groups that do not see each other count as heads of their own: same arithmetic, same bytes. */
function addScores(
  net: NetworkBuilder,
  name: string,
  inputs: readonly number[],
  shape: {
    heads: number;
    headDim: number;
    queries: number;
    context: number;
    causal: boolean;
    groups: number;
  },
): number {
  const heads = shape.heads * shape.groups;
  return net.attention(name, [...new Set(inputs)], {
    heads,
    kvHeads: heads,
    queries: shape.queries,
    context: shape.context,
    headDim: shape.headDim,
    valueDim: shape.headDim,
    causal: shape.causal,
  });
}

export interface FeedForwardShape {
  readonly rows: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly gated: boolean;
  readonly activation: Activation;
  readonly bias: boolean;
  /** Gate and up as one product of twice the width. */
  readonly merged?: boolean;
}

export function addFeedForward(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  shape: FeedForwardShape,
): number {
  const { rows, hidden, ffn, gated, bias } = shape;
  const up = { rows, inputs: hidden, outputs: ffn, bias };
  const raised = (): number[] => {
    if (!gated) return [net.linear(`${prefix}.up`, input, up)];
    if (shape.merged) return [net.linear(`${prefix}.gate_up`, input, { ...up, outputs: 2 * ffn })];
    return [net.linear(`${prefix}.gate`, input, up), net.linear(`${prefix}.up`, input, up)];
  };
  const activated = net.activation(
    `${prefix}.activation`,
    raised(),
    rows * ffn,
    shape.activation,
    gated,
  );
  return net.linear(`${prefix}.down`, activated, { rows, inputs: ffn, outputs: hidden, bias });
}

export interface EncoderLayerShape {
  readonly attention: AttentionPartShape;
  readonly feedForward: FeedForwardShape;
  readonly norm: 'layer' | 'rms';
}

/** One layer; @returns the operator that holds its result. */
export function addEncoderLayer(
  net: NetworkBuilder,
  prefix: string,
  input: number,
  { attention, feedForward, norm }: EncoderLayerShape,
): number {
  const { rows, hidden } = feedForward;
  const first = net.norm(`${prefix}.attention.norm`, input, { rows, width: hidden, kind: norm });
  const attended = addAttention(net, `${prefix}.attention`, first, attention);
  const middle = net.add(`${prefix}.attention.sum`, [input, attended], rows * hidden);
  const second = net.norm(`${prefix}.mlp.norm`, middle, { rows, width: hidden, kind: norm });
  const fed = addFeedForward(net, `${prefix}.mlp`, second, feedForward);
  return net.add(`${prefix}.mlp.sum`, [middle, fed], rows * hidden);
}
