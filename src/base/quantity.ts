/**
 * Quantities with units at the edge: "76.8 GB/s" to a number in base units and back.
 *
 * An own table, not mathjs: transfers, tera-operations and Celsius as an absolute scale are missing
 * there, and loading it costs more than a whole simulation. Expressions go through mathjs (`expression.ts`).
 */
import {
  BITS_PER_BYTE,
  GIBI,
  GIGA,
  KIBI,
  KILO,
  MEBI,
  MEGA,
  MICRO,
  MILLI,
  NANO,
  PETA,
  PICO,
  TERA,
} from './units.ts';

export type Dimension =
  | 'time'
  | 'frequency'
  | 'voltage'
  | 'current'
  | 'resistance'
  | 'power'
  | 'energy'
  | 'size'
  | 'bandwidth'
  | 'op-rate'
  | 'transfer-rate'
  | 'temperature'
  | 'temperature-difference'
  | 'thermal-resistance'
  | 'thermal-capacity'
  | 'energy-per-byte'
  | 'length'
  | 'area'
  | 'capacitance'
  | 'charge'
  | 'bit-width'
  | 'ratio'
  | 'count';

/** Unit text → factor to the base unit. The first unit of each dimension is the one `formatQuantity` falls back to. */
const UNITS: Readonly<Record<Dimension, Readonly<Record<string, number>>>> = {
  time: {
    s: 1,
    ms: MILLI,
    us: MICRO,
    µs: MICRO,
    ns: NANO,
    ps: PICO,
    min: 60,
    h: 3600,
  },
  frequency: { Hz: 1, kHz: KILO, MHz: MEGA, GHz: GIGA },
  voltage: { V: 1, mV: MILLI },
  current: { A: 1, mA: MILLI },
  resistance: { ohm: 1, mohm: MILLI, Ω: 1, mΩ: MILLI },
  power: { W: 1, mW: MILLI },
  energy: {
    J: 1,
    mJ: MILLI,
    uJ: MICRO,
    µJ: MICRO,
    nJ: NANO,
    pJ: PICO,
    Wh: 3600,
  },
  size: {
    B: 1,
    kB: KILO,
    KB: KILO,
    MB: MEGA,
    GB: GIGA,
    TB: TERA,
    KiB: KIBI,
    MiB: MEBI,
    GiB: GIBI,
  },
  bandwidth: {
    'B/s': 1,
    'kB/s': KILO,
    'MB/s': MEGA,
    'GB/s': GIGA,
    'TB/s': TERA,
    'KiB/s': KIBI,
    'MiB/s': MEBI,
    'GiB/s': GIBI,
    Mbps: MEGA / BITS_PER_BYTE,
    Gbps: GIGA / BITS_PER_BYTE,
  },
  'op-rate': {
    'op/s': 1,
    GOPS: GIGA,
    TOPS: TERA,
    GFLOPS: GIGA,
    TFLOPS: TERA,
    POPS: PETA,
  },
  'transfer-rate': { 'T/s': 1, 'MT/s': MEGA, 'GT/s': GIGA },
  temperature: { degC: 1, '°C': 1, C: 1 },
  'temperature-difference': { K: 1 },
  'thermal-resistance': { 'K/W': 1, 'mK/W': MILLI },
  'thermal-capacity': { 'J/K': 1, 'mJ/K': MILLI },
  'energy-per-byte': {
    'J/B': 1,
    'pJ/B': PICO,
    'nJ/B': NANO,
    'pJ/bit': PICO * BITS_PER_BYTE,
  },
  length: { m: 1, cm: 1e-2, mm: MILLI, um: MICRO, µm: MICRO },
  area: { m2: 1, cm2: 1e-4, mm2: MICRO },
  capacitance: { F: 1, nF: NANO, pF: PICO },
  charge: { A·s: 1, Ah: 3600, mAh: 3.6 },
  'bit-width': { bit: 1, bits: 1 },
  ratio: { '': 1, '%': 1e-2 },
  count: { '': 1 },
};

