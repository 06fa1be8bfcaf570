/** Measured runs over time as series of points: which columns, what each point says, and what the remarks say of the run. */
import { type CsvRow, parseCsv } from '../../base/csv.ts';
import { SpecError } from '../../base/errors.ts';
import { sustainedFaults } from './sustained-checks.ts';

/** Columns that tell a file of sustained runs from other measurements. */
export const SUSTAINED_COLUMNS = [
  'series_id',
  'soc',
  'device',
  'unit',
  'runtime',
  'model',
  'statistic',
  'time_s',
  'iteration',
] as const;

export type SustainedQuantity =
  | 'decode'
  | 'latency'
  | 'temperature'
  | 'gpu_clock'
  | 'cpu_clock'
  | 'score'
  | 'power';

/** One measured value, in the unit of its column: tokens per second, milliseconds, °C, MHz, points, watts. */
export interface SeriesPoint {
  readonly id: string;
  readonly quantity: SustainedQuantity;
  readonly reference: number;
  /** `point` for a sample, otherwise `mean`, `p90` and so on over the run. */
  readonly statistic: string;
  /** Seconds from the start of the run. */
  readonly time: number | undefined;
  /** End of the span that the value is a mean (or maximum) over; `time` is its beginning. */
  readonly until?: number | undefined;
  readonly iteration: number | undefined;
  readonly sensor: string;
  readonly columns: Readonly<Record<string, string>>;
}

export interface Series {
  readonly id: string;
  readonly soc: string;
  readonly device: string;
  readonly unit: string;
  readonly runtime: string;
  readonly model: string;
  readonly remarks: string;
  readonly source: string;
  readonly points: readonly SeriesPoint[];
}

const QUANTITIES = [
  ['tok_s', 'decode'],
  ['latency_ms', 'latency'],
  ['temp_c', 'temperature'],
  ['freq_gpu_mhz', 'gpu_clock'],
  ['freq_cpu_mhz', 'cpu_clock'],
  ['score', 'score'],
  ['power_w', 'power'],
] as const satisfies readonly (readonly [string, SustainedQuantity])[];

/** @throws SpecError naming missing columns, ragged lines, values outside their units and contradictions. */
export function parseSustained(text: string, file: string): Series[] {
  const { rows: all } = parseCsv(text, file, SUSTAINED_COLUMNS);
  const faults = sustainedFaults(all, file);
  if (faults.length > 0) throw new SpecError(faults);
  const groups = new Map<string, CsvRow[]>();
  for (const row of all) {
    const id = row.values['series_id'] ?? '';
    const known = groups.get(id);
    if (known) known.push(row);
    else groups.set(id, [row]);
  }
  return [...groups].map(([id, rows]) => seriesOf(id, rows));
}

function seriesOf(id: string, rows: readonly CsvRow[]): Series {
  const of = (name: string) => rows[0]?.values[name] ?? '';
  const remarks = new Set(rows.map(({ values }) => values['notes'] ?? ''));
  return {
    id,
    soc: of('soc'),
    device: of('device'),
    unit: of('unit'),
    runtime: of('runtime'),
    model: of('model'),
    remarks: [...remarks].join('; '),
    source: of('source_title'),
    points: rows.flatMap((row) => pointsOf(id, row)).sort(byTime),
  };
}

/** Rows may stand in any order; those of no time, such as means over the run, come last. */
function byTime(a: SeriesPoint, b: SeriesPoint): number {
  const last = Number.POSITIVE_INFINITY;
  const [from, to] = [a, b].map(({ time = last, iteration = last }) => [time, iteration]);
  return compare(from![0]!, to![0]!) || compare(from![1]!, to![1]!);
}

// Not their difference: that of two infinities is none.
const compare = (a: number, b: number) => Number(a > b) - Number(a < b);

function pointsOf(series: string, { values, line }: CsvRow): SeriesPoint[] {
  const time = numberOf(values['time_s']);
  const iteration = numberOf(values['iteration']);
  const statistic = values['statistic'] || 'point';
  const place = statistic === 'point' ? placeOf(time, iteration, line) : statistic;
  return QUANTITIES.flatMap(([column, quantity]) => {
    const reference = numberOf(values[column]);
    if (reference === undefined) return [];
    return [
      {
        id: `${series}@${place}`,
        quantity,
        reference,
        statistic,
        time,
        iteration,
        sensor: values['temp_sensor'] ?? '',
        columns: values,
      },
    ];
  });
}

function placeOf(time: number | undefined, iteration: number | undefined, line: number): string {
  if (time !== undefined) return `${time}s`;
  return iteration === undefined ? `line ${line}` : `iteration ${iteration}`;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** How a run was done, as far as its remarks say; times in seconds, temperatures in °C. */
export interface Protocol {
  readonly ambient: number | undefined;
  readonly prompt: number | undefined;
  readonly answer: number | undefined;
  /** Between the end of one request and the next. */
  readonly gap: number;
  readonly prefillSeconds: number | undefined;
  readonly decodeSeconds: number | undefined;
  /** Back to back, this long each. */
  readonly turnSeconds: number | undefined;
  readonly threads: number | undefined;
  /** Requests of the whole run, where points are of some only. */
  readonly iterations: number | undefined;
  readonly charging: boolean;
  /** Points are trials that start at their times. */
  readonly trials: boolean;
  /** Several series are one run: their times count from its start. */
  readonly session: boolean;
}

export function protocolOf(remarks: string): Protocol {
  const number = (pattern: RegExp): number | undefined => {
    const found = pattern.exec(remarks)?.slice(1).filter(Boolean).map(Number);
    return found && found.length > 0 ? found.reduce((a, b) => a + b) / found.length : undefined;
  };
  const minutes = number(/(\d+)-minute/);
  const turns = number(/of the (\d+) turns/);
  return {
    ambient: number(/(\d+(?:\.\d+)?) ?°?C (?:ambient|room)/),
    prompt: number(/(\d+)-token prompt/),
    answer: number(/(\d+) tokens per iteration|(\d+) output tokens|decodes (\d+) tokens/),
    gap: number(/(\d+) s gap/) ?? 0,
    prefillSeconds: number(/mean prefill ([\d.]+) s|time to first token (\d+)-(\d+) s/),
    decodeSeconds: number(/decode ([\d.]+) s\b/),
    turnSeconds: minutes && turns ? (minutes * 60) / turns : undefined,
    threads: number(/\b(\d+) threads\b/),
    iterations: number(/of (\d+) iterations/),
    charging: /\bcharging\b/.test(remarks),
    trials: /start of the trial|start of a session/.test(remarks),
    session: /start of a session/.test(remarks),
  };
}
