/** Faults of a table of measurements that its columns alone do not show: units mixed up, rows named twice. */
import { type Fault, formatFault, SpecError } from '../../base/errors.ts';
import type { LlmRow } from './llm-rows.ts';

/** Least and largest plausible value of a column, and its unit. */
export type Ranges = Readonly<Record<string, readonly [number, number, string]>>;

/** What a plausible measurement may say: outside, a unit was mixed up (milliseconds for seconds, per minute, bytes for gigabytes). */
const RANGES: Ranges = {
  params_b: [0.01, 2000, '10^9 parameters'],
  prompt_tokens: [1, 2e6, 'tokens'],
  context_tokens: [1, 2e6, 'tokens'],
  prefill_tok_s: [0.05, 2e5, 'tokens per second'],
  ttft_s: [1e-4, 3600, 'seconds'],
  decode_tok_s: [0.01, 2000, 'tokens per second'],
  power_w: [0.05, 200, 'watts'],
  energy_j_per_tok: [1e-4, 100, 'joules per token'],
  weight_gb: [0.01, 2000, '10^9 bytes'],
  latency_ms: [1e-3, 3.6e6, 'milliseconds'],
};

/** Seconds and rate of one prefill may differ by the first decode step and rounding, not by this factor. */
const TIME_MISMATCH = 30;

type Cells = Pick<LlmRow, 'id' | 'line' | 'columns'>;

interface Checked<Row> {
  readonly sound: readonly Row[];
  /** Rows that say what cannot be, with their line and all that is wrong with them. */
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
}

/** Rows of language models to be fitted to. @throws SpecError naming every fault: what is fitted must not be a slip. */
export function checkCells(rows: readonly LlmRow[], file: string): void {
  const faults = faultyRows(rows, llmFaults).flatMap(({ row, faults: found }) =>
    found.map((fault): Fault => ({ file, line: row.line, ...fault })),
  );
  if (faults.length > 0) throw new SpecError(faults);
}

/** Rows of language models that say what can be, and the others: one slip does not end a table of predictions. */
export function soundCells(rows: readonly LlmRow[]): Checked<LlmRow> {
  return parted(rows, llmFaults);
}

/** The same for rows of networks. */
export function soundRows<Row extends Cells>(rows: readonly Row[]): Checked<Row> {
  return parted(rows, ({ columns }) => rangeFaults(columns, RANGES));
}

/** Columns of language models say some things twice. */
const llmFaults = (row: LlmRow) => [
  ...rangeFaults(row.columns, RANGES),
  ...widthFaults(row),
  ...sizeFaults(row),
  ...contextFaults(row),
  ...timeFaults(row),
];

function parted<Row extends Cells>(
  rows: readonly Row[],
  faultsOf: (row: Row) => Fault[],
): Checked<Row> {
  const faulty = faultyRows(rows, faultsOf);
  const bad = new Set(faulty.map(({ row }) => row));
  return {
    sound: rows.filter((row) => !bad.has(row)),
    unmapped: faulty.map(({ row, faults }) => ({
      id: row.id,
      reason: `line ${row.line}: ${faults.map(formatFault).join('; ')}`,
    })),
  };
}

function faultyRows<Row extends Cells>(rows: readonly Row[], faultsOf: (row: Row) => Fault[]) {
  const lines = new Map<string, number>();
  return rows.flatMap((row) => {
    const before = lines.get(row.id);
    if (before === undefined) lines.set(row.id, row.line);
    const faults = [...idFaults(row, before), ...faultsOf(row)];
    return faults.length > 0 ? [{ row, faults }] : [];
  });
}

function idFaults({ id }: Cells, before: number | undefined): Fault[] {
  if (id === '') return [{ path: 'id', message: 'is empty' }];
  if (before === undefined) return [];
  return [{ path: 'id', message: `"${id}" is also the row of line ${before}` }];
}

/** Cells that are no number, or none that the unit of their column allows; empty ones are left out. */
export function rangeFaults(
  columns: Readonly<Record<string, string | undefined>>,
  ranges: Ranges,
): Fault[] {
  return Object.entries(ranges).flatMap(([column, [low, high, unit]]) => {
    const text = (columns[column] ?? '').trim();
    const value = Number(text);
    if (text === '' || (value >= low && value <= high)) return [];
    return [
      {
        path: column,
        message: Number.isFinite(value) ? 'is no plausible value in this unit' : 'is no number',
        expected: `${low} to ${high} ${unit}, without a unit behind it`,
        got: text,
      },
    ];
  });
}

/** No format is narrower than a bit or wider than single precision; names of types are the formats' to know. */
const WIDTHS = [1, 32] as const;

function widthFaults({ weightBits }: LlmRow): Fault[] {
  const bits = Number(weightBits);
  if (weightBits.trim() === '' || !Number.isFinite(bits)) return [];
  if (bits >= WIDTHS[0] && bits <= WIDTHS[1]) return [];
  return [
    {
      path: 'weight_bits',
      message: 'is no width of a weight',
      expected: `${WIDTHS.join(' to ')} bits`,
      got: weightBits,
    },
  ];
}

/** Sizes in a name, in billions or millions; those of experts (`8x7B`, `A3B`) and effective ones (`E2B`) say less than all. */
const NAMED_SIZE = /(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])/gi;
/** Parameters may differ from a size by this share: tables of embeddings are counted or not. */
const SIZE_SHARE = 0.25;
/** Names round to whole billions: Gemma-2B has 2.51 of them, MiniCPM-2B 2.72. */
const SIZE_ROUNDING = 0.5;

function sizeFaults({ model, billions }: LlmRow): Fault[] {
  if (billions === undefined) return [];
  const sizes = [...model.matchAll(NAMED_SIZE)].map(([text, number, unit]) => {
    const whole = /[bB]/.test(unit ?? '') && !text.includes('.');
    const named = Number(number) * (/m/i.test(unit ?? '') ? 1e-3 : 1);
    return { text, named, most: SIZE_SHARE * named + (whole ? SIZE_ROUNDING : 0) };
  });
  const [first] = sizes;
  if (!first || sizes.some(({ named, most }) => Math.abs(billions - named) <= most)) return [];
  return [
    {
      path: 'params_b',
      message: `does not fit ${first.text} in the name of ${model}`,
      expected: `about ${first.named}, in 10^9 parameters`,
      got: String(billions),
    },
  ];
}

function contextFaults({ promptTokens, contextTokens }: LlmRow): Fault[] {
  if (!promptTokens || !contextTokens || promptTokens <= contextTokens) return [];
  return [
    {
      path: 'context_tokens',
      message: `does not hold the prompt of ${promptTokens} tokens`,
      got: String(contextTokens),
    },
  ];
}

/** Time, rate and length of one prompt say the same thing twice. */
function timeFaults({ promptTokens, prefillPerSecond, firstTokenSeconds }: LlmRow): Fault[] {
  if (!promptTokens || !prefillPerSecond || !firstTokenSeconds) return [];
  const expected = promptTokens / prefillPerSecond;
  if (Math.abs(Math.log(firstTokenSeconds / expected)) <= Math.log(TIME_MISMATCH)) return [];
  return [
    {
      path: 'ttft_s',
      message: `does not fit ${promptTokens} tokens at ${prefillPerSecond} per second`,
      expected: `about ${Number(expected.toPrecision(3))} s; milliseconds are no seconds`,
      got: String(firstTokenSeconds),
    },
  ];
}
