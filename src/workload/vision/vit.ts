/**
 * Graph of an image encoder: patches, positions, transformer layers.
 *
 * Model    patch convolution with stride = kernel, optional class token, bidirectional attention over all patches
 * Ignores  image decoding and resizing before it
 * Valid    CLIP, SigLIP and Qwen2-VL encoders; any image whose edges are multiples of the patch
 * Source   public configurations, per row of workloads/models/vision.csv
 * Checked  test/validation/model-counts.test.ts
 */
import type { NetworkBuilder } from '../network/network-builder.ts';
import { addEncoderLayer } from '../network/transformer.ts';
import type { VisionEncoder } from './vision-model.ts';

export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/** Patches of an image of `height` × `width` pixels. */
export function patchGrid({ patch }: VisionEncoder, height: number, width: number): PatchGrid {
  return { rows: Math.floor(height / patch), columns: Math.floor(width / patch) };
}

/** Appends the encoder with its first `layers` layers; @returns the operator with its result and its tokens. */
export function addVisionEncoder(
  net: NetworkBuilder,
  model: VisionEncoder,
  grid: PatchGrid,
  layers = model.layers,
): { readonly index: number; readonly tokens: number } {
  const { hidden, heads, ffn, gated, activation, norm } = model;
  const tokens = grid.rows * grid.columns + (model.classToken ? 1 : 0);
  let stream = addPatches(net, model, grid, tokens);
  for (let layer = 0; layer < layers; layer++)
    stream = addEncoderLayer(net, `encoder.${layer}`, stream, {
      attention: {
        hidden,
        heads,
        headDim: hidden / heads,
        queries: tokens,
        bias: { qkv: true, out: true },
        rotary: model.position === 'rotary',
      },
      feedForward: { rows: tokens, hidden, ffn, gated, activation, bias: true },
      norm,
    });
  if (model.postNorm && layers === model.layers)
    stream = net.norm('encoder.norm', stream, { rows: tokens, width: hidden, kind: norm });
  return { index: stream, tokens };
}

function addPatches(
  net: NetworkBuilder,
  model: VisionEncoder,
  { rows, columns }: PatchGrid,
  tokens: number,
): number {
  const { hidden, patch, channels, norm } = model;
  let stream = net.conv('encoder.patch', [], {
    outHeight: rows,
    outWidth: columns,
    inChannels: channels,
    outChannels: hidden,
    kernelHeight: patch,
    kernelWidth: patch,
    strideHeight: patch,
    strideWidth: patch,
    bias: model.patchBias,
  });
  if (model.classToken) {
    const token = net.gather('encoder.class_token', 1, hidden, 1);
    stream = net.move('encoder.concat', 'Concat', [stream, token], tokens * hidden);
  }
  if (model.position === 'learned')
    stream = net.add('encoder.position', [stream], tokens * hidden, tokens * hidden);
  if (!model.preNorm) return stream;
  return net.norm('encoder.pre_norm', stream, { rows: tokens, width: hidden, kind: norm });
}
