/**
 * Low-rank adapters: a skill that a few per cent of further weights add to a model.
 *
 * Model    resident: two thin products (rank × inputs, outputs × rank) beside each target in every step;
 *          swapped: the same, and the adapter is read from storage before the request;
 *          merged: nothing in the steps, but every target matrix is read, changed and written once before the request,
 *          each with its part of the adapter, which the drive brings as it does for a swap
 * Ignores  the requantisation that merging into integer weights needs beyond its bytes; the room that a part of an adapter
 *          takes until it is merged; taking it out again before the next request
 * Valid    rank below the width of the model
 * Source   Hu et al., LoRA (arXiv 2106.09685); adapters kept in FP16
 * Checked  test/unit/workload/llm-techniques.test.ts
 */
import { bytesOf, type Work } from '../../../base/work.ts';
import type { Graph, Operator, Phase, StepWork } from '../../graph.ts';
import { openGraph } from '../../graph-builder.ts';
import { DRAFT } from './speculative.ts';

export interface Lora {
  readonly rank: number;
  /** Projections with an adapter, by the last word of their operators' names. */
  readonly targets: readonly string[];
  readonly mode: 'resident' | 'swap' | 'merge';
}

/** Fused projections carry the adapters of their parts. */
const FUSED: Readonly<Record<string, readonly string[]>> = {
  qkv: ['q', 'k', 'v'],
  gate_up: ['gate', 'up'],
};

function isTarget(name: string, { targets }: Lora): boolean {
  const last = name.split('.').at(-1) as string;
  return targets.includes(last) || (FUSED[last] ?? []).some((part) => targets.includes(part));
}

type Product = Work & {
  readonly form: {
    readonly kind: 'matmul';
    readonly m: number;
    readonly n: number;
    readonly k: number;
  };
};

function asProduct(work: StepWork | undefined): Product | undefined {
  if (work === undefined || typeof work === 'function') return undefined;
  return work.form.kind === 'matmul' && work.weightBytes > 0 ? (work as Product) : undefined;
}

/** The graph with two thin products beside each target of the model, not of a draft; whoever read the target reads the last of them. */
export function withAdapters(graph: Graph, lora: Lora): Graph {
  if (lora.mode === 'merge') return graph;
  const works: StepWork[] = [...graph.works];
  const operators: Operator[] = [];
  const place: number[] = [];
  const thin = new Map<number, readonly [number, number]>();
  for (const operator of graph.operators) {
    const inputs = operator.inputs.map((input) => place[input]!);
    let index = operators.push({ ...operator, inputs }) - 1;
    const product = asProduct(graph.works[operator.work]);
    if (product && isTarget(operator.name, lora) && !operator.name.startsWith(DRAFT)) {
      const [down, up] = thin.get(operator.work) ?? addThin(works, product, lora.rank);
      thin.set(operator.work, [down, up]);
      const narrow = operators.push({ name: `${operator.name}.lora_down`, work: down, inputs }) - 1;
      index =
        operators.push({ name: `${operator.name}.lora_up`, work: up, inputs: [narrow, index] }) - 1;
    }
    place.push(index);
  }
  return { ...graph, operators, works };
}

function addThin(works: StepWork[], product: Product, rank: number): readonly [number, number] {
  const { m, n, k } = product.form;
  const down = works.push(thinWork(product, m, rank, k)) - 1;
  const up = works.push({ ...thinWork(product, m, n, rank), vectorOps: m * n }) - 1;
  return [down, up];
}

/** Adapters are neither pruned nor compressed, whatever they stand beside. */
function thinWork(like: Work, m: number, n: number, k: number): Work {
  const { compression: _, pruned24: __, ...plain } = like;
  const { activationDType } = like;
  return {
    ...plain,
    form: { kind: 'matmul', batch: 1, m, n, k },
    macs: m * n * k,
    vectorOps: 0,
    weightDType: 'fp16',
    weightBytes: bytesOf(n * k, 'fp16'),
    inputBytes: bytesOf(m * k, activationDType),
    outputBytes: bytesOf(m * n, activationDType),
  };
}

/** Bytes of the adapters of all targets. */
export function adapterBytes(graph: Graph, lora: Lora): number {
  return graph.operators.reduce((sum, { name, work }) => {
    const product = asProduct(graph.works[work]);
    if (!product || !isTarget(name, lora)) return sum;
    return sum + bytesOf(lora.rank * (product.form.n + product.form.k), 'fp16');
  }, 0);
}

/** What a request pays before its prefill for having its skill. */
export function adapterPhase(graph: Graph, lora: Lora): Phase[] {
  if (lora.mode === 'resident') return [];
  const builder = openGraph(`${graph.name}/lora`);
  const phase = { name: 'adapter', steps: 1, contextStart: 0, contextStride: 0, outputsPerStep: 0 };
  if (lora.mode === 'swap') {
    builder.add('lora.load', loadWork(adapterBytes(graph, lora)));
    return [{ ...phase, graph: builder.build() }];
  }
  const targets = graph.operators.filter(
    ({ name, work }) => asProduct(graph.works[work]) && isTarget(name, lora),
  );
  for (const { name, work } of targets) {
    builder.add(`${name}.merge`, mergeWork(asProduct(graph.works[work])!, lora.rank));
  }
  return [{ ...phase, graph: builder.build(), rewrites: targets.map(({ name }) => name) }];
}

const MOVE: Work = {
  operator: 'Load',
  form: { kind: 'move' },
  macs: 0,
  vectorOps: 0,
  weightDType: 'fp16',
  activationDType: 'fp16',
  weightBytes: 0,
  inputBytes: 0,
  outputBytes: 0,
  kvReadBytes: 0,
  kvWriteBytes: 0,
};

/** Storage into memory. */
function loadWork(bytes: number): Work {
  return { ...MOVE, storageBytes: bytes, outputBytes: bytes };
}

/** W + B·A, read and written in place, once A and B have come. */
function mergeWork(product: Product, rank: number): Work {
  const { n, k } = product.form;
  const adapter = bytesOf(rank * (n + k), 'fp16');
  return {
    ...product,
    form: { kind: 'matmul', batch: 1, m: n, n: k, k: rank },
    macs: n * k * rank,
    vectorOps: n * k,
    weightDType: 'fp16',
    weightBytes: adapter,
    storageBytes: adapter,
    inputBytes: product.weightBytes,
    outputBytes: product.weightBytes,
  };
}
