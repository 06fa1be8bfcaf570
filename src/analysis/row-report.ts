/**
 * Checks against other tools and measurements: one shape for every `--rows` and `--check`.
 * `error` is relative (predicted / reference − 1), signed; for temperatures it is in kelvin.
 */
import { SpecError } from '../base/errors.ts';

export interface CheckedRow {
  readonly id: string;
  readonly quantity: string;
  readonly predicted: number;
  readonly reference: number;
  readonly error: number;
  /** Family, tool, SoC …: what the summary groups by. */
  readonly group: string;
  /** The file's own columns, for readers of the JSON. */
  readonly columns?: Readonly<Record<string, unknown>>;
}

export interface RowSummary {
  readonly group: string;
  readonly quantity: string;
  readonly count: number;
  /** Of the absolute errors. */
  readonly median: number;
  readonly p90: number;
  readonly worst: number;
}

export interface RowReport {
  readonly rows: readonly CheckedRow[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
  readonly summary: readonly RowSummary[];
}

/** Groups rows by (group, quantity), plus one summary over all groups named `all`. */
export function reportRows(
  rows: readonly CheckedRow[],
  unmapped: RowReport['unmapped'] = [],
): RowReport {
  const buckets = new Map<string, CheckedRow[]>();
  for (const row of rows) {
    for (const group of new Set([row.group, 'all'])) {
      const key = JSON.stringify([group, row.quantity]);
      const bucket = buckets.get(key);
      if (bucket) bucket.push(row);
      else buckets.set(key, [row]);
    }
  }
  const summary = [...buckets].map(([key, bucket]) => {
    const [group, quantity] = JSON.parse(key) as [string, string];
    const errors = bucket.map((row) => Math.abs(row.error)).sort((a, b) => a - b);
    return {
      group,
      quantity,
      count: errors.length,
      median: quantile(errors, 0.5),
      p90: quantile(errors, 0.9),
      worst: errors.at(-1) ?? Number.NaN,
    };
  });
  return { rows, unmapped, summary };
}

/**
 * The report, where it compares anything: a check of nothing must not look like one that has passed.
 * @throws SpecError that says why the first row could not be compared.
 */
export function comparedRows(report: RowReport, file: string): RowReport {
  if (report.rows.length > 0) return report;
  const [first] = report.unmapped;
  const count = report.unmapped.length;
  const none =
    count === 1 ? 'its only row cannot be compared' : `none of its ${count} rows can be compared`;
  const message = first ? `${none}; ${first.id}: ${first.reason}` : 'no row to compare';
  throw new SpecError([{ file, message }]);
}

/** Units of what phones are measured by; parts of image generators are named by the part, and measured in milliseconds. */
const UNITS: Readonly<Record<string, string>> = {
  prefill: 'tok/s',
  decode: 'tok/s',
  time_to_first_token: 's',
  energy_per_token: 'J',
  power: 'W',
  latency: 'ms',
  bandwidth: 'GB/s',
  temperature: '°C',
  gpu_clock: 'MHz',
  cpu_clock: 'MHz',
  score: 'points or %',
  initial_rate: 'tok/s',
  sustained_rate: 'tok/s',
  drop_time: 's',
};

/** A quantity as tables show it, such as `energy per token (J)`. */
export function quantityText(quantity: string): string {
  const text = quantity.replaceAll('_', ' ');
  return `${text} (${UNITS[quantity] ?? 'ms'})`;
}

export function relativeError(predicted: number, reference: number): number {
  return predicted / reference - 1;
}

/** Linear-interpolated quantile of ascending values; NaN when there are none. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return a + (b - a) * (place - low);
}

/** The shape that `--json` prints: the row's own columns beside the verdict. */
export function reportJson(report: RowReport): Readonly<Record<string, unknown>> {
  const rows = report.rows.map(({ columns, group, ...row }) => ({ ...columns, ...row, group }));
  return { rows, unmapped: report.unmapped, summary: report.summary };
}
