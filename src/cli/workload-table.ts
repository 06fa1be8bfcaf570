/** Several workloads of one run side by side: who waited, who was late, what each cost. */
import { formatQuantity } from '../base/quantity.ts';
import type { CloudReport, SwapReport, WorkloadResult } from '../engine/run.ts';
import { renderTable } from './terminal.ts';

export function workloadTable(workloads: readonly WorkloadResult[]): string {
  return renderTable(
    [
      { header: 'workload' },
      { header: 'priority', align: 'right' },
      { header: 'requests', align: 'right' },
      { header: 'late', align: 'right' },
      { header: 'first output', align: 'quantity' },
      { header: 'latency', align: 'quantity' },
      { header: '99 %', align: 'quantity' },
      { header: 'outputs', align: 'quantity' },
      { header: 'preempted', align: 'right' },
      { header: 'busy' },
      { header: 'energy', align: 'quantity' },
    ],
    workloads.map(row),
  );
}

/** Who answered, what the radio took and what left the phone. */
export function cloudLines({ answers, bytesLeft, ...link }: CloudReport): string {
  const who = Object.entries(answers).filter(([, count]) => count > 0);
  const left = Object.entries(bytesLeft).filter(([, bytes]) => bytes > 0);
  const size = (bytes: number) => formatQuantity(bytes, 'size', 3);
  const silent =
    link.silentSeconds > 0
      ? `; ${formatQuantity(link.silentSeconds, 'time', 3)} of waiting for a signal`
      : '';
  const after =
    link.tailJoulesAfter > 0
      ? `, and ${formatQuantity(link.tailJoulesAfter, 'energy', 3)} in its last tail after the end, which no figure here counts`
      : '';
  return [
    `answered by: ${who.map(([where, count]) => `${where} ${count}`).join(', ') || 'the phone alone (no workload says answeredBy)'}`,
    `left the phone: ${left.map(([label, bytes]) => `${label} ${size(bytes)}`).join(', ') || 'nothing'}`,
    `radio: connected for ${formatQuantity(link.radioSeconds, 'time', 3)}, ${formatQuantity(link.radioJoules, 'energy', 3)} with its tails${after}${silent}`,
  ].join('\n');
}

/** Models that did not fit in memory together: what went out and came back. */
export function swapTable(swaps: SwapReport): string {
  const size = (bytes: number) => formatQuantity(bytes, 'size', 3);
  const all = swaps.models.reduce((sum, { bytes }) => sum + bytes, 0);
  const lost =
    swaps.cachesLost > 0
      ? `; ${swaps.cachesLost} prompts were computed again whole, their cache had gone`
      : '';
  const table = renderTable(
    [
      { header: 'model' },
      { header: 'weights', align: 'quantity' },
      { header: 'loaded', align: 'right' },
      { header: 'put out', align: 'right' },
      { header: 'waited for', align: 'quantity' },
    ],
    swaps.models.map(({ model, bytes, loads, evictions, waitedSeconds }) => [
      model,
      size(bytes),
      `${loads} ×`,
      `${evictions} ×`,
      formatQuantity(waitedSeconds, 'time', 3),
    ]),
  );
  return `${table}\nmodels of ${size(all)} took turns in ${size(swaps.budgetBytes)}: ${size(swaps.loadedBytes)} came from storage in ${formatQuantity(swaps.loadSeconds, 'time', 3)}${lost}`;
}

function row(workload: WorkloadResult): string[] {
  const { latencySeconds, unitSeconds, missed, requests, skipped } = workload;
  const busy = Object.entries(unitSeconds).map(
    ([unit, seconds]) => `${unit} ${formatQuantity(seconds, 'time', 3)}`,
  );
  return [
    workload.name,
    String(workload.priority),
    String(requests),
    missed === undefined
      ? ''
      : `${missed} (${Number(((100 * missed) / Math.max(requests, 1)).toPrecision(3))} %)`,
    ...(requests > skipped
      ? [
          formatQuantity(workload.firstOutputSeconds.mean, 'time', 3),
          formatQuantity(latencySeconds.mean, 'time', 3),
          formatQuantity(latencySeconds.p99, 'time', 3),
        ]
      : ['', '', '']),
    `${Number(workload.outputsPerSecond.toPrecision(3))} /s`,
    String(workload.preemptions),
    busy.join(', '),
    formatQuantity(workload.joules, 'energy', 3),
  ];
}
