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
  const faults: Fault[] = required
    .filter((name) => !columns.includes(name))
    .map((name) => ({
      file,
      line: 1,
      message: `column "${name}" is missing`,
      hint: nearestHint(name, columns),
    }));
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

/** Text of one CSV file; fields are quoted where they must be. */
export function formatCsv(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): string {
  return `${papa.unparse({ fields: columns as string[], data: rows as unknown[][] }, { newline: '\n' })}\n`;
}
