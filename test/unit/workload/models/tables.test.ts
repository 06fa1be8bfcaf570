/** Model tables are read when they are asked for, once; cells report what is wrong with them. */
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../../../src/base/csv.ts';
import { type Fault, SpecError } from '../../../../src/base/errors.ts';
import { readBundled } from '../../../../src/load.ts';
import { openRow, readTable } from '../../../../src/workload/models/table-cells.ts';
import { parseModelTables } from '../../../../src/workload/models/tables.ts';

describe('model tables', () => {
  it('read nothing before they are looked at, and each file once', () => {
    const read: string[] = [];
    const tables = parseModelTables((path) => {
      read.push(path);
      return readBundled(path);
    });
    expect(read).toEqual([]);
    expect(tables.llm.models['llama-2-7b']).toBeDefined();
    expect(tables.llm).toBe(tables.llm);
    expect(read).toEqual(['workloads/models/llm.csv']);
    expect(Object.keys(tables.formats).length).toBeGreaterThan(30);
    expect(tables.diffusion['sd15-unet']?.type).toBe('unet');
    expect(tables.vision['clip-vit-l-14-336']?.patch).toBe(14);
    expect(tables.visionLanguage['llava-1.5-7b']?.llm).toBe('llama-2-7b');
    expect(tables.speech['whisper-tiny']?.hidden).toBe(384);
    expect(tables.audioLanguage['qwen-audio-7b']?.pool).toBe(2);
    expect(read).toHaveLength(7);
  });

  it('name the file that is bad', () => {
    const tables = parseModelTables((path) => ({ file: path, text: 'id\nx\n' }));
    expect(() => tables.llm).toThrow(/workloads\/models\/llm\.csv:1: column "family" is missing/);
    expect(() => tables.formats).toThrow(/weight-formats\.csv:1: this is another table, or none/);
  });
});

describe('cells of a row', () => {
  function open(text: string) {
    const faults: Fault[] = [];
    const row = parseCsv(`a,b\n${text}\n`, 'f.csv').rows[0];
    if (!row) throw new Error('no row');
    return { cells: openRow(row, 'f.csv', faults), faults };
  }

  it('read what is there', () => {
    const { cells, faults } = open(' 12 ,yes');
    expect(cells.text('a')).toBe('12');
    expect(cells.count('a')).toBe(12);
    expect(cells.flag('b')).toBe(true);
    expect(cells.oneOf('b', ['no', 'yes'])).toBe('yes');
    expect(faults).toEqual([]);
  });

  it('fall back where they may be empty', () => {
    const { cells, faults } = open(',0.5');
    expect(cells.countOr('a', undefined)).toBeUndefined();
    expect(cells.numberOr('a', 7)).toBe(7);
    expect(cells.numberOr('b', 7)).toBe(0.5);
    expect(faults).toEqual([]);
  });

  it.each(['0', '-1', '1.5', 'x', '', 'NaN', 'Infinity'])('refuse %j as a count', (text) => {
    const { cells, faults } = open(`${text},`);
    cells.count('a');
    expect(faults).toEqual([
      expect.objectContaining({ file: 'f.csv', line: 2, path: 'a', got: JSON.stringify(text) }),
    ]);
  });

  it('collect every fault', () => {
    const { cells, faults } = open('-3,maybe');
    cells.numberOr('a', 0);
    cells.flag('b');
    cells.oneOf('b', ['yes', 'no']);
    expect(faults.map(({ path }) => path)).toEqual(['a', 'b', 'b']);
  });
});

describe('a table of named rows', () => {
  const read = (text: string) =>
    readTable<{ size: number; above: number }>(
      text,
      'f.csv',
      ['id', 'size'],
      (cells, _, above) => ({
        size: cells.count('size'),
        above: Object.keys(above).length,
      }),
    );

  it('is keyed by its first column; a row sees those above it', () => {
    expect(read('size,id\n3,small\n40,large\n')).toEqual({
      small: { size: 3, above: 0 },
      large: { size: 40, above: 1 },
    });
  });

  it('reports bad cells, empty and repeated names of all rows at once', () => {
    let thrown: unknown;
    try {
      read('id,size\na,1\na,x\n,2\n');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SpecError);
    expect((thrown as SpecError).faults.map(({ line, path }) => [line, path])).toEqual([
      [3, 'id'],
      [3, 'size'],
      [4, 'id'],
    ]);
  });
});
