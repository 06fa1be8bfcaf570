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
  /** Operators whose weights an adapter was merged into before. */
  readonly merged?: ReadonlySet<string>;
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

/** Whether some of its weights are an adapter's. */
export function hasAdapters({ operators }: Graph): boolean {
  return operators.some(({ name }) => ADAPTER.test(name));
}

export function labelFlow(graph: Graph, context: number, sources: SourceLabels): FlowLabels {
  const { operators } = graph;
  const works = graph.works.map((_, index) => workAt(graph, index, context));
  const weights = new Uint8Array(operators.length);
  for (let i = 0; i < weights.length; i++) {
    const { name, work } = operators[i]!;
    const { weightBytes, storageBytes = 0 } = works[work]!;
    if (weightBytes > 0 || storageBytes > 0) weights[i] = weightsOf(name, sources);
  }
  const flow = {
    weights,
    inputs: new Uint8Array(operators.length),
    results: new Uint8Array(operators.length),
  };
  let { kv } = sources;
  for (;;) {
    const risen = passOnce(graph, works, { ...sources, kv }, flow);
    if (risen === kv) return { ...flow, kv };
    kv = risen;
  }
}

function weightsOf(name: string, { weights, adapters, merged }: SourceLabels): Secrecy {
  // Parts of a divided operator have its name and their columns.
  if (merged && merged.size > 0 && merged.has(name.split(' ', 1)[0]!))
    return join(weights, adapters);
  return adapters !== weights && ADAPTER.test(name) ? adapters : weights;
}

/** Labels every result, given what the cache holds. @returns what it holds then. */
function passOnce(
  { operators }: Graph,
  works: readonly Work[],
  sources: SourceLabels,
  { weights, inputs, results }: Omit<FlowLabels, 'kv'>,
): Secrecy {
  let { kv } = sources;
  for (let i = 0; i < operators.length; i++) {
    const operator = operators[i]!;
    const work = works[operator.work]!;
    // What the drive brings is there before anybody has asked for anything.
    const loads = (work.storageBytes ?? 0) > 0 && work.inputBytes === 0;
    let all: Secrecy = operator.inputs.length === 0 && !loads ? sources.prompt : PUBLIC;
    const from = operator.inputs;
    for (let k = 0; k < from.length; k++) all = join(all, results[from[k]!]!);
    inputs[i] = all;
    const cached = work.kvReadBytes > 0 ? sources.kv : PUBLIC;
    results[i] = join(join(weights[i]!, all), cached);
    if (work.kvWriteBytes > 0) kv = join(kv, results[i]!);
  }
  return kv;
}
