/** `socsim calibrate device`: predicts a table of measured phone results, row by row, with what is shipped. */
import { type CheckedRow, reportJson, reportRows } from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { parseLlmRows } from '../calibration/device/llm-rows.ts';
import { type Prediction, predictLlmRows } from '../calibration/device/predict.ts';
import { checkCells } from '../calibration/device/row-checks.ts';
import { fileSources, readUserFile } from '../load.ts';
import { fitDevices, templateCsv } from './calibrate-device-fit.ts';
import type { Args, Command } from './command.ts';
import { checkSustained, sustainedKind } from './sustained-report.ts';
import { renderTable } from './terminal.ts';

export const calibrateDevice: Command = {
  name: 'calibrate device',
  summary:
    'fit phones to measured results, or predict such results row by row with what is shipped',
  examples: [
    'socsim calibrate device measurements.csv --soc snapdragon-8-gen-3 --out mine.json',
    'socsim calibrate device measurements.csv --check',
    'socsim calibrate device measurements.csv --check --json',
  ],
  positionals: {
    data: { usage: '[FILE]', summary: 'measured language-model results, one per row' },
  },
  options: {
    check: { type: 'boolean', summary: 'fit nothing: predict every row, with an interval' },
    soc: {
      type: 'string',
      summary: 'SoC whose bundle is written (all of the file unless given)',
      value: 'NAME',
    },
    calibration: {
      type: 'string',
      summary: 'with --check: a bundle to predict with, or none (what is shipped unless given)',
      value: 'FILE',
    },
    out: {
      type: 'string',
      summary: 'bundle to write; a folder for bundles of all SoCs without --soc',
      value: 'FILE',
    },
    template: {
      type: 'boolean',
      summary: 'print the columns of such a file with one row, and stop',
    },
    json: { type: 'boolean', summary: 'print JSON for machines' },
    csv: { type: 'boolean', summary: 'print CSV' },
  },
  run: async (args) => {
    if (args['template'] === true) {
      process.stdout.write(templateCsv());
      return undefined;
    }
    refuseIdle(args);
    const { file, text } = readUserFile(String(args['data']));
    if (args['check'] !== true) {
      fitDevices({ file, text }, args);
      return undefined;
    }
    const overTime = sustainedKind(text);
    if (overTime) {
      checkSustained(overTime(text, file), args);
      return undefined;
    }
    const measured = parseLlmRows(text, file);
    checkCells(measured, file);
    const calibration = args['calibration'] as string | undefined;
    const { rows, unmapped } = predictLlmRows(measured, fileSources({ calibration }));
    const report = reportRows(rows.map(checkedRow), unmapped);
    if (args['json'] === true) console.log(JSON.stringify(reportJson(report), undefined, 2));
    else if (args['csv'] === true) process.stdout.write(csvOf(rows));
    else console.log(describe(rows, report));
    return undefined;
  },
};

/** @throws SpecError for options that would change nothing, and for a file that is missing. */
function refuseIdle(args: Args): void {
  const faults: Fault[] = [];
  const idle = args['check'] === true ? ['soc', 'out'] : ['calibration', 'csv'];
  for (const name of idle.filter((one) => args[one] !== undefined && args[one] !== false))
    faults.push({
      path: `--${name}`,
      message:
        args['check'] === true ? 'has no effect with --check' : 'has no effect without --check',
    });
  if (args['data'] === undefined)
    faults.push({
      message: 'a file of measurements is missing',
      hint: 'socsim calibrate device FILE; --template prints an empty one',
    });
  if (faults.length > 0) throw new SpecError(faults);
}

function checkedRow(prediction: Prediction): CheckedRow {
  const { id, quantity, predicted, reference, error, mapped } = prediction;
  const { row, assumptions } = mapped;
  const group = `${row.soc}, ${row.unit}`;
  return {
    id,
    quantity,
    predicted,
    reference,
    error,
    group,
    columns: {
      ...row.columns,
      ...(prediction.band && { low: prediction.band.low, high: prediction.band.high }),
      assumed: assumptions.join('; '),
    },
  };
}

function csvOf(rows: readonly Prediction[]): string {
  const columns = [
    'id',
    'soc',
    'unit',
    'runtime',
    'model',
    'quantity',
    'predicted',
    'reference',
    'error',
    'low',
    'high',
    'assumed',
  ];
  return formatCsv(
    columns,
    rows.map(
      ({ id, quantity, predicted, reference, error, band, mapped: { row, assumptions } }) => [
        id,
        row.soc,
        row.unit,
        row.runtime,
        row.model,
        quantity,
        predicted,
        reference,
        error,
        band?.low ?? '',
        band?.high ?? '',
        assumptions.join('; '),
      ],
    ),
  );
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function describe(rows: readonly Prediction[], report: ReturnType<typeof reportRows>): string {
  const figure = (value: number) => String(Number(value.toPrecision(3)));
  const lines = rows.map(({ id, quantity, predicted, reference, error, band, mapped: { row } }) => [
    id,
    row.soc,
    row.unit,
    row.runtime,
    row.model,
    quantity.replaceAll('_', ' '),
    figure(predicted),
    band ? `${figure(band.low)}–${figure(band.high)}` : '',
    String(reference),
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
  return [table, '', summary, ...(missing.length > 0 ? ['', 'not mapped:', ...missing] : [])].join(
    '\n',
  );
}
