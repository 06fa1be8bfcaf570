/**
 * Attention operators of ONNX Runtime for decoding, packed batches and block-sparse masks.
 *
 * Model    packed batches: pairs are the sum of squared lengths where those are constants, else as if all were equally long;
 *          block-sparse: pairs of the blocks that the mask names (block-mask.ts)
 * Ignores  beams that share a cache, padding inside a block of the mask
 * Valid    as the operators themselves: one new token, bidirectional packed attention, causal block masks
 * Source   ONNX Runtime, docs/ContribOperators.md
 * Checked  test/unit/workload/onnx/decoder-attention.test.ts, test/unit/workload/onnx/decoder-attention-faults.test.ts
 */
import { type AttentionShape, at, checkHeads, headCount, inputFault } from './attention-view.ts';
import { listed, maskedPairs } from './block-mask.ts';
import { inputAt, intOf, type NodeView, numbersOf, shapeFault } from './node-view.ts';

/** `com.microsoft.DecoderMaskedMultiHeadAttention`: one new token against a cache, or against keys of an encoder. */
export function decoderShape(view: NodeView): AttentionShape {
  const query = inputAt(view, 0).dims;
  const heads = headCount(view, 'num_heads');
  const key = view.inputs[1]?.dims;
  const headDim = at(query, 2) / (key ? heads : 3 * heads);
  checkHeads(view, headDim);
  if (at(query, 1) !== 1) {
    const tokens = `${at(query, 1)} tokens`;
    throw inputFault(view, 0, 'the operator decodes token by token', '1 token', tokens);
  }
  const common = { batch: at(query, 0), heads, kvHeads: heads, queries: 1, headDim };
  const plain = { causal: false, headsFirst: false, window: 0 };
  // Keys by head are those of an encoder, and no cache grows.
  if (key?.length === 4) {
    const context = at(key, 2);
    if (context < 1) throw inputFault(view, 1, 'nothing to attend to', '1 token at least', '0');
    const valueDim = at(view.inputs[2]?.dims ?? key, 3);
    return { ...common, ...plain, past: 0, context, capacity: context, valueDim };
  }
  const room = at(view.inputs[5]?.dims ?? [0, 0, 0], 2);
  const shared = intOf(view, 'past_present_share_buffer', 0) === 1;
  // Of a shared buffer without its length all is taken as filled up to the new token.
  const most = Math.max(0, room - 1);
  const past = shared ? (view.inputs[7]?.data?.[0] ?? most) : room;
  if (shared && !within(past, 0, most)) {
    const expected = `0 to ${most}: the buffer has room for ${room}, the new one among them`;
    throw inputFault(view, 7, 'past tokens do not fit their buffer', expected, String(past));
  }
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

const within = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

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
  const [batch, longest] = [0, 1].map((i) => at(inputAt(view, offsets).dims, i)) as [
    number,
    number,
  ];
  if (!within(tokens, 1, batch * longest)) {
    const expected = '[batch, length] with room for all tokens of input 0, 1 at least';
    const got = `[${batch}, ${longest}] for ${tokens}`;
    throw inputFault(view, offsets, 'the batch does not hold its tokens', expected, got);
  }
  const ends = endsOf(view, offsets + 1, { tokens, batch, longest });
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

/** Where each sequence ends, if that is known. @throws SpecError where no such batch is. */
function endsOf(
  view: NodeView,
  input: number,
  { tokens, batch, longest }: Readonly<Record<'tokens' | 'batch' | 'longest', number>>,
): readonly number[] | undefined {
  const ends = view.inputs[input]?.data;
  if (!ends) return undefined;
  const lengths = ends.slice(1).map((end, i) => end - (ends[i] as number));
  const fit = lengths.length === batch && lengths.every((length) => within(length, 0, longest));
  if (fit && ends[0] === 0 && ends.at(-1) === tokens) return ends;
  const expected = `${batch + 1} numbers that ascend from 0 to ${tokens}, by ${longest} at most`;
  throw inputFault(view, input, 'cumulated lengths do not fit the tokens', expected, listed(ends));
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
  if (heads % kvHeads !== 0) {
    throw shapeFault(
      'num_heads is not a multiple of kv_num_heads',
      undefined,
      `${heads}, ${kvHeads}`,
    );
  }
  if (queries < 1) throw inputFault(view, 0, 'no token attends', '1 token at least', '0');
  if (!within(context, queries, capacity)) {
    const expected = `${queries} to ${capacity}: the new tokens at least, no more than the cache holds`;
    throw inputFault(view, 7, 'total length does not fit', expected, String(context));
  }
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
