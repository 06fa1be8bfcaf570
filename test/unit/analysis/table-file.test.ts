/** Tables on disk: DuckDB, another reader than the writer, has to find in them what was written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cell,
  checkTableName,
  openJournal,
  writeTable,
} from '../../../src/analysis/table-file.ts';
import { SpecError } from '../../../src/base/errors.ts';

const COLUMNS = ['soc', 'rate (1/s)', 'note'];
const ROWS: readonly (readonly Cell[])[] = [
  ['dimensity-9300', 12.25, 'says "fast", hot'],
  ["owner's chip", 0.1, null],
  ['line\nbreak', -1e-9, 'ü'],
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tables-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function readBack(path: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const reader = path.endsWith('.parquet') ? 'read_parquet' : 'read_csv';
  const result = await connection.runAndReadAll(
    `SELECT * FROM ${reader}('${path.replaceAll("'", "''")}')`,
  );
  const rows = [result.columnNames(), ...result.getRowsJson()];
  connection.closeSync();
  return rows as unknown[][];
}

describe('a table file', () => {
  it.each(['a.csv', 'b.parquet', "with 'quotes'.parquet"])(
    '%s holds what was written',
    async (name) => {
      const path = join(folder, name);
      await writeTable(path, COLUMNS, ROWS);
      const [header, ...rows] = await readBack(path);
      expect(header).toEqual(COLUMNS);
      expect(rows).toEqual(ROWS);
      expect(readdirSync(folder).filter((file) => file.endsWith('.partial'))).toEqual([]);
    },
  );

  it('replaces an older one as a whole', async () => {
    const path = join(folder, 'twice.csv');
    await writeTable(path, COLUMNS, ROWS);
    await writeTable(path, ['only'], [[1]]);
    expect(readFileSync(path, 'utf8')).toBe('only\n1\n');
  });

  it('of another kind is refused', () => {
    expect(() => checkTableName('sweep.xlsx')).toThrow(/ends in \.csv or \.parquet/);
    expect(() => checkTableName('sweep.csv')).not.toThrow();
  });
});

describe('a journal', () => {
  it('shows every finished row at once, and goes when it is closed', () => {
    const path = join(folder, 'sweep.csv');
    const file = `${path}.journal.csv`;
    const journal = openJournal(path, ['point', 'rate']);
    expect(readFileSync(file, 'utf8')).toBe('point,rate\n');
    journal.append([2, 0.5]);
    journal.append(['a,b', null]);
    expect(readFileSync(file, 'utf8')).toBe('point,rate\n2,0.5\n"a,b",\n');
    journal.close();
    expect(existsSync(file)).toBe(false);
  });

  it('in a folder that is not there is a fault of the name', () => {
    expect(() => openJournal(join(folder, 'none', 'sweep.csv'), ['a'])).toThrow(SpecError);
  });
});
