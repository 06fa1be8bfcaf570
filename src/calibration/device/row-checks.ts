/** Faults of a table of measurements that its columns alone do not show: units mixed up, rows twice, rows that disagree. */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { LlmRow } from './llm-rows.ts';

/** Two rows that measured the same thing. */
export interface Pair {
  readonly kind: 'duplicate' | 'contradiction';
  readonly first: LlmRow;
  readonly second: LlmRow;
  /** Column that tells them apart, and both values; empty for duplicates. */
  readonly column: string;
  readonly values: readonly [number, number];
}

/** What a plausible measurement may say: outside, a unit was mixed up (milliseconds for seconds, per minute, bytes for gigabytes). */
const RANGES: Readonly<Record<string, readonly [number, number, string]>> = {
  params_b: [0.01, 2000, '10^9 parameters'],
  prompt_tokens: [1, 2e6, 'tokens'],
  context_tokens: [1, 2e6, 'tokens'],
  prefill_tok_s: [0.05, 2e5, 'tokens per second'],
  ttft_s: [1e-4, 3600, 'seconds'],
  decode_tok_s: [0.01, 2000, 'tokens per second'],
  power_w: [0.05, 200, 'watts'],
  energy_j_per_tok: [1e-4, 100, 'joules per token'],
  weight_gb: [0.01, 2000, '10^9 bytes'],
};

/** Seconds and rate of one prefill may differ by the first decode step and rounding, not by this factor. */
const TIME_MISMATCH = 30;

/** @throws SpecError naming every bad cell with its line. */
export function checkCells(rows: readonly LlmRow[], file: string): void {
  const lines = new Map<string, number>();
  const faults = rows.flatMap((row) => {
    const before = lines.get(row.id);
    lines.set(row.id, row.line);
    return [...idFaults(row, before), ...rangeFaults(row), ...timeFaults(row)].map(
      (fault): Fault => ({ file, line: row.line, ...fault }),
    );
  });
  if (faults.length > 0) throw new SpecError(faults);
}

function idFaults({ id }: LlmRow, before: number | undefined): Fault[] {
  if (id === '') return [{ path: 'id', message: 'is empty' }];
  if (before === undefined) return [];
  return [{ path: 'id', message: `"${id}" is also the row of line ${before}` }];
}

function rangeFaults({ columns }: LlmRow): Fault[] {
  return Object.entries(RANGES).flatMap(([column, [low, high, unit]]) => {
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

const SAME = [
  'soc',
  'device',
  'unit',
  'runtime',
  'model',
  'weight_bits',
  'act_bits',
  'prompt_tokens',
  'context_tokens',
  'source_title',
  'notes',
];
const MEASURED = ['prefill_tok_s', 'ttft_s', 'decode_tok_s'];
/** Two rows of equal conditions that differ by more than this contradict each other. */
const CONTRADICTION = 1.5;

/** Rows that agree in everything that is said of their conditions. */
export function pairsOf(rows: readonly LlmRow[]): Pair[] {
  const groups = new Map<string, LlmRow[]>();
  for (const row of rows) {
    const key = JSON.stringify(SAME.map((column) => row.columns[column] ?? ''));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : others.flatMap((second) => pairOf(first, second)),
  );
}

function pairOf(first: LlmRow, second: LlmRow): Pair[] {
  const differing = MEASURED.map((column) => {
    const values = [
      Number(first.columns[column] || Number.NaN),
      Number(second.columns[column] || Number.NaN),
    ] as const;
    return { column, values, away: Math.abs(Math.log(values[0] / values[1])) };
  }).filter(({ away }) => away > 0);
  if (differing.length === 0)
    return [{ kind: 'duplicate', first, second, column: '', values: [Number.NaN, Number.NaN] }];
  const worst = differing.sort((a, b) => b.away - a.away)[0]!;
  if (worst.away <= Math.log(CONTRADICTION)) return [];
  return [{ kind: 'contradiction', first, second, column: worst.column, values: worst.values }];
}
