import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldColumn, formatCsv, parseCsv } from '../../../src/base/csv.ts';
import { SpecError } from '../../../src/base/errors.ts';

function faults(text: string, required: string[] = []) {
  try {
    parseCsv(text, 't.csv', required);
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}

describe('parseCsv', () => {
  it('gives records with their lines', () => {
    const file = parseCsv('a,b\n1,2\n3,4\n', 't.csv');
    expect(file.columns).toEqual(['a', 'b']);
    expect(file.rows).toEqual([
      { line: 2, values: { a: '1', b: '2' } },
      { line: 3, values: { a: '3', b: '4' } },
    ]);
  });

  it('takes a byte-order mark, Windows line ends and a missing last newline', () => {
    expect(parseCsv('\uFEFFa,b\r\n1,2\r\n3,4', 't.csv').rows.map(({ line }) => line)).toEqual([
      2, 3,
    ]);
  });

  it('counts lines through quoted newlines', () => {
    const { rows } = parseCsv('a,b\n"x\ny",2\n3,"4,5"\n', 't.csv');
    expect(rows).toEqual([
      { line: 2, values: { a: 'x\ny', b: '2' } },
      { line: 4, values: { a: '3', b: '4,5' } },
    ]);
  });

  it('names every ragged and empty line at once', () => {
    expect(faults('a,b\n1\n\n1,2,3\n1,2\n')).toMatchObject([
      { file: 't.csv', line: 2, message: 'row has 1 fields' },
      { file: 't.csv', line: 3, message: 'empty line' },
      { file: 't.csv', line: 4, message: 'row has 3 fields' },
    ]);
  });

  it('names a missing column and the nearest one', () => {
    expect(faults('arival,tokens\n1,2\n', ['arrival', 'tokens'])).toMatchObject([
      { line: 1, message: 'column "arrival" is missing', hint: 'did you mean "arival"?' },
    ]);
  });

  it('says once that it is another table, and nothing of its rows', () => {
    expect(faults('<html>\n<b>1,2</b>\n1,2,3\n', ['run', 'layer'])).toEqual([
      {
        file: 't.csv',
        line: 1,
        message: 'this is another table, or none',
        expected: 'the columns run, layer',
        got: 'no such columns',
      },
    ]);
    expect(faults('a,b\n1\n', ['run', 'layer'])[0]?.got).toBe('a, b');
    expect(faults('run,b\n1\n', ['run', 'layer'])).toHaveLength(1);
  });

  it('takes a header alone', () => {
    expect(parseCsv('a,b\n', 't.csv').rows).toEqual([]);
  });
});

describe('formatCsv', () => {
  it('reads back what it writes', () => {
    const field = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
    const rows = fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(rows, (table) => {
        const read = parseCsv(formatCsv(['a', 'b', 'c'], table), 't.csv').rows;
        expect(read.map(({ values }) => [values['a'], values['b'], values['c']])).toEqual(table);
      }),
    );
  });

  it('is a header and no empty line where there are no rows', () => {
    expect(formatCsv(['a', 'b'], [])).toBe('a,b\n');
  });
});

describe('fieldColumn', () => {
  it('counts characters from 1, past commas within quotes', () => {
    const text = 'name,note,rate\na,"x, y",12\r\n"b, ""c""",,5\n';
    const line = (n: number) => [0, 1, 2].map((index) => fieldColumn(text, n, index));
    expect(line(1)).toEqual([1, 6, 11]);
    expect(line(2)).toEqual([1, 3, 10]);
    expect(line(3)).toEqual([1, 12, 13]);
  });

  it('does not count the byte-order mark, and knows no field that is not there', () => {
    expect(fieldColumn('\uFEFFa,b', 1, 1)).toBe(3);
    expect(fieldColumn('a,b', 1, 2)).toBeUndefined();
    expect(fieldColumn('a,b', 2, 1)).toBeUndefined();
  });
});
