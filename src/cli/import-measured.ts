/** `socsim import` of measurements: what a file holds, and as rows that `calibrate device` takes. */
import { formatCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { MICRO } from '../base/units.ts';
import { parseDeviceLog } from '../calibration/measured/device-log.ts';
import { recogniseMeasured } from '../calibration/measured/kinds.ts';
import { BENCH_COLUMNS, parseLlamaBench } from '../calibration/measured/llama-bench.ts';
import { parseOnnxProfile } from '../calibration/measured/onnx-profile.ts';
import type { Counter } from '../engine/timeline.ts';
import { readUserFile, writeUserFile } from '../load.ts';
import type { Args, OptionSpec } from './command.ts';
import { renderTable } from './terminal.ts';

/** What only measurements need. */
export const measuredOptions = {
  soc: {
    type: 'string',
    summary: 'of llama-bench results: the SoC they were measured on, such as "Snapdragon 8 Gen 3"',
    value: 'NAME',
  },
  device: { type: 'string', summary: 'of llama-bench results: the phone', value: 'NAME' },
  model: {
    type: 'string',
    summary: 'of llama-bench results: the model, where the file name does not tell',
    value: 'NAME',
  },
} as const satisfies Record<string, OptionSpec>;

/** Text files are measurements, all others models. */
export function isMeasured(path: string): boolean {
  return /\.(json|jsonl|csv|log|txt)$/i.test(path);
}

const BENCH_SHOWN = [
  'id',
  'unit',
  'runtime',
  'model',
  'weight_bits',
  'prompt_tokens',
  'prefill_tok_s',
  'decode_tok_s',
  'notes',
];

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Those shown on the terminal, where there are too many for it. */
  readonly shown?: readonly string[];
  /** What to do with it next. */
  readonly next: string;
}

/** Prints what a file of measurements holds; `--out` writes it as CSV. */
export function importMeasured(args: Args, path: string): void {
  const table = readTable(args, path);
  const out = args['out'] as string | undefined;
  if (out !== undefined) writeUserFile(out, formatCsv(table.columns, table.rows));
  if (args['json'] === true) {
    const records = table.rows.map((row) =>
      Object.fromEntries(table.columns.map((name, i) => [name, row[i]])),
    );
    console.log(JSON.stringify(records, undefined, 2));
    return;
  }
  const filled = table.columns.flatMap((name, i) =>
    (table.shown?.includes(name) ?? true) && table.rows.some((row) => row[i]) ? [i] : [],
  );
  console.log(
    renderTable(
      filled.map((i) => ({ header: table.columns[i] as string })),
      table.rows.map((row) => filled.map((i) => row[i] as string)),
    ),
  );
  console.log(`\n${out === undefined ? '' : `Wrote ${out}. `}${table.next}`);
}

function readTable(args: Args, path: string): Table {
  const { text } = readUserFile(path);
  const kind = recogniseMeasured(text, path);
  if (kind === 'llama-bench') return benchTable(args, text, path);
  if (kind === 'device-log') return logTable(text, path);
  return profileTable(text, path);
}

function benchTable(args: Args, text: string, path: string): Table {
  if (args['soc'] === undefined) {
    const message = 'llama-bench does not say which SoC it ran on: --soc is missing';
    throw new SpecError([{ file: path, message, hint: '--soc "Snapdragon 8 Gen 3"' }]);
  }
  const rows = parseLlamaBench(text, path, {
    soc: String(args['soc']),
    device: String(args['device'] ?? ''),
    model: args['model'] as string | undefined,
  });
  return {
    columns: BENCH_COLUMNS,
    shown: BENCH_SHOWN,
    rows: rows.map((row) => BENCH_COLUMNS.map((name) => row[name])),
    next: `Compare with what is predicted: socsim calibrate device ${args['out'] ?? 'FILE'} --check`,
  };
}

function profileTable(text: string, path: string): Table {
  const { spans, seconds, runs } = parseOnnxProfile(text, path);
  const micros = (value: number) => String(Number((value / MICRO).toPrecision(6)));
  return {
    columns: ['name', 'operator', 'start_us', 'duration_us'],
    rows: spans.map(({ name, operator, start, end }) => [
      name,
      operator,
      micros(start),
      micros(end - start),
    ]),
    next: `${spans.length} operators, ${micros(seconds)} us: the run of median length of ${runs}. Lay it over a run: socsim run … --overlay ${path}`,
  };
}

function logTable(text: string, path: string): Table {
  const { counters, ignored } = parseDeviceLog(text, path);
  const left =
    ignored.length === 0 ? '' : `Not read, for their names tell no unit: ${ignored.join(', ')}. `;
  return {
    columns: ['column', 'quantity', 'of', 'samples', 'lowest', 'mean', 'highest', 'unit'],
    rows: counters.map(curveFacts),
    next: `${left}Lay it over a run: socsim run … --overlay ${path}`,
  };
}

function curveFacts({ name, quantity, subject, value, unit }: Counter): string[] {
  const sized = (number: number) => String(Number(number.toPrecision(6)));
  const mean = value.reduce((sum, next) => sum + next, 0) / value.length;
  const low = value.reduce((a, b) => Math.min(a, b));
  const high = value.reduce((a, b) => Math.max(a, b));
  const bounds = [low, mean, high].map(sized);
  return [name, quantity, subject, String(value.length), ...bounds, unit];
}
