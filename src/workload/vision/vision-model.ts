/** Image encoders and vision-language models: rows of `workloads/models/vision.csv` and `vlm.csv`. */
import { readTable } from '../models/table-cells.ts';

/** A transformer over image patches. */
export interface VisionEncoder {
  readonly id: string;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly ffn: number;
  readonly gated: boolean;
  readonly activation: 'gelu' | 'quickGelu' | 'silu';
  readonly norm: 'layer' | 'rms';
  /** Edge of a patch in pixels, and channels that one patch holds. */
  readonly patch: number;
  readonly channels: number;
  /** Edge of the image it was trained for. */
  readonly image: number;
  readonly classToken: boolean;
  readonly patchBias: boolean;
  readonly position: 'learned' | 'rotary';
  readonly preNorm: boolean;
  readonly postNorm: boolean;
}

const CONNECTORS = [
  /** Two products with a GELU between; `mlp-norm` has a norm after each. */
  'mlp',
  'mlp-norm',
  /** Two products, then two depthwise-separable blocks, the second of stride 2. */
  'ldp',
  /** Cross-attention of learned queries. */
  'resampler',
  /** Patches joined in squares, then two products; `merge-mlp` starts with a norm. */
  'merge-mlp',
  'merge-mlp-plain',
  /** Average over squares, norm, one product. */
  'pool-linear',
] as const;
export type Connector = (typeof CONNECTORS)[number];

export interface VisionLanguageModel {
  readonly id: string;
  readonly encoder: string;
  readonly encoderLayersRun: number;
  readonly connector: Connector;
  readonly connectorHidden: number;
  /** Edge of the square of patches that becomes one token. */
  readonly merge: number;
  /** Tokens per image; follows from the image size where that is free. */
  readonly tokens: number | undefined;
  readonly llm: string;
  /** Rows by which the checkpoint pads embedding and head. */
  readonly extraVocab: number;
  /** Takes images of any size. */
  readonly dynamic: boolean;
}

const ENCODER_COLUMNS = ['id', 'layers', 'hidden', 'heads', 'ffn', 'patch', 'image'] as const;
const VLM_COLUMNS = ['id', 'encoder', 'connector', 'llm'] as const;

export function parseVisionEncoders(
  text: string,
  file: string,
): Readonly<Record<string, VisionEncoder>> {
  return readTable(text, file, ENCODER_COLUMNS, (cells, id) => ({
    id,
    layers: cells.count('layers'),
    hidden: cells.count('hidden'),
    heads: cells.count('heads'),
    ffn: cells.count('ffn'),
    gated: cells.flag('gated'),
    activation: cells.oneOf('activation', ['gelu', 'quickGelu', 'silu']),
    norm: cells.oneOf('norm', ['layer', 'rms']),
    patch: cells.count('patch'),
    channels: cells.count('channels'),
    image: cells.count('image'),
    classToken: cells.flag('class_token'),
    patchBias: cells.flag('patch_bias'),
    position: cells.oneOf('position', ['learned', 'rotary']),
    preNorm: cells.flag('pre_norm'),
    postNorm: cells.flag('post_norm'),
  }));
}

export function parseVisionLanguageModels(
  text: string,
  file: string,
): Readonly<Record<string, VisionLanguageModel>> {
  return readTable(text, file, VLM_COLUMNS, (cells, id) => ({
    id,
    encoder: cells.text('encoder'),
    encoderLayersRun: cells.count('encoder_layers_run'),
    connector: cells.oneOf('connector', CONNECTORS),
    connectorHidden: cells.countOr('connector_hidden', 0),
    merge: cells.count('merge'),
    tokens: cells.countOr('tokens', undefined),
    llm: cells.text('llm'),
    extraVocab: cells.numberOr('extra_vocab', 0),
    dynamic: cells.flag('dynamic'),
  }));
}
