/**
 * Closed-form work of attention operators.
 *
 * Model    MACs = heads × attended pairs × (key width + value width); softmax is five steps per pair
 * Ignores  masks given as tensors: every pair they cover is still worked out, as kernels do
 * Valid    causal halves and sliding windows are left out of the count
 * Source   ONNX and ONNX Runtime operator documents
 * Checked  test/unit/workload/onnx/cost.test.ts
 */
import { OPS_PER_ELEMENT, visiblePairs } from '../../operator-cost.ts';
import { ATTENTION, PROJECTING } from '../attention-shape.ts';
import type { AttentionShape } from '../attention-view.ts';
import { elementsOf, tensorBytes } from '../element-type.ts';
import { inputAt, intOf } from '../node-view.ts';
import { bytesOfValue, type Cost, type Coster, type CostView } from './coster.ts';

function attend(view: CostView, shape: AttentionShape): Cost {
  const windowed = shape.window > 0 && shape.window < shape.context;
  const masked = windowed || shape.visible !== undefined;
  const visible = visibleOf(shape, windowed);
  const pairs = visible * shape.batch * shape.heads;
  return {
    form: {
      kind: 'attention',
      batch: shape.batch,
      heads: shape.heads,
      kvHeads: shape.kvHeads,
      queries: shape.queries,
      // Where a window or mask bites the form shows the average reach of a query, so that form and `macs` agree.
      context: masked ? Math.ceil(visible / shape.queries) : shape.context,
      headDim: shape.headDim,
      valueDim: shape.valueDim,
      causal: shape.causal && !masked,
    },
    macs: pairs * (shape.headDim + shape.valueDim),
    vectorOps: pairs * OPS_PER_ELEMENT.softmax + rotarySteps(view, shape),
    ...(TABLES[view.key] && { weightBytes: tableRows(view, TABLES[view.key]!, shape.queries) }),
    ...traffic(view, shape),
  };
}

function visibleOf({ visible, window, ...shape }: AttentionShape, windowed: boolean): number {
  return visible ?? visiblePairs(windowed ? { ...shape, window } : shape);
}

/** Positions of cosine and sine. */
const TABLES: Readonly<Record<string, readonly number[]>> = {
  'com.microsoft.GroupQueryAttention': [7, 8],
  'com.microsoft.SparseAttention': [9, 10],
};

/** Of a cosine and a sine table only the rows of the new positions are read. */
function tableRows(view: CostView, positions: readonly number[], rows: number): number {
  return positions.reduce((sum, position) => {
    const table = view.inputs[position];
    if (!table?.constant) return sum;
    return sum + bytesOfValue(table) * Math.min(1, rows / (table.dims[0] ?? 1));
  }, 0);
}

function rotarySteps(view: CostView, shape: AttentionShape): number {
  if (intOf(view, 'do_rotary', 0) !== 1) return 0;
  const tokens = shape.batch * shape.queries;
  return OPS_PER_ELEMENT.rotary * tokens * shape.headDim * (shape.heads + shape.kvHeads);
}

/** Positions of past key and past value, which are cache, not activation. */
const PAST: Readonly<Record<string, readonly number[]>> = {
  Attention: [4, 5],
  'com.microsoft.Attention': [4],
  'com.microsoft.QAttention': [8],
  'com.microsoft.MultiHeadAttention': [6, 7],
  'com.microsoft.GroupQueryAttention': [3, 4],
  'com.microsoft.DecoderMaskedMultiHeadAttention': [5, 6],
  'com.microsoft.SparseAttention': [3, 4],
};

/** The cache is read up to the context and grows by the new tokens, even where the tensor is a larger buffer. */
function traffic(view: CostView, shape: AttentionShape): Partial<Cost> {
  const past = PAST[view.key] ?? [];
  const type = view.inputs[past[0] ?? -1]?.type ?? view.outputs[1]?.type;
  const activations = new Set(
    view.inputs.filter((value, i) => !value?.constant && !past.includes(i)),
  );
  const inputBytes = [...activations].reduce((sum, value) => sum + bytesOfValue(value), 0);
  const outputBytes = bytesOfValue(view.outputs[0]);
  const cached = view.outputs.length > 1 || past.some((i) => view.inputs[i]);
  if (!type || !cached) return { inputBytes, outputBytes };
  const row = shape.batch * shape.kvHeads * (shape.headDim + shape.valueDim);
  const reach = cachedReach(shape);
  return {
    inputBytes,
    outputBytes,
    kvReadBytes: tensorBytes([row * reach], type),
    kvWriteBytes: tensorBytes([row * (shape.context - shape.past)], type),
  };
}

/** Cached tokens that are read: what a window reaches, or the share of them that a mask leaves. */
function cachedReach(shape: AttentionShape): number {
  const { past, window, visible } = shape;
  if (visible !== undefined)
    return (past * visible) / visibleOf({ ...shape, visible: undefined }, false);
  return window > 0 ? Math.min(past, window - 1) : past;
}

/** `com.microsoft.Attention` projects first: one product with the packed weight. */
function attendPacked(view: CostView, shape: AttentionShape): Cost {
  const cost = attend(view, shape);
  const projection =
    elementsOf(inputAt(view, 0).dims.slice(0, -1)) * elementsOf(inputAt(view, 1).dims);
  return { ...cost, macs: (cost.macs ?? 0) + projection };
}

/** Tables are [positions, half the rotated width]; the standard operator may get them already picked. */
function rotary(tables: readonly number[]): Coster {
  return (view) => {
    const x = inputAt(view, 0).dims;
    const elements = elementsOf(x);
    const tokens = x.at(-2) ?? 1;
    return {
      form: { kind: 'vector', elements, passes: 1 },
      vectorOps: elements * OPS_PER_ELEMENT.rotary,
      weightBytes: tableRows(view, tables, tokens),
    };
  };
}

const costers = Object.entries(ATTENTION).map(([key, read]): [string, Coster] => {
  return [
    key,
    PROJECTING.has(key)
      ? (view) => attendPacked(view, read(view))
      : (view) => attend(view, read(view)),
  ];
});

export const attentions: Readonly<Record<string, Coster>> = {
  ...Object.fromEntries(costers),
  RotaryEmbedding: rotary([1, 2]),
  'com.microsoft.RotaryEmbedding': rotary([2, 3]),
};
