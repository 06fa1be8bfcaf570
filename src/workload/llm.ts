/** Requests to a language model: prefill of the prompt in chunks, then one decode step per further token. */
import { SpecError } from '../base/errors.ts';
import type { Bytes } from '../base/units.ts';
import type { DType } from '../base/work.ts';
import type { Phase, RequestPlan } from './graph.ts';
import { peakActivationBytes } from './graph-totals.ts';
import { buildLlmGraph } from './llm/graph.ts';
import { layerKinds } from './llm/layers.ts';
import {
  DEFAULT_FUSION,
  type ExpertRouting,
  type LlmFormats,
  type LlmFusion,
  type LlmGraphOptions,
  uniformRouting,
} from './llm/options.ts';
import { cacheElementsPerToken, llmWeightBytes } from './llm/parameters.ts';
import { promptParts, runsOf } from './llm/prompt-parts.ts';
import { recurrentStateBytes } from './llm/recurrent.ts';
import {
  applyTechniques,
  type DraftParts,
  type LlmTechniques,
  windowed,
} from './llm/techniques/apply.ts';
import { drafterOf } from './llm/techniques/speculative.ts';
import type { LlmModel } from './models/llm-model.ts';
import { storedBytes, type WeightFormat } from './models/weight-format.ts';

export interface LlmRequest {
  readonly name?: string;
  readonly model: LlmModel;
  readonly weightFormat: WeightFormat;
  /** Default to `weightFormat`. */
  readonly embeddingFormat?: WeightFormat;
  readonly headFormat?: WeightFormat;
  readonly kvFormat: WeightFormat;
  readonly activationDType: DType;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Prompt tokens per prefill step, or the lengths that graphs for it have; the whole prompt at once when absent. */
  readonly prefillChunk?: number | readonly number[];
  /** Compute a full chunk even where fewer tokens are left, as graphs of fixed shape do. */
  readonly padPrefill?: boolean;
  /** What is left of a prompt goes to shorter lengths of `prefillChunk`, even where it fills half of a longer. */
  readonly cascadePrefill?: boolean;
  /** With several lengths: what is left of the longest is one call of the shortest that holds it. */
  readonly coverPrefill?: boolean;
  /** Leading prompt tokens whose keys and values are in the cache already. */
  readonly cachedTokens?: number;
  /** Logits for the last prompt token only (what chat needs); otherwise for all of them. */
  readonly lastTokenLogitsOnly?: boolean;
  /** Prefill hands out no logits; the first answer comes from a decode step on the last prompt token. */
  readonly firstTokenDecodes?: boolean;
  /** Prefill leaves out of layers that reuse earlier caches whatever the first answer does not need. */
  readonly prunePrefill?: boolean;
  /** Layers with a sliding window attend and keep the whole context, all but the window masked. */
  readonly maskWindows?: boolean;
  readonly fusion?: Partial<LlmFusion>;
  readonly scores?: 'causal' | 'full';
  /** Context lengths that graphs are compiled for are multiples of this; attention and cache cover the next one. */
  readonly contextBucket?: number;
  readonly routing?: ExpertRouting;
  readonly techniques?: LlmTechniques;
}

/**
 * Phases of one request. The last prefill step yields the first token, each decode step one more.
 * @throws SpecError when prompt and answer exceed the model's context.
 */
export function buildLlmRequest(request: LlmRequest): RequestPlan {
  checkLengths(request);
  const model = windowed(masked(request.model, request), request.techniques);
  const plan = buildPlain({ ...request, model });
  if (!request.techniques) return plan;
  const { promptTokens, generatedTokens } = request;
  const formats = formatsOf(request);
  const step = options({ ...request, model }, formats, 'decode', 1, 1);
  return applyTechniques(
    plan,
    {
      model,
      formats,
      promptTokens,
      generatedTokens,
      options: step,
      draft: draftOf({ ...request, model }, formats),
    },
    request.techniques,
  );
}

/** A mask hides what is outside a window; the products are those of the whole context. */
function masked(model: LlmModel, { maskWindows }: Pick<LlmRequest, 'maskWindows'>): LlmModel {
  const { window, maxContext } = model;
  return maskWindows && window ? { ...model, window: { ...window, tokens: maxContext } } : model;
}

/** A draft reads the same prompt in the same chunks; its first logits are those after the model's first token. */
function draftOf(request: LlmRequest, formats: LlmFormats): DraftParts | undefined {
  const speculation = request.techniques?.speculation;
  const drafter = speculation && drafterOf(request.model, speculation);
  if (!drafter) return undefined;
  const model = masked(drafter, request);
  const own = { ...request, model, lastTokenLogitsOnly: true };
  checkLengths(own);
  return {
    prompt: prefillPhases(own, formats, 0),
    kvCache: kvCacheBytes(model, formats.kv, heldTokens(request)),
  };
}

/** Tokens that the cache has room for; graphs of fixed length need none for the last answer, which nobody reads. */
function heldTokens({ promptTokens, generatedTokens, contextBucket = 1 }: LlmRequest): number {
  if (contextBucket === 1) return promptTokens + generatedTokens;
  const read = promptTokens + Math.max(0, generatedTokens - 1);
  return Math.ceil(read / contextBucket) * contextBucket;
}

