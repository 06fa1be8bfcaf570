/** What the DRAM commands print: one run, a load–latency curve, and checks against other tools. */
import { quantile, type RowReport } from '../analysis/row-report.ts';
import { formatQuantity } from '../base/quantity.ts';
import { MEGA } from '../base/units.ts';
import type { DramCheck } from '../calibration/dram-rows.ts';
import type { TrafficRun } from '../hardware/dram/simulate.ts';
import { renderTable } from './terminal.ts';

export interface TimedRun {
  readonly run: TrafficRun;
  readonly wallSeconds: number;
}

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const time = (seconds: number) => formatQuantity(seconds, 'time');

/** Names carry their units; shares are 0 to 1. */
export function runJson({ run, wallSeconds }: TimedRun): Record<string, unknown> {
  const bursts = run.hits + run.misses + run.conflicts;
  return {
    bandwidth_bytes_per_second: run.bandwidth,
    peak_bytes_per_second: run.peak,
    peak_share: run.bandwidth / run.peak,
    read_latency_mean_seconds: run.readLatency.mean,
    read_latency_p50_seconds: run.readLatency.p50,
    read_latency_p95_seconds: run.readLatency.p95,
    read_latency_p99_seconds: run.readLatency.p99,
    read_latency_max_seconds: run.readLatency.max,
    row_hits: run.hits,
    row_misses: run.misses,
    row_conflicts: run.conflicts,
    row_hit_rate: run.hits / bursts,
    refresh_share: run.refreshShare,
    power_down_share: run.lowPower.powerDownShare,
    self_refresh_share: run.lowPower.selfRefreshShare,
    energy_joules: Object.values(run.energy).reduce((sum, part) => sum + part, 0),
    energy_by_part_joules: run.energy,
    energy_per_byte_joules: run.energyPerByte,
    accesses: run.accesses,
    dram_bytes: run.bytes,
    simulated_seconds: run.seconds,
    simulated_cycles: run.cycles,
    wall_seconds: wallSeconds,
    accesses_per_wall_second: run.accesses / wallSeconds,
    requesters: run.requesters.map(({ share, readLatency }) => ({
      share,
      read_latency_mean_seconds: readLatency.mean,
      read_latency_p99_seconds: readLatency.p99,
    })),
  };
}

/** @param offered share of peak that an open-loop run asked for. */
export function renderRun({ run, wallSeconds }: TimedRun, offered?: number): string {
  const bursts = run.hits + run.misses + run.conflicts;
  const latency = run.readLatency;
  const watts = Object.values(run.energy).reduce((sum, part) => sum + part, 0) / run.seconds;
  const parts = Object.entries(run.energy)
    .filter(([name, joules]) => joules > 0 || name !== 'lowPower')
    .map(
      ([name, joules]) =>
        `${name === 'lowPower' ? 'low power' : name} ${percent(joules / (watts * run.seconds), 0)}`,
    );
  const { powerDownShare, selfRefreshShare, powerDowns, selfRefreshes } = run.lowPower;
  const entries = powerDowns + selfRefreshes;
  const rows = [
    [
      'bandwidth',
      `${formatQuantity(run.bandwidth, 'bandwidth')}, ${percent(run.bandwidth / run.peak)} of ${formatQuantity(run.peak, 'bandwidth')}`,
    ],
    [
      'read latency',
      latency.mean === 0
        ? 'no reads'
        : `mean ${time(latency.mean)}, p50 ${time(latency.p50)}, p95 ${time(latency.p95)}, p99 ${time(latency.p99)}`,
    ],
    [
      'rows',
      `hit ${percent(run.hits / bursts)}, miss ${percent(run.misses / bursts)}, conflict ${percent(run.conflicts / bursts)} of ${bursts} bursts`,
    ],
    ['refresh', `${percent(run.refreshShare)} of the banks' time`],
    ...(entries > 0
      ? [
          [
            'low power',
            `power-down ${percent(powerDownShare)} of the ranks' time (${powerDowns} times), self-refresh ${percent(selfRefreshShare)} (${selfRefreshes} times)`,
          ],
        ]
      : []),
    [
      'energy',
      // Over the whole run, whose bandwidth is less than the one measured between its marks.
      `${formatQuantity(run.energyPerByte, 'energy-per-byte')}, ${formatQuantity(watts, 'power')} at the ${formatQuantity(run.bytes / run.seconds, 'bandwidth')} of the whole run, start and end included: ${parts.join(', ')}`,
    ],
    [
      'simulated',
      `${run.accesses} accesses in ${time(run.seconds)}; ${(run.accesses / wallSeconds / MEGA).toFixed(2)} million per second of wall time`,
    ],
  ];
  const table = renderTable([{ header: 'quantity' }, { header: 'value' }], rows);
  const asked = offered ?? 0;
  if (run.bandwidth / run.peak >= SATURATED * asked) return table;
  return `${table}\npast saturation: ${percent(asked)} of peak was asked for, so the queue grows and latency says only how long the run was`;
}

/** Served over offered, below which the queue of an open-loop run grows without end. */
export const SATURATED = 0.97;

