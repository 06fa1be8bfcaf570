/** Several workloads of one run side by side: who waited, who was late, what each cost. */
import { formatQuantity } from '../base/quantity.ts';
import type { WorkloadResult } from '../engine/run.ts';
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
