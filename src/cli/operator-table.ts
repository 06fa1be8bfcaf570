/** Operators with their work as lines of a table, of JSON or of CSV, grouped and sorted as asked. */
import { formatCsv } from '../base/csv.ts';
import { formatQuantity } from '../base/quantity.ts';
import { GIGA, KILO, MEGA, TERA } from '../base/units.ts';
import { totalBytes, type Work } from '../base/work.ts';
import { type Column, renderTable } from './terminal.ts';

/** What a machine makes of one operator. */
export interface OperatorPrediction {
  readonly unit: string;
  readonly seconds: number;
  /** Of the tensors' bytes and of those read again, what reaches DRAM rather than staying in the unit. */
  readonly dramBytes: number;
  /** What holds it back: `compute`, `memory`, `launch`, … */
  readonly bound: string;
}

/** Work and prediction of one run of an operator: the mean of its runs where they differ, or the sum of all of them. */
export interface OperatorRow {
  readonly phase: string;
  readonly name: string;
  readonly work: Work;
  /** Runs in the whole request. */
  readonly count: number;
  /** Bytes of the last run over those of the first: above one where a run sees more context than the one before. */
  readonly growth: number;
  readonly prediction: OperatorPrediction | undefined;
}

export interface Arrangement {
  /** One line per `operator`, per distinct `shape`, or per operator `type`. */
  readonly by: string;
  /** `execution`, `macs`, `bytes` or `time`. */
  readonly sort: string;
}

/** Groups and sorts as asked. */
export function arrangeRows(
  rows: readonly OperatorRow[],
  { by, sort }: Arrangement,
): readonly OperatorRow[] {
  const grouped = by === 'type' ? sumTypes(rows) : by === 'shape' ? mergeShapes(rows) : rows;
  const runs = (row: OperatorRow) => (by === 'type' ? 1 : row.count);
  const key: Readonly<Record<string, (row: OperatorRow) => number>> = {
    macs: (row) => row.work.macs * runs(row),
    bytes: (row) => totalBytes(row.work) * runs(row),
    time: (row) => (row.prediction?.seconds ?? 0) * runs(row),
  };
  const rank = key[sort];
  return rank ? [...grouped].sort((a, b) => rank(b) - rank(a)) : grouped;
}

/** One of them stands for all that are alike. */
function mergeShapes(rows: readonly OperatorRow[]): OperatorRow[] {
  const groups = new Map<string, OperatorRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.phase, row.work]);
    const known = groups.get(key);
    groups.set(key, known ? { ...known, count: known.count + row.count } : row);
  }
  return [...groups.values()];
}

/** Everything that operators of one type do in the whole request. */
function sumTypes(rows: readonly OperatorRow[]): OperatorRow[] {
  const groups = new Map<string, OperatorRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.phase, row.work.operator]);
    const known = groups.get(key);
    const all = allRuns(row);
    groups.set(key, known ? addRows(known, all) : all);
  }
  return [...groups.values()];
}

function allRuns(row: OperatorRow): OperatorRow {
  const { work, count, prediction } = row;
  return {
    ...row,
    name: '',
    growth: 1,
    work: scaleWork(work, count),
    prediction: prediction && scalePrediction(prediction, count),
  };
}

function scaleWork(work: Work, factor: number): Work {
  const scaled = SUMMED.map((field) => [field, factor * work[field]]);
  return { ...work, ...Object.fromEntries(scaled) };
}

function scalePrediction(one: OperatorPrediction, factor: number): OperatorPrediction {
  return { ...one, seconds: factor * one.seconds, dramBytes: factor * one.dramBytes };
}

function addRows(a: OperatorRow, b: OperatorRow): OperatorRow {
  return {
    ...a,
    work: addWork(a.work, b.work),
    count: a.count + b.count,
    prediction: addPredictions(a.prediction, b.prediction),
  };
}

function addWork(a: Work, b: Work): Work {
  const sums = SUMMED.map((field) => [field, a[field] + b[field]]);
  return { ...a, ...Object.fromEntries(sums) };
}

/** None where either has none. */
function addPredictions(
  a: OperatorPrediction | undefined,
  b: OperatorPrediction | undefined,
): OperatorPrediction | undefined {
  return (
    a &&
    b && {
      unit: a.unit === b.unit ? a.unit : 'several',
      bound: a.bound === b.bound ? a.bound : 'mixed',
      seconds: a.seconds + b.seconds,
      dramBytes: a.dramBytes + b.dramBytes,
    }
  );
}

const SUMMED = [
  'macs',
  'vectorOps',
  'weightBytes',
  'inputBytes',
  'outputBytes',
  'kvReadBytes',
  'kvWriteBytes',
] as const satisfies readonly (keyof Work)[];

