/** Workload files of family `llm`: one prompt to a language model, and its answer. */
import { type CrossFault, z } from '../../base/schema.ts';
import {
  ACTIVATION_DTYPES,
  checkFormatNames,
  checkName,
  defineFamily,
  valueAt,
} from '../family.ts';
import { buildLlmRequest } from '../llm.ts';
import { findLlm } from '../models/llm-model.ts';
import type { ModelTables } from '../models/tables.ts';
import { checkTechniques, techniquesOf, techniquesSpec } from './techniques/spec.ts';

const tokens = () => z.int().positive();

/** Keys that choose formats; other families that hold a language model share them. */
export const formatShape = {
  /** Row of weight-formats.csv for the weights of all layers. */
  weightFormat: z.string(),
  /** For the embedding table, when it differs. */
  embeddingFormat: z.string().optional(),
  /** For the output head, when it differs; a tied table is then stored twice. */
  headFormat: z.string().optional(),
  /** Number format of activations. */
  activations: z.enum(ACTIVATION_DTYPES).default('fp16'),
  /** Row of weight-formats.csv for the key-value cache; as the runtime has it unless given, FP16 where neither says. */
  kvCache: z.string().optional(),
};

/** Keys that shape prefill and decode. Those without a default are as the runtime has them unless given. */
export const requestShape = {
  promptTokens: tokens(),
  generatedTokens: tokens(),
  /** Prompt tokens per prefill step, or the lengths that graphs for it have; the whole prompt at once when neither says. */
  prefillChunk: z.union([tokens(), z.array(tokens()).min(1)]).optional(),
  /** Compute whole chunks even where fewer tokens are left, as graphs of fixed shape do. */
  padPrefill: z.boolean().optional(),
  /** With several lengths: what is left goes to shorter ones, even where it fills half of a longer. */
  cascadePrefill: z.boolean().optional(),
  /** With several lengths: what is left of the longest is one call of the shortest that holds it. */
  coverPrefill: z.boolean().optional(),
  /** Prefill hands out no logits: the first answer comes from a decode step on the last prompt token. */
  firstTokenDecodes: z.boolean().optional(),
  /** Leading prompt tokens that an earlier request left in the cache. */
  cachedTokens: z.int().nonnegative().default(0),
  /** Logits of the last prompt token only, or of all of them. */
  logits: z.enum(['last', 'all']).optional(),
  /** Last layers that reuse caches of earlier ones (Gemma 3n, Gemma 4) read the last prompt token alone. */
  prunePrefill: z.boolean().optional(),
  /** Layers with a sliding window attend and keep the whole context, all but the window masked. */
  maskWindows: z.boolean().optional(),
  /** Whether attention skips the masked half of the score matrix. */
  scores: z.enum(['causal', 'full']).optional(),
  /** Graphs compiled for fixed contexts: attention and cache cover the next multiple of this; 1 is exact. */
  contextBucket: tokens().optional(),
  /** Merges of the graph compiler. */
  fusion: z
    .strictObject({
      qkv: z.boolean().optional(),
      gateUp: z.boolean().optional(),
      residualNorm: z.boolean().optional(),
      attention: z.boolean().optional(),
      elementwise: z.boolean().optional(),
    })
    .default({}),
};

const llmSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('llm'),
  summary: z.string(),
  /** Row of llm.csv. */
  model: z.string(),
  ...formatShape,
  ...requestShape,
  /** Compression, pruning, adapters, speculation, expert paging, a sliding window. */
  techniques: techniquesSpec.optional(),
});
export type LlmSpec = z.output<typeof llmSpec>;

export const llmFamily = defineFamily({
  summary: 'language model: prefill of a prompt, then one decode step per token',
  schema: llmSpec,
  check: (data, tables) => [
    ...checkName(data, 'model', llmNames(tables), 'language model'),
    ...checkFormats(data, tables),
    ...checkContext(data, tables, valueAt(data, 'model'), 0),
    ...checkTechniques(data, tables),
  ],
  build: (spec, tables, name) => {
    const { model, standsInFor } = findLlm(tables.llm, spec.model);
    const shape = standsInFor ? ` (${standsInFor}, shape of ${model.id})` : '';
    return buildLlmRequest({
      name: `${name}${shape}`,
      model,
      ...llmOptions(spec, tables),
      ...(spec.techniques && { techniques: techniquesOf(spec.techniques, tables) }),
    });
  },
});

