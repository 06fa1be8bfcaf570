/** Workload files of families `vision-language` (image and text in, text out) and `vision` (image encoder alone). */
import { type CrossFault, z } from '../../base/schema.ts';
import {
  ACTIVATION_DTYPES,
  checkFormatNames,
  checkName,
  defineFamily,
  valueAt,
} from '../family.ts';
import {
  checkContext,
  checkFormats,
  formatShape,
  llmOptions,
  requestShape,
} from '../llm/family.ts';
import { findLlm } from '../models/llm-model.ts';
import type { ModelTables } from '../models/tables.ts';
import type { WeightFormat } from '../models/weight-format.ts';
import {
  buildVisionEncoder,
  buildVisionLanguageRequest,
  buildVisionRequest,
  imageTokens,
  languageModelOf,
} from './request.ts';
import type { VisionEncoder, VisionLanguageModel } from './vision-model.ts';

const count = () => z.int().positive();

const imageShape = {
  /** Images, or pairs of video frames, encoded one after another. */
  images: count().default(1),
  /** Pixels, for encoders that take any size; otherwise the size the encoder was made for. */
  height: count().optional(),
  width: count().optional(),
};

const visionLanguageSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('vision-language'),
  summary: z.string(),
  /** Row of vlm.csv. */
  model: z.string(),
  ...formatShape,
  /** For encoder and connector, when it differs. */
  encoderFormat: z.string().optional(),
  /** In the encoder, run sums and activations inside the operators they follow. */
  fuseEncoder: z.boolean().default(true),
  ...imageShape,
  /** Text tokens of the prompt; image tokens come on top. */
  ...requestShape,
});

export const visionLanguageFamily = defineFamily({
  summary:
    'vision-language model: image encoder, then prefill of image and text tokens, then decode',
  schema: visionLanguageSpec,
  check: (data, tables) => [
    ...checkName(data, 'model', Object.keys(tables.visionLanguage), 'vision-language model'),
    ...checkFormatNames(data, tables, { weights: ['encoderFormat'] }),
    ...checkFormats(data, tables),
    ...checkImageContext(data, tables),
  ],
  build: (spec, tables, name) => {
    const model = tables.visionLanguage[spec.model] as VisionLanguageModel;
    const encoder = tables.vision[model.encoder] as VisionEncoder;
    const language = languageModelOf(model, findLlm(tables.llm, model.llm).model);
    return buildVisionLanguageRequest({
      name,
      model,
      encoder,
      images: spec.images,
      size: sizeOf(spec, encoder),
      encoderSettings: {
        weights: tables.formats[spec.encoderFormat ?? spec.weightFormat] as WeightFormat,
        activation: spec.activations,
        batch: 1,
        fuse: spec.fuseEncoder,
      },
      language: { model: language, ...llmOptions(spec, tables) },
    });
  },
});

const visionSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('vision'),
  summary: z.string(),
  /** Row of vision.csv. */
  encoder: z.string(),
  weightFormat: z.string(),
  activations: z.enum(ACTIVATION_DTYPES).default('fp16'),
  /** Run sums and activations inside the operators they follow. */
  fuse: z.boolean().default(true),
  ...imageShape,
});

export const visionFamily = defineFamily({
  summary: 'image encoder alone: one result per image',
  schema: visionSpec,
  check: (data, tables) => [
    ...checkName(data, 'encoder', Object.keys(tables.vision), 'image encoder'),
    ...checkFormatNames(data, tables, { weights: ['weightFormat'] }),
    ...checkPatches(data, tables.vision, valueAt(data, 'encoder')),
  ],
  build: (spec, tables, name) => {
    const encoder = tables.vision[spec.encoder] as VisionEncoder;
    const settings = {
      weights: tables.formats[spec.weightFormat] as WeightFormat,
      activation: spec.activations,
      batch: 1,
      fuse: spec.fuse,
    };
    const network = buildVisionEncoder(encoder, settings, sizeOf(spec, encoder));
    return buildVisionRequest(name, network, spec.images);
  },
});

interface GivenSize {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
}

function sizeOf({ height, width }: GivenSize, encoder: VisionEncoder) {
  return { height: height ?? encoder.image, width: width ?? encoder.image };
}

/** An image of at least one patch, of the encoder's own size unless it takes any. */
function checkPatches(data: unknown, encoders: ModelTables['vision'], name: unknown): CrossFault[] {
  const encoder =
    typeof name === 'string' && Object.hasOwn(encoders, name) ? encoders[name] : undefined;
  if (!encoder) return [];
  const free = encoder.position === 'rotary';
  return ['height', 'width'].flatMap((key) => {
    const value = valueAt(data, key);
    if (typeof value !== 'number') return [];
    const good = free ? value >= encoder.patch : value === encoder.image;
    if (good) return [];
    return [
      {
        path: [key],
        message: `${encoder.id} cannot take this size`,
        expected: free ? `at least ${encoder.patch} pixels` : `${encoder.image} pixels`,
        got: String(value),
      },
    ];
  });
}

function checkImageContext(data: unknown, tables: ModelTables): CrossFault[] {
  const name = valueAt(data, 'model');
  if (typeof name !== 'string' || !Object.hasOwn(tables.visionLanguage, name)) return [];
  const model = tables.visionLanguage[name] as VisionLanguageModel;
  const encoder = tables.vision[model.encoder] as VisionEncoder;
  const sizes = checkPatches(data, tables.vision, model.encoder);
  if (sizes.length > 0) return sizes;
  const given = (key: string) => {
    const value = valueAt(data, key);
    return typeof value === 'number' ? value : undefined;
  };
  const size = sizeOf({ height: given('height'), width: given('width') }, encoder);
  const extra = (given('images') ?? 1) * imageTokens(model, encoder, size);
  return checkContext(data, tables, model.llm, extra);
}
