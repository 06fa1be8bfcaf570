/** Faults of a table of runs over time: values outside their units, and two values of one moment. */
import type { CsvRow } from '../../base/csv.ts';
import type { Fault } from '../../base/errors.ts';
import { type Ranges, rangeFaults } from './row-checks.ts';

/** Outside, a unit was mixed up, or a sensor failed. Sensors of phones are rated for less than −40 to 150 °C. */
const RANGES: Ranges = {
  time_s: [0, 2e6, 'seconds from the start of the run'],
  iteration: [1, 2e6, 'counted from 1'],
  tok_s: [0.01, 2000, 'tokens per second'],
  latency_ms: [1e-3, 3.6e6, 'milliseconds'],
  temp_c: [-40, 150, '°C'],
  freq_gpu_mhz: [1, 1e4, 'MHz'],
  freq_cpu_mhz: [1, 1e4, 'MHz'],
  score: [0, 2e9, 'points'],
  power_w: [0.05, 200, 'watts'],
};
const MEASURED = Object.keys(RANGES).slice(2);

export function sustainedFaults(rows: readonly CsvRow[], file: string): Fault[] {
  return [...rows.flatMap(outside), ...contradictions(rows)].map((fault) => ({ file, ...fault }));
}

const outside = ({ values, line }: CsvRow): Fault[] =>
  rangeFaults(values, RANGES).map((fault) => ({ line, ...fault }));

/** One series has one value at one time; repeated runs are series of their own. */
function contradictions(rows: readonly CsvRow[]): Fault[] {
  const seen = new Map<string, { line: number; value: number }>();
  return rows.flatMap(({ values, line }) => {
    const of = (name: string) => (values[name] ?? '').trim();
    const [time, iteration] = [of('time_s'), of('iteration')].map((text) =>
      text === '' ? '' : String(Number(text)),
    );
    if (time === '' && iteration === '') return [];
    return MEASURED.filter((column) => of(column) !== '').flatMap((column): Fault[] => {
      const sensor = column === 'temp_c' ? of('temp_sensor') : '';
      const statistic = of('statistic') || 'point';
      const key = JSON.stringify([of('series_id'), statistic, time, iteration, column, sensor]);
      const value = Number(of(column));
      const before = seen.get(key);
      if (before === undefined) seen.set(key, { line, value });
      if (before === undefined || before.value === value) return [];
      const when = time === '' ? `iteration ${iteration}` : `${time} s`;
      return [
        {
          line,
          path: column,
          message: `series "${of('series_id')}" has another value at ${when} in line ${before.line}`,
          expected: `${before.value}, or a series_id of its own for another run`,
          got: of(column),
        },
      ];
    });
  });
}
