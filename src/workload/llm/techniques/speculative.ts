/**
 * Several tokens per pass of the model: a cheap draft proposes, the model checks all of it at once.
 *
 * Model    a step = draft + one pass over `candidates` tokens and their logits; it yields `accepted` tokens on average, the
 *          model's own one included; draft-model: `length` steps of a small model; medusa: one residual block and one head
 *          per place; eagle: `length` steps of one decoder layer with the model's head; lookup: nothing.
 *          A draft model and the layer of EAGLE attend to the prompt, so they read it before the first token and keep
 *          a cache of it; the heads of Medusa take what the model has computed
 * Ignores  the spread of accepted tokens, sampling, cache entries of rejected candidates, reading the prompt with draft and
 *          model at the same time on two units, EAGLE's product that joins token and feature (in memory it counts)
 * Valid    accepted between 1 and length + 1
 * Source   Leviathan et al., ICML 2023; Medusa (arXiv 2401.10774); EAGLE (arXiv 2401.15077); accepted tokens by method
 *          and task: workloads/models/decoding-tricks.csv
 * Checked  test/unit/workload/llm-techniques.test.ts, test/property/techniques.test.ts
 */
import type { Work } from '../../../base/work.ts';
import type { Graph, Operator, StepWork } from '../../graph.ts';
import { openGraph } from '../../graph-builder.ts';
import type { LlmModel } from '../../models/llm-model.ts';
import { activationWork, matmulWork } from '../../operator-cost.ts';
import { buildLlmGraph } from '../graph.ts';
import type { LlmFormats, LlmGraphOptions } from '../options.ts';
import { llmWeightBytes } from '../parameters.ts';

export const DRAFTERS = ['draft-model', 'medusa', 'eagle', 'lookup'] as const;

/** Begins the names of operators that draft. */
export const DRAFT = 'draft.';

export interface Speculation {
  readonly method: (typeof DRAFTERS)[number];
  readonly draft?: LlmModel | undefined;
  /** Tokens that the draft looks ahead. */
  readonly length: number;
  /** Tokens that the model checks at once: a chain of length + 1, or a tree. */
  readonly candidates: number;
  /** Mean tokens of a step. */
  readonly accepted: number;
  /** Unit that drafts; the policy's unless given. */
  readonly unit?: string | undefined;
}

/** What attends to the text on its own, and so needs the prompt and a cache: a model as small as the method says. */
export function drafterOf(model: LlmModel, { method, draft }: Speculation): LlmModel | undefined {
  if (method === 'eagle') return oneLayer(model);
  return method === 'draft-model' ? draft : undefined;
}

/** One step: the draft, then the pass that checks it. */
export function speculativeGraph(
  model: LlmModel,
  options: LlmGraphOptions,
  it: Speculation,
): Graph {
  const check = buildLlmGraph(model, { ...options, tokens: it.candidates, logits: it.candidates });
  return draftedGraph(`${options.name}/${it.method}`, draftGraphs(model, options, it), check, it);
}

/** What the draft does, one after another, then the model. */
export function draftedGraph(
  name: string,
  drafts: readonly Graph[],
  model: Graph,
  { unit }: Speculation,
): Graph {
  const builder = openGraph(name);
  let end: readonly number[] = [];
  for (const [i, graph] of drafts.entries()) end = append(builder, graph, `${DRAFT}${i}.`, end);
  append(builder, model, '', end);
  const built = builder.build();
  if (unit === undefined) return built;
  const onUnit = (operator: Operator) =>
    operator.name.startsWith(DRAFT) ? { ...operator, on: unit } : operator;
  return { ...built, operators: built.operators.map(onUnit) };
}

function draftGraphs(model: LlmModel, options: LlmGraphOptions, it: Speculation): Graph[] {
  const times = (graph: Graph) => Array.from({ length: it.length }, () => graph);
  const one = { ...options, tokens: 1, logits: 1 };
  const drafter = drafterOf(model, it);
  if (drafter) return times(buildLlmGraph(drafter, one));
  return it.method === 'medusa' ? [medusaHeads(model, options.formats, it.length)] : [];
}

function oneLayer(model: LlmModel): LlmModel {
  return { ...model, id: `${model.id} draft layer`, layers: 1 };
}

/** For each place ahead: a square block with a residual, and a head. */
function medusaHeads({ hidden, vocab }: LlmModel, formats: LlmFormats, length: number): Graph {
  const builder = openGraph('medusa');
  const block = matmulWork({ m: 1, n: hidden, k: hidden }, formats.weights, formats.activation);
  const activate = activationWork(hidden, 'silu', false, formats.activation);
  const head = matmulWork({ m: 1, n: vocab, k: hidden }, formats.head, formats.activation);
  for (let place = 0; place < length; place++) {
    const raised = builder.add(`${place}.block`, block);
    builder.add(`${place}.head`, head, [builder.add(`${place}.activation`, activate, [raised])]);
  }
  return builder.build();
}

/** Bytes of weights that drafting adds. */
export function draftBytes(model: LlmModel, formats: LlmFormats, it: Speculation): number {
  if (it.method === 'draft-model' && it.draft) return llmWeightBytes(it.draft, formats);
  const sum = (graph: Graph, pick: (name: string) => boolean) =>
    graph.operators
      .filter(({ name }) => pick(name))
      .reduce((total, { work }) => total + weightBytesOf(graph.works[work]!), 0);
  if (it.method === 'medusa') return sum(medusaHeads(model, formats, it.length), () => true);
  if (it.method !== 'eagle') return 0;
  const { weights } = formats;
  const layer = { ...oneLayer(model), vocab: 1, tied: true };
  // A fusion of token embedding and feature, twice as wide as the model, goes before its layer.
  const fuse = matmulWork(
    { m: 1, n: model.hidden, k: 2 * model.hidden },
    weights,
    formats.activation,
  );
  return llmWeightBytes(layer, formats) + fuse.weightBytes;
}

function weightBytesOf(work: StepWork): number {
  return typeof work === 'function' ? work(1).weightBytes : (work as Work).weightBytes;
}

type Builder = ReturnType<typeof openGraph>;

/** @returns where the graph ends; its beginning reads `after`. */
function append(
  builder: Builder,
  graph: Graph,
  prefix: string,
  after: readonly number[],
): readonly number[] {
  const place: number[] = [];
  const read = new Set(graph.operators.flatMap(({ inputs }) => inputs));
  for (const { name, work, inputs } of graph.operators) {
    const from = inputs.length > 0 ? inputs.map((input) => place[input]!) : after;
    place.push(builder.add(`${prefix}${name}`, graph.works[work]!, from));
  }
  return place.filter((_, i) => !read.has(i));
}
