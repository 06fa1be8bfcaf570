import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { type BuiltTensor, buildModel, FLOAT, INT32 } from '../../../support/onnx-builder.ts';

type Input = readonly number[] | BuiltTensor | '';

/** Work of one node "attend"; arrays are shapes of what is fed at run time. */
function workOf(op: string, inputs: readonly Input[], attributes: Record<string, number>) {
  const fed: Record<string, readonly [number, readonly number[]]> = {};
  const constants: Record<string, BuiltTensor> = {};
  const names = inputs.map((input, i) => {
    if (input === '') return '';
    if ('dims' in input) constants[`i${i}`] = input;
    else fed[`i${i}`] = [FLOAT, input];
    return `i${i}`;
  });
  const outputs = op.startsWith('Packed') ? ['o0'] : ['o0', 'o1', 'o2'];
  const node = { name: 'attend', op, domain: 'com.microsoft', inputs: names, outputs, attributes };
  const bytes = buildModel({ nodes: [node], inputs: fed, constants, outputs }, { opset: 17 });
  return importOnnx(bytes, 'one.onnx').list.operators[0]!.work;
}

/** The one fault of a model that cannot be. */
function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).faults).toHaveLength(1);
    return (error as SpecError).message;
  }
  throw new Error('was accepted');
}

const ints = (values: readonly number[], dims = [values.length]): BuiltTensor => ({
  type: INT32,
  dims,
  values: [...values],
});

/** Every block of eight rows that a causal mask has. */
const ROWS = [0, 1, 3, 6, 10, 15, 21, 28, 36];
const COLUMNS = Array.from({ length: 8 }, (_, row) => [...Array(row + 1).keys()]).flat();
const cache = [1, 4, 128, 16];

describe('SparseAttention refuses', () => {
  const sparse = (total: number, rows = ROWS, columns = COLUMNS, attributes = {}) => {
    const query = [1, 64, 64];
    const mask = [ints(rows, [1, rows.length]), ints(columns, [1, columns.length])];
    return workOf(
      'SparseAttention',
      [query, query, query, cache, cache, ...mask, ints([total], [1]), ints([total])],
      { num_heads: 4, kv_num_heads: 4, sparse_block_size: 16, ...attributes },
    );
  };

  it('nothing of a mask with every causal block', () => {
    // 64 tokens behind none, and behind 64, in four heads sixteen wide for scores and for values.
    expect(sparse(64).macs).toBe(((64 * 65) / 2) * 4 * 32);
    expect(sparse(128).macs).toBe((64 * 64 + (64 * 65) / 2) * 4 * 32);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'row offsets beyond the columns',
      () =>
        sparse(
          64,
          ROWS.map((x) => 10 * x),
        ),
      /input 5 "i5".*ascending from 0 to at most the 36 columns/s,
    ],
    ['descending row offsets', () => sparse(64, [...ROWS].reverse()), /input 5 "i5"/],
    ['row offsets that start late', () => sparse(64, [1, ...ROWS.slice(1)]), /input 5 "i5"/],
    [
      'columns outside the grid',
      () =>
        sparse(
          64,
          ROWS,
          COLUMNS.map(() => -1),
        ),
      /input 6 "i6": row 0.*columns 0 to 7/s,
    ],
    ['a column twice', () => sparse(64, [0, 2, 3, 4, 5], [0, 0, 1, 2, 3]), /each once in a row/],
    [
      'rows that see nothing',
      () =>
        sparse(
          64,
          ROWS.map(() => 0),
          [0],
        ),
      /row 0 .* see nothing/,
    ],
    ['rows that see what comes later', () => sparse(64, [0, 1, 2, 3, 4], [1, 0, 0, 0]), /row 0/],
    [
      'rows for half of the tokens',
      () => sparse(64, [0, 1, 3], [0, 0, 1]),
      /5 row offsets at least/,
    ],
    ['fewer tokens than are new', () => sparse(32), /input 7 "i7".*64 to 128: .*got 32/s],
    ['more tokens than the cache holds', () => sparse(500), /input 7 "i7".*got 500/s],
    ['blocks of no size', () => sparse(64, ROWS, COLUMNS, { sparse_block_size: 0 }), /block_size/],
    [
      'heads that do not share',
      () => sparse(64, ROWS, COLUMNS, { kv_num_heads: 3 }),
      /kv_num_heads/,
    ],
  ])('%s', (_, run, expected) => {
    const text = faultOf(run);
    expect(text).toMatch(/node "attend"/);
    expect(text).toMatch(expected);
  });

  it('or counts as many pairs as a list of all of them', () => {
    const block = 4;
    const bits = fc.array(fc.boolean(), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(bits, fc.integer({ min: 1, max: 16 }), (chosen, tokens) => {
        // Four rows of blocks: the diagonal, and what is chosen below it.
        const sees = (row: number, column: number) =>
          row === column || (column < row && chosen[(row * (row - 1)) / 2 + column] === true);
        const grid = [0, 1, 2, 3].map((r) => [0, 1, 2, 3].filter((c) => sees(r, c)));
        const rows = [0, 1, 2, 3, 4].map((r) => grid.slice(0, r).flat().length);
        const query = [1, tokens, 16];
        const work = workOf(
          'SparseAttention',
          [
            ...[query, query, query, [1, 2, 16, 8], [1, 2, 16, 8]],
            ...[ints(rows, [1, 5]), ints(grid.flat(), [1, grid.flat().length])],
            ...[ints([16], [1]), ints([16])],
          ],
          { num_heads: 2, kv_num_heads: 2, sparse_block_size: block },
        );
        let pairs = 0;
        for (let q = 16 - tokens; q < 16; q++)
          for (let k = 0; k <= q; k++)
            if (sees(Math.floor(q / block), Math.floor(k / block))) pairs++;
        expect(work.macs).toBe(pairs * 2 * 16);
      }),
      { numRuns: 40 },
    );
  });
});

