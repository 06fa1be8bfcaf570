/** What a row of another DRAM simulator's results asks for, as options of the transaction model; all its faults at once. */
import { type Fault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { MEGA, NANO } from '../base/units.ts';
import { buildAddressMap } from '../hardware/dram/address-map.ts';
import type { ControllerConfig, RefreshPolicy } from '../hardware/dram/controller-config.ts';
import { buildController, CONTROLLERS, type ControllerName } from '../hardware/dram/controllers.ts';
import { buildDevice } from '../hardware/dram/device.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { parseRequesters } from '../hardware/dram/requester.ts';
import type { TrafficOptions } from '../hardware/dram/simulate.ts';
import { checkReach } from '../hardware/dram/traffic.ts';

/** What a number of a column may be. */
interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

const COUNT = (most: number): Range => ({ least: 1, most, whole: true });
/** More than any package, queue or run has; beyond them a slip of the pen would take all memory. */
const [MOST_CHANNELS, MOST_BURSTS, MOST_ACCESSES] = [64, 65_536, 50_000_000];
/** Tools round the rate of a bin, such as 8533⅓. */
const RATE_TOLERANCE = 0.01;

const REFRESH: Readonly<Record<string, RefreshPolicy>> = {
  'all-bank': 'all-bank',
  'per-bank': 'per-bank',
  off: 'none',
  none: 'none',
};
const PAGES: Readonly<Record<string, ControllerConfig['page']>> = {
  open: 'open',
  close: 'close',
  close_adaptive: 'close-adaptive',
  open_adaptive: 'open-adaptive',
};

/** The fields of one row; faults are collected under the name of their column. */
export class RowReader {
  readonly faults: Fault[] = [];
  private readonly values: Readonly<Record<string, string>>;

  constructor(values: Readonly<Record<string, string>>) {
    this.values = values;
  }

  text(column: string): string {
    return (this.values[column] ?? '').trim();
  }

  /** A number, or nothing where the field is empty or no such number. */
  number(column: string, range: Range): number | undefined {
    const text = this.text(column);
    if (text === '') return undefined;
    const value = Number(text);
    const inside = value >= range.least && value <= range.most;
    if (inside && (!range.whole || Number.isInteger(value))) return value;
    const kind = range.whole ? 'a whole number' : 'a number';
    const expected = `${kind} from ${range.least} to ${range.most}`;
    this.faults.push({ path: column, message: 'not what it should be', expected, got: text });
    return undefined;
  }

  needed(column: string, range: Range): number {
    const before = this.faults.length;
    const value = this.number(column, range);
    if (value !== undefined) return value;
    if (this.faults.length === before) this.faults.push({ path: column, message: 'is empty' });
    return range.least;
  }

  choice<T>(column: string, choices: Readonly<Record<string, T>>): T | undefined {
    const text = this.text(column);
    if (Object.hasOwn(choices, text)) return choices[text];
    const expected = Object.keys(choices).join(', ');
    const hint = nearestHint(text, Object.keys(choices));
    this.faults.push({ path: column, message: 'unknown', expected, got: text || 'nothing', hint });
    return undefined;
  }

  /** What `read` gives; what it throws at the user is the fault of a column. */
  reading<T>(column: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      this.faults.push(...error.faults.map((fault) => ({ ...fault, path: column })));
      return undefined;
    }
  }
}

/** @throws SpecError with everything wrong with the row; `path` of a fault is its column. */
export function rowOptions(row: RowReader, load: (name: string) => LpddrPreset): TrafficOptions {
  const preset = row.reading('preset', () => load(row.text('preset')));
  if (!preset) throw new SpecError(row.faults);
  checkRate(row, preset);
  const channels = row.number('channels', COUNT(MOST_CHANNELS)) ?? 1;
  const ranks = row.number('ranks', COUNT(2)) ?? 1;
  const mode = isLong(row) ? 'bank-group-bl32' : undefined;
  row.reading('scheduler', () => buildDevice(preset, { mode }));
  const density = row.faults.length > 0 ? undefined : densityOf(row, preset, mode);
  const map = mapOf(row);
  const memory = { preset, channels, ranks, density, mode };
  const controller = controllerOf(row, preset);
  const plan = planOf(row);
  if (row.faults.length > 0) throw new SpecError(row.faults);
  const device = buildDevice(preset, memory);
  const column = row.text('map_lsb_to_msb') === '' ? 'map' : 'map_lsb_to_msb';
  const built = row.reading(column, () => buildAddressMap(map, device, channels));
  if (built) row.reading('requesters', () => checkReach(plan.requesters, built));
  row.reading('simulator', () => buildController(device, controller, () => {}));
  if (row.faults.length > 0) throw new SpecError(row.faults);
  return { ...memory, map, controller, plan };
}

