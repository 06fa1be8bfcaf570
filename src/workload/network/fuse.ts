/**
 * Element-wise operators merged into what they follow, as graph compilers of phones do.
 *
 * Model    a sum, product or activation runs inside the convolution, product or norm whose only reader it is:
 *          the tensor between the two is neither written nor read; arithmetic and weights stay
 * Ignores  limits of real compilers on chain length and operand layout
 * Valid    operators whose work does not depend on the context
 * Source   usual behaviour of QNN, NeuroPilot and Core ML compilers
 * Checked  test/unit/workload/network/fuse.test.ts
 */
import { bytesOf, type Work } from '../../base/work.ts';
import type { Graph, Operator, StepWork } from '../graph.ts';
import { openGraph } from '../graph-builder.ts';

const ELEMENTWISE: readonly string[] = [
  'Add',
  'Mul',
  'Swish',
  'Gelu',
  'QuickGelu',
  'Relu',
  'HardSwish',
];

interface Draft {
  readonly name: string;
  readonly work: StepWork;
  /** Indices in the graph as given. */
  readonly inputs: readonly number[];
}

/** The same network with fewer operators; order stays, a merged operator stands where its last part stood. */
export function fuseElementwise(graph: Graph): Graph {
  const readers = countReaders(graph.operators);
  const drafts: (Draft | undefined)[] = [];
  for (const operator of graph.operators) {
    let draft: Draft = { ...operator, work: graph.works[operator.work] as StepWork };
    // What has moved into an element-wise host may move on with it.
    for (
      let host = hostOf(draft, drafts, readers);
      host !== undefined;
      host = hostOf(draft, drafts, readers)
    ) {
      const shared = sharedInputs(drafts[host] as Draft, draft);
      draft = merge(drafts[host] as Draft, draft, host, tensorBytes(shared, drafts));
      drafts[host] = undefined;
      // One operator reads them now where two did.
      for (const input of shared) readers[input] = (readers[input] ?? 0) - 1;
    }
    drafts.push(draft);
  }
  return rebuild(graph.name, drafts);
}

function countReaders(operators: readonly Operator[]): Int32Array {
  const readers = new Int32Array(operators.length);
  for (const { inputs } of operators)
    for (const input of new Set(inputs)) readers[input] = (readers[input] ?? 0) + 1;
  return readers;
}

/** An input that nothing else reads and that has the size of the result: a product if there is one, the latest of them. */
function hostOf(
  { work, inputs }: Draft,
  drafts: readonly (Draft | undefined)[],
  readers: Int32Array,
): number | undefined {
  if (typeof work === 'function' || work.form.kind !== 'vector') return undefined;
  if (!ELEMENTWISE.includes(work.operator)) return undefined;
  const size = bytesOf(work.form.elements, work.activationDType);
  const hosts = [...inputs]
    .sort((a, b) => b - a)
    .filter((input) => readers[input] === 1 && canHost(drafts[input], size));
  return hosts.find((host) => !isVector(drafts[host])) ?? hosts[0];
}

function isVector(draft: Draft | undefined): boolean {
  return typeof draft?.work === 'object' && draft.work.form.kind === 'vector';
}

function canHost(draft: Draft | undefined, size: number): boolean {
  if (!draft || typeof draft.work === 'function') return false;
  const { form, outputBytes } = draft.work;
  return form.kind !== 'attention' && form.kind !== 'move' && outputBytes === size;
}

function sharedInputs(host: Draft, guest: Draft): readonly number[] {
  return guest.inputs.filter((input) => host.inputs.includes(input));
}

function tensorBytes(indices: readonly number[], drafts: readonly (Draft | undefined)[]): number {
  return indices.reduce((sum, index) => {
    const work = drafts[index]?.work;
    return sum + (typeof work === 'object' ? work.outputBytes : 0);
  }, 0);
}

/** `index` is where the host stands; `shared` are bytes that both read, and the two together read once. */
function merge(host: Draft, guest: Draft, index: number, shared: number): Draft {
  const first = host.work as Work;
  const second = guest.work as Work;
  return {
    name: host.name,
    inputs: [...new Set([...host.inputs, ...guest.inputs.filter((input) => input !== index)])],
    work: {
      ...first,
      vectorOps: first.vectorOps + second.vectorOps,
      weightBytes: first.weightBytes + second.weightBytes,
      // What the guest reads besides the host's result, which now stays inside.
      inputBytes: first.inputBytes + Math.max(0, second.inputBytes - first.outputBytes - shared),
      outputBytes: second.outputBytes,
    },
  };
}

function rebuild(name: string, drafts: readonly (Draft | undefined)[]): Graph {
  const graph = openGraph(name);
  const places = new Map<number, number>();
  drafts.forEach((draft, index) => {
    if (!draft) return;
    const inputs = draft.inputs.map((input) => places.get(input) as number);
    places.set(index, graph.add(draft.name, draft.work, inputs));
  });
  return graph.build();
}