function llmNames(tables: ModelTables): string[] {
  return [...Object.keys(tables.llm.models), ...Object.keys(tables.llm.standIns)];
}

/** Everything of a request that the shared keys say. */
export function llmOptions(
  spec: Omit<LlmSpec, 'family' | 'model' | 'techniques'>,
  tables: ModelTables,
) {
  const format = (name: string) => tables.formats[name] as (typeof tables.formats)[string];
  const { qkv, gateUp, residualNorm, attention, elementwise } = spec.fusion;
  return {
    weightFormat: format(spec.weightFormat),
    embeddingFormat: format(spec.embeddingFormat ?? spec.weightFormat),
    headFormat: format(spec.headFormat ?? spec.weightFormat),
    kvFormat: format(spec.kvCache ?? 'fp16'),
    activationDType: spec.activations,
    promptTokens: spec.promptTokens,
    generatedTokens: spec.generatedTokens,
    padPrefill: spec.padPrefill ?? false,
    cascadePrefill: spec.cascadePrefill ?? false,
    coverPrefill: spec.coverPrefill === true,
    firstTokenDecodes: spec.firstTokenDecodes ?? false,
    cachedTokens: spec.cachedTokens,
    lastTokenLogitsOnly: spec.logits !== 'all',
    prunePrefill: spec.prunePrefill ?? false,
    maskWindows: spec.maskWindows === true,
    scores: spec.scores ?? 'causal',
    ...(spec.contextBucket === undefined ? {} : { contextBucket: spec.contextBucket }),
    ...(spec.prefillChunk === undefined ? {} : { prefillChunk: spec.prefillChunk }),
    fusion: {
      ...(qkv === undefined ? {} : { qkv }),
      ...(gateUp === undefined ? {} : { gateUp }),
      ...(residualNorm === undefined ? {} : { residualNorm }),
      ...(attention === undefined ? {} : { attention }),
      ...(elementwise === undefined ? {} : { elementwise }),
    },
  };
}

export function checkFormats(data: unknown, tables: ModelTables): CrossFault[] {
  return checkFormatNames(data, tables, {
    weights: ['weightFormat', 'embeddingFormat', 'headFormat'],
    tensors: ['kvCache'],
  });
}

/** Prompt, answer and `extra` tokens fit the context of the model named `model`, and some prompt is left to compute. */
export function checkContext(
  data: unknown,
  tables: ModelTables,
  model: unknown,
  extra: number,
): CrossFault[] {
  const [prompt, generated, cached] = ['promptTokens', 'generatedTokens', 'cachedTokens'].map(
    (key) => {
      const value = valueAt(data, key);
      return typeof value === 'number' ? value : 0;
    },
  ) as [number, number, number];
  const faults: CrossFault[] = [];
  const limit = contextOf(tables, model);
  if (prompt + generated + extra > limit)
    faults.push({
      path: ['promptTokens'],
      message: `prompt and answer exceed the context of ${String(model)}`,
      expected: `at most ${limit} tokens together`,
      got: String(prompt + generated + extra),
    });
  if (cached > 0 && cached >= prompt)
    faults.push({
      path: ['cachedTokens'],
      message: 'no prompt token is left to compute',
      expected: `less than the ${prompt} prompt tokens`,
      got: String(cached),
    });
  return faults;
}

function contextOf({ llm }: ModelTables, name: unknown): number {
  if (typeof name !== 'string') return Number.POSITIVE_INFINITY;
  const known = Object.hasOwn(llm.standIns, name) ? (llm.standIns[name] as string) : name;
  return Object.hasOwn(llm.models, known)
    ? (llm.models[known]?.maxContext ?? Number.POSITIVE_INFINITY)
    : Number.POSITIVE_INFINITY;
}
