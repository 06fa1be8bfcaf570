/** `socsim calibrate device` on a file of runs over time, or of published throttling figures. */
import {
  type CheckedRow,
  comparedRows,
  quantityText,
  reportJson,
  reportRows,
} from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { predictSustained } from '../calibration/device/sustained.ts';
import type { SustainedPrediction } from '../calibration/device/sustained-compare.ts';
import {
  parseSustained,
  type Series,
  SUSTAINED_COLUMNS,
} from '../calibration/device/sustained-rows.ts';
import { parseThrottling, THROTTLING_COLUMNS } from '../calibration/device/throttling-rows.ts';
import { fileSources } from '../load.ts';
import type { Args } from './command.ts';
import { renderTable, startProgress } from './terminal.ts';

/** How to read the file, where its header is that of runs over time. */
export function sustainedKind(
  text: string,
): ((text: string, file: string) => Series[]) | undefined {
  const header = new Set((text.split('\n', 1)[0] ?? '').split(',').map((name) => name.trim()));
  if (SUSTAINED_COLUMNS.every((name) => header.has(name))) return parseSustained;
  if (THROTTLING_COLUMNS.every((name) => header.has(name))) return parseThrottling;
  return undefined;
}

export function checkSustained(series: readonly Series[], args: Args, file: string): void {
  const progress = startProgress('runs', series.length);
  const { rows, unmapped } = predictSustained(series, fileSources(), (done) =>
    progress.update(done),
  );
  progress.stop();
  const report = comparedRows(reportRows(rows.map(checkedRow), unmapped), file);
  if (args['json'] === true) console.log(JSON.stringify(reportJson(report), undefined, 2));
  else if (args['csv'] === true) process.stdout.write(csvOf(rows));
  else console.log(describe(rows, report));
}

function checkedRow(row: SustainedPrediction): CheckedRow {
  const { id, quantity, predicted, reference, error, series, columns, assumptions } = row;
  const { soc, device, unit } = series;
  const own = { series: series.id, soc, device, unit, ...columns, assumed: assumptions.join('; ') };
  return { id, quantity, predicted, reference, error, group: series.id, columns: own };
}

function csvOf(rows: readonly SustainedPrediction[]): string {
  const columns = ['id', 'soc', 'device', 'unit', 'runtime', 'model', 'quantity', 'predicted'];
  return formatCsv(
    [...columns, 'reference', 'error', 'assumed'],
    rows.map(({ id, quantity, predicted, reference, error, series, assumptions }) => {
      const { soc, device, unit, runtime, model } = series;
      const what = [id, soc, device, unit, runtime, model, quantity];
      return [...what, predicted, reference, error, assumptions.join('; ')];
    }),
  );
}

const isKelvin = (quantity: string) => quantity === 'temperature';
const errorText = (quantity: string, error: number) =>
  isKelvin(quantity) ? `${error.toFixed(1)} K` : `${(100 * error).toFixed(1)} %`;

function describe(
  rows: readonly SustainedPrediction[],
  report: ReturnType<typeof reportRows>,
): string {
  const right = 'right' as const;
  const table = renderTable(
    [
      { header: 'point' },
      { header: 'device' },
      { header: 'unit' },
      { header: 'quantity' },
      { header: 'predicted', align: right },
      { header: 'measured', align: right },
      { header: 'error', align: right },
    ],
    rows.map(({ id, quantity, predicted, reference, error, series }) => [
      id,
      series.device,
      series.unit,
      quantityText(quantity),
      String(Number(predicted.toPrecision(3))),
      String(Number(reference.toPrecision(4))),
      errorText(quantity, error),
    ]),
  );
  const summary = renderTable(
    [
      { header: 'group' },
      { header: 'quantity' },
      { header: 'points', align: right },
      { header: 'median', align: right },
      { header: '90 %', align: right },
      { header: 'worst', align: right },
    ],
    report.summary.map(({ group, quantity, count, median, p90, worst }) => [
      group,
      quantityText(quantity),
      String(count),
      ...[median, p90, worst].map((error) => errorText(quantity, error)),
    ]),
  );
  const missing = report.unmapped.map(({ id, reason }) => `  ${id}: ${reason}`);
  return [table, '', summary, ...(missing.length > 0 ? ['', 'not mapped:', ...missing] : [])].join(
    '\n',
  );
}
