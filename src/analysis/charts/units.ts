/** Units on axes: one SI prefix for a whole axis, chosen from its largest value. */

import { GIGA, KILO, MEGA, MICRO, MILLI, NANO, TERA } from '../../base/units.ts';
import type { Counter } from '../../engine/timeline.ts';

/** Divide a base-unit value by `factor` to print it in `unit`. */
export interface AxisUnit {
  readonly factor: number;
  readonly unit: string;
}

const PREFIXES: readonly (readonly [number, string])[] = [
  [TERA, 'T'],
  [GIGA, 'G'],
  [MEGA, 'M'],
  [KILO, 'k'],
  [1, ''],
  [MILLI, 'm'],
  [MICRO, 'µ'],
  [NANO, 'n'],
];
/** These take no prefix: 0.5 % and 40 °C, never 40 000 m°C. */
const PLAIN = new Set(['°C', 'K', '%', '', 'tokens/s', 'requests/s', 'steps', '×']);

const MINUTE = 60;
const HOUR = 3600;
const TIMES: readonly (readonly [number, number, string])[] = [
  [4 * HOUR, HOUR, 'h'],
  [5 * MINUTE, MINUTE, 'min'],
  [1, 1, 's'],
  [MILLI, MILLI, 'ms'],
  [MICRO, MICRO, 'µs'],
  [NANO, NANO, 'ns'],
];

/** @returns the prefix under which `largest` reads as 1…999; seconds below a second become ms or µs. */
export function axisUnit(largest: number, unit: string): AxisUnit {
  const size = Math.abs(largest);
  if (PLAIN.has(unit) || size === 0 || !Number.isFinite(size)) return { factor: 1, unit };
  if (unit === 's') return timeUnit(size);
  const [factor, prefix] = PREFIXES.find(([scale]) => size >= scale) ?? [NANO, 'n'];
  return { factor, unit: `${prefix}${unit}` };
}

/** Unit of a time axis that spans `span` seconds. */
export function timeUnit(span: number): AxisUnit {
  const found = TIMES.find(([least]) => span >= least) ?? TIMES.at(-1);
  const [, factor, unit] = found as readonly [number, number, string];
  return { factor, unit };
}

/** Base unit of a counter as charts print it; rates on requests are tokens. */
export function counterUnit(counter: Pick<Counter, 'quantity' | 'unit'>): string {
  if (counter.quantity === 'rate') return 'tokens/s';
  return counter.unit === 'degC' ? '°C' : counter.unit;
}

/** `value` without a unit: at most `digits` significant, thousands set off, no trailing zeros. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size !== 0 && size < MILLI / 10) return rounded.toExponential();
  const [whole, part] = String(size >= 10 ** digits ? Math.round(value) : rounded).split('.');
  // A narrow no-break space: U+00A0 would be printed as an HTML entity that XML does not know.
  const grouped = (whole as string).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f').replace('-', '−');
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** `76800000000`, `B/s` → `76.8 GB/s`, with the prefix that suits this value alone. */
export function formatValue(value: number, unit: string, digits = 3): string {
  if (unit === '%') return `${formatNumber(value * 100, digits)} %`;
  const scale = axisUnit(value, unit);
  const text = formatNumber(value / scale.factor, digits);
  return scale.unit === '' ? text : `${text} ${scale.unit}`;
}
