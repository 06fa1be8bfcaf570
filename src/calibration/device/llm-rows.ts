/** Measured language-model results as rows of a CSV file: which columns, and what each row says. */
import { type CsvFile, parseCsv } from '../../base/csv.ts';

/** The columns that a file of measurements must have; others are carried along. */
export const LLM_COLUMNS = [
  'id',
  'soc',
  'unit',
  'runtime',
  'model',
  'weight_bits',
  'act_bits',
  'prompt_tokens',
  'context_tokens',
  'prefill_tok_s',
  'ttft_s',
  'decode_tok_s',
] as const;

export interface LlmRow {
  readonly id: string;
  readonly line: number;
  readonly soc: string;
  readonly unit: string;
  readonly runtime: string;
  readonly model: string;
  /** 10^9 parameters, where given. */
  readonly billions: number | undefined;
  readonly weightBits: string;
  readonly activationBits: string;
  readonly cacheBits: string;
  /** Stored size of the model in 10^9 bytes. */
  readonly weightGigabytes: number | undefined;
  readonly promptTokens: number | undefined;
  readonly contextTokens: number | undefined;
  readonly prefillPerSecond: number | undefined;
  readonly firstTokenSeconds: number | undefined;
  readonly decodePerSecond: number | undefined;
  /** `measured`, `derived` or `vendor_claim`. */
  readonly kind: string;
  /** A to D, best first. */
  readonly quality: string;
  /** What the source says of itself and of the conditions. */
  readonly remarks: string;
  readonly columns: Readonly<Record<string, string>>;
}

/** @throws SpecError naming missing columns and ragged lines. */
export function parseLlmRows(text: string, file: string): LlmRow[] {
  return rowsOf(parseCsv(text, file, LLM_COLUMNS));
}

/** Rows of a table that has been read; a cell without a column is empty. */
export function rowsOf({ rows }: Pick<CsvFile, 'rows'>): LlmRow[] {
  return rows.map(({ line, values }) => ({
    id: values['id'] ?? '',
    line,
    soc: values['soc'] ?? '',
    unit: (values['unit'] ?? '').trim().toLowerCase(),
    runtime: values['runtime'] ?? '',
    model: values['model_base'] || (values['model'] ?? ''),
    billions: numberOf(values['params_b']),
    weightBits: values['weight_bits'] ?? '',
    activationBits: values['act_bits'] ?? '',
    cacheBits: values['kv_bits'] ?? '',
    weightGigabytes: numberOf(values['weight_gb']),
    promptTokens: numberOf(values['prompt_tokens']),
    contextTokens: numberOf(values['context_tokens']),
    prefillPerSecond: numberOf(values['prefill_tok_s']),
    firstTokenSeconds: numberOf(values['ttft_s']),
    decodePerSecond: numberOf(values['decode_tok_s']),
    kind: values['kind'] || 'measured',
    quality: values['quality'] || 'B',
    remarks: `${values['source_title'] ?? values['source'] ?? ''}; ${values['notes'] ?? ''}`,
    columns: values,
  }));
}

/** The number a cell holds, if any. */
export function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}

/** `Snapdragon 8 Gen 3` → `snapdragon-8-gen-3`: how measured names meet file names. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9.+]+/g, '-')
    .replace(/^-|-$/g, '');
}
