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
  /** What holds it back: `compute`, `memory`, `launch`, … */
  readonly bound: string;
}

export interface OperatorRow {
  readonly phase: string;
  readonly name: string;
  readonly work: Work;
  readonly count: number;
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
  const grouped = by === 'operator' ? rows : group(rows, by === 'type');
  const key: Readonly<Record<string, (row: OperatorRow) => number>> = {
    macs: (row) => row.work.macs * (by === 'shape' ? row.count : 1),
    bytes: (row) => totalBytes(row.work) * (by === 'shape' ? row.count : 1),
    time: (row) => row.prediction?.seconds ?? 0,
  };
  const rank = key[sort];
  return rank ? [...grouped].sort((a, b) => rank(b) - rank(a)) : grouped;
}

/** By type, works are summed; by shape, one of them stands for all. */
function group(rows: readonly OperatorRow[], byType: boolean): OperatorRow[] {
  const groups = new Map<string, OperatorRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.phase, byType ? row.work.operator : row.work]);
    const known = groups.get(key);
    if (!known) groups.set(key, byType ? { ...row, name: '' } : row);
    else groups.set(key, byType ? addRows(known, row) : { ...known, count: known.count + 1 });
  }
  return [...groups.values()];
}

function addRows(a: OperatorRow, b: OperatorRow): OperatorRow {
  const sum = (pick: (work: Work) => number) => pick(a.work) + pick(b.work);
  const work: Work = {
    ...a.work,
    macs: sum((w) => w.macs),
    vectorOps: sum((w) => w.vectorOps),
    weightBytes: sum((w) => w.weightBytes),
    inputBytes: sum((w) => w.inputBytes),
    outputBytes: sum((w) => w.outputBytes),
    kvReadBytes: sum((w) => w.kvReadBytes),
    kvWriteBytes: sum((w) => w.kvWriteBytes),
  };
  const both = a.prediction && b.prediction;
  const prediction = both && {
    unit: a.prediction.unit === b.prediction.unit ? a.prediction.unit : 'several',
    bound: a.prediction.bound === b.prediction.bound ? a.prediction.bound : 'mixed',
    seconds: a.prediction.seconds + b.prediction.seconds,
  };
  return { ...a, work, count: a.count + b.count, prediction };
}

/** Multiply–accumulates per byte; 0 where nothing is multiplied. */
function intensityOf(work: Work): number {
  const bytes = totalBytes(work);
  return bytes > 0 ? work.macs / bytes : 0;
}

/** Every field of a line, as JSON and CSV carry it. */
export function rowFields({ phase, name, work, count, prediction }: OperatorRow) {
  return {
    phase,
    name,
    operator: work.operator,
    count,
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
    ...(prediction ?? {}),
  };
}

/** The same columns for every line, whether or not a unit was found for it. */
export function rowsCsv(rows: readonly OperatorRow[], predicted: boolean): string {
  const columns = [
    ...Object.keys(rowFields({ ...(rows[0] as OperatorRow), prediction: undefined })),
    ...(predicted ? ['unit', 'seconds', 'bound'] : []),
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
  { header: 'MACs/B', align: 'right' },
  { header: 'unit' },
  { header: 'time', align: 'quantity' },
  { header: 'bound' },
];

/** The first lines of a table, and how many there are beside them. */
export function rowsText(rows: readonly OperatorRow[], limit: number): string {
  const shown = rows.slice(0, limit);
  const phases = new Set(rows.map((row) => row.phase)).size;
  const counted = shown.some((row) => row.count > 1);
  const lines = shown.map(({ phase, name, work, count, prediction }) => [
    phases > 1 ? phase : '',
    name,
    work.operator,
    counted ? String(count) : '',
    work.macs > 0 ? countText(work.macs) : '',
    formatQuantity(totalBytes(work), 'size', 3),
    work.macs > 0 ? intensityOf(work).toPrecision(3) : '',
    prediction?.unit ?? '',
    prediction ? formatQuantity(prediction.seconds, 'time', 3) : '',
    prediction?.bound ?? '',
  ]);
  const hidden = rows.length - shown.length;
  return [
    renderTable(COLUMNS, lines),
    ...(hidden > 0
      ? [`… ${hidden} more lines: --top N shows more, --by type or shape fewer, --csv all`]
      : []),
  ].join('\n');
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
