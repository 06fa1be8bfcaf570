/** Battery and thermal logs of a phone as curves over time, in the form in which a run keeps its own. */
import { type CsvFile, type CsvRow, parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { MILLI } from '../../base/units.ts';
import type { Counter } from '../../engine/timeline.ts';
import { type LogColumn, readColumn } from './column.ts';
import { isTimeColumn } from './kinds.ts';

export interface DeviceLog {
  readonly file: string;
  /** Seconds start at 0 with the first row; an empty field is a moment without that sensor. */
  readonly counters: readonly Counter[];
  /** Columns that tell no quantity, as they are called. */
  readonly ignored: readonly string[];
}

interface TimeColumn {
  readonly name: string;
  /** Seconds of one field, or nothing where it is no time. */
  read(text: string): number | undefined;
}

/** Epoch stamps are told by their size: 10^12 ms was in 2001, 10^12 s will be in 33658. */
const EPOCH_MILLISECONDS = 1e11;

/**
 * Reads a log with one row per moment.
 * @throws SpecError naming every field that is no number, and every row that goes back in time.
 */
export function parseDeviceLog(text: string, file: string): DeviceLog {
  const csv = parseCsv(text, file);
  const time = timeColumn(csv);
  const columns = csv.columns.filter((name) => name !== time.name);
  const known = columns.flatMap((name) => readColumn(name) ?? []);
  const used = known.filter(({ quantity }) => quantity !== 'time');
  const faults: Fault[] = [];
  const seconds = csv.rows.map((row) => readField(row, time.name, time.read, file, faults));
  checkOrder(csv, seconds, faults);
  const series = used.map((column) => {
    const scale = (field: string) => scaled(field, column.factor);
    return csv.rows.map((row) =>
      row.values[column.name]?.trim() === ''
        ? undefined
        : readField(row, column.name, scale, file, faults),
    );
  });
  if (csv.rows.length === 0) faults.push({ file, message: 'holds no rows' });
  if (used.length === 0) {
    faults.push({
      file,
      line: 1,
      message: 'no column tells its unit',
      expected: 'names such as skin_c, gpu_mhz, phone_w or "skin temperature [°C]"',
      got: columns.join(', '),
    });
  }
  if (faults.length > 0) {
    throw new SpecError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  }
  const start = seconds[0] as number;
  const times = seconds.map((value) => (value as number) - start);
  const read = new Set(used.map(({ name }) => name));
  return {
    file,
    counters: [
      ...used.flatMap((column, i) => toCounter(column, times, series[i] as Series)),
      ...powerFromCurrent(used, times, series),
    ],
    ignored: columns.filter((name) => !read.has(name)),
  };
}

type Series = readonly (number | undefined)[];

function scaled(text: string, factor: number): number | undefined {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? undefined : value * factor;
}

function readField(
  row: CsvRow,
  column: string,
  read: (text: string) => number | undefined,
  file: string,
  faults: Fault[],
): number | undefined {
  const text = row.values[column] as string;
  const value = read(text);
  if (value === undefined) {
    const message = `"${column}" is no number`;
    faults.push({ file, line: row.line, message, got: JSON.stringify(text) });
  }
  return value;
}

function timeColumn({ columns, file }: CsvFile): TimeColumn {
  const name = columns.find(isTimeColumn);
  if (name === undefined) {
    throw new SpecError([
      { file, line: 1, message: 'no column holds the time', expected: 't_s, time_ms or timestamp' },
    ]);
  }
  const column = readColumn(name);
  if (column?.quantity === 'time') return { name, read: (text) => scaled(text, column.factor) };
  return {
    name,
    read: (text) => {
      const value = scaled(text, 1) ?? Date.parse(text) * MILLI;
      if (!Number.isFinite(value)) return undefined;
      return value > EPOCH_MILLISECONDS ? value * MILLI : value;
    },
  };
}

function checkOrder({ rows, file }: CsvFile, seconds: Series, faults: Fault[]): void {
  for (const [i, row] of rows.entries()) {
    const before = seconds[i - 1];
    const now = seconds[i];
    if (before === undefined || now === undefined || now >= before) continue;
    const message = 'time goes back';
    faults.push({ file, line: row.line, message, expected: `${before} s or later` });
  }
}

function toCounter(column: LogColumn, times: readonly number[], series: Series): Counter[] {
  const { quantity, name, unit, subject } = column;
  if (quantity === 'current' || quantity === 'time') return [];
  const kept = times.flatMap((time, i) =>
    series[i] === undefined ? [] : [{ time, value: series[i] as number }],
  );
  if (kept.length === 0) return [];
  return [
    {
      name,
      quantity,
      unit,
      subject,
      time: Float64Array.from(kept, ({ time }) => time),
      value: Float64Array.from(kept, ({ value }) => value),
    },
  ];
}

/** Android tells the current of the battery and its voltage; what it delivers is their product, whatever the sign. */
function powerFromCurrent(
  columns: readonly LogColumn[],
  times: readonly number[],
  series: readonly Series[],
): Counter[] {
  return columns.flatMap((current, i) => {
    if (current.quantity !== 'current') return [];
    const v = columns.findIndex((c) => c.quantity === 'voltage' && c.subject === current.subject);
    const known = columns.some((c) => c.quantity === 'power' && c.subject === current.subject);
    if (v < 0 || known) return [];
    const watts = times.map((_, k) => product(series[i]?.[k], series[v]?.[k]));
    const name = `${current.name} × ${columns[v]?.name}`;
    return toCounter({ ...current, name, quantity: 'power', unit: 'W' }, times, watts);
  });
}

function product(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.abs(a * b);
}
