/** Workload files of family `diffusion`: a text encoder, a denoiser and an autoencoder make images or a video. */
import { nearestHint } from '../../base/registry.ts';
import { type CrossFault, type Infer, z } from '../../base/schema.ts';
import {
  ACTIVATION_DTYPES,
  checkFormatNames,
  checkName,
  defineFamily,
  valueAt,
} from '../family.ts';
import type { ModelTables } from '../models/tables.ts';
import { checkPacking, packingSpec, packPlan } from '../packing.ts';
import type { Autoencoder, Denoiser, DiffusionComponent, TextEncoder } from './component.ts';
import { buildDiffusionRequest } from './request.ts';

const count = () => z.int().positive();

const diffusionSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('diffusion'),
  summary: z.string(),
  /** Components of diffusion.yaml. */
  textEncoders: z.array(z.string()).min(1),
  denoiser: z.string(),
  autoencoder: z.string(),
  /** Row of weight-formats.csv for the denoiser. */
  weightFormat: z.string(),
  /** For the text encoders and the autoencoder, when they differ. */
  textEncoderFormat: z.string().optional(),
  autoencoderFormat: z.string().optional(),
  activations: z.enum(ACTIVATION_DTYPES).default('fp16'),
  steps: count(),
  /** Classifier-free guidance: both passes in one call, in two calls, or none (also when distilled in). */
  guidance: z.enum(['none', 'batched', 'separate']).default('batched'),
  /** Pixels; the size the denoiser was trained for when absent. */
  height: count().optional(),
  width: count().optional(),
  /** Frames of a video; more than one needs a denoiser made for it. */
  frames: count().default(1),
  /** Start from an image: it is encoded first, and only this share of the steps runs. */
  strength: z.number().gt(0).max(1).optional(),
  /** Run sums and activations inside the operators they follow. */
  fuse: z.boolean().default(true),
  /** Compressed and pruned weights, of all components. */
  techniques: packingSpec.optional(),
});
type DiffusionSpec = Infer<typeof diffusionSpec>;

export const diffusionFamily = defineFamily({
  summary: 'image or video generator: prompt encoding, denoising steps, decoding',
  schema: diffusionSpec,
  check: (data, tables) => [
    ...checkComponents(data, tables),
    ...checkFormatNames(data, tables, {
      weights: ['weightFormat', 'textEncoderFormat', 'autoencoderFormat'],
    }),
    ...checkSize(data, tables),
    ...checkFrames(data, tables),
    ...checkPacking(data),
  ],
  build: (spec, tables, name) => {
    const { diffusion, formats } = tables;
    const component = <C extends DiffusionComponent>(key: string) => ({
      name: key,
      model: diffusion[key] as C,
    });
    const format = (key: string) => formats[key] as (typeof formats)[string];
    const denoiser = component<Denoiser>(spec.denoiser);
    const plan = buildDiffusionRequest({
      name,
      textEncoders: spec.textEncoders.map((key) => component<TextEncoder>(key)),
      denoiser,
      autoencoder: component<Autoencoder>(spec.autoencoder),
      textFormat: format(spec.textEncoderFormat ?? spec.weightFormat),
      denoiserFormat: format(spec.weightFormat),
      autoencoderFormat: format(spec.autoencoderFormat ?? spec.weightFormat),
      activationDType: spec.activations,
      steps: computedSteps(spec),
      guidance: spec.guidance,
      height: spec.height ?? denoiser.model.image,
      width: spec.width ?? denoiser.model.image,
      frames: spec.frames,
      startImage: spec.strength !== undefined,
      fuse: spec.fuse,
    });
    return packPlan(plan, spec.techniques);
  },
});

function computedSteps({ steps, strength = 1 }: DiffusionSpec): number {
  return Math.max(1, Math.round(steps * strength));
}

function checkComponents(data: unknown, { diffusion }: ModelTables): CrossFault[] {
  const named = (...types: string[]) =>
    Object.keys(diffusion).filter((key) => types.includes(diffusion[key]?.type ?? ''));
  const encoders = valueAt(data, 'textEncoders');
  const known = named('text-encoder');
  const listed = Array.isArray(encoders) ? (encoders as unknown[]) : [];
  return [
    ...listed.flatMap((name, index) =>
      typeof name !== 'string' || known.includes(name)
        ? []
        : [
            {
              path: ['textEncoders', index],
              message: `unknown text encoder "${name}"`,
              hint: nearestHint(name, known),
            },
          ],
    ),
    ...checkName(data, 'denoiser', named('unet', 'dit', 'mmdit'), 'denoiser'),
    ...checkName(data, 'autoencoder', named('autoencoder'), 'autoencoder'),
  ];
}

function componentAt(data: unknown, key: string, { diffusion }: ModelTables) {
  const name = valueAt(data, key);
  return typeof name === 'string' && Object.hasOwn(diffusion, name) ? diffusion[name] : undefined;
}

/** Every level halves the resolution, so the edge must be a multiple of what one pixel of the last one covers. */
function checkSize(data: unknown, tables: ModelTables): CrossFault[] {
  const denoiser = componentAt(data, 'denoiser', tables);
  const autoencoder = componentAt(data, 'autoencoder', tables);
  if (denoiser === undefined || autoencoder?.type !== 'autoencoder') return [];
  const multiple = autoencoder.downsample * latentMultiple(denoiser);
  return ['height', 'width'].flatMap((key) => {
    const value = valueAt(data, key);
    if (typeof value !== 'number' || value % multiple === 0) return [];
    return [
      {
        path: [key],
        message: `${String(valueAt(data, 'denoiser'))} cannot draw this size`,
        expected: `a multiple of ${multiple} pixels`,
        got: String(value),
      },
    ];
  });
}

function latentMultiple(model: DiffusionComponent): number {
  if (model.type === 'unet') return 2 ** (model.channels.length - 1);
  if (model.type === 'dit') return Math.max(model.patch[1], model.patch[2]);
  return model.type === 'mmdit' ? model.patch : 1;
}

function checkFrames(data: unknown, tables: ModelTables): CrossFault[] {
  const frames = valueAt(data, 'frames');
  const denoiser = componentAt(data, 'denoiser', tables);
  const still =
    denoiser?.type === 'mmdit' ||
    (denoiser?.type === 'unet' && denoiser.motion === undefined) ||
    (denoiser?.type === 'dit' && denoiser.temporalStride === undefined);
  if (typeof frames !== 'number' || frames <= 1 || !still) return [];
  return [
    {
      path: ['frames'],
      message: `${String(valueAt(data, 'denoiser'))} makes single images`,
      expected: '1, or a denoiser for videos such as animatediff-v2-unet',
      got: String(frames),
    },
  ];
}
