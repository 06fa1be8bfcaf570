/** The csv door: text to records with their line, refusing ragged rows and unknown or missing columns. */
import papa from 'papaparse';
import { type Fault, SpecError } from './errors.ts';
import { nearestHint } from './registry.ts';

export interface CsvRow {
  /** Line in the file, counted from 1 (the header is line 1). */
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
}

export interface CsvFile {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/**
 * Parses comma-separated text with a header line.
 * @param required columns that must be there; others are kept as they are.
 * @throws SpecError naming every ragged line and missing column.
 */
export function parseCsv(text: string, file: string, required: readonly string[] = []): CsvFile {
  const body = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const parsed = papa.parse<string[]>(body, { delimiter: ',', newline: '\n' });
  const [header = [], ...records] = parsed.data;
  const columns = header.map((name) => name.trim());
  checkColumns(file, columns, required);
  const faults: Fault[] = quoteFaults(file, parsed);
  const rows: CsvRow[] = [];
  let line = 2;
  for (const [index, record] of records.entries()) {
    const blank = record.length === 1 && record[0]?.trim() === '';
    const last = index === records.length - 1;
    if (!blank && record.length !== columns.length) {
      faults.push({
        file,
        line,
        message: `row has ${record.length} fields`,
        expected: `${columns.length} as in the header`,
      });
    } else if (blank && !last) {
      faults.push({ file, line, message: 'empty line', expected: `${columns.length} fields` });
    } else if (!blank) {
      rows.push({
        line,
        values: Object.fromEntries(columns.map((name, i) => [name, record[i] ?? ''])),
      });
    }
    line += 1 + record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
  }
  if (faults.length > 0) throw new SpecError(faults);
  return { file, columns, rows };
}

/** A quote that nothing closes swallows the lines behind it. */
function quoteFaults(file: string, { data, errors }: papa.ParseResult<string[]>): Fault[] {
  const broken = errors.find(({ type }) => type === 'Quotes');
  if (!broken) return [];
  const before = data.slice(0, broken.row ?? 0);
  const breaks = before.flat().reduce((sum, field) => sum + field.split('\n').length - 1, 0);
  return [{ file, line: 1 + before.length + breaks, message: 'a quote is not closed' }];
}

/**
 * Column of a field in its line, counted from 1; nothing where the line has no such field.
 * @param text the file's, as `parseCsv` was given it.
 */
export function fieldColumn(text: string, line: number, index: number): number | undefined {
  const row = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)[line - 1] ?? '';
  let [field, quoted] = [0, false];
  for (let at = 0; at <= row.length; at++) {
    if (field === index) return at + 1;
    if (row[at] === '"') quoted = !quoted;
    else if (row[at] === ',' && !quoted) field++;
  }
  return undefined;
}

/** Of a file that is another table, or none at all, the rows have nothing more to tell. @throws SpecError */
function checkColumns(file: string, columns: readonly string[], required: readonly string[]): void {
  const missing = required.filter((name) => !columns.includes(name));
  const place = { file, line: 1 };
  const twice = required.find((name) => columns.indexOf(name) !== columns.lastIndexOf(name));
  if (twice !== undefined) {
    throw new SpecError([{ ...place, message: `column "${twice}" is there twice` }]);
  }
  if (missing.length === 0) return;
  if (missing.length === 1 || missing.length < required.length) {
    throw new SpecError(
      missing.map((name) => ({
        ...place,
        message: `column "${name}" is missing`,
        hint: nearestHint(name, columns),
      })),
    );
  }
  const got = columns.length > 1 ? columns.slice(0, 6).join(', ') : 'no such columns';
  const expected = `the columns ${required.join(', ')}`;
  throw new SpecError([{ ...place, message: 'this is another table, or none', expected, got }]);
}

/** Text of one CSV file; fields are quoted where they must be. */
export function formatCsv(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): string {
  const text = papa.unparse(
    { fields: columns as string[], data: rows as unknown[][] },
    { newline: '\n' },
  );
  // A table of no rows already ends its header line, where one of some rows does not end its last.
  return rows.length === 0 ? text : `${text}\n`;
}
