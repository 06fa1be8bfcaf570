/** `socsim calibrate device`: predicts a table of measured phone results, row by row, with what is shipped. */
import { type CheckedRow, reportJson, reportRows } from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { parseLlmRows } from '../calibration/device/llm-rows.ts';
import { type Prediction, predictLlmRows } from '../calibration/device/predict.ts';
import { fileSources, readUserFile } from '../load.ts';
import type { Command } from './command.ts';
import { checkSustained, sustainedKind } from './sustained-report.ts';
import { renderTable } from './terminal.ts';

export const calibrateDevice: Command = {
  name: 'calibrate device',
  summary:
    'predict measured phone results row by row: error per row, and per SoC, unit and quantity',
  examples: [
    'socsim calibrate device measurements.csv --check',
    'socsim calibrate device measurements.csv --check --json',
  ],
  positionals: {
    data: { usage: 'FILE', summary: 'measured language-model results, one per row' },
  },
  options: {
    check: { type: 'boolean', summary: 'predict only, fit nothing (the one mode there is so far)' },
    json: { type: 'boolean', summary: 'print JSON for machines' },
    csv: { type: 'boolean', summary: 'print CSV' },
  },
  run: async (args) => {
    if (args['check'] !== true) {
      throw new SpecError([
        {
          message: 'fitting is not there yet',
          hint: 'add --check to predict every row with what is shipped',
        },
      ]);
    }
    const { file, text } = readUserFile(String(args['data']));
    const overTime = sustainedKind(text);
    if (overTime) {
      checkSustained(overTime(text, file), args);
      return undefined;
    }
    const { rows, unmapped } = predictLlmRows(parseLlmRows(text, file), fileSources());
    const report = reportRows(rows.map(checkedRow), unmapped);
    if (args['json'] === true) console.log(JSON.stringify(reportJson(report), undefined, 2));
    else if (args['csv'] === true) process.stdout.write(csvOf(rows));
    else console.log(describe(rows, report));
    return undefined;
  },
};

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
    columns: { ...row.columns, assumed: assumptions.join('; ') },
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
    'assumed',
  ];
  return formatCsv(
    columns,
    rows.map(({ id, quantity, predicted, reference, error, mapped: { row, assumptions } }) => [
      id,
      row.soc,
      row.unit,
      row.runtime,
      row.model,
      quantity,
      predicted,
      reference,
      error,
      assumptions.join('; '),
    ]),
  );
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function describe(rows: readonly Prediction[], report: ReturnType<typeof reportRows>): string {
  const lines = rows.map(({ id, quantity, predicted, reference, error, mapped: { row } }) => [
    id,
    row.soc,
    row.unit,
    row.runtime,
    row.model,
    quantity.replaceAll('_', ' '),
    String(Number(predicted.toPrecision(3))),
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
