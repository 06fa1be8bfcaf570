/** `socsim probe thermal`: drives a heat network or layer stack with a power trace, or checks it against a tool. */
import { comparedRows, type RowReport, reportJson } from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { formatQuantity, parseQuantity } from '../base/quantity.ts';
import { parseSpecFile } from '../base/spec-file.ts';
import { MEGA } from '../base/units.ts';
import { parseNetworkFile } from '../hardware/thermal/network-file.ts';
import {
  type PowerRun,
  type PowerTrace,
  parsePowerTrace,
  replayPower,
} from '../hardware/thermal/power-trace.ts';
import { isStackFile, parseStackFile } from '../hardware/thermal/stack-file.ts';
import { readUserFile } from '../load.ts';
import type { Args, Command } from './command.ts';
import { onlyOne } from './parse.ts';
import { type Progress, startProgress } from './terminal.ts';
import { checkThermal } from './thermal-check.ts';
import { networkTarget, stackTarget, type ThermalTarget } from './thermal-target.ts';

export const probeThermal: Command = {
  name: 'probe thermal',
  summary: 'drive a heat network with a power trace, or check it against another tool',
  examples: [
    'socsim probe thermal --network network.json --power power.csv --csv',
    'socsim probe thermal --network network.json --power power.csv --check runs.csv',
    'socsim probe thermal --network stack.yaml --power power.csv --step 5ms --json',
  ],
  options: {
    network: {
      type: 'string',
      summary: 'node network (JSON: capacities, links, ambient links) or layer stack (YAML)',
      value: 'FILE',
      required: true,
    },
    power: {
      type: 'string',
      summary: 'power trace: run,network,t_start_s,t_end_s,P_<block>…',
      value: 'FILE',
    },
    check: {
      type: 'string',
      summary: "a tool's runs (run,t_s,…) or steady states (case,…) to compare with",
      value: 'FILE',
    },
    step: {
      type: 'string',
      summary: 'backward Euler at this step for a layer stack; exact in time without',
      value: 'TIME',
    },
    interval: {
      type: 'string',
      summary: 'print temperatures this often; at the end of every interval of power without',
      value: 'TIME',
    },
    json: { type: 'boolean', summary: 'print JSON' },
    csv: { type: 'boolean', summary: 'print CSV' },
  },
  run: async (args) => {
    onlyOne(args, ['json', 'csv']);
    onlyOne(args, ['check', 'interval']);
    let steps = 0;
    let progress: Progress | undefined;
    const target = loadTarget(args, () => {
      steps += 1;
      // A look at the clock for every step would cost as much as a small step itself.
      if (steps % STEPS_PER_UPDATE === 0) progress?.update(steps);
    });
    const power = loadPower(args, target);
    const total = checkSteps(args, power);
    if (total > STEPS_PER_UPDATE) progress = startProgress('steps', total);
    try {
      drive(target, power, args);
    } finally {
      progress?.stop();
    }
    return undefined;
  },
};

function drive(target: ThermalTarget, power: PowerTrace | undefined, args: Args): void {
  const check = args['check'] as string | undefined;
  if (check !== undefined) {
    const { text, file } = readUserFile(check);
    printReport(comparedRows(checkThermal(target, text, file, power), file), args);
    return;
  }
  if (power === undefined) {
    throw new SpecError([{ message: 'nothing to do', expected: '--power or --check' }]);
  }
  printRuns(target, power, args);
}

const STEPS_PER_UPDATE = 256;
/** A small stack takes some thousands of steps a second: this many take minutes, more would take hours. */
const MOST_STEPS = MEGA;
/** Lines of output; each holds a temperature for every node. */
const MOST_SAMPLES = MEGA;

/** Steps of all runs together; 0 without --step. @throws SpecError where they would not end. */
function checkSteps(args: Args, power: PowerTrace | undefined): number {
  const seconds = (power?.runs ?? []).reduce((sum, run) => sum + (run.pieces.at(-1)?.end ?? 0), 0);
  const limits = { step: MOST_STEPS, interval: MOST_SAMPLES };
  const faults = Object.entries(limits).flatMap(([name, most]) => {
    const size = timeOption(args, name);
    if (size === undefined || seconds / size <= most) return [];
    const count = formatQuantity(Math.round(seconds / size), 'count');
    const least = formatQuantity(seconds / most, 'time', 3);
    return [
      {
        path: `--${name}`,
        message: `${formatQuantity(seconds, 'time')} of power would take ${count} ${name}s`,
        expected: `at most ${most}: a time of ${least} or more`,
        got: String(args[name]),
      },
    ];
  });
  if (faults.length > 0) throw new SpecError(faults);
  const step = timeOption(args, 'step');
  return step === undefined ? 0 : Math.ceil(seconds / step);
}

