/** Results of `probe npu` and of rows of other simulators, as tables and as JSON. */
import type { RowReport } from '../analysis/row-report.ts';
import { formatQuantity } from '../base/quantity.ts';
import { MEGA } from '../base/units.ts';
import type { BenchResult, BenchShape, Testbench } from '../hardware/npu/testbench.ts';
import type { BenchMachine } from './npu-machine.ts';
import { renderTable } from './terminal.ts';

export interface RuleResult {
  readonly rule: string;
  readonly bench: Testbench;
  readonly result: BenchResult;
}

export function resultJson(
  { rule, bench, result }: RuleResult,
  shape: BenchShape,
  { clock }: BenchMachine,
): unknown {
  const { dramReadBytes: read, dramWriteBytes: write } = result;
  return {
    rule,
    m: shape.m,
    n: shape.n,
    k: shape.k,
    products: shape.products,
    macs: result.macs,
    total_cycles: result.totalCycles,
    compute_cycles: result.computeCycles,
    array_cycles: result.arrayCycles,
    dequantisation_cycles: result.expandCycles,
    decompressor_cycles: result.unpackCycles,
    stall_cycles: result.stallCycles,
    limited_by: limitOf(result),
    rate: bench.array.rate ?? 1,
    seconds: result.totalCycles / clock,
    utilisation: result.utilisation,
    sram_read_bytes: result.sramReadBytes,
    sram_write_bytes: result.sramWriteBytes,
    sram_bytes: result.sramReadBytes + result.sramWriteBytes,
    dram_read_bytes: read,
    dram_write_bytes: write,
    dram_bytes: read === undefined || write === undefined ? undefined : read + write,
  };
}

/** What the longest part of the time goes to. */
function limitOf({ arrayCycles, expandCycles, unpackCycles, stallCycles }: BenchResult): string {
  if (stallCycles > 0) return 'memory';
  if (expandCycles > Math.max(arrayCycles, unpackCycles)) return 'dequantisation';
  return unpackCycles > arrayCycles ? 'decompressor' : 'array';
}

export function renderResults(results: readonly RuleResult[], { clock }: BenchMachine): string {
  const least = Math.min(...results.map(({ result }) => result.totalCycles));
  // They run side by side with the array: each has its own cycles, and the longest of all is what counts.
  const expands = results.some(({ result }) => result.expandCycles > 0);
  const unpacks = results.some(({ result }) => result.unpackCycles > 0);
  const rows = results.map(({ rule, result }) => [
    rule,
    String(result.totalCycles),
    String(result.arrayCycles),
    ...(expands ? [String(result.expandCycles)] : []),
    ...(unpacks ? [String(result.unpackCycles)] : []),
    String(result.stallCycles),
    `${(100 * result.utilisation).toFixed(2)} %`,
    formatQuantity(result.totalCycles / clock, 'time'),
    formatQuantity(result.sramReadBytes + result.sramWriteBytes, 'size'),
    result.dramReadBytes === undefined ? '–' : formatQuantity(result.dramReadBytes, 'size'),
    result.dramWriteBytes === undefined ? '–' : formatQuantity(result.dramWriteBytes, 'size'),
    limitOf(result),
    ...(results.length > 1 ? [(result.totalCycles / least).toFixed(2)] : []),
  ]);
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = [
    { header: 'rule' },
    right('total cycles'),
    right('array'),
    ...(expands ? [right('dequantisation')] : []),
    ...(unpacks ? [right('decompressor')] : []),
    right('memory stall'),
    right('utilisation'),
    right('time'),
    right('SRAM'),
    right('DRAM read'),
    right('DRAM write'),
    { header: 'limited by' },
    ...(results.length > 1 ? [right('spread')] : []),
  ];
  return renderTable(columns, rows);
}

export function renderReport(report: RowReport): string {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const rows = report.rows.map((row) => [
    row.id,
    String(row.columns?.['layer'] ?? ''),
    row.quantity,
    String(Math.round(row.predicted * MEGA) / MEGA),
    String(Math.round(row.reference)),
    percent(row.error),
  ]);
  const right = (header: string) => ({ header, align: 'right' as const });
  const table = renderTable(
    [
      { header: 'row' },
      { header: 'layer' },
      { header: 'quantity' },
      right('predicted'),
      right('reference'),
      right('error'),
    ],
    rows,
  );
  const summary = report.summary.map(({ group, quantity, count, median, p90, worst }) => [
    group,
    quantity,
    String(count),
    percent(median),
    percent(p90),
    percent(worst),
  ]);
  const groups = renderTable(
    [
      { header: 'group' },
      { header: 'quantity' },
      right('rows'),
      right('median'),
      right('p90'),
      right('worst'),
    ],
    summary,
  );
  const left = report.unmapped.map(({ id, reason }) => `${id}: not compared: ${reason}`);
  return [table, '', groups, ...left].join('\n');
}
