/** Measured latencies of networks as rows of a CSV file: which columns, and what each row says. */
import { parseCsv } from '../../base/csv.ts';
import { numberOf } from './llm-rows.ts';

/** The columns that a file of network latencies must have; others are carried along. */
export const VISION_COLUMNS = [
  'id',
  'model',
  'soc',
  'unit',
  'runtime',
  'precision',
  'latency_ms',
] as const;

export interface VisionRow {
  readonly id: string;
  readonly line: number;
  readonly model: string;
  /** Part of a model of several networks. */
  readonly component: string;
  readonly soc: string;
  readonly unit: string;
  readonly runtime: string;
  readonly precision: string;
  /** The same, as what engine classes ask for. */
  readonly activationBits: string;
  readonly milliseconds: number | undefined;
  readonly throughput: number | undefined;
  /** ISO date of the newest measurement. */
  readonly measuredOn: string;
  /** `measured`, `derived` or `vendor_claim`. */
  readonly kind: string;
  /** A to D, best first. */
  readonly quality: string;
  /** What the source says of itself and of the conditions. */
  readonly remarks: string;
  readonly columns: Readonly<Record<string, string>>;
}

/** @throws SpecError naming missing columns and ragged lines. */
export function parseVisionRows(text: string, file: string): VisionRow[] {
  const { rows } = parseCsv(text, file, VISION_COLUMNS);
  return rows.map(({ line, values }) => ({
    id: values['id'] ?? '',
    line,
    model: values['model'] ?? '',
    component: values['component'] ?? '',
    soc: values['soc'] ?? '',
    unit: (values['unit'] ?? '').trim().toLowerCase(),
    runtime: values['runtime'] ?? '',
    precision: values['precision'] ?? '',
    activationBits: values['precision'] ?? '',
    milliseconds: numberOf(values['latency_ms']),
    throughput: numberOf(values['throughput_per_s']),
    measuredOn: values['measured_on'] ?? '',
    kind: values['kind'] || 'measured',
    quality: values['quality'] || 'B',
    remarks: `${values['source_title'] ?? values['source'] ?? ''}; ${values['notes'] ?? ''}`,
    columns: values,
  }));
}
