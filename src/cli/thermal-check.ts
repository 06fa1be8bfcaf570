/** Compares a heat solver with the rows of a tool: runs over time, steady states, steady states with leakage. */
import { type CheckedRow, type RowReport, reportRows } from '../analysis/row-report.ts';
import { type CsvFile, type CsvRow, parseCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import {
  blockWatts,
  numberIn,
  type PowerRun,
  type PowerTrace,
  replayPower,
} from '../hardware/thermal/power-trace.ts';
import type { ThermalTarget } from './thermal-target.ts';

type Unmapped = { readonly id: string; readonly reason: string };

/** Chooses the comparison by the columns of the file. */
export function checkThermal(
  target: ThermalTarget,
  text: string,
  file: string,
  power: PowerTrace | undefined,
): RowReport {
  const csv = parseCsv(text, file);
  if (csv.columns.includes('run')) {
    if (power !== undefined) return checkRuns(target, csv, power);
    throw new SpecError([{ file, message: 'runs over time need --power' }]);
  }
  if (csv.columns.includes('case')) return checkSteady(target, csv);
  throw new SpecError([
    {
      file,
      line: 1,
      message: 'neither a run file nor a steady-state file',
      expected: 'a column "run" with "t_s", or a column "case"',
    },
  ]);
}

/** One row per run: the sample with the largest difference, and the rms over all. */
function checkRuns(target: ThermalTarget, csv: CsvFile, power: PowerTrace): RowReport {
  const rows: CheckedRow[] = [];
  const unmapped: Unmapped[] = [];
  const faults: Fault[] = [];
  const known = csv.columns.filter((column) => target.read(column) !== undefined);
  for (const [id, samples] of groupRows(csv, 'run')) {
    const run = power.runs.find(({ name }) => name === id);
    const foreign = power.foreign.find(({ name }) => name === id);
    if (run === undefined) {
      const reason = foreign
        ? `belongs to network "${foreign.network}"`
        : 'no power for this run in the power file';
      unmapped.push({ id, reason });
      continue;
    }
    const result = checkRun(target, csv, known, run, samples, faults);
    if ('reason' in result) unmapped.push({ id, reason: result.reason });
    else rows.push(result);
  }
  if (faults.length > 0) throw new SpecError(faults);
  return reportRows(rows, unmapped);
}

function checkRun(
  target: ThermalTarget,
  csv: CsvFile,
  known: readonly string[],
  run: PowerRun,
  samples: readonly CsvRow[],
  faults: Fault[],
): CheckedRow | { readonly reason: string } {
  const times = samples.map((row) => numberIn(csv, row, 't_s', faults));
  const columns = known.filter((column) => samples[0]?.values[column] !== '');
  if (faults.length > 0 || columns.length === 0) return { reason: 'no column of this network' };
  const started = target.start(startOf(target, csv, samples[0] as CsvRow, times[0] as number));
  if (started.reason !== undefined) return { reason: started.reason };
  const tally = new Tally();
  replayPower(
    run,
    times,
    (seconds, watts) => target.advance(seconds, watts),
    (index) => {
      const row = samples[index] as CsvRow;
      for (const column of columns) {
        const reference = numberIn(csv, row, column, faults);
        tally.add(target.read(column) as number, reference, column, times[index] as number);
      }
    },
  );
  return tally.row(run.name, target.name);
}

/** Block temperatures of a first row at time zero; undefined starts at ambient. */
function startOf(target: ThermalTarget, csv: CsvFile, row: CsvRow, time: number) {
  const given = target.blocks.every((block) => (row.values[block] ?? '') !== '');
  if (time !== 0 || !given) return undefined;
  return target.blocks.map((block) => numberIn(csv, row, block, []));
}

/** One row per case; power in `P_<block>` columns or one `P…(;)` column in block order. */
function checkSteady(target: ThermalTarget, csv: CsvFile): RowReport {
  const rows: CheckedRow[] = [];
  const unmapped: Unmapped[] = [];
  const faults: Fault[] = [];
  for (const [id, samples] of groupRows(csv, 'case')) {
    const owner = samples[0]?.values['network'];
    if (owner !== undefined && owner !== target.name) {
      unmapped.push({ id, reason: `belongs to network "${owner}"` });
      continue;
    }
    for (const [statistic, part] of splitBy(samples, ['cell_um', 'stat'])) {
      const result = checkCase(target, csv, id, statistic, part, faults);
      if ('reason' in result) unmapped.push({ id, reason: result.reason });
      else rows.push(result);
    }
  }
  if (faults.length > 0) throw new SpecError(faults);
  return reportRows(rows, unmapped);
}

function checkCase(
  target: ThermalTarget,
  csv: CsvFile,
  id: string,
  statistic: string,
  samples: readonly CsvRow[],
  faults: Fault[],
): CheckedRow | { readonly reason: string } {
  const leakage = csv.columns.some((column) => column.startsWith('P_dynamic'));
  const watts = powerOfCase(target, csv, samples[0] as CsvRow, faults);
  const settled = target.settle(watts, leakage);
  if (settled.runaway !== undefined) {
    return { reason: `thermal runaway, loop gain ${settled.runaway.toFixed(4)}` };
  }
  const tally = new Tally();
  for (const row of samples) {
    for (const [column, subject] of comparisons(csv, row, statistic)) {
      const predicted = target.read(subject);
      if (predicted === undefined) continue;
      tally.add(predicted, numberIn(csv, row, column, faults), subject, undefined);
    }
  }
  if (tally.count === 0) return { reason: 'no node or column of this network' };
  return tally.row(statistic === '' ? id : `${id} ${statistic}`, target.name);
}

/** Reference columns of a steady-state row, each with the node it is about: one per row, or one per `T_<block>_K`. */
function comparisons(
  csv: CsvFile,
  row: CsvRow,
  statistic: string,
): readonly (readonly [string, string])[] {
  const subject = row.values['node'] ?? row.values['block'];
  if (subject !== undefined) {
    const column = ['T_exact_K', 'T_K', 'T_tool_K'].find((name) => csv.columns.includes(name));
    return column === undefined ? [] : [[column, subject]];
  }
  const wide = csv.columns.filter((column) => /^T_.+_K$/.test(column));
  const suffix = statistic.endsWith('max') ? '_max_K' : '_K';
  return wide.map((column) => [column, column.replace(/_K$/, suffix)] as const);
}

function powerOfCase(
  target: ThermalTarget,
  csv: CsvFile,
  row: CsvRow,
  faults: Fault[],
): Float64Array {
  const packed = csv.columns.find((column) => /^P_(W|dynamic_W)\b/.test(column));
  if (packed === undefined) return blockWatts(csv, row, target.blocks, faults);
  const values = (row.values[packed] ?? '').split(';').map(Number);
  if (values.length !== target.blocks.length || values.some(Number.isNaN)) {
    faults.push({
      file: csv.file,
      line: row.line,
      path: packed,
      message: 'one power per block is needed',
      expected: `${target.blocks.length} numbers`,
      got: `"${row.values[packed]}"`,
    });
  }
  return Float64Array.from(values);
}

/** Largest and rms difference over the samples of one run or case. */
class Tally {
  count = 0;
  #squares = 0;
  #worst = { predicted: Number.NaN, reference: Number.NaN, error: 0, column: '', time: 0 };

  add(predicted: number, reference: number, column: string, time: number | undefined): void {
    const error = predicted - reference;
    this.count++;
    this.#squares += error * error;
    if (this.count > 1 && Math.abs(error) <= Math.abs(this.#worst.error)) return;
    this.#worst = { predicted, reference, error, column, time: time ?? Number.NaN };
  }

  row(id: string, group: string): CheckedRow {
    const { predicted, reference, error, column, time } = this.#worst;
    return {
      id,
      quantity: 'temperature',
      predicted,
      reference,
      error,
      group,
      columns: {
        network: group,
        samples: this.count,
        largest_K: Math.abs(error),
        rms_K: Math.sqrt(this.#squares / this.count),
        at_column: column,
        ...(Number.isNaN(time) ? {} : { at_seconds: time }),
      },
    };
  }
}

function groupRows(csv: CsvFile, column: string): Map<string, CsvRow[]> {
  const groups = new Map<string, CsvRow[]>();
  for (const row of csv.rows) {
    const key = row.values[column] ?? '';
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

function splitBy(rows: readonly CsvRow[], columns: readonly string[]): Map<string, CsvRow[]> {
  const groups = new Map<string, CsvRow[]>();
  for (const row of rows) {
    const key = columns.flatMap((column) => row.values[column] ?? []).join(' ');
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
