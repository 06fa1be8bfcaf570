/** The DuckDB door: tables as CSV or Parquet files, by the extension of their name. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { formatCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';

export type Cell = string | number | null;

/** Extensions that `writeTable` knows. */
export const TABLE_EXTENSIONS = ['.csv', '.parquet'] as const;

/** @throws SpecError when the name ends in neither. */
export function checkTableName(path: string): void {
  if (TABLE_EXTENSIONS.some((extension) => path.endsWith(extension))) return;
  throw new SpecError([
    {
      file: path,
      message: 'unknown kind of table',
      expected: `a name that ends in ${TABLE_EXTENSIONS.join(' or ')}`,
    },
  ]);
}

/** Writes a whole table at once, replacing what is there only when it is complete. */
export async function writeTable(
  path: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  const partial = `${path}.partial`;
  writeFileSync(partial, formatCsv(columns, rows));
  if (!path.endsWith('.parquet')) {
    renameSync(partial, path);
    return;
  }
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `COPY (SELECT * FROM read_csv(${quoted(partial)}, header = true, all_varchar = false, sample_size = -1)) TO ${quoted(path)} (FORMAT parquet)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(partial);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
