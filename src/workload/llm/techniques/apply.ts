/** Techniques laid over a request to a language model: graphs rewritten, steps and memory counted anew. */
import type { Bytes } from '../../../base/units.ts';
import { DTYPE_BITS, type Work } from '../../../base/work.ts';
import type { Graph, Operator, Phase, RequestPlan, StepWork } from '../../graph.ts';
import { peakActivationBytes } from '../../graph-totals.ts';
import type { ExpertShape, LlmModel } from '../../models/llm-model.ts';
import { storedBytes, type WeightFormat } from '../../models/weight-format.ts';
import { type Packing, packGraph, storedShare } from '../../packing.ts';
import type { LlmFormats, LlmGraphOptions } from '../options.ts';
import { llmWeightBytes } from '../parameters.ts';
import { type ExpertPaging, missesPerStep, residentExperts } from './expert-paging.ts';
import { adapterBytes, adapterPhase, type Lora, withAdapters } from './lora.ts';
import {
  DRAFT,
  draftBytes,
  draftedGraph,
  type Speculation,
  speculativeGraph,
} from './speculative.ts';

export interface LlmTechniques extends Packing {
  readonly lora?: Lora | undefined;
  readonly speculation?: Speculation | undefined;
  readonly expertPaging?: ExpertPaging | undefined;
  readonly window?: number | undefined;
}

/** The model as attention sees it. */
export function windowed(model: LlmModel, { window }: LlmTechniques = {}): LlmModel {
  return window === undefined
    ? model
    : { ...model, window: { tokens: window, local: 1, global: 0 } };
}

export interface RequestParts {
  readonly model: LlmModel;
  readonly formats: LlmFormats;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Of a decode step of one token. */
  readonly options: LlmGraphOptions;
  /** Of a draft that reads the prompt for itself. */
  readonly draft?: DraftParts | undefined;
}

export interface DraftParts {
  /** Its pass over the same tokens, for each phase of the model's prefill. */
  readonly prompt: readonly Phase[];
  readonly kvCache: Bytes;
}

/** @param plan the request without techniques. */
export function applyTechniques(
  plan: RequestPlan,
  parts: RequestParts,
  it: LlmTechniques,
): RequestPlan {
  const decoded = it.speculation ? speculate(plan.phases, parts, it.speculation) : plan.phases;
  const rewritten = decoded.map((phase) => ({ ...phase, graph: rewrite(phase, parts, it) }));
  const last = plan.phases.at(-1)!.graph;
  const phases = [...(it.lora ? adapterPhase(last, it.lora) : []), ...rewritten];
  const notes = draftNotes(parts, it.speculation?.draft);
  const alone = parts.draft?.prompt.map((phase) => peakActivationBytes(phase)) ?? [];
  return {
    ...plan,
    ...(notes.length > 0 && { notes: [...(plan.notes ?? []), ...notes] }),
    phases,
    memory: {
      ...plan.memory,
      weights: weightsOf(plan.memory.weights, last, parts, it),
      kvCache: plan.memory.kvCache + (parts.draft?.kvCache ?? 0),
      // Draft and model each have working memory of their own.
      activations: Math.max(
        ...phases.map((phase) => peakActivationBytes(phase)),
        plan.memory.activations + Math.max(0, ...alone),
      ),
    },
  };
}

/** Equal numbers of tokens do not make two tokenizers one; of one family they are. */
function draftNotes({ model, formats }: RequestParts, draft: LlmModel | undefined): string[] {
  if (!draft) return [];
  const notes: string[] = [];
  const root = ({ family }: LlmModel) => /^[a-z]*/i.exec(family)![0].toLowerCase();
  if (root(draft) !== root(model))
    notes.push(
      `${draft.id} drafts for ${model.id} of another family: that their tokenizers agree is taken for granted`,
    );
  // So many drafts and a check cost no less than the tokens that they can yield at best.
  if (llmWeightBytes(draft, formats) >= llmWeightBytes(model, formats))
    notes.push(
      `${draft.id} drafts for ${model.id}, which is no larger: on one unit that is slower than no draft at all`,
    );
  return notes;
}

/** Fewer steps of more tokens in place of the decode phase. */
function speculate(phases: readonly Phase[], parts: RequestParts, it: Speculation): Phase[] {
  const tokens = parts.generatedTokens - 1;
  const steps = Math.ceil(tokens / it.accepted);
  return phases.map((phase, i) => {
    if (phase.name !== 'decode') {
      const prompt = parts.draft?.prompt[i];
      return prompt
        ? { ...phase, graph: draftedGraph(phase.graph.name, [prompt.graph], phase.graph, it) }
        : phase;
    }
    const graph = speculativeGraph(parts.model, parts.options, it);
    return {
      ...phase,
      graph: { ...graph, works: graph.works.map(wholeContext) },
      steps,
      contextStart: parts.promptTokens + it.candidates,
      contextStride: it.accepted,
      outputsPerStep: tokens / steps,
    };
  });
}

