/** The section of the report on protection: what it cost, what was accessed, what attacks got. */
import type { Run } from '../../engine/run.ts';
import { staysLocal } from '../../engine/secure-audit.ts';
import { formatValue } from '../charts/units.ts';
import { type Html, html, renderTable } from './html.ts';

/** Rows of the audit that a page shows; run.json holds all. */
const MOST_FLOWS = 40;

export function renderSecurityTables({ audit }: Run): Html {
  if (!audit) return html``;
  const amount = (value: number, unit: string) => (value > 0 ? formatValue(value, unit) : '');
  const protection = renderTable(
    [
      { header: 'Mechanism' },
      { header: 'Time', numeric: true },
      { header: 'Beside work', numeric: true },
      { header: 'Energy', numeric: true },
      { header: 'Memory', numeric: true },
    ],
    audit.protection.map(({ mechanism, seconds, hiddenSeconds, joules, bytes }) => [
      mechanism,
      amount(seconds, 's'),
      amount(hiddenSeconds, 's'),
      amount(joules, 'J'),
      amount(bytes, 'B'),
    ]),
  );
  const several = audit.workloads !== undefined;
  const flows = renderTable(
    [
      ...(several ? [{ header: 'Workload' }] : []),
      { header: 'Phase' },
      { header: 'Who' },
      { header: 'Access' },
      { header: 'Tensor' },
      { header: 'Memory' },
      { header: 'Label' },
      { header: 'Verdict' },
      { header: 'Bytes', numeric: true },
      { header: 'From', numeric: true },
      { header: 'To', numeric: true },
    ],
    audit.flows
      .filter((row) => !staysLocal(row))
      .slice(0, MOST_FLOWS)
      .map((row) => [
        ...(several ? [row.workload ?? ''] : []),
        row.phase,
        row.initiator,
        row.access,
        row.tensor,
        row.region,
        row.label,
        row.verdict,
        formatValue(row.bytes, 'B'),
        formatValue(row.firstSeconds, 's'),
        formatValue(row.lastSeconds, 's'),
      ]),
  );
  const attacks = audit.attacks.map(
    ({ attack, outcome, explanation, closedBy }) =>
      html`<li><b>${attack}</b>, ${outcome}: ${explanation}${closedBy === undefined ? '' : `; closed by ${closedBy}`}</li>`,
  );
  const tried = attacks.length > 0 ? html`<p>Attacks tried:</p><ul>${attacks}</ul>` : html``;
  return html`${workloadTable(audit)}${protection}
${tried}
<p class="why">Every access of the run by who made it, where, and how secret what it carried is. Secrets are labelled at their sources; a result is as secret as everything it was computed from.</p>
${flows}`;
}

/** Where several workloads share the phone: how each is protected, and what that takes from it. */
function workloadTable({ workloads }: NonNullable<Run['audit']>): Html {
  if (!workloads) return html``;
  const columns = ['Workload', 'Preset', 'World', 'Protects', 'Keeps', 'NPU'];
  const numbers = ['Time', 'Energy', 'Leaked'];
  return renderTable(
    [
      ...columns.map((header) => ({ header })),
      ...numbers.map((header) => ({ header, numeric: true })),
    ],
    workloads.map(({ name, preset, world, choices, promises, protection, leakedBytes }) => [
      name,
      preset,
      world,
      choices['protects'] ?? '',
      promises === 'public' ? 'nothing' : promises,
      choices['NPU'] ?? '',
      formatValue(
        protection.reduce((sum, { seconds }) => sum + seconds, 0),
        's',
      ),
      formatValue(
        protection.reduce((sum, { joules }) => sum + joules, 0),
        'J',
      ),
      formatValue(leakedBytes, 'B'),
    ]),
  );
}
