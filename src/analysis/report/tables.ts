/** The tables of the report: headline figures, phases, sources and inputs. */

import { type Metric, metrics } from '../../engine/metrics.ts';
import type { PhaseResult, Run } from '../../engine/run.ts';
import { nameOf } from '../charts/text.ts';
import { causeStyle } from '../charts/theme.ts';
import { formatValue } from '../charts/units.ts';
import { formatMetric, metricLabel } from '../metric-text.ts';
import { type Html, html, renderTable } from './html.ts';

/** The figures a reader looks for first. */
const HEADLINE = [
  'time_to_first_token_seconds',
  'decode_tokens_per_second',
  'request_latency_seconds',
  'energy_per_token_joules',
  'average_power_watts',
  'skin_temperature_celsius',
  'dram_bandwidth_bytes_per_second',
  'peak_memory_bytes',
];
/** Of a long run the first and the last phases tell the story. */
const FIRST_PHASES = 8;
const LAST_PHASES = 6;

export function renderTiles(run: Run): Html {
  const tiles = HEADLINE.filter((id) => run.metrics[id] !== undefined).map((id) => {
    const value = formatMetric(id, run.metrics[id] as number, 3);
    return html`<div class="tile"><b>${value}</b><span>${nameOf(metricLabel(id))}</span><i>${meaningOf(id)}</i></div>`;
  });
  return html`<div class="tiles">${tiles}</div>`;
}

export function renderMetrics(run: Run): Html {
  const rows = Object.entries(run.metrics).map(([id, value]) => [
    html`${nameOf(metricLabel(id))}<br><code>${id}</code>`,
    formatMetric(id, value),
    meaningOf(id),
  ]);
  return renderTable(
    [{ header: 'Metric' }, { header: 'Value', numeric: true }, { header: 'Meaning' }],
    rows,
  );
}

function meaningOf(id: string): string {
  return (metrics as Readonly<Record<string, Metric>>)[id]?.meaning ?? '';
}

/** The ledger's cause is "bandwidth"; whether DRAM or the unit's own port was short of it is known by phase. */
function limitOf({ limit, bandwidthBound, units }: PhaseResult): string {
  if (units[0] === 'storage') return 'storage';
  if (!bandwidthBound) return causeStyle(limit).label;
  return bandwidthBound === 'port' ? 'bandwidth of the unit’s port' : 'DRAM bandwidth';
}

export function renderPhases(run: Run): Html {
  const several = run.requests.length > 1;
  const shared = run.workloads !== undefined;
  const row = (phase: PhaseResult): readonly string[] => {
    const seconds = phase.activeSeconds ?? phase.endSeconds - phase.startSeconds;
    const share = formatValue(phase.shares[phase.limit], '%', 2);
    // A restore goes on beside the prompt: over the time that it alone takes, its bytes and joules are no rate.
    const per = (amount: number, unit: string): string =>
      seconds > 0 && phase.stage !== 'restore' ? formatValue(amount / seconds, unit) : '–';
    return [
      ...(several ? [phase.request] : []),
      phase.phase,
      phase.units.map(nameOf).join(', '),
      formatValue(seconds, 's'),
      ...(shared ? [formatValue(phase.waitedSeconds ?? 0, 's')] : []),
      String(phase.steps),
      `${limitOf(phase)}, ${share}`,
      per(phase.dramBytes, 'B/s'),
      per(phase.joules, 'W'),
      formatValue(phase.joules, 'J'),
    ];
  };
  const columns = [
    ...(several ? [{ header: 'Request' }] : []),
    { header: 'Phase' },
    { header: 'Units' },
    { header: 'Time', numeric: true },
    ...(shared ? [{ header: 'Of it waiting', numeric: true }] : []),
    { header: 'Steps', numeric: true },
    { header: 'Limited by' },
    { header: 'DRAM', numeric: true },
    { header: 'Power', numeric: true },
    { header: 'Energy', numeric: true },
  ];
  const { phases } = run;
  const left = phases.length - FIRST_PHASES - LAST_PHASES;
  if (left <= 1) return renderTable(columns, phases.map(row));
  return renderTable(columns, [
    ...phases.slice(0, FIRST_PHASES).map(row),
    columns.map((_, index) => (index === 0 ? `… ${left} more in run.json` : '')),
    ...phases.slice(-LAST_PHASES).map(row),
  ]);
}

/** What the trust levels mean, best first. */
const TRUST: Readonly<Record<string, string>> = {
  measured: 'measured on a device',
  datasheet: 'stated by the maker',
  paper: 'published by others',
  fitted: 'fitted to measurements',
  estimated: 'our estimate, reasons beside the number',
};

export function renderTrust(run: Run): Html {
  const rows = Object.keys(TRUST)
    .filter((level) => (run.trust[level] ?? 0) > 0)
    .map((level) => [level, formatValue(run.trust[level] ?? 0, '%'), TRUST[level] ?? '']);
  return renderTable(
    [{ header: 'Trust' }, { header: 'Share', numeric: true }, { header: 'Meaning' }],
    rows,
  );
}

export function renderInputs(run: Run): Html {
  const { inputs } = run;
  const rows: (readonly [string, string])[] = [
    ['SoC', inputs.soc],
    ['Phone', inputs.phone],
    ['Workload', inputs.workload],
    ['Scheduling policy', inputs.policy],
    ['Frequency governor', inputs.governor],
    ['Thermal governor', inputs.thermalGovernor],
    ['Runtime', inputs.runtime],
    ['Fidelity', inputs.fidelity],
    ['Seed', String(inputs.seed)],
    ['Overrides', inputs.overrides.join(', ') || 'none'],
    ['socsim', inputs.version],
    ['Events simulated', formatValue(run.eventCount, '', 6)],
  ];
  const files = Object.entries(inputs.hashes).map(([file, hash]) => [
    html`<code>${file}</code>`,
    html`<code class="hash">${hash}</code>`,
  ]);
  return html`${renderTable([{ header: 'Input' }, { header: 'Value' }], rows)}
${renderTable([{ header: 'File' }, { header: 'SHA-256' }], files)}`;
}
