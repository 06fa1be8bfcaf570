import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { type BuiltTensor, buildModel, FLOAT, INT32 } from '../../../support/onnx-builder.ts';

type Input = readonly number[] | BuiltTensor | '';

/** Shapes of all results and the work of one node; arrays are fed at run time. */
function trial(
  op: string,
  inputs: readonly Input[],
  attributes: Readonly<Record<string, number>>,
  outputs = 1,
) {
  const fed: Record<string, readonly [number, readonly number[]]> = {};
  const constants: Record<string, BuiltTensor> = {};
  const names = inputs.map((input, i) => {
    if (input === '') return '';
    if ('dims' in input) constants[`i${i}`] = input;
    else fed[`i${i}`] = [FLOAT, input];
    return `i${i}`;
  });
  const results = Array.from({ length: outputs }, (_, i) => `o${i}`);
  const node = { op, domain: 'com.microsoft', inputs: names, outputs: results, attributes };
  const graph = { nodes: [node], inputs: fed, constants, outputs: results };
  const model = importOnnx(buildModel(graph, { opset: 17 }), 'one.onnx');
  expect(model.report.unmodelled).toEqual([]);
  return {
    shapes: results.map((name) => model.shapes.get(name)),
    work: model.list.operators[0]!.work,
  };
}
const ints = (dims: readonly number[], values: readonly number[]): BuiltTensor => ({
  type: INT32,
  dims,
  values: [...values],
});

describe('DecoderMaskedMultiHeadAttention', () => {
  const heads = { num_heads: 4 };
  const one = [2, 1, 32];

  it('appends one token to a cache that grows', () => {
    const cache = [2, 4, 9, 8];
    const { shapes, work } = trial(
      'DecoderMaskedMultiHeadAttention',
      [one, one, one, '', '', cache, cache],
      heads,
      3,
    );
    expect(shapes).toEqual([
      [2, 1, 32],
      [2, 4, 10, 8],
      [2, 4, 10, 8],
    ]);
    // Two batch entries, four heads, ten keys, eight wide, for scores and for values.
    expect(work.macs).toBe(2 * 4 * 10 * (8 + 8));
    expect(work).toMatchObject({
      kvReadBytes: 2 * 4 * 9 * 16 * 4,
      kvWriteBytes: 2 * 4 * 16 * 4,
      inputBytes: 3 * 2 * 32 * 4,
      outputBytes: 2 * 32 * 4,
      form: { kind: 'attention', queries: 1, context: 10, causal: false },
    });
  });

  it('keeps a shared buffer as it is, and reads what is filled', () => {
    const buffer = [2, 4, 64, 8];
    const { shapes, work } = trial(
      'DecoderMaskedMultiHeadAttention',
      [one, one, one, '', '', buffer, buffer, ints([1], [19])],
      { ...heads, past_present_share_buffer: 1 },
      3,
    );
    expect(shapes[1]).toEqual(buffer);
    expect(work.macs).toBe(2 * 4 * 20 * 16);
    expect(work.kvReadBytes).toBe(2 * 4 * 19 * 16 * 4);
    const unknown = trial(
      'DecoderMaskedMultiHeadAttention',
      [one, one, one, '', '', buffer, buffer],
      { ...heads, past_present_share_buffer: 1 },
      3,
    );
    expect(unknown.work.form).toMatchObject({ context: 64 });
  });

  it('attends to an encoder without writing a cache', () => {
    const encoded = [2, 4, 50, 8];
    const { shapes, work } = trial(
      'DecoderMaskedMultiHeadAttention',
      [one, encoded, encoded],
      heads,
    );
    expect(shapes).toEqual([[2, 1, 32]]);
    expect(work.macs).toBe(2 * 4 * 50 * 16);
    expect(work).toMatchObject({ kvReadBytes: 0, kvWriteBytes: 0 });
    expect(work.inputBytes).toBe((2 * 32 + 2 * 2 * 4 * 50 * 8) * 4);
  });

  it('takes query, key and value in one', () => {
    const { shapes, work } = trial(
      'DecoderMaskedMultiHeadAttention',
      [[2, 1, 96], '', '', '', '', [2, 4, 9, 8], [2, 4, 9, 8]],
      heads,
    );
    expect(shapes).toEqual([[2, 1, 32]]);
    expect(work.macs).toBe(2 * 4 * 10 * 16);
  });
});