/** Base units of a dimension as a person writes them, for messages: `GB/s, MB/s, …`. */
export function unitsOf(dimension: Dimension): readonly string[] {
  return Object.keys(UNITS[dimension]).filter((name) => name !== '');
}

export type ParsedQuantity = { readonly value: number } | { readonly fault: string };

const NUMBER = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*?)\s*$/i;

/**
 * Reads text such as `"8533 MT/s"` as a number in the base unit of `dimension`.
 * Never throws: the fault says which unit belongs there, and what the given unit measures if it is a known one.
 */
export function parseQuantity(text: string | number, dimension: Dimension): ParsedQuantity {
  const table = UNITS[dimension];
  const match = NUMBER.exec(String(text));
  if (!match)
    return {
      fault: `expected a number with a unit, such as ${example(dimension)}`,
    };
  const unitText = match[2] ?? '';
  const factor = table[unitText];
  const value = Number(match[1]) * (factor ?? Number.NaN);
  if (factor !== undefined && Number.isFinite(value)) return { value };
  if (factor !== undefined) return { fault: 'the number is too large' };
  if (unitText === '') return { fault: `expected a unit: ${unitsOf(dimension).join(', ')}` };
  const other = (Object.keys(UNITS) as Dimension[]).find(
    (name) => UNITS[name][unitText] !== undefined,
  );
  const measures = other ? `"${unitText}" measures ${other}` : `unknown unit "${unitText}"`;
  return {
    fault: `${measures}, expected ${dimension} (${unitsOf(dimension).join(', ') || 'a plain number'})`,
  };
}

/** `76800000000` → `"76.8 GB/s"`: the largest decimal unit that keeps at least one digit before the point. */
export function formatQuantity(value: number, dimension: Dimension, digits = 4): string {
  const all = Object.entries(UNITS[dimension]);
  const fallback = (all.find(([name, factor]) => PRINTED.has(name) && factor === 1) ?? all[0]) as [
    string,
    number,
  ];
  // What rounds to 1 of a unit is printed in it: 1 MHz, never 1000 kHz.
  const least = 1 - 0.5 * 10 ** -digits;
  const sorted = all.filter(([name]) => PRINTED.has(name)).sort((a, b) => b[1] - a[1]);
  const [name, factor] =
    value === 0
      ? fallback
      : (sorted.find(([, f]) => Math.abs(value) >= f * least) ?? sorted.at(-1) ?? fallback);
  const number = Number((value / factor).toPrecision(digits));
  return name === '' ? String(number) : `${number} ${name}`;
}

/** Units that output uses: one spelling per scale, decimal prefixes only. */
const PRINTED = new Set(
  (
    's ms µs ns ps Hz kHz MHz GHz V mV A mA ohm mohm W mW J mJ µJ nJ pJ B kB MB GB TB B/s kB/s MB/s GB/s TB/s ' +
    'op/s GOPS TOPS T/s MT/s °C K bit K/W J/K pJ/B nJ/B m mm µm mm2 cm2 F nF pF mAh'
  ).split(' '),
);

function example(dimension: Dimension): string {
  const named = unitsOf(dimension);
  return named.length > 0 ? `"3 ${named[named.length > 3 ? 3 : 0]}"` : '0.5';
}

/** The dimension that a quantity's unit measures; undefined for plain numbers, words and unknown units. */
export function dimensionOf(text: string): Dimension | undefined {
  const unitText = NUMBER.exec(text)?.[2] ?? '';
  if (unitText === '') return undefined;
  return (Object.keys(UNITS) as Dimension[]).find((name) => UNITS[name][unitText] !== undefined);
}

/** Text of a value in the base unit of its dimension, exact: what `parseQuantity` reads back bit for bit. */
export function baseQuantity(value: number, dimension: Dimension): string {
  const unit = Object.entries(UNITS[dimension]).find(([, factor]) => factor === 1)?.[0] ?? '';
  return `${value} ${unit}`.trim();
}
