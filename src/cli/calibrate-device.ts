/** `socsim calibrate device`: predicts a table of measured phone results, row by row, with what is shipped. */
import {
  type CheckedRow,
  comparedRows,
  quantityText,
  reportJson,
  reportRows,
} from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { conflictLines, conflictsOf } from '../calibration/device/conflicts.ts';
import type { DevicePrediction, DevicePredictions } from '../calibration/device/measured.ts';
import { withOwnSoc } from '../calibration/device/predict.ts';
import { predictFile } from '../calibration/device/predict-file.ts';
import type { OpenGraph } from '../calibration/device/vision-predict.ts';
import { fileSources, listUserFolder, openModelFile, readUserFile } from '../load.ts';
import { fitBodyOf } from './body-fit-report.ts';
import { fitDevices } from './calibrate-device-fit.ts';
import { fitNetworks, fitText } from './calibrate-networks.ts';
import { templateCsv } from './calibrate-templates.ts';
import type { Args, Command } from './command.ts';
import { checkSustained, sustainedKind } from './sustained-report.ts';
import { renderTable } from './terminal.ts';

export const calibrateDevice: Command = {
  name: 'calibrate device',
  summary:
    'fit phones to measured results, or predict such results row by row with what is shipped',
  examples: [
    'socsim calibrate device measurements.csv --soc snapdragon-8-gen-3 --out mine.json',
    'socsim calibrate device measurements.csv --also more.csv --out calibrations',
    'socsim calibrate device measurements.csv --check',
    'socsim calibrate device measurements.csv --check --json',
    'socsim calibrate device measurements.csv --check --soc mine.yaml --calibration mine.json',
    'socsim calibrate device sustained.csv --phone pixel-6a',
    'socsim calibrate device measurements.csv --energy --out classes.json',
    'socsim calibrate device vision --template',
    'socsim calibrate device vision.csv --check --graphs graphs --csv',
  ],
  positionals: {
    data: {
      usage: '[FILE]',
      summary: 'measured results, one per row; its columns tell of what kind',
    },
  },
  options: {
    check: { type: 'boolean', summary: 'fit nothing: predict every row, with an interval' },
    soc: {
      type: 'string',
      summary:
        'SoC whose bundle is written (all of the file unless given), by name or file; with --check: a file that describes a SoC rows name',
      value: 'NAME|FILE',
    },
    also: {
      type: 'string',
      summary:
        'without --check: a second file of language-model rows, fitted together with the first',
      value: 'FILE',
    },
    calibration: {
      type: 'string',
      summary: 'with --check: a bundle to predict with, or none (what is shipped unless given)',
      value: 'FILE',
    },
    energy: {
      type: 'boolean',
      summary:
        'fit nothing: make the intervals of energy and power again with what is shipped; --out is then the file of classes',
    },
    out: {
      type: 'string',
      summary: 'bundle to write; a folder for bundles of all SoCs without --soc',
      value: 'FILE',
    },
    template: {
      type: 'boolean',
      summary:
        'print the columns of such a file with one row, and stop; FILE is then llm, energy, vision, diffusion, bandwidth or sustained',
    },
    graphs: {
      type: 'string',
      summary: 'for latencies of networks: folder with the ONNX graphs that rows name',
      value: 'DIR',
    },
    phone: {
      type: 'string',
      summary: 'for runs over time: phone whose body is fitted; a description of it is printed',
      value: 'NAME',
    },
    'leave-out': {
      type: 'string',
      summary: 'with --graphs: also errors of fits that have not seen the network, or the chip',
      choices: ['network', 'soc'],
    },
    json: { type: 'boolean', summary: 'print JSON for machines' },
    csv: { type: 'boolean', summary: 'print CSV' },
  },
  run: async (args) => {
    if (args['template'] === true) {
      process.stdout.write(templateCsv(args['data'] as string | undefined));
      return undefined;
    }
    refuseIdle(args);
    const { file, text } = readUserFile(String(args['data']));
    const folder = args['graphs'] as string | undefined;
    if (args['check'] !== true && folder !== undefined) {
      const fit = fitNetworks(text, file, graphsIn(folder), args['leave-out']);
      console.log(args['json'] === true ? JSON.stringify(fit, undefined, 2) : fitText(fit));
      return undefined;
    }
    const overTime = sustainedKind(text);
    if (args['phone'] !== undefined && !overTime) {
      throw new SpecError([{ path: '--phone', message: `${file} holds no runs over time` }]);
    }
    if (args['check'] !== true && overTime) {
      fitBodyOf(overTime(text, file), args);
      return undefined;
    }
    if (args['check'] !== true) {
      fitDevices({ file, text }, args);
      return undefined;
    }
    if (overTime) {
      checkSustained(overTime(text, file), args, file);
      return undefined;
    }
    const calibration = args['calibration'] as string | undefined;
    const plain = fileSources({ calibration });
    const own = args['soc'] as string | undefined;
    const sources = own === undefined ? plain : withOwnSoc(plain, own).sources;
    const { rows, unmapped } = predictFile(text, file, sources, graphsIn(folder));
    const report = comparedRows(reportRows(rows.map(checkedRow), unmapped), file);
    const conflicts = conflictsOf(rows);
    if (args['json'] === true)
      console.log(JSON.stringify({ ...reportJson(report), conflicts }, undefined, 2));
    else if (args['csv'] === true) process.stdout.write(csvOf({ rows, unmapped }));
    else console.log([describe(rows, report), ...withGap(conflictLines(conflicts))].join('\n'));
    return undefined;
  },
};

/** A SoC given as a file. */
const DESCRIPTION = /[/\\]|\.ya?ml$/;
const withGap = (lines: readonly string[]) => (lines.length > 0 ? ['', ...lines] : []);

