/**
 * The feed-forward part of one decoder layer: gated or plain, dense or a mixture of experts.
 *
 * Model    experts: weights of the distinct experts that the tokens visit, arithmetic of tokens × top-k
 * Ignores  uneven load between experts beyond what the routing seam reports
 * Valid    any number of tokens; routing defaults to independent, even choices
 * Source   shapes from the model table; expected distinct experts count·(1 − (1 − topK/count)^tokens)
 * Checked  test/unit/workload/llm.test.ts, test/property/workload-llm.test.ts
 */
import type { GraphBuilder } from '../graph-builder.ts';
import type { ExpertShape, LlmModel } from '../models/llm-model.ts';
import { activationWork, addWork, matmulWork, vectorWork } from '../operator-cost.ts';
import type { LayerKind } from './layers.ts';
import type { LlmGraphOptions } from './options.ts';

/** Appends the part under `prefix`, reading operator `input`; @returns the operator with the result. */
export type FeedForwardPart = (graph: GraphBuilder, prefix: string, input: number) => number;

interface MlpShape {
  readonly width: number;
  /** Sets of weights, each used by `rowsPerSet` rows; `rows` in all. */
  readonly sets: number;
  readonly rowsPerSet: number;
  readonly rows: number;
}

/** The part that layers of one kind have. */
export function buildFeedForward(
  model: LlmModel,
  options: LlmGraphOptions,
  kind: LayerKind,
): FeedForwardPart {
  return kind.sparse && model.experts
    ? buildExperts(model, options, model.experts)
    : buildDense(model, options, kind.ffn);
}

function buildDense(model: LlmModel, options: LlmGraphOptions, width: number): FeedForwardPart {
  const { tokens } = options;
  return mlp(model, options, { width, sets: 1, rowsPerSet: tokens, rows: tokens });
}

function mlp(model: LlmModel, options: LlmGraphOptions, shape: MlpShape): FeedForwardPart {
  const { formats } = options;
  const { width, sets: batch, rowsPerSet: m, rows } = shape;
  const bias = model.mlpBias;
  const product = (n: number, k: number) =>
    matmulWork({ m, n, k, batch, rows, bias }, formats.weights, formats.activation);
  const up = product(width, model.hidden);
  const gateUp = product(2 * width, model.hidden);
  const activate = activationWork(rows * width, model.activation, model.gated, formats.activation);
  const down = product(model.hidden, width);
  return (graph, prefix, input) => {
    const raised = (): number[] => {
      if (!model.gated) return [graph.add(`${prefix}.up`, up, [input])];
      if (options.fusion.gateUp) return [graph.add(`${prefix}.gate_up`, gateUp, [input])];
      return [graph.add(`${prefix}.gate`, up, [input]), graph.add(`${prefix}.up`, up, [input])];
    };
    const activated = graph.add(`${prefix}.activation`, activate, raised());
    return graph.add(`${prefix}.down`, down, [activated]);
  };
}

function buildExperts(
  model: LlmModel,
  options: LlmGraphOptions,
  experts: ExpertShape,
): FeedForwardPart {
  const { tokens, formats, routing } = options;
  const { hidden } = model;
  const rows = tokens * experts.topK;
  const visited = Math.round(routing.activeExperts(tokens, experts.count, experts.topK));
  const sets = Math.min(experts.count, Math.max(experts.topK, visited));
  const router = matmulWork(
    { m: tokens, n: experts.count, k: hidden },
    formats.weights,
    formats.activation,
  );
  const choose = vectorWork(
    // Softmax over the experts, then a pass that keeps the best ones.
    { operator: 'TopK', elements: tokens * experts.count, passes: 2, opsPerElement: 6 },
    formats.activation,
  );
  const chosen = mlp(model, options, {
    width: experts.ffn,
    sets,
    rowsPerSet: Math.ceil(rows / sets),
    rows,
  });
  const combine = vectorWork(
    // Weighted sum over the chosen experts: a product and a sum per element.
    {
      operator: 'ReduceSum',
      elements: rows * hidden,
      opsPerElement: 2,
      outputs: 1 / experts.topK,
    },
    formats.activation,
  );
  const shared = experts.sharedFfn > 0 ? buildShared(model, options, experts) : undefined;
  return (graph, prefix, input) => {
    const scored = graph.add(`${prefix}.router`, router, [input]);
    const picked = graph.add(`${prefix}.top_k`, choose, [scored]);
    const results = chosen(graph, `${prefix}.experts`, input);
    const combined = graph.add(`${prefix}.combine`, combine, [results, picked]);
    return shared ? shared(graph, prefix, input, combined) : combined;
  };
}

/** The expert that every token visits, added to what the chosen ones say. */
function buildShared(model: LlmModel, options: LlmGraphOptions, experts: ExpertShape) {
  const { tokens, formats } = options;
  const { hidden } = model;
  const dense = buildDense(model, options, experts.sharedFfn);
  const gate = matmulWork({ m: tokens, n: 1, k: hidden }, formats.weights, formats.activation);
  const add = addWork(tokens * hidden, formats.activation);
  return (graph: GraphBuilder, prefix: string, input: number, others: number): number => {
    const result = dense(graph, `${prefix}.shared`, input);
    const gates = experts.sharedGate ? [graph.add(`${prefix}.shared.weight`, gate, [input])] : [];
    return graph.add(`${prefix}.sum`, add, [others, result, ...gates]);
  };
}
