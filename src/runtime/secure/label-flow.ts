/**
 * How secrets flow through a graph: every result is as secret as all that it was computed from.
 *
 * Model    secrecy(result) = weights ∨ inputs ∨ cache, from the roots on; the cache is as secret as everything
 *          ever written to it, found by going round until nothing rises (labels only rise, so it ends)
 * Ignores  values that happen not to depend on a secret: a result is labelled by its inputs, not by its contents
 * Valid    graphs in topological order
 * Source   Denning, A lattice model of secure information flow, CACM 1976
 * Checked  test/unit/runtime/secure/label-flow.test.ts, test/property/secure.test.ts (monotone in every input)
 */
import { join, PUBLIC, type Secrecy } from '../../base/labels.ts';
import type { Work } from '../../base/work.ts';
import { type Graph, workAt } from '../../workload/graph.ts';

/** Secrecy of what a request starts from. */
export interface SourceLabels {
  readonly weights: Secrecy;
  /** Low-rank adapters: weights of operators whose name says so. */
  readonly adapters: Secrecy;
  readonly prompt: Secrecy;
  /** What the cache holds already. */
  readonly kv: Secrecy;
}

export interface FlowLabels {
  /** By operator: secrecy of its weights, of what it reads from other operators or the prompt, and of its result. */
  readonly weights: Uint8Array;
  readonly inputs: Uint8Array;
  readonly results: Uint8Array;
  readonly kv: Secrecy;
}

const ADAPTER = /(^|[._-])(lora|adapter)/i;

export function labelFlow(graph: Graph, context: number, sources: SourceLabels): FlowLabels {
  const count = graph.operators.length;
  const flow = {
    weights: new Uint8Array(count),
    inputs: new Uint8Array(count),
    results: new Uint8Array(count),
  };
  const works = graph.works.map((_, index) => workAt(graph, index, context));
  let kv = sources.kv;
  for (;;) {
    const risen = passOnce(graph, works, { ...sources, kv }, flow);
    if (risen === kv) return { ...flow, kv };
    kv = risen;
  }
}

/** Labels every result, given what the cache holds. @returns what it holds then. */
function passOnce(
  graph: Graph,
  works: readonly Work[],
  sources: SourceLabels,
  { weights, inputs, results }: Omit<FlowLabels, 'kv'>,
): Secrecy {
  let { kv } = sources;
  for (const [i, operator] of graph.operators.entries()) {
    const work = works[operator.work]!;
    const own = ADAPTER.test(operator.name) ? sources.adapters : sources.weights;
    weights[i] = work.weightBytes > 0 ? own : PUBLIC;
    inputs[i] = inputSecrecy(operator.inputs, results, sources.prompt);
    const cached = work.kvReadBytes > 0 ? sources.kv : PUBLIC;
    results[i] = join(join(weights[i]!, inputs[i]!), cached);
    if (work.kvWriteBytes > 0) kv = join(kv, results[i]!);
  }
  return kv;
}

function inputSecrecy(inputs: readonly number[], results: Uint8Array, prompt: Secrecy): Secrecy {
  if (inputs.length === 0) return prompt;
  return inputs.reduce((all, input) => join(all, results[input]!), PUBLIC);
}
