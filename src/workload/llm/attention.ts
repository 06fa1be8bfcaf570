/**
 * The attention part of one decoder layer: projections, positions, cache and scores.
 *
 * Model    grouped-query attention with a cache; multi-head latent attention either expands the cached latents
 *          (many tokens) or folds the expansion into queries and outputs (few tokens), whichever scores cheaper
 * Ignores  the cost of masks, and paging of the cache
 * Valid    full, causal and sliding-window attention; any ratio of query to key–value heads
 * Source   operator shapes as in ONNX GroupQueryAttention; DeepSeek-V2 report for the latent form
 * Checked  test/unit/workload/llm.test.ts, test/property/workload-llm.test.ts
 */
import type { Work } from '../../base/work.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';
import {
  type AttentionShape,
  attentionWork,
  type CacheLayout,
  cacheBytesPerToken,
  matmulWork,
  moveWork,
  normWork,
  productWork,
  rotaryWork,
  sigmoidGateWork,
  softmaxWork,
} from '../operator-cost.ts';
import type { AttentionPart, LayerKind } from './layers.ts';
import type { LlmGraphOptions } from './options.ts';
import { cacheElementsPerToken } from './parameters.ts';

/** Works of one class of layers, made once and shared by all of them. */
export function buildAttention(
  model: LlmModel,
  options: LlmGraphOptions,
  kind: LayerKind,
): AttentionPart {
  if (model.latent)
    return options.tokens <= absorbLimit(model)
      ? absorbedLatent(model, options, kind, model.latent)
      : expandedLatent(model, options, kind, model.latent);
  return groupedQuery(model, options, kind);
}

/** Up to this many tokens the folded form scores cheaper than expanding one cached latent. */
function absorbLimit(model: LlmModel): number {
  const { headDim, valueDim, latent } = model;
  if (!latent) return 0;
  const nope = headDim - latent.ropeDim;
  const extraPerPair = 2 * latent.rank - nope - valueDim;
  return extraPerPair <= 0
    ? Number.POSITIVE_INFINITY
    : Math.floor((latent.rank * (nope + valueDim)) / extraPerPair);
}

function cacheLayout(model: LlmModel, options: LlmGraphOptions, kind: LayerKind): CacheLayout {
  const elementsPerToken = cacheElementsPerToken(model, kind);
  return {
    elementsPerToken,
    format: options.formats.kv,
    rowLength: model.latent ? elementsPerToken : kind.headDim,
    writes: kind.ownsCache,
  };
}

function groupedQuery(model: LlmModel, options: LlmGraphOptions, kind: LayerKind): AttentionPart {
  const { tokens: m, formats } = options;
  const { hidden: k, heads, kvHeads, qkvBias: bias } = model;
  const { headDim, valueDim } = kind;
  const project = (n: number) => matmulWork({ m, n, k, bias }, formats.weights, formats.activation);
  const queries = heads * headDim + (model.attentionGate ? heads * valueDim : 0);
  const query = ofHeads(project(queries), heads);
  const key = ofHeads(project(kvHeads * headDim), kvHeads);
  const value = ofHeads(project(kvHeads * valueDim), kvHeads);
  const merged = project(queries + kvHeads * (headDim + valueDim));
  const gate = model.attentionGate
    ? sigmoidGateWork(m * heads * valueDim, formats.activation)
    : undefined;
  const norms = queryKeyNorms(model, options, headDim);
  const rotated = m * (heads + (kind.ownsCache ? kvHeads : 0)) * headDim;
  const rotary = rotaryWork(rotated, model.rotaryShare, formats.activation);
  const scores = scoring(model, options, kind);
  const out = outputProjection(model, options, kind);
  return (graph, prefix, input) => {
    const projections = (): number[] => {
      if (!kind.ownsCache) return [graph.add(`${prefix}.q`, query, [input])];
      if (options.fusion.qkv) return [graph.add(`${prefix}.qkv`, merged, [input])];
      return [
        graph.add(`${prefix}.q`, query, [input]),
        graph.add(`${prefix}.k`, key, [input]),
        graph.add(`${prefix}.v`, value, [input]),
      ];
    };
    const projected = projections();
    let [ready = input] = projected;
    let readyKey = projected[1] ?? ready;
    if (norms) {
      ready = graph.add(`${prefix}.q_norm`, norms.query, [ready]);
      if (kind.ownsCache) readyKey = graph.add(`${prefix}.k_norm`, norms.key, [readyKey]);
    }
    if (model.rotaryShare > 0)
      ready = readyKey = graph.add(`${prefix}.rotary`, rotary, distinct([ready, readyKey]));
    const attended = scores(graph, prefix, distinct([ready, readyKey, projected[2] ?? readyKey]));
    const [asked = input] = projected;
    const gated = gate ? graph.add(`${prefix}.gate`, gate, [attended, asked]) : attended;
    return graph.add(`${prefix}.o`, out, [gated]);
  };
}

