/** Metrics as people read them: label, number, unit. */
import { type Dimension, formatQuantity } from '../base/quantity.ts';
import { type Metric, metrics } from '../engine/metrics.ts';

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
  if (metric.unit === '') return `${Number((value * 100).toPrecision(3))} %`;
  return `${Number(value.toPrecision(digits))} ${metric.unit}`;
}

export function metricLabel(id: string): string {
  return (metrics as Readonly<Record<string, Metric>>)[id]?.label ?? id;
}
