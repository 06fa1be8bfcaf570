/** The graph of one step of a language model: embedding, layers, output head, for a number of new tokens. */
import type { Graph } from '../graph.ts';
import { type GraphBuilder, openGraph } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';
import { addWork, gatherWork, matmulWork, normWork } from '../operator-cost.ts';
import { type AttentionPart, buildAttention } from './attention.ts';
import { buildDense, buildExperts, type FeedForwardPart } from './feed-forward.ts';
import type { LlmGraphOptions } from './options.ts';

/** Builds the graph; only works that depend on the context length are functions. */
export function buildLlmGraph(model: LlmModel, options: LlmGraphOptions): Graph {
  const { tokens, formats } = options;
  const graph = openGraph(options.name);
  const embedding = gatherWork(tokens, model.hidden, formats.embedding, formats.activation);
  const stream = openStream(graph, model, options, graph.add('embedding', embedding));
  const attention = attentionByLayer(model, options);
  const feedForward = feedForwardByLayer(model, options);
  for (let layer = 0; layer < model.layers; layer++)
    addLayer(graph, model, stream, `layer.${layer}`, {
      attention: attention(layer),
      feedForward: feedForward(layer),
    });
  if (options.logits > 0) {
    const head = matmulWork(
      { m: options.logits, n: model.vocab, k: model.hidden, bias: model.headBias },
      formats.head,
      formats.activation,
    );
    graph.add('head', head, [stream.norm('norm', options.logits)]);
  }
  return graph.build();
}

interface LayerParts {
  readonly attention: AttentionPart;
  readonly feedForward: FeedForwardPart;
}

function addLayer(
  graph: GraphBuilder,
  model: LlmModel,
  stream: ResidualStream,
  prefix: string,
  { attention, feedForward }: LayerParts,
): void {
  const after = (name: string, index: number) =>
    model.normsPerLayer === 4 ? stream.plainNorm(`${prefix}.${name}`, index) : index;
  const normed = stream.norm(`${prefix}.attention.norm`);
  const attended = attention(graph, `${prefix}.attention`, normed);
  if (model.normsPerLayer === 1) {
    // Both halves read the same norm and are added to the stream together.
    stream.push(attended);
    stream.push(feedForward(graph, `${prefix}.mlp`, normed), `${prefix}.sum`);
    return;
  }
  stream.push(after('attention.post_norm', attended));
  const inner = stream.norm(`${prefix}.mlp.norm`);
  stream.push(after('mlp.post_norm', feedForward(graph, `${prefix}.mlp`, inner)));
}

/** The residual stream: results wait to be added until the next norm, which a fused operator does in one go. */
interface ResidualStream {
  /** Adds `index` to the stream; a second one that waits is summed with the first under `name`. */
  push(index: number, name?: string): void;
  norm(name: string, rows?: number): number;
  /** A norm beside the stream. */
  plainNorm(name: string, input: number): number;
}

function openStream(
  graph: GraphBuilder,
  model: LlmModel,
  { tokens, formats, fusion }: LlmGraphOptions,
  start: number,
): ResidualStream {
  let base = start;
  let waiting: number | undefined;
  const width = model.hidden;
  const work = (rows: number, skip: boolean) =>
    normWork({ rows, width, kind: model.norm, skip }, formats.weights, formats.activation);
  const plain = work(tokens, false);
  const skip = work(tokens, true);
  const sum = addWork(tokens * width, formats.activation);
  return {
    push: (index, name) => {
      waiting = waiting === undefined ? index : graph.add(name ?? 'sum', sum, [waiting, index]);
    },
    norm: (name, rows = tokens) => {
      const other = waiting;
      waiting = undefined;
      if (other === undefined)
        return graph.add(name, rows === tokens ? plain : work(rows, false), [base]);
      if (fusion.residualNorm) {
        base = graph.add(name, rows === tokens ? skip : work(rows, true), [base, other]);
        return base;
      }
      base = graph.add(`${name}.residual`, addWork(rows * width, formats.activation), [
        base,
        other,
      ]);
      return graph.add(name, rows === tokens ? plain : work(rows, false), [base]);
    },
    plainNorm: (name, input) => graph.add(name, plain, [input]),
  };
}

/** Parts are made once per kind of layer, so layers share their works. */
function attentionByLayer(
  model: LlmModel,
  options: LlmGraphOptions,
): (layer: number) => AttentionPart {
  const made = new Map<string, AttentionPart>();
  const { window } = model;
  return (layer) => {
    const local = window && layer % (window.local + window.global) < window.local;
    const kind = {
      window: local ? window.tokens : undefined,
      ownsCache: layer % model.kvShare === 0,
    };
    const key = `${kind.window}/${kind.ownsCache}`;
    const part = made.get(key) ?? buildAttention(model, options, kind);
    made.set(key, part);
    return part;
  };
}

function feedForwardByLayer(
  model: LlmModel,
  options: LlmGraphOptions,
): (layer: number) => FeedForwardPart {
  const { experts } = model;
  const dense = model.ffn > 0 ? buildDense(model, options, model.ffn) : undefined;
  const sparse = experts ? buildExperts(model, options, experts) : undefined;
  return (layer) => {
    const useDense = experts === undefined || layer < experts.denseFirst;
    return (useDense ? dense : sparse) as FeedForwardPart;
  };
}
