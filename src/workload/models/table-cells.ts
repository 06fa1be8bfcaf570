/** Typed reading of one row of a model table: every bad cell of a file is a fault with its line. */
import { type CsvRow, parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';

/** Cells of one row; each call reads one column and notes a fault when the text does not fit. */
export interface RowCells {
  text(column: string): string;
  /** A count above zero. */
  count(column: string): number;
  /** A count above zero, or `fallback` when the cell is empty. */
  countOr<T>(column: string, fallback: T): number | T;
  /** A number of at least zero, or `fallback` when the cell is empty. */
  numberOr<T>(column: string, fallback: T): number | T;
  flag(column: string): boolean;
  oneOf<T extends string>(column: string, allowed: readonly T[]): T;
  /** Notes a fault about the row as a whole. */
  fail(column: string, message: string, expected: string): void;
}

/** Opens a row for reading; faults are appended to `faults`, so that a file reports all of them at once. */
export function openRow(row: CsvRow, file: string, faults: Fault[]): RowCells {
  const text = (column: string) => (row.values[column] ?? '').trim();
  const fail = (column: string, message: string, expected: string, hint?: string) => {
    const got = JSON.stringify(text(column));
    faults.push({
      file,
      line: row.line,
      path: column,
      message,
      expected,
      got,
      ...(hint && { hint }),
    });
  };
  const number = (column: string, min: number, whole: boolean, expected: string): number => {
    const value = Number(text(column));
    const good =
      text(column) !== '' && value >= min && Number.isFinite(value) && !(whole && value % 1);
    if (!good) fail(column, 'not a usable number', expected);
    return good ? value : 1;
  };
  const count = (column: string) => number(column, 1, true, 'a whole number above zero');
  return {
    text,
    count,
    countOr: (column, fallback) => (text(column) === '' ? fallback : count(column)),
    numberOr: (column, fallback) =>
      text(column) === '' ? fallback : number(column, 0, false, 'a number of at least zero'),
    flag: (column) => {
      const value = text(column);
      if (value !== 'yes' && value !== 'no') fail(column, 'not a flag', 'yes or no');
      return value === 'yes';
    },
    oneOf: (column, allowed) => {
      const value = text(column);
      const found = allowed.find((name) => name === value);
      if (found === undefined)
        fail(
          column,
          'not one of the allowed values',
          allowed.join(', '),
          nearestHint(value, allowed),
        );
      return found ?? (allowed[0] as (typeof allowed)[number]);
    },
    fail,
  };
}

/** Adds a fault when `name` was already used in the file. */
export function refuseDuplicate(
  known: Readonly<Record<string, unknown>>,
  name: string,
  row: RowCells,
  column: string,
): void {
  if (name === '') row.fail(column, 'empty name', 'a name');
  else if (Object.hasOwn(known, name)) row.fail(column, 'this name is given twice', 'unique names');
}

/**
 * Reads a table of named records, one per row: the first of `columns` holds the name.
 *
 * `read` builds a record from its cells; `above` holds those of the rows above. All bad cells of the file are reported
 * in one SpecError.
 */
export function readTable<T>(
  text: string,
  file: string,
  columns: readonly [string, ...string[]],
  read: (cells: RowCells, name: string, above: Readonly<Record<string, T>>) => T,
): Readonly<Record<string, T>> {
  const faults: Fault[] = [];
  const records: Record<string, T> = {};
  const [key] = columns;
  for (const row of parseCsv(text, file, columns).rows) {
    const cells = openRow(row, file, faults);
    const name = cells.text(key);
    refuseDuplicate(records, name, cells, key);
    records[name] = read(cells, name, records);
  }
  if (faults.length > 0) throw new SpecError(faults);
  return records;
}