function planOf(row: RowReader): TrafficOptions['plan'] {
  const open = row.choice('mode', { closed: false, open: true }) === true;
  const requesters = row.reading('requesters', () => parseRequesters(row.text('requesters'))) ?? [];
  const paced = requesters.length > 0 && requesters.every(({ rate }) => rate !== undefined);
  const window = COUNT(MOST_BURSTS);
  return {
    requesters,
    window: open || paced ? undefined : row.needed('window', window),
    openRate: open ? row.needed('open_rate', { least: 1e-4, most: 100 }) : undefined,
    accesses: row.needed('n_accesses', { least: 20, most: MOST_ACCESSES, whole: true }),
  };
}

function checkRate(row: RowReader, preset: LpddrPreset): void {
  const rate = row.number('rate_mtps', { least: 1, most: MEGA });
  const own = preset.rate.is / MEGA;
  if (rate === undefined || Math.abs(rate / own - 1) <= RATE_TOLERANCE) return;
  const expected = `${own} of ${preset.name}`;
  row.faults.push({
    path: 'rate_mtps',
    message: 'not that of the preset',
    expected,
    got: `${rate}`,
  });
}

/** BL32 moves 64 bytes in one burst. */
function isLong(row: RowReader): boolean {
  return /\bBL32\b/.test(row.text('scheduler'));
}

/** Map texts count columns in 32-byte bursts. */
function mapOf(row: RowReader): string {
  const text = row.text('map_lsb_to_msb') || row.text('map') || 'A';
  if (!isLong(row)) return text;
  return text.replace(/^co(\d+)/, (_, bits: string) => `co${Number(bits) - 1}`);
}

/** The map's row bits tell the density. */
function densityOf(row: RowReader, preset: LpddrPreset, mode?: string): string | undefined {
  const bits = /\bro(\d+)/.exec(row.text('map_lsb_to_msb'))?.[1];
  if (bits === undefined) return undefined;
  const names = Object.keys(preset.densities);
  const rowsOf = (density: string) => buildDevice(preset, { density, mode }).rows;
  const density = names.find((name) => rowsOf(name) === 2 ** Number(bits));
  if (density !== undefined) return density;
  const expected = names.map((name) => `ro${Math.log2(rowsOf(name))} (${name})`).join(', ');
  const message = `no density of ${preset.name} has so many rows`;
  row.faults.push({ path: 'map_lsb_to_msb', message, expected, got: `ro${bits}` });
  return undefined;
}

/** The controller of the simulator the row comes from, with the row's own settings. */
function controllerOf(row: RowReader, preset: LpddrPreset): ControllerConfig {
  const config: ControllerConfig = CONTROLLERS[controllerName(row.text('simulator'))].config;
  const scheduler = row.text('scheduler');
  const latency = /(\d+)\+(\d+) ns/.exec(scheduler);
  const cycle = preset.beatsPerClock.is / preset.rate.is;
  const nanoseconds = latency ? Number(latency[1]) + Number(latency[2]) : 0;
  const queue = COUNT(MOST_BURSTS);
  return {
    ...config,
    readQueue: row.number('read_q', queue) ?? config.readQueue,
    writeQueue: row.number('write_q', queue) ?? config.writeQueue,
    bankQueue: row.number('bank_q', queue) ?? config.bankQueue,
    refresh: row.choice('refresh', REFRESH) ?? config.refresh,
    ...pageOf(row, config),
    protectHits: scheduler !== 'FRFCFS',
    wckSync: row.text('wck') !== 'always on' && config.wckSync,
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

function pageOf(row: RowReader, { page }: ControllerConfig): Partial<ControllerConfig> {
  const text = row.text('row_policy');
  if (text === '') return { page };
  const after = /^closed after ([1-9]\d{0,5}) column accesses?$/.exec(text);
  if (after) return { page: 'close-after', closeAfter: Number(after[1]) };
  return {
    page: row.choice('row_policy', { ...PAGES, 'closed after N column accesses': page }) ?? page,
  };
}
