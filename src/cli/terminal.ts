/** The door to the terminal: tables, colours and progress bars, plain text where nobody is watching. */
import cliProgress from 'cli-progress';
import Table from 'cli-table3';
import pc from 'picocolors';

/** What is asked of a stream; `process.stdout` and `process.stderr` are such. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Colours = ReturnType<typeof pc.createColors>;

/** Colours where the stream is a terminal and NO_COLOR is not set; elsewhere functions that change nothing. */
export function coloursFor(output: Output): Colours {
  return pc.createColors(output.isTTY === true && !process.env['NO_COLOR']);
}

export interface Column {
  readonly header: string;
  /**
   * `left` by default. `quantity` puts numbers with units in line: digits to the right, units to the left,
   * whatever their lengths.
   */
  readonly align?: 'left' | 'right' | 'quantity';
  /** Cells break between words where the table would be wider than the terminal; one column at most. */
  readonly wrap?: boolean;
}

/** Width of output that does not go to a terminal. */
const PLAIN_WIDTH = 140;

/** A table without a frame: a header, a rule, one line per row. Columns that hold nothing are left out. */
export function renderTable(
  allColumns: readonly Column[],
  allRows: readonly (readonly string[])[],
  output: Output = process.stdout,
): string {
  const used = (index: number) => allRows.length === 0 || allRows.some((row) => row[index]);
  const columns = allColumns.filter((_, index) => used(index));
  const rows = allRows.map((row) => row.filter((_, index) => used(index)));
  const colours = coloursFor(output);
  const cells = alignQuantities(columns, rows);
  const widths = columns.map(({ header }, index) =>
    Math.max(header.length, ...cells.map((row) => (row[index] ?? '').length)),
  );
  const wrapped = columns.findIndex(({ wrap }) => wrap);
  const total = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const excess = total - (output.columns ?? PLAIN_WIDTH);
  if (wrapped >= 0 && excess > 0) {
    widths[wrapped] = Math.max(MIN_WRAP_WIDTH, (widths[wrapped] as number) - excess);
  }
  const table = new Table({
    chars: FRAMELESS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: widths,
    colAligns: columns.map(({ align }) => (align === 'right' ? 'right' : 'left')),
    wordWrap: true,
  });
  table.push(
    columns.map(({ header }) => colours.bold(header)),
    widths.map((width) => colours.dim('─'.repeat(width))),
    ...cells.map((row) => [...row]),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const GAP = '  ';
const MIN_WRAP_WIDTH = 24;
const FRAMELESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
} as const;

/** Pads number and unit of each quantity to the widest of its column; other text stays as it is. */
function alignQuantities(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  const parts = columns.map(({ align }, index) =>
    align === 'quantity' ? rows.map((row) => splitQuantity(row[index] ?? '')) : [],
  );
  const widths = parts.map((column) => Math.max(0, ...column.map((part) => part?.[0].length ?? 0)));
  return rows.map((row, line) =>
    row.map((cell, index) => {
      const part = parts[index]?.[line];
      return part ? `${part[0].padStart(widths[index] as number)} ${part[1]}`.trimEnd() : cell;
    }),
  );
}

/** `"76.8 GB/s"` → `["76.8", "GB/s"]`, `"4"` → `["4", ""]`; undefined for other text. */
function splitQuantity(text: string): [string, string] | undefined {
  const match = /^([+-]?[\d.,]+(?:e[+-]?\d+)?)(?: (\S+))?$/i.exec(text);
  return match ? [match[1] as string, match[2] ?? ''] : undefined;
}

export interface Progress {
  /** Work done so far, in the unit of `total`. */
  update(done: number): void;
  stop(): void;
}

/** A progress bar on a terminal, nothing elsewhere: logs and pipes stay clean. */
export function startProgress(label: string, total: number): Progress {
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  const bar = new cliProgress.SingleBar(
    {
      stream: process.stderr,
      format: `${label} {bar} {percentage} % · {value}/{total} · {eta_formatted}`,
      clearOnComplete: true,
      hideCursor: true,
      fps: 8,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { update: (done) => bar.update(done), stop: () => bar.stop() };
}

/** `1 launch`, `2 launches`. */
export function counted(count: number, noun: string): string {
  const ending = count === 1 ? '' : /(ch|s)$/.test(noun) ? 'es' : 's';
  return `${count} ${noun}${ending}`;
}
