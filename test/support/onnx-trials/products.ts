/** Random products, recurrent layers and the operators of transformers. */
import fc from 'fast-check';
import { type BuiltTensor, INT8, UINT8 } from '../onnx-builder.ts';
import { bytes, type Trial, weight } from '../onnx-trial.ts';
import { flag, shape, size, small } from './sizes.ts';

const matMul = fc.tuple(shape(0, 2), shape(0, 2), size, size, size, flag).map(
  ([a, b, m, k, n, vector]): Trial => ({
    op: 'MatMul',
    inputs: [[...a, m, k], vector ? [k] : [...b, k, n]],
  }),
);
const recurrent = fc
  .tuple(
    size,
    small,
    size,
    size,
    fc.constantFrom('forward', 'reverse', 'bidirectional'),
    fc.constantFrom('LSTM', 'GRU', 'RNN'),
  )
  .map(([steps, batch, inputs, hidden, direction, op]): Trial => {
    const gates = op === 'LSTM' ? 4 : op === 'GRU' ? 3 : 1;
    const directions = direction === 'bidirectional' ? 2 : 1;
    return {
      op,
      inputs: [
        [steps, batch, inputs],
        weight([directions, gates * hidden, inputs]),
        weight([directions, gates * hidden, hidden]),
      ],
      outputs: op === 'LSTM' ? 3 : 2,
      attributes: { hidden_size: hidden, direction },
    };
  });
const einsum = fc
  .tuple(
    size,
    size,
    size,
    size,
    fc.constantFrom('bij,bjk->bik', 'bij,bjk', 'bij,bkj->bik', 'bij,bjk->ki'),
  )
  .map(
    ([b, i, j, k, equation]): Trial => ({
      op: 'Einsum',
      inputs: [[b, i, j], equation.includes('bkj') ? [b, k, j] : [b, j, k]],
      attributes: { equation },
    }),
  );
const contrib = 'com.microsoft';
const nbits = fc
  .tuple(small, size, fc.integer({ min: 1, max: 40 }), fc.constantFrom(16, 32))
  .map(([batch, rows, n, block]): Trial => {
    const k = 2 * block;
    return {
      op: 'MatMulNBits',
      domain: contrib,
      inputs: [[batch, rows, k], bytes(UINT8, [n, 2, block / 2]), weight([n * 2])],
      attributes: { K: k, N: n, bits: 4, block_size: block },
    };
  });
const heads = fc.record({
  batch: small,
  tokens: size,
  past: fc.nat(6),
  kv: small,
  group: small,
  width: fc.constantFrom(8, 16),
});
const groupQuery = heads.map(({ batch, tokens, past, kv, group, width }): Trial => {
  const total = past + tokens;
  const cache: readonly number[] = [batch, kv, past, width];
  const lengths: BuiltTensor = {
    type: 6,
    dims: [batch],
    values: new Array<number>(batch).fill(total - 1),
  };
  return {
    op: 'GroupQueryAttention',
    domain: contrib,
    inputs: [
      [batch, tokens, kv * group * width],
      [batch, tokens, kv * width],
      [batch, tokens, kv * width],
      past > 0 ? cache : '',
      past > 0 ? cache : '',
      lengths,
      { type: 6, dims: [1], values: [total] },
    ],
    outputs: 3,
    attributes: { num_heads: kv * group, kv_num_heads: kv },
  };
});
const multiHead = heads.map(
  ({ batch, tokens, past, kv, width }): Trial => ({
    op: 'MultiHeadAttention',
    domain: contrib,
    inputs: [
      [batch, tokens, kv * width],
      [batch, past + 1, kv * width],
      [batch, past + 1, kv * width],
    ],
    attributes: { num_heads: kv },
  }),
);
const packedAttention = heads.map(
  ({ batch, tokens, kv, width }): Trial => ({
    op: 'Attention',
    domain: contrib,
    inputs: [
      [batch, tokens, kv * width],
      weight([kv * width, 3 * kv * width]),
      weight([3 * kv * width]),
    ],
    attributes: { num_heads: kv },
  }),
);
const skipNorm = fc
  .tuple(
    small,
    size,
    size,
    fc.constantFrom('SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'),
  )
  .map(
    ([batch, tokens, width, op]): Trial => ({
      op,
      domain: contrib,
      inputs: [[batch, tokens, width], [batch, tokens, width], weight([width])],
    }),
  );
const quantise = shape(1, 3).map(
  (dims): Trial => ({ op: 'DynamicQuantizeLinear', inputs: [dims], outputs: 3 }),
);
const integerProduct = fc.tuple(size, size, size).map(
  ([m, k, n]): Trial => ({
    op: 'MatMulInteger',
    inputs: [bytes(UINT8, [m, k]), bytes(INT8, [k, n])],
  }),
);
const standardAttention = heads.map(
  ({ batch, tokens, past, kv, group, width }): Trial => ({
    op: 'Attention',
    opset: 23,
    inputs: [
      [batch, kv * group, tokens, width],
      [batch, kv, past + 1, width],
      [batch, kv, past + 1, width + 8],
    ],
  }),
);

export const PRODUCTS: Readonly<Record<string, fc.Arbitrary<Trial>>> = {
  matMul,
  recurrent,
  einsum,
  nbits,
  groupQuery,
  multiHead,
  packedAttention,
  skipNorm,
  quantise,
  integerProduct,
  standardAttention,
};
