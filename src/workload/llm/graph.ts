/** The graph of one step of a language model: embedding, layers, output head, for a number of new tokens. */
import type { Graph, StepWork } from '../graph.ts';
import { type GraphBuilder, openGraph } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';
import { fuseElementwise } from '../network/fuse.ts';
import { gatherWork, matmulWork } from '../operator-cost.ts';
import { buildAttention } from './attention.ts';
import { buildFeedForward, type FeedForwardPart } from './feed-forward.ts';
import { type AttentionPart, byLayer } from './layers.ts';
import type { LlmGraphOptions } from './options.ts';
import { buildRecurrent } from './recurrent.ts';
import { openStream, type ResidualStream } from './residual-stream.ts';
import { openSidePaths, type SidePaths } from './side-paths.ts';

/** Builds the graph; only works that depend on the context length are functions. */
export function buildLlmGraph(model: LlmModel, options: LlmGraphOptions): Graph {
  const { tokens, formats } = options;
  const graph = openGraph(options.name);
  const embedding = gatherWork(tokens, model.hidden, formats.embedding, formats.activation);
  let stream = openStream(graph, model, options, graph.add('embedding', embedding));
  let paths = openSidePaths(graph, model, options, stream);
  paths.start();
  const fewer = options.pruned && options.logits < tokens;
  const early = fewer ? Math.min(model.kvLayers, model.layers) : model.layers;
  addLayers(graph, model, options, { stream, paths, from: 0, to: early });
  if (early < model.layers && options.logits > 0) {
    const late = { ...options, tokens: options.logits };
    stream = openStream(graph, model, late, stream.settle(`layer.${early}.input`));
    paths = openSidePaths(graph, model, late, stream, paths.table());
    addLayers(graph, model, late, { stream, paths, from: early, to: model.layers });
  }
  if (options.logits > 0) {
    paths.end(options.logits);
    const head = matmulWork(
      { m: options.logits, n: model.vocab, k: model.hidden, bias: model.headBias },
      formats.head,
      formats.activation,
    );
    graph.add('head', head, [stream.norm('norm', options.logits)]);
  }
  const built = graph.build();
  const fused = options.fusion.elementwise ? fuseElementwise(built) : built;
  return padContext(fused, options.contextBucket);
}

/** Works that grow with the context see it rounded up to a multiple of `bucket`. */
function padContext(graph: Graph, bucket: number): Graph {
  if (bucket === 1) return graph;
  const padded = (work: StepWork): StepWork =>
    typeof work === 'function' ? (context) => work(Math.ceil(context / bucket) * bucket) : work;
  return { ...graph, works: graph.works.map(padded) };
}

interface Layers {
  readonly stream: ResidualStream;
  readonly paths: SidePaths;
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
}

function addLayers(
  graph: GraphBuilder,
  model: LlmModel,
  options: LlmGraphOptions,
  { stream, paths, from, to }: Layers,
): void {
  const { recurrent } = model;
  const attention = byLayer(model, (kind) =>
    kind.recurrent && recurrent
      ? buildRecurrent(model, options, recurrent.mixer)
      : buildAttention(model, options, kind),
  );
  const feedForward = byLayer(model, (kind) => buildFeedForward(model, options, kind));
  for (let layer = from; layer < to; layer++)
    addLayer(graph, model, `layer.${layer}`, {
      stream,
      paths,
      attention: attention(layer),
      feedForward: feedForward(layer),
    });
}

interface LayerParts {
  readonly stream: ResidualStream;
  readonly paths: SidePaths;
  readonly attention: AttentionPart;
  readonly feedForward: FeedForwardPart;
}

function addLayer(
  graph: GraphBuilder,
  model: LlmModel,
  prefix: string,
  { stream, paths, attention, feedForward }: LayerParts,
): void {
  const after = (name: string, index: number) =>
    model.normsPerLayer === 4 ? stream.plainNorm(`${prefix}.${name}`, index) : index;
  paths.before(prefix);
  const normed = stream.norm(`${prefix}.attention.norm`);
  const attended = attention(graph, `${prefix}.attention`, normed);
  const parallel = model.normsPerLayer === 1;
  stream.push(after('attention.post_norm', attended));
  paths.beside(prefix, normed);
  // In parallel layers both halves read the same norm and are added to the stream together.
  const inner = parallel ? normed : stream.norm(`${prefix}.mlp.norm`);
  const fed = after('mlp.post_norm', feedForward(graph, `${prefix}.mlp`, inner));
  stream.push(fed, `${prefix}.sum`);
  paths.after(prefix);
}
