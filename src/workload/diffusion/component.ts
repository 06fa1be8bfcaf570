/** Components of image generators: schema of `workloads/models/diffusion.yaml`. */
import { checkSpec, z } from '../../base/schema.ts';
import { parseSpecFile } from '../../base/spec-file.ts';

const count = () => z.int().positive();
const source = z.string();

const textEncoder = z.strictObject({
  type: z.literal('text-encoder'),
  layers: count(),
  hidden: count(),
  heads: count(),
  headDim: count(),
  ffn: count(),
  gated: z.boolean(),
  vocab: count(),
  /** Tokens of one prompt; shorter ones are padded to it. */
  tokens: count(),
  activation: z.enum(['gelu', 'quickGelu']),
  norm: z.enum(['layer', 'rms']),
  bias: z.boolean(),
  position: z.enum(['learned', 'relative']),
  /** Width of the projected pooled output, where there is one. */
  projection: count().optional(),
  source,
});

/** Transformers per level: one depth for all blocks of the level, or one for each. */
const depths = z.array(z.union([z.int().nonnegative(), z.array(z.int().nonnegative())]));

const unet = z.strictObject({
  type: z.literal('unet'),
  /** Per level, highest resolution first. */
  channels: z.array(count()).min(1),
  blocks: count(),
  depth: depths,
  /** On the way up, same order of levels, blocks in order of computation; as `depth` when absent. */
  depthUp: depths.optional(),
  /** Depth of the transformer in the middle, or none when there is no middle. */
  middle: z.union([z.int().nonnegative(), z.literal('none')]),
  /** Either a number of heads for all levels, or a width of each head. */
  heads: count().optional(),
  headDim: count().optional(),
  contextWidth: count(),
  contextTokens: count(),
  timeEmbedding: count(),
  addedCondition: count().optional(),
  /** Transformers over the frames of a video after every block, and in the middle. */
  motion: z.strictObject({ middle: z.boolean() }).optional(),
  latentChannels: count(),
  /** Image edge in pixels that it was trained for. */
  image: count(),
  source,
});

const autoencoder = z.strictObject({
  type: z.literal('autoencoder'),
  downsample: count(),
  latentChannels: count(),
  channels: z.array(count()).min(1),
  encoderBlocks: count(),
  decoderBlocks: count(),
  quantConv: z.boolean(),
  source,
});

const dit = z.strictObject({
  type: z.literal('dit'),
  depth: count(),
  hidden: count(),
  heads: count(),
  ffn: count(),
  /** Frames, rows and columns of latent per token. */
  patch: z.tuple([count(), count(), count()]),
  latentChannels: count(),
  outputChannels: count(),
  modulation: z.enum(['block', 'shared']),
  classes: count().optional(),
  /** Text by cross-attention; `norm` tells whether that has a norm with weights before it. */
  text: z.strictObject({ width: count(), tokens: count(), norm: z.boolean() }).optional(),
  qkNorm: z.boolean().default(false),
  /** Frames of video per frame of latent; absent for images. */
  temporalStride: count().optional(),
  image: count(),
  source,
});

const mmdit = z.strictObject({
  type: z.literal('mmdit'),
  depth: count(),
  hidden: count(),
  heads: count(),
  ffn: count(),
  patch: count(),
  latentChannels: count(),
  textWidth: count(),
  textTokens: count(),
  pooledWidth: count(),
  image: count(),
  source,
});

const diffusionFile = z.strictObject({
  version: z.literal(1),
  components: z.record(
    z.string(),
    z.discriminatedUnion('type', [textEncoder, unet, autoencoder, dit, mmdit]),
  ),
});

export type TextEncoder = z.output<typeof textEncoder>;
export type Unet = z.output<typeof unet>;
export type Autoencoder = z.output<typeof autoencoder>;
export type Dit = z.output<typeof dit>;
export type Mmdit = z.output<typeof mmdit>;
export type Denoiser = Unet | Dit | Mmdit;
export type DiffusionComponent = TextEncoder | Autoencoder | Denoiser;

/** Parses the file; the result is keyed by component name. */
export function parseDiffusionComponents(
  text: string,
  file: string,
): Readonly<Record<string, DiffusionComponent>> {
  return checkSpec(parseSpecFile(text, file), diffusionFile).components;
}
