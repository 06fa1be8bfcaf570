import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflictLines, conflictsOf } from '../../../../src/calibration/device/conflicts.ts';

const row = (
  id: string,
  reference: number,
  predicted = 20,
  columns: Readonly<Record<string, string>> = {},
) => ({
  id,
  quantity: 'decode',
  predicted,
  reference,
  columns: { id, soc: 'X', unit: 'cpu', decode_tok_s: String(reference), ...columns },
});

describe('rows that cannot both be met', () => {
  it('are every pair, not only those with the first row', () => {
    const found = conflictsOf([row('a', 12), row('b', 30), row('c', 12.5), row('d', 31)]);
    expect(found.map(({ first, second }) => first + second).sort()).toEqual([
      'ab',
      'ad',
      'bc',
      'cd',
    ]);
    expect(found[0]).toMatchObject({
      kind: 'contradiction',
      first: 'a',
      second: 'd',
      values: [12, 31],
    });
  });

  it('agree where they are near, or where the model tells them apart', () => {
    expect(conflictsOf([row('a', 12), row('b', 16)])).toEqual([]);
    expect(conflictsOf([row('a', 12), row('b', 30, 21)])).toEqual([]);
    expect(conflictsOf([row('a', 12), row('b', 30, 20, { unit: 'gpu' })])).toEqual([]);
  });

  it('are found whatever their notes say', () => {
    const found = conflictsOf([
      row('a', 12, 20, { notes: 'one' }),
      row('b', 30, 20, { notes: 'two' }),
    ]);
    expect(found).toHaveLength(1);
  });

  it('are the same measurement where every cell but the name agrees, told once', () => {
    const twice = ['decode', 'prefill'].flatMap((quantity) =>
      ['a', 'b'].map((id) => ({ ...row(id, 12), quantity, columns: { id, soc: 'X' } })),
    );
    expect(conflictsOf(twice)).toMatchObject([{ kind: 'duplicate', first: 'a', second: 'b' }]);
  });

  it('do not depend on the order of the rows', () => {
    const rates = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 8 });
    fc.assert(
      fc.property(rates, (measured) => {
        const rows = measured.map((value, i) => row(`r${i}`, value));
        const pairs = (list: typeof rows) =>
          conflictsOf(list).map(({ first, second }) => [first, second].sort().join());
        expect(pairs([...rows].reverse()).sort()).toEqual(pairs(rows).sort());
      }),
    );
  });
});

describe('lines for a reader', () => {
  it('show both values side by side, the worst first, and count the rest', () => {
    const rows = Array.from({ length: 6 }, (_, i) => row(`r${i}`, 2 ** i));
    const lines = conflictLines(conflictsOf(rows));
    expect(lines[0]).toBe(
      'rows r0 and r5 contradict each other: decode 1 | 32, and nothing that is modelled tells them apart',
    );
    expect(lines).toHaveLength(13);
    expect(lines.at(-1)).toBe('… and 3 more pairs');
  });

  it('are none where nothing is wrong', () => {
    expect(conflictLines([])).toEqual([]);
  });
});