/** A projection whose outputs are those of one head after the other. */
function ofHeads(work: Work, heads: number): Work {
  const { form } = work;
  return form.kind === 'matmul' ? { ...work, form: { ...form, heads } } : work;
}

function queryKeyNorms(
  model: LlmModel,
  { tokens, formats }: LlmGraphOptions,
  headDim: number,
): { query: Work; key: Work } | undefined {
  if (model.qkNorm === 'none') return undefined;
  const wide = model.qkNorm === 'full-width';
  const norm = (heads: number) =>
    normWork(
      {
        rows: wide ? tokens : tokens * heads,
        width: wide ? heads * headDim : headDim,
        kind: 'rms',
      },
      formats.weights,
      formats.activation,
    );
  return { query: norm(model.heads), key: norm(model.kvHeads) };
}

function outputProjection(
  model: LlmModel,
  { tokens, formats }: LlmGraphOptions,
  kind: LayerKind,
): Work {
  return matmulWork(
    { m: tokens, n: model.hidden, k: model.heads * kind.valueDim, bias: model.outputBias },
    formats.weights,
    formats.activation,
  );
}

type ScorePart = (graph: GraphBuilder, prefix: string, inputs: readonly number[]) => number;

/** Scores, softmax and values: one operator, or three with the matrix in between. */
function scoring(model: LlmModel, options: LlmGraphOptions, kind: LayerKind): ScorePart {
  const cache = cacheLayout(model, options, kind);
  const shape = (context: number): AttentionShape => ({
    heads: model.heads,
    kvHeads: model.kvHeads,
    queries: options.tokens,
    context,
    headDim: kind.headDim,
    valueDim: kind.valueDim,
    causal: options.scores === 'causal',
    headwise: true,
    ...(kind.window === undefined ? {} : { window: kind.window }),
  });
  if (options.fusion.attention) {
    const fused = (context: number) =>
      attentionWork(shape(context), options.formats.activation, cache);
    return (graph, prefix, inputs) => graph.add(`${prefix}.scores`, fused, inputs);
  }
  return separateScoring(model, options, kind, cache);
}

function separateScoring(
  model: LlmModel,
  options: LlmGraphOptions,
  kind: LayerKind,
  cache: CacheLayout,
): ScorePart {
  const { tokens, formats } = options;
  const { heads, kvHeads } = model;
  const { headDim, valueDim } = kind;
  const rows = tokens * (heads / kvHeads);
  const seen = (context: number) =>
    kind.window === undefined ? context : Math.min(context, kind.window + tokens - 1);
  const perToken = cacheBytesPerToken(cache);
  const part = (context: number, width: number) => ({
    kvReadBytes: ((seen(context) - tokens) * perToken * width) / (headDim + valueDim),
    rightElements: tokens * kvHeads * width,
  });
  const product = (n: number, k: number, context: number, width: number) =>
    productWork({ batch: kvHeads, m: rows, n, k }, formats.activation, part(context, width));
  const append: Work = {
    ...moveWork('ScatterND', tokens * kvHeads * (headDim + valueDim), 0, formats.activation),
    kvWriteBytes: cache.writes ? tokens * perToken : 0,
  };
  const scores = (context: number) => product(seen(context), headDim, context, headDim);
  const softmax = (context: number) =>
    softmaxWork(heads * tokens * seen(context), formats.activation);
  const values = (context: number) => product(valueDim, seen(context), context, valueDim);
  return (graph, prefix, inputs) => {
    const stored = kind.ownsCache ? [graph.add(`${prefix}.append`, append, inputs)] : [];
    const first = graph.add(`${prefix}.scores`, scores, distinct([...inputs, ...stored]));
    const second = graph.add(`${prefix}.softmax`, softmax, [first]);
    return graph.add(`${prefix}.values`, values, distinct([second, ...inputs, ...stored]));
  };
}

