/** Heads, tokens and context of the attention operators, whichever layout their inputs use. */
import { type AttentionShape, at, checkHeads, headCount } from './attention-view.ts';
import {
  decoderShape,
  packedMultiHeadShape,
  packedTokensShape,
  sparseShape,
} from './decoder-attention-shape.ts';
import { formatDims, inputAt, intOf, type NodeView, numbersOf, shapeFault } from './node-view.ts';

/** `com.microsoft.GroupQueryAttention`: always causal; query may carry key and value behind it. */
function groupQueryShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const kvHeads = headCount(view, 'kv_num_heads');
  const packed = view.inputs[1] === undefined;
  const headDim = at(query, 2) / (packed ? heads + 2 * kvHeads : heads);
  checkHeads(view, headDim);
  const pastDims = view.inputs[3]?.dims;
  const buffer = pastDims ? at(pastDims, 2) : 0;
  const total = view.inputs[6]?.data?.[0];
  const queries = at(query, 1);
  // A cache that is not shared grows by the new tokens; the total says otherwise where it is known.
  const context = total ?? buffer + queries;
  return {
    batch: at(query, 0),
    heads,
    kvHeads,
    queries,
    past: context - queries,
    context,
    capacity: Math.max(buffer, context),
    headDim,
    valueDim: headDim,
    causal: true,
    headsFirst: false,
    window: Math.max(0, intOf(view, 'local_window_size', 0)),
  };
}

/** `com.microsoft.MultiHeadAttention`: separate, packed, or already split key and value. */
function multiHeadShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const key = view.inputs[1]?.dims;
  const value = view.inputs[2]?.dims;
  const headDim = query.length === 5 ? at(query, 4) : at(query, 2) / heads;
  checkHeads(view, headDim);
  const fresh = freshTokens(query, key);
  const pastDims = view.inputs[6]?.dims;
  const past = pastDims ? at(pastDims, 2) : 0;
  return {
    batch: at(query, 0),
    heads,
    kvHeads: heads,
    queries: at(query, 1),
    past,
    context: past + fresh,
    capacity: past + fresh,
    headDim,
    valueDim: valueWidth(value, heads) ?? headDim,
    causal: intOf(view, 'unidirectional', 0) === 1,
    headsFirst: false,
    window: 0,
  };
}

/** Key is [batch, tokens, width], [batch, tokens, heads, 2, width] or, in cross-attention, [batch, heads, tokens, width]. */
function freshTokens(query: readonly number[], key: readonly number[] | undefined): number {
  if (!key) return at(query, 1);
  return key.length === 4 ? at(key, 2) : at(key, 1);
}

function valueWidth(value: readonly number[] | undefined, heads: number): number | undefined {
  if (!value) return undefined;
  return value.length === 4 ? at(value, 3) : at(value, 2) / heads;
}

/** `com.microsoft.Attention`: projects its input by one packed weight first. */
function packedAttentionShape(view: NodeView): AttentionShape {
  const input = inputAt(view, 0).dims;
  const weight = inputAt(view, 1).dims;
  const heads = headCount(view, 'num_heads');
  const sizes = numbersOf(view, 'qkv_hidden_sizes');
  const width = sizes ? at(sizes, 0) : at(weight, 1) / 3;
  if (at(weight, 0) !== input.at(-1)) {
    throw shapeFault(
      'inner dimensions differ',
      `${input.at(-1)} rows`,
      `weights${formatDims(weight)}`,
    );
  }
  checkHeads(view, width / heads);
  const pastDims = view.inputs[4]?.dims;
  const past = pastDims ? at(pastDims, 3) : 0;
  const queries = at(input, 1);
  return {
    batch: at(input, 0),
    heads,
    kvHeads: heads,
    queries,
    past,
    context: past + queries,
    capacity: past + queries,
    headDim: width / heads,
    valueDim: (sizes ? at(sizes, 2) : width) / heads,
    causal: intOf(view, 'unidirectional', 0) === 1,
    headsFirst: false,
    window: 0,
  };
}

/** The standard `Attention` of opset 23: three or four dimensions per input. */
function standardShape(view: NodeView): AttentionShape {
  const [query, key, value] = [0, 1, 2].map((i) => inputAt(view, i).dims) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  const headsFirst = query.length === 4;
  const heads = headsFirst ? at(query, 1) : headCount(view, 'q_num_heads');
  const kvHeads = headsFirst ? at(key, 1) : headCount(view, 'kv_num_heads');
  const tokens = headsFirst ? 2 : 1;
  const past = at(view.inputs[4]?.dims ?? [0, 0, 0], 2);
  const headDim = headsFirst ? at(query, 3) : at(query, 2) / heads;
  checkHeads(view, headDim);
  const context = past + at(key, tokens);
  return {
    batch: at(query, 0),
    heads,
    kvHeads,
    queries: at(query, tokens),
    past,
    context,
    capacity: context,
    headDim,
    valueDim: headsFirst ? at(value, 3) : at(value, 2) / kvHeads,
    causal: intOf(view, 'is_causal', 0) === 1,
    headsFirst,
    window: 0,
  };
}

/** Operators that attend, with how to read their shape. */
export const ATTENTION: Readonly<Record<string, (view: NodeView) => AttentionShape>> = {
  Attention: standardShape,
  'com.microsoft.Attention': packedAttentionShape,
  'com.microsoft.QAttention': packedAttentionShape,
  'com.microsoft.MultiHeadAttention': multiHeadShape,
  'com.microsoft.GroupQueryAttention': groupQueryShape,
  'com.microsoft.DecoderMaskedMultiHeadAttention': decoderShape,
  'com.microsoft.PackedAttention': packedTokensShape,
  'com.microsoft.PackedMultiHeadAttention': packedMultiHeadShape,
  'com.microsoft.SparseAttention': sparseShape,
};

/** Those that project their input by one packed weight first. */
export const PROJECTING: ReadonlySet<string> = new Set([
  'com.microsoft.Attention',
  'com.microsoft.QAttention',
  'com.microsoft.PackedAttention',
]);
