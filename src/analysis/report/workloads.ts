/** The section of the report on several workloads that shared the phone, and the models that took turns in its memory. */
import type { Run } from '../../engine/run.ts';
import { formatValue } from '../charts/units.ts';
import { type Html, html, renderTable } from './html.ts';

export function renderWorkloads({ workloads }: Run): Html {
  if (!workloads) return html``;
  return renderTable(
    [
      { header: 'Workload' },
      { header: 'Priority', numeric: true },
      { header: 'Requests', numeric: true },
      { header: 'Late', numeric: true },
      { header: 'First output', numeric: true },
      { header: 'Latency', numeric: true },
      { header: '99 %', numeric: true },
      { header: 'Preempted', numeric: true },
      { header: 'Energy', numeric: true },
    ],
    workloads.map((own) => [
      own.name,
      String(own.priority),
      String(own.requests),
      own.missed === undefined ? '' : String(own.missed),
      ...[own.firstOutputSeconds.mean, own.latencySeconds.mean, own.latencySeconds.p99].map(
        (seconds) => (own.requests > own.skipped ? formatValue(seconds, 's') : ''),
      ),
      String(own.preemptions),
      formatValue(own.joules, 'J'),
    ]),
  );
}

/** Who answered, and what left the phone. */
export function renderCloud({ cloud }: Run): Html {
  if (!cloud) return html``;
  const rows = Object.entries(cloud.bytesLeft).map(([label, bytes]) => [
    label,
    formatValue(bytes, 'B'),
  ]);
  const { local, cloud: away, hybrid } = cloud.answers;
  const after =
    cloud.tailJoulesAfter > 0
      ? `; its last tail draws ${formatValue(cloud.tailJoulesAfter, 'J')} after the end of the run, which no figure here counts`
      : '';
  return html`<p class="why">A cloud may answer: ${String(away)} requests it did, ${String(hybrid)} after a local model had read them, and ${String(local)} stayed on the phone. The radio was connected for ${formatValue(cloud.radioSeconds, 's')} and drew ${formatValue(cloud.radioJoules, 'J')}, its tails included${after}.</p>
${renderTable([{ header: 'Left the phone' }, { header: 'Bytes', numeric: true }], rows)}`;
}

export function renderSwaps({ swaps }: Run): Html {
  if (!swaps) return html``;
  const table = renderTable(
    [
      { header: 'Model' },
      { header: 'Weights', numeric: true },
      { header: 'Loaded', numeric: true },
      { header: 'Put out', numeric: true },
      { header: 'Waited for', numeric: true },
    ],
    swaps.models.map(({ model, bytes, loads, evictions, waitedSeconds }) => [
      model,
      formatValue(bytes, 'B'),
      `${loads} ×`,
      `${evictions} ×`,
      formatValue(waitedSeconds, 's'),
    ]),
  );
  return html`<p class="why">The models did not fit in memory together, so they took turns in ${formatValue(swaps.budgetBytes, 'B')}: what was used longest ago, of the least urgent, went out, and came back from storage when a request needed it: ${formatValue(swaps.loadedBytes, 'B')} in ${formatValue(swaps.loadSeconds, 's')} altogether.</p>
${table}`;
}
