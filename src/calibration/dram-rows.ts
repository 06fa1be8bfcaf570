/** Checks the transaction model against runs of other DRAM simulators, one row of a CSV file each. */
import { type CsvFile, type CsvRow, fieldColumn, parseCsv } from '../base/csv.ts';
import { type Fault, formatFault, SpecError } from '../base/errors.ts';
import { GIGA, NANO } from '../base/units.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { simulateTraffic } from '../hardware/dram/simulate.ts';
import { RowReader, rowOptions } from './dram-row-options.ts';
import { loadLpddrPreset } from './lpddr-presets.ts';

/** Columns a file must have; others are used where they are known and kept as they are. */
const ROW_COLUMNS = [
  'run_id',
  'simulator',
  'preset',
  'channels',
  'refresh',
  'map',
  'mode',
  'window',
  'open_rate',
  'n_accesses',
  'requesters',
  'achieved_GBs',
];

export interface DramCheck {
  readonly id: string;
  readonly quantity: 'bandwidth' | 'read_latency_mean' | 'row_hit_rate';
  readonly predicted: number;
  readonly reference: number;
  /** Relative; for the row-hit rate the difference of the two shares. */
  readonly error: number;
  readonly simulator: string;
  readonly family: string;
  readonly columns: Readonly<Record<string, string>>;
}

export interface DramRowsResult {
  readonly checks: readonly DramCheck[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
}

export function parseRows(text: string, file: string): CsvFile {
  return parseCsv(text, file, ROW_COLUMNS);
}

/** Where a field is. */
export type PlaceOf = (row: CsvRow, column: string | undefined) => Partial<Fault>;

/** Places in a file of this text. */
export function placesIn(text: string, { file, columns }: CsvFile): PlaceOf {
  return ({ line }, name) => {
    const index = name === undefined ? -1 : columns.indexOf(name);
    const column = index < 0 ? undefined : fieldColumn(text, line, index);
    return { file, line, ...(column !== undefined && { column }) };
  };
}

export interface CheckOptions {
  /** Where faults of a row are; by its line alone if not given. */
  readonly placeOf?: PlaceOf;
  readonly onRow?: (done: number) => void;
}

/** Runs every row; a row that cannot be run is named with its place and reason and does not stop the others. */
export function checkRows(rows: readonly CsvRow[], options: CheckOptions = {}): DramRowsResult {
  const placeOf = options.placeOf ?? (({ line }) => ({ line }));
  const checks: DramCheck[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  const presets = new Map<string, LpddrPreset>();
  const load = (name: string) => {
    const preset = presets.get(name) ?? loadLpddrPreset(name);
    presets.set(name, preset);
    return preset;
  };
  for (const [index, row] of rows.entries()) {
    const id = row.values['run_id'] || `line ${row.line}`;
    try {
      checks.push(...checkRow(id, row, load));
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const faults = error.faults.map((fault) => ({ ...fault, ...placeOf(row, fault.path) }));
      unmapped.push({ id, reason: faults.map(formatFault).join('\n') });
    }
    options.onRow?.(index + 1);
  }
  return { checks, unmapped };
}

/** No measured or simulated memory gives more; a reference beyond it is a slip of the pen. */
const MOST = GIGA;
const POSITIVE = { least: 0, most: MOST };

function checkRow(
  id: string,
  { values }: CsvRow,
  load: (name: string) => LpddrPreset,
): DramCheck[] {
  const row = new RowReader(values);
  const achieved = row.number('achieved_GBs', POSITIVE) ?? 0;
  const latency = row.number('lat_mean_ns', POSITIVE) ?? 0;
  const hitRate = row.number('row_hit_rate', { least: 0, most: 1 });
  const steady = isSteady(row);
  const options = rowOptions(row, load);
  if (achieved === 0 && hitRate === undefined && !(latency > 0 && steady)) {
    const message = 'says nothing to compare with, neither bandwidth, steady latency nor row hits';
    throw new SpecError([{ path: 'achieved_GBs', message }]);
  }
  const run = simulateTraffic(options);
  const simulator = row.text('simulator') || 'unknown';
  const base = { id, simulator, family: row.text('family') || simulator, columns: values };
  const checks: DramCheck[] = [];
  const relative = (quantity: DramCheck['quantity'], predicted: number, reference: number) => {
    if (reference === 0) return;
    const error = predicted / reference - 1;
    checks.push({ ...base, quantity, predicted, reference, error });
  };
  relative('bandwidth', run.completed, achieved * GIGA);
  if (steady) relative('read_latency_mean', run.readLatency.mean, latency * NANO);
  if (hitRate !== undefined) {
    const predicted = run.hits / Math.max(1, run.hits + run.misses + run.conflicts);
    const error = predicted - hitRate;
    checks.push({ ...base, quantity: 'row_hit_rate', predicted, reference: hitRate, error });
  }
  return checks;
}

/** Past saturation an open queue grows for as long as the run lasts, so its latency means nothing. */
function isSteady(row: RowReader): boolean {
  const rate = Number(row.text('open_rate')) || 0;
  const achieved = row.number('pct_peak', POSITIVE);
  return rate === 0 || achieved === undefined || achieved >= 99.5 * rate;
}