describe('packed batches refuse', () => {
  const weights = [
    { type: FLOAT, dims: [64, 192] },
    { type: FLOAT, dims: [192] },
  ];
  const pack = (ends: Input, offsets: readonly number[] = [2, 30], tokens = 40) =>
    workOf('PackedAttention', [[tokens, 64], ...weights, offsets, ends], { num_heads: 4 });

  it('nothing of sequences that fill the tokens', () => {
    const work = pack(ints([0, 10, 40]));
    expect(work.macs).toBeCloseTo(40 * 64 * 192 + (10 ** 2 + 30 ** 2) * 4 * 32, 6);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no batch', () => pack(ints([0]), [0, 30]), /input 3 "i3".*got \[0, 30\] for 40/s],
    ['more tokens than places', () => pack([3], [2, 10]), /input 3 "i3".*got \[2, 10\] for 40/s],
    ['no tokens', () => pack([3], [2, 30], 0), /input 3 "i3"/],
    ['descending ends', () => pack(ints([40, 10, 0])), /input 4 "i4".*ascend from 0 to 40/s],
    ['ends beyond the tokens', () => pack(ints([0, 100, 4000])), /got \[0, 100, 4000\]/],
    ['ends before the last token', () => pack(ints([0, 10, 30])), /ascend from 0 to 40/],
    ['ends that start late', () => pack(ints([10, 20, 40])), /ascend from 0/],
    ['a sequence longer than the longest', () => pack(ints([0, 5, 40])), /by 30 at most/],
    ['ends of another batch', () => pack(ints([0, 10, 20, 40])), /3 numbers/],
  ])('%s', (_, run, expected) => {
    const text = faultOf(run);
    expect(text).toMatch(/node "attend"/);
    expect(text).toMatch(expected);
  });

  it('the same of query, key and value apart', () => {
    const query = [40, 64];
    const text = faultOf(() =>
      workOf('PackedMultiHeadAttention', [query, query, query, '', [2, 30], ints([0, 100, 40])], {
        num_heads: 4,
      }),
    );
    expect(text).toMatch(/node "attend".*input 5 "i5"/s);
  });
});

describe('DecoderMaskedMultiHeadAttention refuses', () => {
  const decode = (past: number, tokens = 1) => {
    const query = [1, tokens, 64];
    return workOf(
      'DecoderMaskedMultiHeadAttention',
      [query, query, query, '', '', cache, cache, ints([past])],
      { num_heads: 4, past_present_share_buffer: 1 },
    );
  };

  it('nothing that fits the buffer', () => {
    expect(decode(0).macs).toBe(1 * 4 * 32);
    expect(decode(127).macs).toBe(128 * 4 * 32);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a past below zero', () => decode(-3), /input 7 "i7".*0 to 127.*got -3/s],
    ['a past beyond its buffer', () => decode(500), /room for 128.*got 500/s],
    ['a past that leaves no room for the new token', () => decode(128), /got 128/],
    ['five tokens at once', () => decode(0, 5), /input 0 "i0".*1 token.*got 5 tokens/s],
    [
      'an encoder without tokens',
      () =>
        workOf(
          'DecoderMaskedMultiHeadAttention',
          [
            [1, 1, 64],
            [1, 4, 0, 16],
            [1, 4, 0, 16],
          ],
          { num_heads: 4 },
        ),
      /input 1 "i1"/,
    ],
  ])('%s', (_, run, expected) => {
    const text = faultOf(run);
    expect(text).toMatch(/node "attend"/);
    expect(text).toMatch(expected);
  });
});