type Latent = NonNullable<LlmModel['latent']>;

/** Query, compressed key–value, its norm and the rotated parts: common to both latent forms. */
function latentInputs(model: LlmModel, options: LlmGraphOptions, latent: Latent) {
  const { tokens: m, formats } = options;
  const { heads, headDim, hidden: k } = model;
  const project = (n: number) => matmulWork({ m, n, k }, formats.weights, formats.activation);
  const query = project(heads * headDim);
  const down = project(latent.rank + latent.ropeDim);
  const norm = normWork(
    { rows: m, width: latent.rank, kind: 'rms' },
    formats.weights,
    formats.activation,
  );
  const rotary = rotaryWork(m * (heads + 1) * latent.ropeDim, 1, formats.activation);
  return (graph: GraphBuilder, prefix: string, input: number) => {
    const q = graph.add(`${prefix}.q`, query, [input]);
    const compressed = graph.add(`${prefix}.kv_down`, down, [input]);
    const normed = graph.add(`${prefix}.kv_norm`, norm, [compressed]);
    return { q, normed, rotated: graph.add(`${prefix}.rotary`, rotary, [q, compressed]) };
  };
}

function expandedLatent(
  model: LlmModel,
  options: LlmGraphOptions,
  kind: LayerKind,
  latent: Latent,
): AttentionPart {
  const { tokens, formats } = options;
  const { heads, headDim, valueDim } = model;
  const inputs = latentInputs(model, options, latent);
  const perToken = cacheBytesPerToken(cacheLayout(model, options, kind));
  const width = heads * (headDim - latent.ropeDim + valueDim);
  const up = (context: number): Work => ({
    ...matmulWork(
      { m: context, n: width, k: latent.rank, inputRows: tokens },
      formats.weights,
      formats.activation,
    ),
    kvReadBytes: (context - tokens) * perToken,
    kvWriteBytes: tokens * perToken,
  });
  const scores = (context: number) =>
    attentionWork(
      {
        heads,
        kvHeads: heads,
        queries: tokens,
        context,
        headDim,
        valueDim,
        causal: options.scores === 'causal',
        headwise: true,
        operator: 'MultiHeadAttention',
      },
      formats.activation,
    );
  const out = outputProjection(model, options, kind);
  return (graph, prefix, input) => {
    const { normed, rotated } = inputs(graph, prefix, input);
    const expanded = graph.add(`${prefix}.kv_up`, up, [normed]);
    return graph.add(`${prefix}.o`, out, [
      graph.add(`${prefix}.scores`, scores, [rotated, expanded]),
    ]);
  };
}

function absorbedLatent(
  model: LlmModel,
  options: LlmGraphOptions,
  kind: LayerKind,
  latent: Latent,
): AttentionPart {
  const { tokens: m, formats } = options;
  const { heads, headDim, valueDim } = model;
  const inputs = latentInputs(model, options, latent);
  const perHead = (n: number, k: number) =>
    matmulWork({ m, n, k, batch: heads }, formats.weights, formats.activation);
  const fold = perHead(latent.rank, headDim - latent.ropeDim);
  const unfold = perHead(valueDim, latent.rank);
  const cache = cacheLayout(model, options, kind);
  const scores = (context: number) =>
    attentionWork(
      {
        heads,
        kvHeads: 1,
        queries: m,
        context,
        headDim: latent.rank + latent.ropeDim,
        valueDim: latent.rank,
        causal: options.scores === 'causal',
        headwise: true,
      },
      formats.activation,
      cache,
    );
  const out = outputProjection(model, options, kind);
  return (graph, prefix, input) => {
    const { q, normed, rotated } = inputs(graph, prefix, input);
    const folded = graph.add(`${prefix}.q_fold`, fold, [q]);
    const latents = graph.add(`${prefix}.scores`, scores, [folded, rotated, normed]);
    return graph.add(`${prefix}.o`, out, [graph.add(`${prefix}.v_unfold`, unfold, [latents])]);
  };
}

function distinct(indices: readonly number[]): number[] {
  return [...new Set(indices)];
}
