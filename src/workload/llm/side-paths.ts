/**
 * What Gemma 3n and 4 add beside the usual decoder layer.
 *
 * Model    per-layer embeddings: a table row per token and layer, gated by the stream and projected into it;
 *          low-rank residual beside attention; several parallel streams, predicted before and corrected after a layer
 * Ignores  activation sparsity in the first layers, which dense hardware does not use
 * Valid    Gemma 3n and Gemma 4 text models
 * Source   google-deepmind/gemma: gemma/gm/nn/gemma3n/_gemma3n.py, gemma/gm/nn/gemma4/_gemma4.py
 * Checked  test/unit/workload/llm-variants.test.ts
 */
import type { GraphBuilder } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';
import {
  activationWork,
  addWork,
  gatherWork,
  matmulWork,
  normWork,
  vectorWork,
} from '../operator-cost.ts';
import type { LlmGraphOptions } from './options.ts';
import type { ResidualStream } from './residual-stream.ts';

/** Hooks around the layers; each does nothing where the model has no such path. */
export interface SidePaths {
  /** After the embedding. */
  start(): void;
  /** Before a layer. */
  before(prefix: string): void;
  /** Beside attention, reading the layer's first norm. */
  beside(prefix: string, normed: number): void;
  /** After a layer. */
  after(prefix: string): void;
  /** Before the final norm, for `rows` tokens. */
  end(rows: number): void;
  /** What `start` looked up, for layers that go on with fewer tokens. */
  table(): number;
}

export function openSidePaths(
  graph: GraphBuilder,
  model: LlmModel,
  options: LlmGraphOptions,
  stream: ResidualStream,
  table = -1,
): SidePaths {
  const streams = parallelStreams(graph, model, options, stream);
  const lowRank = lowRankResidual(graph, model, options, stream);
  const perLayer = perLayerEmbedding(graph, model, options, stream, table);
  return {
    start: () => {
      perLayer?.start();
      streams?.project('streams', options.tokens);
    },
    before: (prefix) => streams?.predict(prefix),
    beside: (prefix, normed) => lowRank?.(prefix, normed),
    after: (prefix) => {
      streams?.correct(prefix);
      perLayer?.after(prefix);
    },
    end: (rows) => streams?.project('streams.join', rows),
    table: () => perLayer?.table() ?? table,
  };
}

/** Operations per element of a mix of n streams into one: a product and a sum for each. */
const MIX = 2;

function parallelStreams(
  graph: GraphBuilder,
  model: LlmModel,
  { tokens, formats }: LlmGraphOptions,
  stream: ResidualStream,
) {
  const { parallelStreams: count, hidden } = model;
  if (count === undefined) return undefined;
  const { weights, activation } = formats;
  const elements = tokens * count * hidden;
  const router = matmulWork({ m: tokens, n: count, k: hidden }, weights, activation);
  const mix = (name: string, ops: number) =>
    vectorWork({ operator: name, elements, opsPerElement: ops }, activation);
  const predict = mix('Einsum', MIX * count);
  const correct = mix('Mul', MIX);
  return {
    /** One product per further stream, at the start and to join them at the end. */
    project: (name: string, rows: number) => {
      const work = matmulWork({ m: rows, n: hidden, k: hidden }, weights, activation);
      const from = stream.settle(`${name}.sum`);
      const others = Array.from({ length: count - 1 }, (_, index) =>
        graph.add(`${name}.${index + 1}`, work, [from]),
      );
      const all = rows * count * hidden;
      const joined = vectorWork({ operator: 'Mul', elements: all, opsPerElement: MIX }, activation);
      stream.replace(graph.add(`${name}.scale`, joined, [from, ...others]));
    },
    predict: (prefix: string) => {
      const from = stream.settle(`${prefix}.streams.sum`);
      const routed = graph.add(`${prefix}.streams.router`, router, [from]);
      stream.replace(graph.add(`${prefix}.streams.predict`, predict, [from, routed]));
    },
    correct: (prefix: string) => {
      const from = stream.settle(`${prefix}.residual`);
      stream.replace(graph.add(`${prefix}.streams.correct`, correct, [from]));
    },
  };
}

function lowRankResidual(
  graph: GraphBuilder,
  model: LlmModel,
  { tokens: m, formats }: LlmGraphOptions,
  stream: ResidualStream,
) {
  const { lowRankResidual: rank, hidden } = model;
  if (rank === undefined) return undefined;
  const down = matmulWork({ m, n: rank, k: hidden }, formats.weights, formats.activation);
  const up = matmulWork({ m, n: hidden, k: rank }, formats.weights, formats.activation);
  return (prefix: string, normed: number): void => {
    const narrow = graph.add(`${prefix}.low_rank.down`, down, [normed]);
    const wide = graph.add(`${prefix}.low_rank.up`, up, [narrow]);
    stream.push(stream.plainNorm(`${prefix}.low_rank.norm`, wide), `${prefix}.low_rank.sum`);
  };
}

function perLayerEmbedding(
  graph: GraphBuilder,
  model: LlmModel,
  { tokens: m, formats }: LlmGraphOptions,
  stream: ResidualStream,
  given: number,
) {
  const { perLayerWidth: width, hidden, layers } = model;
  if (width === undefined) return undefined;
  const { weights, activation } = formats;
  const project = (n: number, k: number) => matmulWork({ m, n, k }, weights, activation);
  const gate = project(width, hidden);
  const activate = activationWork(m * width, 'gelu', true, activation);
  const out = project(hidden, width);
  let table = given;
  return {
    table: () => table,
    start: () => {
      const all = width * layers;
      const from = stream.settle('per_layer.input');
      const looked = graph.add(
        'per_layer.embedding',
        gatherWork(m, all, formats.embedding, activation),
      );
      const projected = graph.add('per_layer.projection', project(all, hidden), [from]);
      const norm = normWork({ rows: m * layers, width, kind: 'rms' }, weights, activation);
      const normed = graph.add('per_layer.norm', norm, [projected]);
      table = graph.add('per_layer.sum', addWork(m * all, activation), [looked, normed]);
    },
    after: (prefix: string) => {
      const from = stream.settle(`${prefix}.residual`);
      const gated = graph.add(`${prefix}.per_layer.gate`, gate, [from]);
      const active = graph.add(`${prefix}.per_layer.activation`, activate, [gated, table]);
      const wide = graph.add(`${prefix}.per_layer.out`, out, [active]);
      stream.push(stream.plainNorm(`${prefix}.per_layer.norm`, wide));
    },
  };
}