/** One point of a load–latency curve. */
export interface LoadPoint {
  /** Shares of peak. */
  readonly offered: number;
  readonly achieved: number;
  /** Of the channels together, bytes per second. */
  readonly peak: number;
  readonly readLatency: TrafficRun['readLatency'];
}

export function curveJson(points: readonly LoadPoint[]): unknown {
  return points.map(({ offered, achieved, readLatency }) => ({
    offered_peak_share: offered,
    achieved_peak_share: achieved,
    read_latency_mean_seconds: readLatency.mean,
    read_latency_p50_seconds: readLatency.p50,
    read_latency_p99_seconds: readLatency.p99,
  }));
}

export function renderCurve(points: readonly LoadPoint[]): string {
  const columns = ['offered', 'achieved', 'mean', 'p50', 'p95', 'p99'].map((header) => ({
    header,
    align: 'right' as const,
  }));
  const rows = points.map(({ offered, achieved, readLatency }) => [
    percent(offered, 0),
    percent(achieved),
    ...[readLatency.mean, readLatency.p50, readLatency.p95, readLatency.p99].map(time),
  ]);
  return renderTable(columns, rows);
}

/** Errors by tool and family, worst families' rows named. */
export function renderReport(report: RowReport, verbose: boolean): string {
  const columns = ['group', 'quantity', 'rows', 'median', 'p90', 'worst'].map((header, index) => ({
    header,
    align: index < 2 ? ('left' as const) : ('right' as const),
  }));
  const rows = report.summary.map(({ group, quantity, count, median, p90, worst }) => [
    group,
    quantity,
    `${count}`,
    ...[median, p90, worst].map((error) => percent(error, 2)),
  ]);
  const listed = verbose ? `${renderRows(report)}\n\n` : '';
  const left = report.unmapped.map(({ id, reason }) => `${id}: ${reason}`);
  const tail = left.length > 0 ? `\n\nnot run:\n${left.join('\n')}` : '';
  return `${listed}${renderTable(columns, rows)}${tail}`;
}

function renderRows(report: RowReport): string {
  const columns = ['run', 'group', 'quantity', 'predicted', 'reference', 'error'].map(
    (header, index) => ({ header, align: index < 3 ? ('left' as const) : ('right' as const) }),
  );
  const rows = report.rows.map(({ id, group, quantity, predicted, reference, error }) => [
    id,
    group,
    quantity,
    show(quantity, predicted),
    show(quantity, reference),
    percent(error, 2),
  ]);
  return renderTable(columns, rows);
}

function show(quantity: string, value: number): string {
  if (quantity === 'bandwidth') return formatQuantity(value, 'bandwidth');
  return quantity === 'read_latency_mean' ? time(value) : value.toFixed(4);
}

export interface ToolBand {
  readonly patterns: number;
  /** Relative difference in bandwidth between two tools on the same pattern, over all such pairs. */
  readonly pairMedian: number;
  readonly pairP90: number;
  /** Share of patterns on which our run with the first tool's controller lies between the tools' extremes. */
  readonly insideShare: number;
}

const PATTERN = [
  'preset',
  'channels',
  'ranks',
  'refresh',
  'map',
  'mode',
  'window',
  'open_rate',
  'requesters',
];

/** How far the tools are from each other on the patterns they share, and how often we lie between them. */
export function toolBand(checks: readonly DramCheck[]): ToolBand | undefined {
  const patterns = new Map<string, DramCheck[]>();
  for (const check of checks.filter(({ quantity }) => quantity === 'bandwidth')) {
    const key = PATTERN.map((name) => check.columns[name] ?? '').join('\t');
    patterns.set(key, [...(patterns.get(key) ?? []), check]);
  }
  const shared = [...patterns.values()].filter(
    (rows) => new Set(rows.map(({ simulator }) => simulator)).size > 1,
  );
  if (shared.length === 0) return undefined;
  const pairs = shared.flatMap(pairDifferences).sort((a, b) => a - b);
  const inside = shared.filter((rows) => {
    const values = rows.map(({ reference }) => reference);
    const ours = (rows[0] as DramCheck).predicted;
    // A tenth of a percent is what a row repeats to.
    return ours >= 0.999 * Math.min(...values) && ours <= 1.001 * Math.max(...values);
  });
  return {
    patterns: shared.length,
    pairMedian: quantile(pairs, 0.5),
    pairP90: quantile(pairs, 0.9),
    insideShare: inside.length / shared.length,
  };
}

function pairDifferences(rows: readonly DramCheck[]): number[] {
  return rows.flatMap((a, index) =>
    rows
      .slice(index + 1)
      .filter((b) => b.simulator !== a.simulator)
      .map((b) => Math.abs(a.reference / b.reference - 1)),
  );
}

export function renderBand(band: ToolBand): string {
  const { patterns, pairMedian, pairP90, insideShare } = band;
  return `${patterns} patterns were run by several tools; two of them differ by ${percent(pairMedian)} in the median (p90 ${percent(pairP90)}). We lie inside their band on ${percent(insideShare, 0)} of the patterns.`;
}
