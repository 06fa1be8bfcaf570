/** What `socsim calibrate host` says: parameters, errors by family, checked models, worst operators. */
import { type CheckedRow, type RowReport, reportRows } from '../analysis/row-report.ts';
import { type Dimension, formatQuantity } from '../base/quantity.ts';
import type { CheckedModel, HostCalibration } from '../calibration/calibrate.ts';
import type { ErrorSummary } from '../calibration/fit.ts';
import type { Residual } from '../calibration/host-fit.ts';
import { renderTable } from './terminal.ts';

/** Every comparison as rows of the shared shape. */
export function checkReport({ record, fit, checks }: HostCalibration): RowReport {
  const suite = fit.residuals.map((residual) => rowOf(residual, 'chain_latency'));
  const models = checks.flatMap(({ residual, operators }) => [
    rowOf(residual, 'latency'),
    ...(operators?.operators ?? []).map(
      (one): CheckedRow => ({
        id: `${residual.id}/${one.name}`,
        quantity: 'operator_latency',
        predicted: one.predicted,
        reference: one.measured,
        error: one.error,
        group: one.operator,
        columns: { threads: residual.threads },
      }),
    ),
  ]);
  return reportRows([...models, ...suite], record.refused);
}

function rowOf(residual: Residual, quantity: string): CheckedRow {
  const { id, family, threads, measured, predicted, error, spread } = residual;
  return {
    id: `${id}@${threads}`,
    quantity,
    predicted,
    reference: measured,
    error,
    group: family,
    columns: { threads, spread },
  };
}

export function describeCalibration(result: HostCalibration): string {
  const { record, checks } = result;
  const blocks = [
    heading(result),
    parameterTable(result),
    undeterminedLines(result),
    familyTable(result),
  ];
  if (checks.length > 0) blocks.push(modelTable(checks), operatorTable(checks));
  for (const { id, reason } of record.refused) blocks.push(`not run: ${id}: ${reason}`);
  return blocks.filter((block) => block !== '').join('\n\n');
}

function heading({ record }: HostCalibration): string {
  const { host, noise, threads } = record;
  const lines = [
    `${host.processor}, ${host.system} ${host.architecture}, calibrated at ${threads.join(', ')} threads`,
    `median spread between bursts ${percent(noise.medianSpread)}, waiting for a processor ${percent(noise.waitedShare)} of the time`,
  ];
  if (noise.noisy) {
    lines.push(
      'the machine was busy: single threads count processor time, but several threads cannot be trusted; repeat',
    );
  }
  return lines.join('\n');
}

function parameterTable({ record }: HostCalibration): string {
  return renderTable(
    [
      { header: 'fitted' },
      { header: 'value', align: 'quantity' },
      { header: '±', align: 'right' },
      { header: '' },
    ],
    record.parameters.map(({ meaning, value, dimension, uncertainty, undetermined }) => [
      meaning,
      formatQuantity(value, dimension as Dimension, 3),
      percent(uncertainty),
      undetermined ? 'not determined by the data' : '',
    ]),
  );
}

/** A number that the measurements do not fix is a guess wherever it matters: said apart, not only in a column. */
function undeterminedLines({ record }: HostCalibration): string {
  const open = record.parameters.filter(({ undetermined }) => undetermined);
  if (open.length === 0) return '';
  const names = open.map(({ meaning }) => meaning).join('; ');
  const count = open.length === 1 ? '1 parameter is' : `${open.length} parameters are`;
  return `${count} not determined by the data and kept at a guess: ${names}. Predictions that rest on them are no better than the guess; the full suite (without --quick) and more threads determine more.`;
}

function familyTable({ record, fit }: HostCalibration): string {
  const { inSample, leaveFamilyOut } = record.errors;
  const families = [...new Set(fit.residuals.map(({ family }) => family))];
  const rows = families.map((family) => {
    const own = fit.residuals.filter((residual) => residual.family === family);
    const errors = own.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
    const worst = own.reduce((a, b) => (Math.abs(b.error) > Math.abs(a.error) ? b : a));
    return [
      family,
      String(own.length),
      percent(errors[Math.floor(errors.length / 2)] ?? Number.NaN),
      percent(leaveFamilyOut[family]?.median ?? Number.NaN),
      `${signed(worst.error)} ${worst.id} (${worst.threads})`,
    ];
  });
  return renderTable(
    [
      { header: 'operators' },
      { header: 'chains', align: 'right' },
      { header: 'median error', align: 'right' },
      { header: 'left out', align: 'right' },
      { header: 'worst', wrap: true },
    ],
    [...rows, summaryRow('all', inSample)],
  );
}

function summaryRow(name: string, { count, median, p90, worst }: ErrorSummary): string[] {
  return [
    name,
    String(count),
    percent(median),
    '',
    `90th percentile ${percent(p90)}, ${percent(worst)}`,
  ];
}

/** Worst first. */
function modelTable(checks: readonly CheckedModel[]): string {
  const sorted = [...checks].sort(
    (a, b) => Math.abs(b.residual.error) - Math.abs(a.residual.error),
  );
  const report = reportRows(checks.map(({ residual }) => rowOf(residual, 'latency')));
  const all = report.summary.find(({ group }) => group === 'all');
  const table = renderTable(
    [
      { header: 'model' },
      { header: 'threads', align: 'right' },
      { header: 'measured', align: 'quantity' },
      { header: 'predicted', align: 'quantity' },
      { header: 'error', align: 'right' },
      { header: 'spread', align: 'right' },
    ],
    sorted.map(({ residual }) => [
      residual.id,
      String(residual.threads),
      formatQuantity(residual.measured, 'time', 3),
      formatQuantity(residual.predicted, 'time', 3),
      signed(residual.error),
      percent(residual.spread),
    ]),
  );
  const line = all
    ? `unseen models: median error ${percent(all.median)}, worst ${percent(all.worst)}`
    : '';
  return `${table}\n${line}`;
}

const WORST_SHOWN = 15;

/** Ordered by the time that the error is worth. */
function operatorTable(checks: readonly CheckedModel[]): string {
  const rows = checks.flatMap(({ residual, operators }) =>
    (operators?.operators ?? []).map((one) => ({ model: residual.id, ...one })),
  );
  if (rows.length === 0) return '';
  const errors = rows.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
  const worth = ({ predicted, measured }: { predicted: number; measured: number }) =>
    Math.abs(predicted - measured);
  const table = renderTable(
    [
      { header: 'operator, worst first' },
      { header: 'type' },
      { header: 'measured', align: 'quantity' },
      { header: 'predicted', align: 'quantity' },
      { header: 'error', align: 'right' },
    ],
    rows
      .sort((a, b) => worth(b) - worth(a))
      .slice(0, WORST_SHOWN)
      .map(({ model, name, operator, measured, predicted, error }) => [
        `${model}: ${name}`,
        operator,
        formatQuantity(measured, 'time', 3),
        formatQuantity(predicted, 'time', 3),
        signed(error),
      ]),
  );
  const covered = checks.flatMap(({ operators }) => (operators ? [operators.covered] : []));
  const share = covered.reduce((sum, one) => sum + one, 0) / covered.length;
  const median = errors[Math.floor(errors.length / 2)] ?? Number.NaN;
  return `${table}\n${rows.length} operators: median error ${percent(median)}; they make up ${percent(share)} of the profiled time`;
}

function percent(share: number): string {
  return Number.isNaN(share) ? '' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function signed(error: number): string {
  return `${error > 0 ? '+' : ''}${(100 * error).toFixed(0)} %`;
}