/** The mean of runs that differ in context alone; its shape is that of the one in the middle. */
export function meanRun(runs: readonly (readonly [Work, OperatorPrediction | undefined])[]) {
  const [[first, start], ...rest] = runs as [(typeof runs)[number], ...typeof runs];
  let work = first;
  let prediction = start;
  for (const [each, found] of rest) {
    work = addWork(work, each);
    prediction = addPredictions(prediction, found);
  }
  const [middle] = runs[Math.floor((runs.length - 1) / 2)] ?? [first];
  const [last] = runs.at(-1) ?? [first];
  const mean = scaleWork(work, 1 / runs.length);
  return {
    work: { ...mean, form: middle.form },
    growth: totalBytes(first) > 0 ? totalBytes(last) / totalBytes(first) : 1,
    prediction: prediction && scalePrediction(prediction, 1 / runs.length),
  };
}

/** Multiply–accumulates per byte; 0 where nothing is multiplied. */
function intensityOf(work: Work): number {
  const bytes = totalBytes(work);
  return bytes > 0 ? work.macs / bytes : 0;
}

/** Every field of a line, as JSON and CSV carry it. */
export function rowFields({ phase, name, work, count, growth, prediction }: OperatorRow) {
  return {
    phase,
    name,
    operator: work.operator,
    count,
    growth,
    form: work.form,
    weight_dtype: work.weightDType,
    activation_dtype: work.activationDType,
    macs: work.macs,
    vector_ops: work.vectorOps,
    weight_bytes: work.weightBytes,
    input_bytes: work.inputBytes,
    output_bytes: work.outputBytes,
    kv_read_bytes: work.kvReadBytes,
    kv_write_bytes: work.kvWriteBytes,
    macs_per_byte: intensityOf(work),
    ...(prediction && {
      unit: prediction.unit,
      seconds: prediction.seconds,
      dram_bytes: prediction.dramBytes,
      bound: prediction.bound,
    }),
  };
}

/** The same columns for every line, whether or not a unit was found for it. */
export function rowsCsv(rows: readonly OperatorRow[], predicted: boolean): string {
  const columns = [
    ...Object.keys(rowFields({ ...(rows[0] as OperatorRow), prediction: undefined })),
    ...(predicted ? ['unit', 'seconds', 'dram_bytes', 'bound'] : []),
  ];
  const cells = rows.map((row) => {
    const fields: Readonly<Record<string, unknown>> = rowFields(row);
    return columns.map((name) => (name === 'form' ? formText(row.work) : (fields[name] ?? '')));
  });
  return formatCsv(columns, cells);
}

/** `matmul batch=1 m=512 n=4096 k=4096`: a shape in one cell. */
function formText({ form }: Work): string {
  const { kind, ...sizes } = form;
  return [kind, ...Object.entries(sizes).map(([name, value]) => `${name}=${value}`)].join(' ');
}

const COLUMNS: readonly Column[] = [
  { header: 'phase' },
  { header: 'name', wrap: true },
  { header: 'operator' },
  { header: 'count', align: 'right' },
  { header: 'MACs', align: 'quantity' },
  { header: 'bytes', align: 'quantity' },
  { header: 'last/first', align: 'right' },
  { header: 'MACs/B', align: 'right' },
  { header: 'unit' },
  { header: 'DRAM', align: 'quantity' },
  { header: 'time', align: 'quantity' },
  { header: 'bound' },
];

/** The first lines of a table, and how many there are beside them. */
export function rowsText(rows: readonly OperatorRow[], limit: number): string {
  const shown = rows.slice(0, limit);
  const phases = new Set(rows.map((row) => row.phase)).size;
  const counted = rows.some((row) => row.count > 1);
  const lines = shown.map(({ phase, name, work, count, growth, prediction }) => [
    phases > 1 ? phase : '',
    name,
    work.operator,
    counted ? String(count) : '',
    work.macs > 0 ? countText(work.macs) : '',
    formatQuantity(totalBytes(work), 'size', 3),
    growth === 1 ? '' : growth.toFixed(2),
    work.macs > 0 ? intensityOf(work).toPrecision(3) : '',
    ...predictionCells(prediction),
  ]);
  const hidden = rows.length - shown.length;
  return [
    renderTable(COLUMNS, lines),
    ...(hidden > 0
      ? [`… ${hidden} more lines: --top N shows more, --by type or shape fewer, --csv all`]
      : []),
  ].join('\n');
}

function predictionCells(prediction: OperatorPrediction | undefined): string[] {
  if (!prediction) return ['', '', '', ''];
  const { unit, dramBytes, seconds, bound } = prediction;
  return [unit, formatQuantity(dramBytes, 'size', 3), formatQuantity(seconds, 'time', 3), bound];
}

/** `2.302 G`, `131.1 k`: a count with the largest prefix that keeps a digit before the point. */
export function countText(count: number): string {
  const [prefix, factor] = PREFIXES.find(([, each]) => count >= each) ?? ['', 1];
  return `${Number((count / factor).toPrecision(4))} ${prefix}`.trimEnd();
}

const PREFIXES: readonly (readonly [string, number])[] = [
  ['T', TERA],
  ['G', GIGA],
  ['M', MEGA],
  ['k', KILO],
];