describe('packed batches', () => {
  const offsets = ints([3, 4], [0, 4, 5, 8, 9, 10, 11, 1, 2, 3, 6, 7]);
  // The example of the operator's document: sequences of one, two and four tokens.
  const ends = ints([4], [0, 1, 3, 7]);

  it('attend within each sequence only', () => {
    const { shapes, work } = trial(
      'PackedMultiHeadAttention',
      [[7, 32], [7, 32], [7, 48], '', offsets, ends],
      { num_heads: 4 },
    );
    expect(shapes).toEqual([[7, 48]]);
    expect(work.macs).toBeCloseTo((1 + 4 + 16) * 4 * (8 + 12), 9);
    expect(work.outputBytes).toBe(7 * 48 * 4);
    expect(work).toMatchObject({ kvReadBytes: 0, kvWriteBytes: 0 });
  });

  it('take query, key and value by head', () => {
    const { shapes, work } = trial(
      'PackedMultiHeadAttention',
      [[7, 4, 3, 8], '', '', '', offsets, ends],
      { num_heads: 4 },
    );
    expect(shapes).toEqual([[7, 32]]);
    expect(work.macs).toBeCloseTo(21 * 4 * 16, 9);
  });

  it('count sequences as equally long where their lengths are data', () => {
    const { work } = trial(
      'PackedMultiHeadAttention',
      [[8, 32], [8, 32], [8, 32], '', ints([2, 4], [0, 1, 2, 3, 4, 5, 6, 7]), [3]],
      { num_heads: 4 },
    );
    expect(work.macs).toBeCloseTo(2 * 4 ** 2 * 4 * 16, 9);
  });

  it('may be projected first', () => {
    const { shapes, work } = trial(
      'PackedAttention',
      [[7, 24], { type: FLOAT, dims: [24, 96] }, { type: FLOAT, dims: [96] }, offsets, ends],
      { num_heads: 4 },
    );
    expect(shapes).toEqual([[7, 32]]);
    expect(work.macs).toBeCloseTo(7 * 24 * 96 + 21 * 4 * 16, 9);
    expect(work.weightBytes).toBeGreaterThanOrEqual(24 * 96 * 4);
  });
});

describe('SparseAttention', () => {
  const heads = { num_heads: 8, kv_num_heads: 2, sparse_block_size: 16 };
  // The example of the operator's document: two layouts of four by four blocks.
  const rows = ints([2, 5], [0, 1, 3, 5, 8, 0, 1, 3, 6, 9]);
  const columns = ints([2, 9], [0, 0, 1, 1, 2, 1, 2, 3, -1, 0, 0, 1, 0, 1, 2, 0, 2, 3]);
  const cache = [1, 2, 64, 8];
  const attend = (tokens: number, total: number, mask: readonly Input[] = [rows, columns]) =>
    trial(
      'SparseAttention',
      [
        [1, tokens, 64],
        [1, tokens, 16],
        [1, tokens, 16],
        cache,
        cache,
        ...mask,
        ints([], [total]),
        ints([1], [total]),
      ],
      heads,
      3,
    );

  it('works out the blocks that the mask names, those on the diagonal by half', () => {
    const { shapes, work } = attend(64, 64);
    expect(shapes).toEqual([[1, 64, 64], cache, cache]);
    // Blocks below the diagonal: 1 + 1 + 2 in one layout, 1 + 2 + 2 in the other; four on it in both.
    const pairs = (layout: number) => layout * 16 * 16 + 4 * ((16 * 17) / 2);
    expect(work.macs).toBe(((pairs(4) + pairs(5)) / 2) * 8 * 16);
  });

  it('reads of the cache what a new token attends to', () => {
    const { work } = attend(1, 64);
    // Last row: two whole blocks and the new one, whole, in both layouts.
    expect(work.macs).toBe(48 * 8 * 16);
    expect(work.kvReadBytes).toBeCloseTo(((63 * 48) / 64) * 2 * 16 * 4, 6);
    expect(work.kvWriteBytes).toBe(2 * 16 * 4);
  });

  it('is causal over everything where the mask is data', () => {
    const { work } = attend(64, 64, [
      [2, 5],
      [2, 9],
    ]);
    expect(work.macs).toBe(((64 * 65) / 2) * 8 * 16);
  });
});
