/**
 * Graphs of a speech recogniser: encoder with the keys and values for cross-attention, and decoder steps.
 *
 * Model    two convolutions over the spectrogram, encoder layers, one product per decoder layer for cross keys and
 *          values; decoder layers with cached self-attention, cross-attention over the window, feed-forward
 * Ignores  the spectrogram itself (a fraction of a percent of the encoder), beam search, timestamps
 * Measured encoders under QNN, Snapdragon 8 Gen 3, FP16, head by head (Qualcomm AI Hub, February 2026): tiny 13.0, base 27.1,
 *          small 84.6, large-v3-turbo 425 ms. A run is 38, 31 and 14 % short and 1 % long: what is missing grows with the
 *          scores, 0.16 ns each. With --runtime qnn they are three times too slow: its attention of all heads at once is of
 *          older packages, and scores of heads apart would have to pass through memory, which image generators do not show
 * Valid    Whisper and its distilled versions, greedy decoding
 * Source   openai/whisper: whisper/model.py; shapes per row of workloads/models/asr.csv
 * Checked  test/validation/model-counts.test.ts
 */
import { BITS_PER_BYTE, type Bytes } from '../../base/units.ts';
import { bytesOf } from '../../base/work.ts';
import { effectiveBits, type WeightFormat } from '../models/weight-format.ts';
import {
  type Network,
  type NetworkBuilder,
  type NetworkSettings,
  openNetwork,
} from '../network/network-builder.ts';
import { addEncoderLayer, addFeedForward } from '../network/transformer.ts';
import { attentionWork, matmulWork } from '../operator-cost.ts';
import type { SpeechModel } from './speech-model.ts';

/** Bytes that one position takes in the cache of one decoder layer. */
export function cacheBytesPerPosition(model: SpeechModel, format: WeightFormat): Bytes {
  const headDim = model.hidden / model.heads;
  return (2 * model.hidden * effectiveBits(format, headDim)) / BITS_PER_BYTE;
}

/** Spectrogram of one window to encoder states. */
export function addSpeechEncoder(net: NetworkBuilder, model: SpeechModel): number {
  const { hidden, heads, audioContext: rows } = model;
  const conv = (name: string, input: number | [], inChannels: number, stride: number): number => {
    const outWidth = model.frames / stride;
    const index = net.conv(`encoder.${name}`, input, {
      outHeight: 1,
      outWidth,
      inChannels,
      outChannels: hidden,
      kernelHeight: 1,
      kernelWidth: 3,
      strideWidth: stride,
    });
    return net.activation(`encoder.${name}.activation`, index, outWidth * hidden, 'gelu');
  };
  const wide = conv('conv1', [], model.bands, 1);
  const start = conv('conv2', wide, hidden, 2);
  let stream = net.add('encoder.position', [start], rows * hidden, rows * hidden);
  for (let layer = 0; layer < model.encoderLayers; layer++)
    stream = addEncoderLayer(net, `encoder.${layer}`, stream, {
      attention: {
        hidden,
        heads,
        headDim: hidden / heads,
        queries: rows,
        bias: { qkv: true, key: false, out: true },
      },
      feedForward: {
        rows,
        hidden,
        ffn: model.ffn,
        gated: false,
        activation: 'gelu',
        bias: true,
      },
      norm: 'layer',
    });
  return net.norm('encoder.norm', stream, { rows, width: hidden });
}

/** The encoder of one window, and what it leaves for the decoder's cross-attention. */
export function buildSpeechEncoder(
  model: SpeechModel,
  settings: NetworkSettings,
  kv: WeightFormat,
): Network {
  const net = openNetwork(`${model.id}/encoder`, settings);
  const states = addSpeechEncoder(net, model);
  const { hidden, audioContext: m } = model;
  const kvWriteBytes = (m * cacheBytesPerPosition(model, kv)) / 2;
  for (let layer = 0; layer < model.decoderLayers; layer++)
    for (const part of ['k', 'v']) {
      const bias = part === 'v';
      const work = matmulWork(
        { m, n: hidden, k: hidden, bias },
        settings.weights,
        settings.activation,
      );
      net.other(`decoder.${layer}.cross.${part}`, { ...work, kvWriteBytes }, states, {
        elements: hidden * hidden + (bias ? hidden : 0),
        bytes: work.weightBytes,
      });
    }
  return net.build();
}

