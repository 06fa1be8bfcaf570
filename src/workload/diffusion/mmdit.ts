/**
 * Graph of a two-stream diffusion transformer: image and text tokens with weights of their own, attending jointly.
 *
 * Model    per block and stream: modulated norm, q, k, v, joint attention, projection, modulated norm, feed-forward;
 *          the last block leaves out what the text stream would compute after attention
 * Ignores  the sampler's own arithmetic between calls
 * Valid    Stable Diffusion 3 medium and networks of that build
 * Source   Stability-AI/sd3-ref: mmdit.py
 * Checked  test/validation/model-counts.test.ts
 */
import {
  type Network,
  type NetworkBuilder,
  type NetworkSettings,
  openNetwork,
} from '../network/network-builder.ts';
import { addFeedForward } from '../network/transformer.ts';
import type { Mmdit } from './component.ts';
import { addEmbedder, type LatentSize, TIME_CODE } from './dit.ts';

export function buildMmdit(
  name: string,
  model: Mmdit,
  settings: NetworkSettings,
  latent: Pick<LatentSize, 'height' | 'width'>,
): Network {
  const net = openNetwork(name, settings);
  const { hidden, patch, textTokens } = model;
  const volume = patch * patch * model.latentChannels;
  const rows = Math.ceil(latent.height / patch) * Math.ceil(latent.width / patch);
  const patches = net.linear('patch', [], { rows, inputs: volume, outputs: hidden });
  const words = net.linear('text', [], {
    rows: textTokens,
    inputs: model.textWidth,
    outputs: hidden,
  });
  const context: MmditContext = { net, model, condition: addCondition(net, model) };
  let image: Stream = { name: 'image', rows, index: patches };
  let text: Stream = { name: 'text', rows: textTokens, index: words };
  for (let block = 0; block < model.depth; block++) {
    const last = block === model.depth - 1;
    [image, text] = addBlock(context, `block.${block}`, image, text, last);
  }
  const factors = addFactors(context, 'out', 2);
  const normed = addModulatedNorm(context, 'out', image, factors);
  net.linear('out.linear', normed, { rows, inputs: hidden, outputs: volume });
  return net.build();
}

interface MmditContext {
  readonly net: NetworkBuilder;
  readonly model: Mmdit;
  readonly condition: number;
}

interface Stream {
  readonly name: 'image' | 'text';
  readonly rows: number;
  readonly index: number;
}

function addCondition(net: NetworkBuilder, { hidden: width, pooledWidth }: Mmdit): number {
  const time = addEmbedder(net, 'time', { rows: 1, inputs: TIME_CODE, width });
  const pooled = addEmbedder(net, 'pooled', { rows: 1, inputs: pooledWidth, width });
  return net.activation(
    'condition.silu',
    net.add('condition', [time, pooled], width),
    width,
    'silu',
  );
}

function addFactors({ net, model, condition }: MmditContext, prefix: string, vectors: number) {
  return net.linear(`${prefix}.modulation`, condition, {
    rows: 1,
    inputs: model.hidden,
    outputs: vectors * model.hidden,
  });
}

function addModulatedNorm(
  { net, model }: MmditContext,
  prefix: string,
  { rows, index }: Stream,
  factors: number,
): number {
  const normed = net.norm(`${prefix}.norm`, index, { rows, width: model.hidden, plain: true });
  return net.vector(`${prefix}.modulate`, 'Mul', [normed, factors], rows * model.hidden, 2);
}

function addBlock(
  context: MmditContext,
  prefix: string,
  image: Stream,
  text: Stream,
  last: boolean,
): [Stream, Stream] {
  const { net, model } = context;
  const width = model.hidden;
  const streams = [image, text].map((stream) => {
    const path = `${prefix}.${stream.name}`;
    const ends = last && stream.name === 'text';
    const factors = addFactors(context, path, ends ? 2 : 6);
    const normed = addModulatedNorm(context, `${path}.attention`, stream, factors);
    const qkv = net.linear(`${path}.attention.qkv`, normed, {
      rows: stream.rows,
      inputs: width,
      outputs: 3 * width,
    });
    return { stream, path, ends, factors, qkv };
  });
  const tokens = image.rows + text.rows;
  const joint = net.attention(
    `${prefix}.scores`,
    streams.map(({ qkv }) => qkv),
    {
      heads: model.heads,
      kvHeads: model.heads,
      queries: tokens,
      context: tokens,
      headDim: width / model.heads,
      valueDim: width / model.heads,
      causal: false,
    },
  );
  const after = streams.map(({ stream, path, ends, factors }) =>
    ends ? stream : addOutput(context, path, stream, factors, joint),
  );
  return after as [Stream, Stream];
}

function addOutput(
  context: MmditContext,
  path: string,
  stream: Stream,
  factors: number,
  attended: number,
): Stream {
  const { net, model } = context;
  const { rows } = stream;
  const width = model.hidden;
  const gatedSum = (name: string, base: number, part: number): number => {
    const gated = net.vector(`${path}.${name}.gate_out`, 'Mul', [part, factors], rows * width, 1);
    return net.add(`${path}.${name}.sum`, [base, gated], rows * width);
  };
  const projected = net.linear(`${path}.attention.o`, attended, {
    rows,
    inputs: width,
    outputs: width,
  });
  const middle = gatedSum('attention', stream.index, projected);
  const normed = addModulatedNorm(context, `${path}.mlp`, { ...stream, index: middle }, factors);
  const fed = addFeedForward(net, `${path}.mlp`, normed, {
    rows,
    hidden: width,
    ffn: model.ffn,
    gated: false,
    activation: 'gelu',
    bias: true,
  });
  return { ...stream, index: gatedSum('mlp', middle, fed) };
}