function loadTarget(args: Args, stepped: () => void): ThermalTarget {
  const { text, file } = readUserFile(args['network'] as string);
  const source = parseSpecFile(text, file);
  const step = timeOption(args, 'step');
  if (isStackFile(source)) return stackTarget(parseStackFile(source), step, stepped);
  if (step !== undefined) {
    throw new SpecError([{ message: '--step is for layer stacks; a node network is exact' }]);
  }
  return networkTarget(parseNetworkFile(source));
}

function loadPower(args: Args, target: ThermalTarget): PowerTrace | undefined {
  const path = args['power'] as string | undefined;
  if (path === undefined) return undefined;
  const { text, file } = readUserFile(path);
  return parsePowerTrace(text, file, target.name, target.blocks);
}

function timeOption(args: Args, name: string): number | undefined {
  const text = args[name] as string | undefined;
  if (text === undefined) return undefined;
  const parsed = parseQuantity(text, 'time');
  if ('value' in parsed && parsed.value > 0) return parsed.value;
  const message = 'fault' in parsed ? parsed.fault : 'must be above zero';
  throw new SpecError([{ path: `--${name}`, message, got: text }]);
}

/** Temperatures of every node over time, in kelvin as the input files have them. */
function printRuns(target: ThermalTarget, power: PowerTrace, args: Args): void {
  const interval = timeOption(args, 'interval');
  const results = power.runs.map((run) => {
    const times = sampleTimes(run, interval);
    const columns: Record<string, number[]> = {};
    for (const column of target.columns) columns[column] = [];
    target.start(undefined);
    replayPower(
      run,
      times,
      (seconds, watts) => target.advance(seconds, watts),
      () => {
        for (const column of target.columns) columns[column]?.push(target.read(column) as number);
      },
    );
    return { run: run.name, t_s: times, temperature_K: columns };
  });
  const unmapped = power.foreign.map(({ name, network }) => ({
    id: name,
    reason: `belongs to network "${network}"`,
  }));
  if (args['json'] === true) {
    console.log(JSON.stringify({ network: target.name, runs: results, unmapped }, null, 2));
    return;
  }
  const rows = results.flatMap(({ run, t_s, temperature_K }) =>
    t_s.map((time, i) => [
      run,
      time,
      ...target.columns.map((column) => temperature_K[column]?.[i]?.toFixed(6)),
    ]),
  );
  process.stdout.write(formatCsv(['run', 't_s', ...target.columns], rows));
  if (args['csv'] !== true) printUnmapped(unmapped);
}

function sampleTimes(run: PowerRun, interval: number | undefined): number[] {
  const end = run.pieces.at(-1)?.end ?? 0;
  if (interval === undefined) return [0, ...run.pieces.map((piece) => piece.end)];
  const count = Math.floor(end / interval + 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => i * interval);
}

function printReport(report: RowReport, args: Args): void {
  if (args['json'] === true) {
    console.log(JSON.stringify(reportJson(report), null, 2));
    return;
  }
  const header = ['id', 'network', 'samples', 'largest_K', 'rms_K', 'at_column', 'at_seconds'];
  const rows = report.rows.map(({ id, columns = {} }) => [
    id,
    ...header.slice(1).map((name) => cell(columns[name])),
  ]);
  if (args['csv'] === true) {
    process.stdout.write(formatCsv(header, rows));
    return;
  }
  for (const line of aligned([header, ...rows])) console.log(line);
  for (const { group, count, median, worst } of report.summary) {
    console.log(`${group}: ${count} runs, median ${cell(median)} K, worst ${cell(worst)} K`);
  }
  printUnmapped(report.unmapped);
}

function printUnmapped(unmapped: RowReport['unmapped']): void {
  for (const { id, reason } of unmapped) console.log(`unmapped ${id}: ${reason}`);
}

function cell(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value ?? '');
}

/** Rows as text columns, as wide as their longest cell. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, c) => text.padEnd(widths[c] as number))
      .join('  ')
      .trimEnd(),
  );
}
