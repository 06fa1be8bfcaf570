/** Metrics as people read them: label, number, unit. */
import { type Dimension, formatQuantity } from '../base/quantity.ts';
import { type Metric, metrics } from '../engine/metrics.ts';
import type { Interval } from '../engine/run.ts';

const DIMENSION_OF_UNIT: Readonly<Record<string, Dimension>> = {
  s: 'time',
  B: 'size',
  'B/s': 'bandwidth',
  J: 'energy',
  W: 'power',
};

const DIGITS = 4;

/** `1234567890 B` → `1.235 GB`; ratios as per cent; others with their own unit. Unknown ids are plain numbers. */
export function formatMetric(id: string, value: number, digits = DIGITS): string {
  const metric = (metrics as Readonly<Record<string, Metric>>)[id];
  if (!metric) return String(Number(value.toPrecision(digits)));
  const dimension = DIMENSION_OF_UNIT[metric.unit];
  if (dimension) return formatQuantity(value, dimension, digits);
  if (metric.unit === '') return formatShare(value);
  return `${Number(value.toPrecision(digits))} ${metric.unit}`;
}

/** `52 ms – 78 ms`; nothing where there is no interval. */
export function intervalText(id: string, interval: Interval | undefined): string {
  if (!interval) return '';
  return `${formatMetric(id, interval.low, 3)} – ${formatMetric(id, interval.high, 3)}`;
}

/** Shares as per cent; what is there but too small to matter is not spelled out. */
function formatShare(value: number): string {
  const percent = value * 100;
  if (percent !== 0 && Math.abs(percent) < LEAST_PERCENT) return `<${LEAST_PERCENT} %`;
  return `${Number(percent.toPrecision(3))} %`;
}

const LEAST_PERCENT = 0.001;

export function metricLabel(id: string): string {
  return (metrics as Readonly<Record<string, Metric>>)[id]?.label ?? id;
}