/** Steps that accept 2.3 tokens on average see whole tokens all the same. */
function wholeContext(work: StepWork): StepWork {
  return typeof work === 'function' ? (context) => work(Math.round(context)) : work;
}

function rewrite(phase: Phase, parts: RequestParts, it: LlmTechniques): Graph {
  const paged = it.expertPaging ? pageExperts(phase, parts, it) : phase.graph;
  const graph = it.pruning || it.compression ? packGraph(paged, it) : paged;
  return it.lora ? withAdapters(graph, it.lora) : graph;
}

/** Of a step that generates; undefined for parts of a prompt. */
function tokensAtOnce(phase: string, it: Speculation | undefined): number | undefined {
  if (phase === 'first-token') return 1;
  return phase === 'decode' ? (it?.candidates ?? 1) : undefined;
}

const FIRST_OF_EXPERTS = /\.experts\.(gate|gate_up|up)$/;

/** The first product of each layer's experts waits for those that are not in memory. */
function pageExperts(phase: Phase, parts: RequestParts, it: LlmTechniques): Graph {
  const { graph } = phase;
  const { model, formats } = parts;
  const { experts } = model;
  const { expertPaging: paging, speculation } = it;
  if (!experts || !paging) return graph;
  const tokens = tokensAtOnce(phase.name, speculation);
  const expert = expertBytes(model, formats.weights);
  const resident = residentExperts(
    paging,
    model.layers - experts.denseFirst,
    expert,
    experts.count,
  );
  const works: StepWork[] = [...graph.works];
  const paged = new Map<number, number>();
  const seen = new Set<string>();
  const operators = graph.operators.map((operator): Operator => {
    const layer = operator.name.split('.experts.')[0] as string;
    const work = graph.works[operator.work];
    if (!FIRST_OF_EXPERTS.test(operator.name) || seen.has(layer) || typeof work === 'function')
      return operator;
    // Whoever drafts stays in memory whole.
    if (operator.name.startsWith(DRAFT)) return operator;
    seen.add(layer);
    const index =
      paged.get(operator.work) ??
      works.push(waiting(work as Work, experts, resident, expert, paging, tokens)) - 1;
    paged.set(operator.work, index);
    return { ...operator, work: index };
  });
  return { ...graph, operators, works };
}

/** A step of few `tokens` misses as the routing stream says; a prompt visits so many experts that all not in memory are read. */
function waiting(
  work: Work,
  experts: ExpertShape,
  resident: number,
  expert: number,
  paging: ExpertPaging,
  tokens: number | undefined,
): Work {
  const visited = work.form.kind === 'matmul' ? work.form.batch : experts.topK;
  const missed =
    tokens === undefined
      ? Math.max(0, visited * (1 - resident / experts.count))
      : missesPerStep(experts, resident, paging, tokens);
  return { ...work, storageBytes: missed * expert };
}

/** Of one expert. */
export function expertBytes({ hidden, gated, experts }: LlmModel, weights: WeightFormat): number {
  const width = experts?.ffn ?? 0;
  return (
    storedBytes(weights, (gated ? 2 : 1) * hidden * width, hidden) +
    storedBytes(weights, width * hidden, width)
  );
}

/** Bytes in memory: pruned and compressed weights, without experts on flash, with adapters and draft. */
function weightsOf(plain: number, decode: Graph, parts: RequestParts, it: LlmTechniques): number {
  const { model, formats } = parts;
  const table = storedBytes(formats.embedding, model.vocab * model.hidden, model.hidden);
  const pruned = it.pruning ? storedShare(it.pruning, DTYPE_BITS[formats.weights.dtype]) : 1;
  let bytes = (plain - table) * pruned;
  if (it.expertPaging && model.experts) {
    const { count, denseFirst } = model.experts;
    const layers = model.layers - denseFirst;
    const expert = expertBytes(model, formats.weights);
    bytes -=
      layers * (count - residentExperts(it.expertPaging, layers, expert, count)) * expert * pruned;
  }
  if (it.speculation) bytes += draftBytes(model, formats, it.speculation);
  // Rows of the table are looked up one by one, so it stays as it is.
  bytes = table + bytes / (it.compression?.ratio ?? 1);
  if (it.lora && it.lora.mode !== 'merge') bytes += adapterBytes(decode, it.lora);
  return bytes;
}