/** Options that change nothing beside the others, and beside which. */
function idleOf(args: Args): { idle: string[]; why: string } {
  if (args['check'] === true)
    return { idle: ['out', 'also', 'phone', 'energy'], why: 'with --check' };
  if (args['energy'] === true)
    return { idle: ['calibration', 'csv', 'soc', 'phone', 'graphs'], why: 'with --energy' };
  return { idle: ['calibration', 'csv'], why: 'without --check' };
}

/** @throws SpecError for options that would change nothing, and for a file that is missing. */
function refuseIdle(args: Args): void {
  const faults: Fault[] = [];
  const { idle, why } = idleOf(args);
  // Shipped SoCs are known without being named.
  if (args['check'] === true && !DESCRIPTION.test(String(args['soc'] ?? 'x.yaml')))
    idle.push('soc');
  for (const name of idle.filter((one) => args[one] !== undefined && args[one] !== false))
    faults.push({
      path: `--${name}`,
      message: `has no effect ${why}`,
    });
  if (args['data'] === undefined)
    faults.push({
      message: 'a file of measurements is missing',
      hint: 'socsim calibrate device FILE; --template prints an empty one',
    });
  if (faults.length > 0) throw new SpecError(faults);
}

/** The rows of a check as every command that checks prints them. */
function checkedRow({ columns, assumptions, band, ...row }: DevicePrediction): CheckedRow {
  const interval = band && { low: band.low, high: band.high };
  return { ...row, columns: { ...columns, ...interval, assumed: assumptions.join('; ') } };
}

const OWN_COLUMNS = ['id', 'soc', 'unit', 'runtime', 'model', 'quantity'];
const CSV_COLUMNS = ['predicted', 'reference', 'error', 'low', 'high', 'assumed', 'not_mapped'];

function csvOf({ rows, unmapped }: DevicePredictions): string {
  const blank = [...OWN_COLUMNS, ...CSV_COLUMNS].slice(2).map(() => '');
  return formatCsv(
    [...OWN_COLUMNS, ...CSV_COLUMNS],
    [
      ...rows.map((row) => [
        ...cellsOf(row),
        row.predicted,
        row.reference,
        row.error,
        row.band?.low ?? '',
        row.band?.high ?? '',
        row.assumptions.join('; '),
        '',
      ]),
      ...unmapped.map(({ id, reason }) => [id, ...blank, reason]),
    ],
  );
}

function cellsOf({ id, quantity, columns }: DevicePrediction): string[] {
  const cell = (name: string) => columns[name] ?? '';
  const model = [cell('model') || cell('workload'), cell('component')].filter(Boolean).join(' ');
  return [id, cell('soc'), cell('unit'), cell('runtime'), model, quantity];
}

/** Graphs named `NAME.onnx` in a folder. @throws SpecError where there is no such folder. */
function graphsIn(folder: string | undefined): OpenGraph {
  if (folder === undefined) return () => undefined;
  const names = new Set(listUserFolder(folder));
  return (name) =>
    names.has(`${name}.onnx`) ? openModelFile(`${folder}/${name}.onnx`) : undefined;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function describe(
  rows: readonly DevicePrediction[],
  report: ReturnType<typeof reportRows>,
): string {
  const figure = (value: number) => String(Number(value.toPrecision(3)));
  const lines = rows.map(({ predicted, reference, error, band, ...row }) => [
    ...cellsOf({
      predicted,
      reference,
      error,
      ...row,
      quantity: quantityText(row.quantity),
    }),
    figure(predicted),
    band ? `${figure(band.low)}–${figure(band.high)}` : '',
    String(Number(reference.toPrecision(6))),
    percent(error),
  ]);
  const right = 'right' as const;
  const table = renderTable(
    [
      { header: 'row' },
      { header: 'SoC' },
      { header: 'unit' },
      { header: 'runtime' },
      { header: 'model' },
      { header: 'quantity' },
      { header: 'predicted', align: right },
      { header: 'four fifths in', align: right },
      { header: 'measured', align: right },
      { header: 'error', align: right },
    ],
    lines,
  );
  const summary = renderTable(
    [
      { header: 'group' },
      { header: 'quantity' },
      { header: 'rows', align: right },
      { header: 'median', align: right },
      { header: '90 %', align: right },
      { header: 'worst', align: right },
    ],
    report.summary.map((s) => [
      s.group,
      s.quantity.replaceAll('_', ' '),
      String(s.count),
      percent(s.median),
      percent(s.p90),
      percent(s.worst),
    ]),
  );
  const missing = report.unmapped.map(({ id, reason }) => `  ${id}: ${reason}`);
  return [
    table,
    ...headed('assumed:', assumedLines(rows)),
    '',
    summary,
    ...headed('not mapped:', missing),
  ].join('\n');
}

const headed = (head: string, lines: readonly string[]) =>
  lines.length > 0 ? ['', head, ...lines] : [];

/** Rows that a footnote names; CSV and JSON give what was assumed row by row. */
const NAMED_ROWS = 4;

/** What stands in or was assumed, each with the rows that it is of. */
function assumedLines(rows: readonly DevicePrediction[]): string[] {
  const found = new Map<string, Set<string>>();
  for (const { id, assumptions } of rows)
    for (const text of assumptions) found.set(text, (found.get(text) ?? new Set()).add(id));
  return [...found].map(([text, ids]) => {
    const more = ids.size > NAMED_ROWS ? ` and ${ids.size - NAMED_ROWS} more` : '';
    return `  ${[...ids].slice(0, NAMED_ROWS).join(', ')}${more}: ${text}`;
  });
}
