/**
 * Graph of a diffusion transformer: one call of the denoiser.
 *
 * Model    latent patches as tokens; blocks of self-attention, cross-attention to text where there is any, and
 *          feed-forward, each after a norm that the condition shifts and scales
 * Ignores  the sampler's own arithmetic between calls
 * Valid    DiT, PixArt-alpha, Wan 2.1 and networks of that build
 * Source   facebookresearch/DiT, PixArt-alpha and Wan-Video code, per component in workloads/models/diffusion.yaml
 * Checked  test/validation/model-counts.test.ts
 */
import {
  type Network,
  type NetworkBuilder,
  type NetworkSettings,
  openNetwork,
} from '../network/network-builder.ts';
import { addAttention, addFeedForward } from '../network/transformer.ts';
import type { Dit } from './component.ts';

/** Width of the sinusoidal code of the step number. */
export const TIME_CODE = 256; // facebookresearch/DiT: models.py, TimestepEmbedder

export interface LatentSize {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

export function buildDit(
  name: string,
  model: Dit,
  settings: NetworkSettings,
  latent: LatentSize,
): Network {
  const net = openNetwork(name, settings);
  const { hidden, patch } = model;
  const rows =
    Math.ceil(latent.frames / patch[0]) *
    Math.ceil(latent.height / patch[1]) *
    Math.ceil(latent.width / patch[2]);
  const volume = patch[0] * patch[1] * patch[2];
  const tokens = net.linear('patch', [], {
    rows,
    inputs: model.latentChannels * volume,
    outputs: hidden,
  });
  const condition = addCondition(net, model);
  const text = addText(net, model);
  const context: DitContext = { net, model, rows, condition, text };
  let stream = tokens;
  for (let block = 0; block < model.depth; block++)
    stream = addBlock(context, `block.${block}`, stream);
  const factors = addFactors(context, 'out', 2);
  const normed = addModulatedNorm(context, 'out', stream, factors);
  net.linear('out.linear', normed, {
    rows,
    inputs: hidden,
    outputs: model.outputChannels * volume,
  });
  return net.build();
}

interface DitContext {
  readonly net: NetworkBuilder;
  readonly model: Dit;
  readonly rows: number;
  /** Operator with the condition, or with the vectors that all blocks share. */
  readonly condition: number;
  readonly text: number | undefined;
}

/** Two products with a SiLU between. */
export function addEmbedder(
  net: NetworkBuilder,
  prefix: string,
  shape: { rows: number; inputs: number; width: number },
): number {
  const { rows, inputs, width } = shape;
  const up = net.linear(`${prefix}.up`, [], { rows, inputs, outputs: width });
  const active = net.activation(`${prefix}.activation`, up, rows * width, 'silu');
  return net.linear(`${prefix}.down`, active, { rows, inputs: width, outputs: width });
}

function addCondition(net: NetworkBuilder, { hidden, classes, modulation }: Dit): number {
  const time = addEmbedder(net, 'time', { rows: 1, inputs: TIME_CODE, width: hidden });
  const named = () => {
    if (classes === undefined) return time;
    // One row more stands for "no class", which guidance needs.
    return net.add('condition', [time, net.gather('class', 1, hidden, classes + 1)], hidden);
  };
  const active = net.activation('condition.silu', named(), hidden, 'silu');
  if (modulation === 'block') return active;
  return net.linear('condition.shared', active, { rows: 1, inputs: hidden, outputs: 6 * hidden });
}

function addText(net: NetworkBuilder, { text, hidden }: Dit): number | undefined {
  if (!text) return undefined;
  return addEmbedder(net, 'text', { rows: text.tokens, inputs: text.width, width: hidden });
}

/** The vectors that shift, scale and gate one block: projected from the condition, or shared plus an offset. */
function addFactors(context: DitContext, prefix: string, vectors: number): number {
  const { net, model, condition } = context;
  const width = vectors * model.hidden;
  if (model.modulation === 'shared')
    return net.add(`${prefix}.modulation`, [condition], width, width);
  return net.linear(`${prefix}.modulation`, condition, {
    rows: 1,
    inputs: model.hidden,
    outputs: width,
  });
}

function addModulatedNorm(
  { net, model, rows }: DitContext,
  prefix: string,
  input: number,
  factors: number,
): number {
  const normed = net.norm(`${prefix}.norm`, input, { rows, width: model.hidden, plain: true });
  // Times one plus scale, plus shift.
  return net.vector(`${prefix}.modulate`, 'Mul', [normed, factors], rows * model.hidden, 2);
}

function addBlock(context: DitContext, prefix: string, input: number): number {
  const { net, model, rows, text } = context;
  const { hidden, heads } = model;
  const attention = {
    hidden,
    heads,
    headDim: hidden / heads,
    queries: rows,
    bias: { qkv: true, out: true },
    qkNorm: model.qkNorm,
  };
  const factors = addFactors(context, prefix, 6);
  const residual = (name: string, stream: number, part: (normed: number) => number): number => {
    const normed = addModulatedNorm(context, `${prefix}.${name}`, stream, factors);
    const gated = net.vector(
      `${prefix}.${name}.gate_out`,
      'Mul',
      [part(normed), factors],
      rows * hidden,
      1,
    );
    return net.add(`${prefix}.${name}.sum`, [stream, gated], rows * hidden);
  };
  let stream = residual('self', input, (normed) =>
    addAttention(net, `${prefix}.self`, normed, { ...attention, merged: !model.qkNorm }),
  );
  if (model.text && text !== undefined) {
    const asked = model.text.norm
      ? net.norm(`${prefix}.cross.norm`, stream, { rows, width: hidden })
      : stream;
    const shape = { ...attention, context: model.text.tokens };
    const told = addAttention(net, `${prefix}.cross`, asked, shape, text);
    stream = net.add(`${prefix}.cross.sum`, [stream, told], rows * hidden);
  }
  return residual('mlp', stream, (normed) =>
    addFeedForward(net, `${prefix}.mlp`, normed, {
      rows,
      hidden,
      ffn: model.ffn,
      gated: false,
      activation: 'gelu',
      bias: true,
    }),
  );
}