/** One decoder step over `tokens` new tokens; the context is the text so far. Logits of the last token. */
export function buildSpeechDecoder(
  model: SpeechModel,
  settings: NetworkSettings,
  kv: WeightFormat,
  tokens: number,
): Network {
  const net = openNetwork(`${model.id}/decoder`, settings);
  const { hidden } = model;
  const embedded = net.gather('embedding', tokens, hidden, model.vocab);
  const position = net.gather('position', tokens, hidden, model.textContext);
  let stream = net.add('position.sum', [embedded, position], tokens * hidden);
  const parts = {
    self: selfScores(model, settings, kv, tokens),
    cross: crossScores(model, settings, kv, tokens),
  };
  for (let layer = 0; layer < model.decoderLayers; layer++)
    stream = addDecoderLayer(net, model, `decoder.${layer}`, stream, tokens, parts);
  const normed = net.norm('decoder.norm', stream, { rows: 1, width: hidden });
  // The head is the embedding table again: read, but not a weight of its own.
  const head = matmulWork(
    { m: 1, n: model.vocab, k: hidden },
    settings.weights,
    settings.activation,
  );
  net.other('head', head, normed, { elements: 0, bytes: 0 });
  return net.build();
}

interface ScoreWorks {
  readonly self: ReturnType<typeof selfScores>;
  readonly cross: ReturnType<typeof crossScores>;
}

function addDecoderLayer(
  net: NetworkBuilder,
  model: SpeechModel,
  prefix: string,
  input: number,
  rows: number,
  scores: ScoreWorks,
): number {
  const { hidden } = model;
  const square = { rows, inputs: hidden, outputs: hidden };
  const residual = (name: string, stream: number, part: (normed: number) => number): number => {
    const normed = net.norm(`${prefix}.${name}.norm`, stream, { rows, width: hidden });
    return net.add(`${prefix}.${name}.sum`, [stream, part(normed)], rows * hidden);
  };
  const own = residual('self', input, (normed) => {
    const projected = ['q', 'k', 'v'].map((part) =>
      net.linear(`${prefix}.self.${part}`, normed, { ...square, bias: part !== 'k' }),
    );
    const scored = net.other(`${prefix}.self.scores`, scores.self, projected);
    return net.linear(`${prefix}.self.o`, scored, square);
  });
  const heard = residual('cross', own, (normed) => {
    const query = net.linear(`${prefix}.cross.q`, normed, square);
    const scored = net.other(`${prefix}.cross.scores`, scores.cross, query);
    return net.linear(`${prefix}.cross.o`, scored, square);
  });
  return residual('mlp', heard, (normed) =>
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

function shapeOf(model: SpeechModel, queries: number, context: number, causal: boolean) {
  const { heads } = model;
  const headDim = model.hidden / heads;
  return {
    operator: 'MultiHeadAttention',
    heads,
    kvHeads: heads,
    queries,
    context,
    headDim,
    valueDim: headDim,
    causal,
  };
}

function selfScores(
  model: SpeechModel,
  settings: NetworkSettings,
  format: WeightFormat,
  tokens: number,
) {
  const cache = {
    elementsPerToken: 2 * model.hidden,
    format,
    rowLength: model.hidden / model.heads,
    writes: true,
  };
  return (context: number) =>
    attentionWork(shapeOf(model, tokens, context, true), settings.activation, cache);
}

/** Keys and values of the whole window come from the cache that the encoder filled. */
function crossScores(
  model: SpeechModel,
  settings: NetworkSettings,
  format: WeightFormat,
  tokens: number,
) {
  const { audioContext, hidden } = model;
  return {
    ...attentionWork(shapeOf(model, tokens, audioContext, false), settings.activation),
    inputBytes: bytesOf(tokens * hidden, settings.activation),
    kvReadBytes: audioContext * cacheBytesPerPosition(model, format),
  };
}
