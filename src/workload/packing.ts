/**
 * Weights that are stored smaller than their number format: compressed, and pruned.
 *
 * Model    compression: stored bytes = bytes ÷ ratio; only a unit with a decompressor reads them, at most as fast as that unpacks
 *          2:4: half of the elements and a 2-bit place for each; unstructured: the elements left and one bit for each place.
 *          Whether the arithmetic of zeros is left out is the unit's: matrix engines with a path for 2:4, no others
 * Ignores  differences of the ratio between tensors, scales of groups that are all zero, putting zeros back on the way to
 *          engines that multiply them, a second, plain copy of an embedding table that is the head's weights too
 * Valid    lossless compression of stored formats; INT4 weights are nearly random: ratios far above 1.1 need a source
 * Source   2:4: NVIDIA A100 white paper (values and 2-bit metadata); bit masks: Han et al., Deep Compression, ICLR 2016
 * Checked  test/unit/workload/packing.test.ts, test/unit/workload/llm-techniques.test.ts, test/property/techniques.test.ts
 */
import { type CrossFault, z } from '../base/schema.ts';
import { DTYPE_BITS, type Work } from '../base/work.ts';
import { valueAt } from './family.ts';
import { type Graph, type RequestPlan, type StepWork, workAt } from './graph.ts';

/** Keys of `techniques:` that say how weights are stored; language models, image generators and ONNX models take them. */
export const packingShape = {
  /** What a unit's decompressor unpacks on the way from memory; units without one cannot read such weights. */
  compression: z
    .strictObject({
      /** Plain bytes over stored ones. */
      ratio: z.number().min(1).max(16),
    })
    .optional(),
  pruning: z
    .strictObject({
      /** Engines with a path for `2:4` leave out the arithmetic of zeros; the other pattern saves bytes alone. */
      pattern: z.enum(['2:4', 'unstructured']),
      /** Share of zeros of the unstructured pattern. */
      sparsity: z.number().gt(0).lt(1).default(0.5),
    })
    .optional(),
};

export const packingSpec = z.strictObject(packingShape);

export interface Pruning {
  readonly pattern: '2:4' | 'unstructured';
  /** Share of zeros. */
  readonly sparsity: number;
}

export interface Packing {
  readonly compression?: { readonly ratio: number } | undefined;
  readonly pruning?: Pruning | undefined;
}

/** Two of four is a share of its own. */
export function checkPacking(data: unknown): CrossFault[] {
  const pruning = valueAt(valueAt(data, 'techniques'), 'pruning');
  const sparsity = valueAt(pruning, 'sparsity');
  if (valueAt(pruning, 'pattern') !== '2:4' || sparsity === undefined) return [];
  return [
    {
      path: ['techniques', 'pruning', 'sparsity'],
      message: 'has no effect with 2:4, which leaves two of four elements',
      expected: 'no sparsity, or pattern: unstructured',
      got: String(sparsity),
    },
  ];
}

/** 2-bit index of each kept element within its group of four. */
const PLACE_BITS = 2;

/** Stored bytes of a pruned tensor over those of the whole one. */
export function storedShare({ pattern, sparsity }: Pruning, bits: number): number {
  const kept = pattern === '2:4' ? 0.5 : 1 - sparsity;
  const index = pattern === '2:4' ? kept * PLACE_BITS : 1;
  return (kept * bits + index) / bits;
}

/** Weights of products and convolutions; vectors and tables that are looked up row by row stay plain. */
export function packWork(work: Work, { compression, pruning }: Packing): Work {
  const product = work.form.kind === 'matmul' || work.form.kind === 'conv';
  if (!product || work.weightBytes === 0) return work;
  const pruned = pruning ? prune(work, pruning) : work;
  if (!compression) return pruned;
  const { ratio } = compression;
  return { ...pruned, weightBytes: pruned.weightBytes / ratio, compression: ratio };
}

function prune(work: Work, pruning: Pruning): Work {
  const weightBytes = work.weightBytes * storedShare(pruning, DTYPE_BITS[work.weightDType]);
  return { ...work, weightBytes, ...(pruning.pattern === '2:4' && { pruned24: true }) };
}

export function packGraph(graph: Graph, packing: Packing): Graph {
  const works = graph.works.map(
    (work): StepWork =>
      typeof work === 'function'
        ? (context) => packWork(work(context), packing)
        : packWork(work, packing),
  );
  return { ...graph, works };
}

/** A request whose weights all lie packed, in memory as on their way. */
export function packPlan(plan: RequestPlan, packing: Packing | undefined): RequestPlan {
  if (!packing?.compression && !packing?.pruning) return plan;
  const phases = plan.phases.map((phase) => ({ ...phase, graph: packGraph(phase.graph, packing) }));
  const bytes = (all: RequestPlan['phases']) =>
    all.reduce((sum, { graph, contextStart }) => sum + weightBytes(graph, contextStart), 0);
  const plain = bytes(plan.phases);
  const share = plain > 0 ? bytes(phases) / plain : 1;
  return { ...plan, phases, memory: { ...plan.memory, weights: plan.memory.weights * share } };
}

function weightBytes(graph: Graph, context: number): number {
  return graph.operators.reduce(
    (sum, { work }) => sum + workAt(graph, work, context).weightBytes,
    0,
  );
}
