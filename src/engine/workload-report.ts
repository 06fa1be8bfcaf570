/** Several workloads on one phone, each by itself: waiting, latency, misses, energy, and who worked for it. */
import type { Job, Lane } from './request.ts';
import {
  CAUSES,
  type LedgerRow,
  type PhaseResult,
  type RequestResult,
  type Run,
  type Spread,
  type WorkloadResult,
} from './run.ts';

/** Nothing where the requests belong to no workload of their own. */
export function workloadsOf(
  jobs: readonly Job[],
  requests: readonly RequestResult[],
  phases: readonly PhaseResult[],
  rows: readonly LedgerRow[],
): Pick<Run, 'workloads'> {
  const lanes = new Map<Lane, number>();
  for (const { lane, priority } of jobs) if (lane) lanes.set(lane, priority);
  if (lanes.size === 0) return {};
  return {
    workloads: [...lanes].map(([lane, priority]) => ({
      ...describe(lane, requests, phases, rows),
      priority,
    })),
  };
}

function describe(
  { name, deadline }: Lane,
  requests: readonly RequestResult[],
  phases: readonly PhaseResult[],
  rows: readonly LedgerRow[],
): Omit<WorkloadResult, 'priority'> {
  const mine = requests.filter(({ workload }) => workload === name);
  const served = mine.filter(({ skipped }) => skipped !== true);
  const own = rows.filter(({ request }) => request === name);
  const outputs = phases
    .filter(({ request }) => request === name)
    .reduce((sum, phase) => sum + phase.outputs, 0);
  const active = served.reduce((sum, r) => sum + r.endSeconds - r.startSeconds, 0);
  const total = (pick: (row: LedgerRow) => number) => own.reduce((sum, row) => sum + pick(row), 0);
  return {
    name,
    ...(deadline === undefined
      ? {}
      : { deadlineSeconds: deadline, missed: mine.filter(({ missed }) => missed).length }),
    requests: mine.length,
    skipped: mine.length - served.length,
    preemptions: mine.reduce((sum, { preemptions = 0 }) => sum + preemptions, 0),
    firstOutputSeconds: spread(served.map((r) => r.firstTokenSeconds - r.arrivalSeconds)),
    latencySeconds: spread(served.map((r) => r.endSeconds - r.arrivalSeconds)),
    outputs,
    outputsPerSecond: active > 0 ? outputs / active : 0,
    joules: total(({ joules }) => joules),
    dramBytes: total(({ dramBytes }) => dramBytes),
    unitSeconds: unitSeconds(own),
  };
}

function unitSeconds(rows: readonly LedgerRow[]): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const row of rows) {
    // Cores that decrypt or wipe beside operators belong to a unit that may be counted already; the drive works by itself.
    const { hiddenSeconds = 0 } = row.unit === 'storage' ? row : {};
    const worked = CAUSES.reduce((sum, cause) => sum + row.seconds[cause], hiddenSeconds);
    seconds[row.unit] = (seconds[row.unit] ?? 0) + worked;
  }
  return seconds;
}

/** Quantiles by the nearest rank; zeros of an empty sample. */
function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
  };
}
