/** The DuckDB door: tables as CSV or Parquet files, by the extension of their name. */
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { formatCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { fileReason } from '../base/file-reason.ts';

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

export interface Journal {
  append(row: readonly Cell[]): void;
  /** Ends it; `writeTable` has the rows by then, or will have. */
  close(): void;
}

/**
 * Keeps finished rows on disk while the others still run, in `PATH.journal.csv`: whatever ends the process, they stay.
 * @throws SpecError when the folder cannot be written.
 */
export function openJournal(path: string, columns: readonly string[]): Journal {
  const file = `${path}.journal.csv`;
  try {
    writeFileSync(file, formatCsv(columns, []));
  } catch (error) {
    throw new SpecError([{ file: path, message: `cannot be written: ${fileReason(error)}` }]);
  }
  return {
    append: (row) =>
      appendFileSync(file, formatCsv(columns, [row]).split('\n').slice(1).join('\n')),
    close: () => rmSync(file, { force: true }),
  };
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
