/** What a column of a device log holds, told from its name: `gpu_freq_khz`, `gpu clock kHz` and `GPU [kHz]` are the clock of `gpu` in 10^3 Hz. */
import { GIGA, KILO, MEGA, MICRO, MILLI } from '../../base/units.ts';
import type { Counter } from '../../engine/timeline.ts';

export interface LogColumn {
  readonly name: string;
  /** `current` has no curve in a run; with a voltage it becomes power. */
  readonly quantity: Counter['quantity'] | 'current' | 'time';
  /** Base unit of the quantity, as counters carry it. */
  readonly unit: string;
  /** Values times this are in the base unit. */
  readonly factor: number;
  /** What it belongs to, in lower case: `gpu`, `skin`, `cpu-x4`, or nothing. */
  readonly subject: string;
}

type Suffix = Pick<LogColumn, 'quantity' | 'unit' | 'factor'>;

/** Upper and lower case count as one: nobody logs megakelvin. */
const SUFFIXES: Readonly<Record<string, Suffix>> = {
  s: { quantity: 'time', unit: 's', factor: 1 },
  ms: { quantity: 'time', unit: 's', factor: MILLI },
  us: { quantity: 'time', unit: 's', factor: MICRO },
  ns: { quantity: 'time', unit: 's', factor: 1 / GIGA },
  min: { quantity: 'time', unit: 's', factor: 60 },
  w: { quantity: 'power', unit: 'W', factor: 1 },
  watt: { quantity: 'power', unit: 'W', factor: 1 },
  watts: { quantity: 'power', unit: 'W', factor: 1 },
  mw: { quantity: 'power', unit: 'W', factor: MILLI },
  milliwatts: { quantity: 'power', unit: 'W', factor: MILLI },
  uw: { quantity: 'power', unit: 'W', factor: MICRO },
  c: { quantity: 'temperature', unit: '°C', factor: 1 },
  '°c': { quantity: 'temperature', unit: '°C', factor: 1 },
  celsius: { quantity: 'temperature', unit: '°C', factor: 1 },
  mc: { quantity: 'temperature', unit: '°C', factor: MILLI },
  dc: { quantity: 'temperature', unit: '°C', factor: 0.1 },
  hz: { quantity: 'frequency', unit: 'Hz', factor: 1 },
  khz: { quantity: 'frequency', unit: 'Hz', factor: KILO },
  mhz: { quantity: 'frequency', unit: 'Hz', factor: MEGA },
  ghz: { quantity: 'frequency', unit: 'Hz', factor: GIGA },
  v: { quantity: 'voltage', unit: 'V', factor: 1 },
  mv: { quantity: 'voltage', unit: 'V', factor: MILLI },
  uv: { quantity: 'voltage', unit: 'V', factor: MICRO },
  a: { quantity: 'current', unit: 'A', factor: 1 },
  ma: { quantity: 'current', unit: 'A', factor: MILLI },
  ua: { quantity: 'current', unit: 'A', factor: MICRO },
  tps: { quantity: 'rate', unit: '1/s', factor: 1 },
  'tok/s': { quantity: 'rate', unit: '1/s', factor: 1 },
  'gb/s': { quantity: 'bandwidth', unit: 'B/s', factor: GIGA },
  'mb/s': { quantity: 'bandwidth', unit: 'B/s', factor: MEGA },
  pct: { quantity: 'share', unit: '', factor: 0.01 },
  percent: { quantity: 'share', unit: '', factor: 0.01 },
  '%': { quantity: 'share', unit: '', factor: 0.01 },
};

/** Suffixes of several words, as `tok_s` has. */
const LONG_SUFFIXES: Readonly<Record<string, string>> = {
  tok_s: 'tok/s',
  tokens_s: 'tok/s',
  tokens_per_s: 'tok/s',
  tokens_per_second: 'tok/s',
  gb_s: 'gb/s',
  mb_s: 'mb/s',
};

/** Words that name the quantity again and say nothing about whose it is. */
const QUANTITY_WORDS = new Set(
  'temp temperature freq frequency clock power current voltage now cur avg mean rate decode bandwidth bw level state charge'.split(
    ' ',
  ),
);

/** @returns nothing where the name tells no unit. */
export function readColumn(name: string): LogColumn | undefined {
  const parts = /^(.*?)\s*[[(]\s*(.*?)\s*[\])]$/.exec(name.trim());
  const plain = (parts?.[1] ?? name).trim().toLowerCase();
  if (parts) return columnOf(name, plain, (parts[2] as string).toLowerCase());
  for (const [long, suffix] of Object.entries(LONG_SUFFIXES)) {
    if (plain === long || plain.endsWith(`_${long}`)) {
      return columnOf(name, plain.slice(0, -long.length), suffix);
    }
  }
  const cut = Math.max(plain.lastIndexOf('_'), plain.lastIndexOf(' '));
  return columnOf(name, plain.slice(0, Math.max(cut, 0)), plain.slice(cut + 1));
}

function columnOf(name: string, head: string, suffix: string): LogColumn | undefined {
  const known = Object.hasOwn(SUFFIXES, suffix) ? SUFFIXES[suffix] : undefined;
  if (!known) return undefined;
  const words = head.split(/[\s_]+/).filter((word) => word !== '' && !QUANTITY_WORDS.has(word));
  return { name, ...known, subject: words.join(' ') };
}
