/** Graphs of operators, and requests made of phases that repeat them. */
import type { Label } from '../base/labels.ts';
import type { Bytes } from '../base/units.ts';
import type { Work } from '../base/work.ts';

/** One node, in ONNX terms. */
export interface Operator {
  /** Unique in its graph, such as `layer.3.attention.q`. */
  readonly name: string;
  /** Index into `Graph.works`: operators with equal shapes share one entry, so they are costed once. */
  readonly work: number;
  /** Indices of the operators whose results this one reads; all smaller than its own index. */
  readonly inputs: readonly number[];
  /** Unit that the workload asks for, whatever the policy; ignored where the SoC has none of that name. */
  readonly on?: string;
}

/** Work that is the same in every step, or a function of the context length (tokens in the key–value cache, new ones included). */
export type StepWork = Work | ((context: number) => Work);

/**
 * A directed acyclic graph in topological order.
 *
 * A decode step differs from the next only in its context length: structure and constant works are shared
 * by all steps, and only the few functions in `works` are evaluated anew.
 */
export interface Graph {
  readonly name: string;
  readonly operators: readonly Operator[];
  readonly works: readonly StepWork[];
}

/** `steps` repetitions of one graph; step i sees `contextStart + i * contextStride` tokens of context. */
export interface Phase {
  /** `prefill`, `decode`, `text-encoder`, `unet`, … */
  readonly name: string;
  readonly graph: Graph;
  readonly steps: number;
  readonly contextStart: number;
  readonly contextStride: number;
  /** Tokens (or images, frames) that one step hands to the user; 0 for phases that only prepare. */
  readonly outputsPerStep: number;
  /** Done by a cloud: no unit works on it, and its graph is empty. */
  readonly remote?: RemoteWork;
  /** Tensors that the application hands over and takes back in every step, in the application's own format. */
  readonly hostBytes?: Bytes;
  /** Operators of later phases whose weights this one writes anew: its results lie in memory for as long as those. */
  readonly rewrites?: readonly string[];
}

/** A prompt that goes up and the first token that comes back; or the rest of the answer, as it streams down. */
export type RemoteWork =
  | { readonly kind: 'exchange'; readonly bytes: Readonly<Record<Label, Bytes>> }
  | { readonly kind: 'answer'; readonly tokens: number };

/** What has to live in DRAM for a request, by purpose. */
export interface MemoryDemand {
  readonly weights: Bytes;
  readonly kvCache: Bytes;
  readonly activations: Bytes;
}

/** Launches that a pass merged away, and bytes that no longer go through memory. */
export interface FusionSaving {
  /** Name of the pass. */
  readonly fusion: string;
  readonly launches: number;
  readonly bytes: Bytes;
}

/** One ask of the user: phases run one after another, each step after the one before. */
export interface RequestPlan {
  readonly name: string;
  /** Requests of an equal model share its resident weights; the request's own name when absent. */
  readonly model?: string;
  readonly phases: readonly Phase[];
  readonly memory: MemoryDemand;
  /** What each pass of the graph compiler saved in one run of the graph; absent where no pass ran. */
  readonly savings?: readonly FusionSaving[];
  /** What of the workload is not modelled, one sentence each; shown with every result. */
  readonly notes?: readonly string[];
  /** Prompt and generated tokens where the request has any; reported as given. */
  readonly promptTokens: number;
  /** Of the prompt, what the cache holds already and nobody computes. */
  readonly cachedTokens?: number;
  readonly generatedTokens: number;
}

/** The work of operator class `index` at a context length. */
export function workAt(graph: Graph, index: number, context: number): Work {
  const work = graph.works[index] as StepWork;
  return typeof work === 'function' ? work(context) : work;
}
