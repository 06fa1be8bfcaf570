/**
 * Attention operators of ONNX Runtime for decoding, packed batches and block-sparse masks.
 *
 * Model    packed batches: pairs are the sum of squared lengths where those are constants, else as if all were equally long;
 *          block-sparse: pairs of the blocks that the mask names, its layouts dealt to heads in turn
 * Ignores  beams that share a cache, padding inside a block of the mask
 * Valid    as the operators themselves: one new token, bidirectional packed attention, causal block masks
 * Source   ONNX Runtime, docs/ContribOperators.md
 * Checked  test/unit/workload/onnx/decoder-attention.test.ts
 */
import { type AttentionShape, at, checkHeads, headCount } from './attention-view.ts';
import { inputAt, intOf, type NodeView, numbersOf } from './node-view.ts';

/** `com.microsoft.DecoderMaskedMultiHeadAttention`: one new token against a cache, or against keys of an encoder. */
export function decoderShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const key = view.inputs[1]?.dims;
  const headDim = at(query, 2) / (key ? heads : 3 * heads);
  checkHeads(view, headDim);
  const common = { batch: at(query, 0), heads, kvHeads: heads, queries: 1, headDim };
  const plain = { causal: false, headsFirst: false, window: 0 };
  // Keys by head are those of an encoder, and no cache grows.
  if (key?.length === 4) {
    const context = at(key, 2);
    const valueDim = at(view.inputs[2]?.dims ?? key, 3);
    return { ...common, ...plain, past: 0, context, capacity: context, valueDim };
  }
  const room = at(view.inputs[5]?.dims ?? [0, 0, 0], 2);
  const shared = intOf(view, 'past_present_share_buffer', 0) === 1;
  // Of a shared buffer without its length all is taken as filled up to the new token.
  const past = shared ? (view.inputs[7]?.data?.[0] ?? Math.max(0, room - 1)) : room;
  const value = view.inputs[2]?.dims;
  return {
    ...common,
    ...plain,
    past,
    context: past + 1,
    capacity: shared ? Math.max(room, past + 1) : past + 1,
    valueDim: value ? at(value, 2) / heads : headDim,
  };
}

/** `com.microsoft.PackedMultiHeadAttention`: query, key and value apart, or one behind another by head. */
export function packedMultiHeadShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const headDim = query.length === 4 ? at(query, 3) : at(query, 1) / heads;
  const value = view.inputs[2]?.dims;
  return packed(view, heads, headDim, value ? at(value, 1) / heads : headDim, 4);
}

/** `com.microsoft.PackedAttention`: projects its tokens by one packed weight first. */
export function packedTokensShape(view: NodeView): AttentionShape {
  const heads = headCount(view, 'num_heads');
  const width = at(inputAt(view, 1).dims, 1);
  const [hidden = width / 3, , valueHidden = width / 3] = numbersOf(view, 'qkv_hidden_sizes') ?? [];
  return packed(view, heads, hidden / heads, valueHidden / heads, 3);
}

/** @param offsets position of the [batch, sequence] tensor; the cumulated lengths follow it. */
function packed(
  view: NodeView,
  heads: number,
  headDim: number,
  valueDim: number,
  offsets: number,
): AttentionShape {
  checkHeads(view, headDim);
  const tokens = at(inputAt(view, 0).dims, 0);
  const batch = at(inputAt(view, offsets).dims, 0);
  const ends = view.inputs[offsets + 1]?.data;
  const pairs = ends
    ? ends.slice(1).reduce((sum, end, i) => sum + (end - (ends[i] as number)) ** 2, 0)
    : tokens ** 2 / batch;
  const mean = Math.ceil(tokens / batch);
  return {
    batch,
    heads,
    kvHeads: heads,
    queries: mean,
    past: 0,
    context: mean,
    capacity: mean,
    headDim,
    valueDim,
    causal: false,
    headsFirst: false,
    window: 0,
    visible: pairs / batch,
    tokens,
  };
}

/** `com.microsoft.SparseAttention`: causal, and only blocks of keys that a mask names. */
export function sparseShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const kvHeads = headCount(view, 'kv_num_heads');
  const headDim = at(query, 2) / (view.inputs[1] ? heads : heads + 2 * kvHeads);
  checkHeads(view, headDim);
  const queries = at(query, 1);
  const capacity = at(inputAt(view, 3).dims, 2);
  const context = view.inputs[7]?.data?.[0] ?? capacity;
  const past = context - queries;
  const visible = maskedPairs(view, past, context);
  return {
    batch: at(query, 0),
    heads,
    kvHeads,
    queries,
    past,
    context,
    capacity,
    headDim,
    valueDim: headDim,
    causal: true,
    headsFirst: false,
    window: 0,
    ...(visible === undefined ? {} : { visible }),
  };
}

/** Pairs of one head on average over the layouts of the mask; nothing where the mask is no constant. */
function maskedPairs(view: NodeView, past: number, context: number): number | undefined {
  const [rows, columns] = [view.inputs[5], view.inputs[6]];
  const block = intOf(view, 'sparse_block_size', 0);
  if (!rows?.data || !columns?.data || block === 0) return undefined;
  const [layouts, rowsEach, columnsEach] = [
    at(rows.dims, 0),
    at(rows.dims, 1),
    at(columns.dims, 1),
  ];
  let pairs = 0;
  for (let layout = 0; layout < layouts; layout++) {
    for (let token = past; token < context; token++) {
      const row = Math.floor(token / block);
      const [from = 0, to = 0] = rows.data.slice(
        layout * rowsEach + row,
        layout * rowsEach + row + 2,
      );
      for (let i = from; i < to; i++) {
        const column = columns.data[layout * columnsEach + i] as number;
        pairs += Math.max(0, Math.min(block, token + 1 - column * block));
      }
    }
  }
  return pairs / layouts;
}