function buildPlain(request: LlmRequest): RequestPlan {
  const { model, promptTokens, generatedTokens } = request;
  const formats = formatsOf(request);
  const phases = [...prefillPhases(request, formats), ...decodePhases(request, formats)];
  return {
    name: request.name ?? model.id,
    phases,
    memory: {
      weights: llmWeightBytes(model, formats),
      kvCache: kvCacheBytes(model, formats.kv, heldTokens(request)),
      activations: Math.max(...phases.map((phase) => peakActivationBytes(phase))),
    },
    promptTokens,
    generatedTokens,
    ...(request.cachedTokens && { cachedTokens: request.cachedTokens }),
  };
}

/** Bytes of the cache that holds `tokens` tokens; local layers keep no more than their window, recurrent ones a state. */
export function kvCacheBytes(model: LlmModel, format: WeightFormat, tokens: number): Bytes {
  let total = 0;
  for (const { kind, count } of layerKinds(model)) {
    if (kind.recurrent && model.recurrent)
      total += count * recurrentStateBytes(model, model.recurrent.mixer);
    if (!kind.ownsCache) continue;
    const elements = cacheElementsPerToken(model, kind);
    const perToken = storedBytes(format, elements, model.latent ? elements : kind.headDim);
    total += count * perToken * Math.min(tokens, kind.window ?? tokens);
  }
  return total;
}

/** @param last tokens at the end of the prompt that have logits, at least. */
function prefillPhases(request: LlmRequest, formats: LlmFormats, last = 1): Phase[] {
  const { promptTokens, cachedTokens = 0, lastTokenLogitsOnly = true } = request;
  const { prefillChunk, padPrefill = false, cascadePrefill = false } = request;
  const { coverPrefill = false } = request;
  const { firstTokenDecodes = false } = request;
  const fresh = promptTokens - cachedTokens;
  const lengths = typeof prefillChunk === 'object' ? prefillChunk : [prefillChunk ?? fresh];
  const parts = promptParts(fresh, lengths, {
    pads: padPrefill,
    cascades: cascadePrefill,
    covers: coverPrefill,
  });
  const final = parts.at(-1) ?? fresh;
  const phase = (name: string, tokens: number, logits: number, steps: number, before: number) => ({
    name: 'prefill',
    graph: buildLlmGraph(request.model, options(request, formats, name, tokens, logits)),
    steps,
    contextStart: cachedTokens + before + tokens,
    contextStride: tokens,
  });
  const logits = (tokens: number) => (lastTokenLogitsOnly ? 0 : tokens);
  const chunks = runsOf(parts.slice(0, -1)).map(({ tokens, count, before }) => ({
    ...phase('prefill-chunk', tokens, logits(tokens), count, before),
    outputsPerStep: 0,
  }));
  const whole = parts.slice(0, -1).reduce((sum, tokens) => sum + tokens, 0);
  const ended = firstTokenDecodes ? 0 : last;
  const end = phase('prefill', final, logits(final) || ended, 1, whole);
  return [...chunks, { ...end, outputsPerStep: firstTokenDecodes ? 0 : 1 }];
}

function decodePhases(request: LlmRequest, formats: LlmFormats): Phase[] {
  const { promptTokens, firstTokenDecodes = false } = request;
  const steps = request.generatedTokens - 1;
  if (steps < 1 && !firstTokenDecodes) return [];
  const graph = buildLlmGraph(request.model, options(request, formats, 'decode', 1, 1));
  const phase = (name: string, count: number, contextStart: number) =>
    count < 1
      ? []
      : [{ name, graph, steps: count, contextStart, contextStride: 1, outputsPerStep: 1 }];
  return [
    ...phase('first-token', firstTokenDecodes ? 1 : 0, promptTokens),
    ...phase('decode', steps, promptTokens + 1),
  ];
}

function options(
  request: LlmRequest,
  formats: LlmFormats,
  name: string,
  tokens: number,
  logits: number,
): LlmGraphOptions {
  return {
    name: `${request.model.id}/${name}`,
    tokens,
    logits,
    pruned: request.prunePrefill ?? false,
    formats,
    fusion: { ...DEFAULT_FUSION, ...request.fusion },
    routing: request.routing ?? uniformRouting,
    scores: request.scores ?? 'causal',
    // From the first part of a prompt on: graphs are compiled for the whole context, not for what of it is filled.
    contextBucket: (request.contextBucket ?? 1) === 1 ? 1 : heldTokens(request),
  };
}

function formatsOf(request: LlmRequest): LlmFormats {
  return {
    weights: request.weightFormat,
    embedding: request.embeddingFormat ?? request.weightFormat,
    head: request.headFormat ?? request.weightFormat,
    kv: request.kvFormat,
    activation: request.activationDType,
  };
}

function checkLengths({ model, promptTokens, generatedTokens, cachedTokens = 0 }: LlmRequest) {
  if (cachedTokens >= promptTokens)
    throw new SpecError([
      {
        path: 'cachedTokens',
        message: 'no prompt token is left to compute',
        expected: `less than the ${promptTokens} prompt tokens`,
        got: String(cachedTokens),
      },
    ]);
  const total = promptTokens + generatedTokens;
  if (total > model.maxContext)
    throw new SpecError([
      {
        path: 'promptTokens',
        message: `prompt and answer exceed the context of ${model.id}`,
        expected: `at most ${model.maxContext} tokens together`,
        got: `${promptTokens} + ${generatedTokens} = ${total}`,
      },
    ]);
}
