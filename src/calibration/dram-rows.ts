/** Checks the transaction model against runs of other DRAM simulators, one row of a CSV file each. */
import { type CsvFile, type CsvRow, parseCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { GIGA, NANO } from '../base/units.ts';
import type { ControllerConfig, RefreshPolicy } from '../hardware/dram/controller.ts';
import { CONTROLLERS, type ControllerName } from '../hardware/dram/controllers.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { parseRequesters } from '../hardware/dram/requester.ts';
import { simulateTraffic, type TrafficOptions } from '../hardware/dram/simulate.ts';
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

/** Runs every row; a row that cannot be run is named with its reason and does not stop the others. */
export function checkRows(
  rows: readonly CsvRow[],
  onRow: (done: number) => void = () => {},
): DramRowsResult {
  const checks: DramCheck[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  const presets = new Map<string, LpddrPreset>();
  const load = (name: string) => {
    const preset = presets.get(name) ?? loadLpddrPreset(name);
    presets.set(name, preset);
    return preset;
  };
  for (const [index, { values, line }] of rows.entries()) {
    const id = values['run_id'] || `line ${line}`;
    try {
      checks.push(...checkRow(id, values, rowOptions(values, load)));
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      unmapped.push({ id, reason: error.message });
    }
    onRow(index + 1);
  }
  return { checks, unmapped };
}

type Values = Readonly<Record<string, string>>;

function checkRow(id: string, values: Values, options: TrafficOptions): DramCheck[] {
  const run = simulateTraffic(options);
  const simulator = values['simulator'] || 'unknown';
  const family = values['family'] || simulator;
  const base = { id, simulator, family, columns: values };
  const checks: DramCheck[] = [];
  const relative = (quantity: DramCheck['quantity'], predicted: number, reference: number) => {
    if (!(reference > 0)) return;
    const error = predicted / reference - 1;
    checks.push({ ...base, quantity, predicted, reference, error });
  };
  relative('bandwidth', run.bandwidth, Number(values['achieved_GBs']) * GIGA);
  if (isSteady(values)) {
    const reference = Number(values['lat_mean_ns'] || 0) * NANO;
    relative('read_latency_mean', run.readLatency.mean, reference);
  }
  const hitText = values['row_hit_rate'] ?? '';
  if (hitText !== '') {
    const predicted = run.hits / (run.hits + run.misses + run.conflicts);
    const reference = Number(hitText);
    const error = predicted - reference;
    checks.push({ ...base, quantity: 'row_hit_rate', predicted, reference, error });
  }
  return checks;
}

/** Past saturation an open queue grows for as long as the run lasts, so its latency means nothing. */
function isSteady(values: Values): boolean {
  const rate = Number(values['open_rate'] || 0);
  const achieved = Number(values['pct_peak'] || Number.NaN);
  return rate === 0 || Number.isNaN(achieved) || achieved >= 99.5 * rate;
}

/** What a row asks for, as options of the transaction model. */
function rowOptions(
  values: Values,
  load: (name: string) => LpddrPreset = loadLpddrPreset,
): TrafficOptions {
  const preset = load(values['preset'] ?? '');
  const open = values['mode'] === 'open';
  return {
    preset,
    channels: number(values, 'channels', 1),
    ranks: number(values, 'ranks', 1),
    density: densityOf(values),
    mode: isLong(values) ? 'bank-group-bl32' : undefined,
    map: mapOf(values),
    controller: controllerOf(values, preset),
    plan: {
      requesters: parseRequesters(values['requesters'] ?? ''),
      window: open ? undefined : number(values, 'window'),
      openRate: open ? number(values, 'open_rate') : undefined,
      accesses: number(values, 'n_accesses'),
    },
  };
}

/** BL32 moves 64 bytes in one burst. */
function isLong(values: Values): boolean {
  return /\bBL32\b/.test(values['scheduler'] ?? '');
}

/** Map texts count columns in 32-byte bursts. */
function mapOf(values: Values): string {
  const text = values['map_lsb_to_msb'] || (values['map'] ?? 'A');
  if (!isLong(values)) return text;
  return text.replace(/^co(\d+)/, (_, bits: string) => `co${Number(bits) - 1}`);
}

function number(values: Values, column: string, fallback?: number): number {
  const text = values[column] ?? '';
  const value = text === '' ? fallback : Number(text);
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new SpecError([{ message: `column ${column} is no number`, got: text }]);
}

/** The map's row bits tell the density: 16 banks of 2 KiB rows. */
function densityOf(values: Values): string | undefined {
  const bits = /ro(\d+)/.exec(values['map_lsb_to_msb'] ?? '')?.[1];
  return bits === undefined ? undefined : `${2 ** (Number(bits) - 12)}Gb`;
}

/** The controller of the simulator the row comes from, with the row's own settings. */
function controllerOf(values: Values, preset: LpddrPreset): ControllerConfig {
  const { config } = CONTROLLERS[controllerName(values['simulator'] ?? '')];
  const scheduler = values['scheduler'] ?? '';
  const latency = /(\d+)\+(\d+) ns/.exec(scheduler);
  const cycle = preset.beatsPerClock.is / preset.rate.is;
  const nanoseconds = latency ? Number(latency[1]) + Number(latency[2]) : 0;
  return {
    ...config,
    readQueue: number(values, 'read_q', config.readQueue),
    writeQueue: number(values, 'write_q', config.writeQueue),
    bankQueue: number(values, 'bank_q', config.bankQueue),
    refresh: refreshOf(values['refresh'] ?? ''),
    ...pageOf(values['row_policy'] ?? '', config),
    protectHits: scheduler !== 'FRFCFS',
    wckSync: (values['wck'] ?? '') !== 'always on' && config.wckSync,
    staticLatency: Math.round((nanoseconds * NANO) / cycle),
  };
}

function controllerName(simulator: string): ControllerName {
  const name = (Object.keys(CONTROLLERS) as ControllerName[]).find((known) =>
    simulator.startsWith(known),
  );
  // A tool we do not know is taken for one that arbitrates commands like ours, with the row's own queues.
  return name ?? (simulator.startsWith('ramulator') ? 'ramulator2.1' : 'mobile');
}

function refreshOf(text: string): RefreshPolicy {
  const policies: Record<string, RefreshPolicy> = {
    'all-bank': 'all-bank',
    'per-bank': 'per-bank',
    off: 'none',
    none: 'none',
  };
  const policy = policies[text];
  if (policy) return policy;
  const expected = Object.keys(policies).join(', ');
  throw new SpecError([{ message: 'unknown refresh policy', expected, got: text }]);
}

function pageOf(text: string, config: ControllerConfig): Partial<ControllerConfig> {
  const after = /closed after (\d+)/.exec(text);
  if (after) return { page: 'close-after', closeAfter: Number(after[1]) };
  if (text === 'open') return { page: 'open' };
  if (text === 'close_adaptive') return { page: 'close-adaptive' };
  if (text === 'open_adaptive') return { page: 'open-adaptive' };
  return { page: config.page };
}
