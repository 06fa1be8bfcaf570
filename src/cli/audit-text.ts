/** What protection cost and proved, as tables for a terminal. */
import { formatQuantity } from '../base/quantity.ts';
import { NANO } from '../base/units.ts';
import {
  type AuditRow,
  type SecurityAudit,
  staysLocal,
  tamperings,
  type WorkloadAudit,
} from '../engine/secure-audit.ts';
import { renderTable } from './terminal.ts';

/** Rows that fit a screen; `--json` and run.json hold all. */
const MOST_FLOWS = 14;
/** Below it a sum of differences is rounding, not a cost. */
const ROUNDING = NANO;

export function auditLines(audit: SecurityAudit): string[] {
  const choices = ({ choices: all }: Pick<SecurityAudit, 'choices'>) =>
    Object.entries(all)
      .map(([name, choice]) => `${name} ${choice}`)
      .join(' · ');
  const head = audit.workloads
    ? ['security by workload', workloadTable(audit.workloads)]
    : [
        `security ${audit.preset}: ${audit.world} world, keeps ${audit.promises}`,
        `  ${choices(audit)}`,
      ];
  return [
    '',
    ...head,
    '',
    protectionTable(audit),
    '',
    flowTable(audit.flows),
    '',
    ...attackLines(audit),
    ...audit.faults.map(
      (fault) => `fault at ${formatQuantity(fault.seconds, 'time')}: ${fault.message}`,
    ),
    verdictLine(audit),
  ];
}

function workloadTable(workloads: readonly WorkloadAudit[]): string {
  const total = (of: (row: WorkloadAudit['protection'][number]) => number, own: WorkloadAudit) =>
    own.protection.reduce((sum, row) => sum + of(row), 0);
  return renderTable(
    [
      { header: 'workload' },
      { header: 'preset' },
      { header: 'world' },
      { header: 'protects' },
      { header: 'keeps' },
      { header: 'NPU' },
      { header: 'time', align: 'quantity' },
      { header: 'energy', align: 'quantity' },
      { header: 'leaked', align: 'quantity' },
    ],
    workloads.map((own) => [
      own.name,
      own.preset,
      own.world,
      own.choices['protects'] ?? '',
      own.promises === 'public' ? 'nothing' : own.promises,
      own.choices['NPU'] ?? '',
      formatQuantity(
        total(({ seconds }) => seconds, own),
        'time',
        3,
      ),
      formatQuantity(
        total(({ joules }) => joules, own),
        'energy',
        3,
      ),
      formatQuantity(own.leakedBytes, 'size', 3),
    ]),
  );
}

function protectionTable({ protection }: SecurityAudit): string {
  const show = (value: number, format: (value: number) => string) =>
    value > ROUNDING ? format(value) : '';
  const time = (value: number) => formatQuantity(value, 'time');
  const rows = protection.map(({ mechanism, seconds, hiddenSeconds, joules, bytes }) => [
    mechanism,
    show(seconds, time),
    show(Math.max(0, hiddenSeconds), time),
    show(joules, (value) => formatQuantity(value, 'energy', 3)),
    show(bytes, (value) => formatQuantity(value, 'size', 3)),
  ]);
  const sum = (of: (row: SecurityAudit['protection'][number]) => number) =>
    protection.reduce((total, row) => total + of(row), 0);
  rows.push([
    'total',
    time(sum((row) => row.seconds)),
    show(
      sum((row) => Math.max(0, row.hiddenSeconds)),
      time,
    ),
    formatQuantity(
      sum((row) => row.joules),
      'energy',
      3,
    ),
    formatQuantity(
      sum((row) => row.bytes),
      'size',
      3,
    ),
  ]);
  return renderTable(
    [
      { header: 'protection' },
      { header: 'time', align: 'quantity' },
      { header: 'beside work', align: 'quantity' },
      { header: 'energy', align: 'quantity' },
      { header: 'memory', align: 'quantity' },
    ],
    rows,
  );
}

/** Phases are summed: who, what, where and how secret is what an auditor asks first. */
function flowTable(flows: readonly AuditRow[]): string {
  const sums = new Map<string, { row: AuditRow; bytes: number; accesses: number }>();
  for (const row of flows) {
    const { workload, initiator, access, tensor, region, label, verdict } = row;
    const key = [workload, initiator, access, tensor, region, label, verdict].join('\n');
    const sum = sums.get(key) ?? { row, bytes: 0, accesses: 0 };
    sum.bytes += row.bytes;
    sum.accesses += row.accesses;
    sums.set(key, sum);
  }
  const all = [...sums.values()]
    .filter(({ row, bytes }) => !staysLocal({ bytes, verdict: row.verdict }))
    .sort((a, b) => b.bytes - a.bytes);
  const shown = all.slice(0, MOST_FLOWS);
  const several = flows.some(({ workload }) => workload !== undefined);
  const table = renderTable(
    [
      ...(several ? [{ header: 'workload' }] : []),
      { header: 'initiator' },
      { header: 'access' },
      { header: 'tensor' },
      { header: 'memory' },
      { header: 'label' },
      { header: 'verdict' },
      { header: 'bytes', align: 'quantity' },
      { header: 'accesses', align: 'right' },
    ],
    shown.map(({ row, bytes, accesses }) => [
      ...(several ? [row.workload ?? ''] : []),
      row.initiator,
      row.access,
      row.tensor,
      row.region,
      row.label,
      row.verdict,
      formatQuantity(bytes, 'size', 3),
      String(accesses),
    ]),
  );
  const more = all.length - shown.length;
  return more > 0 ? `${table}\n… and ${more} more (--json lists all)` : table;
}

function attackLines({ attacks }: SecurityAudit): string[] {
  return attacks.map(
    ({ attack, outcome, explanation, closedBy }) =>
      `attack ${attack}: ${outcome.toUpperCase()}: ${explanation}${closedBy === undefined ? '' : `; closed by ${closedBy}`}`,
  );
}

function verdictLine(audit: SecurityAudit): string {
  const size = (bytes: number) => formatQuantity(bytes, 'size', 3);
  const checked = `${audit.checks} accesses, each checked`;
  const open = audit.flows
    .filter(({ verdict }) => verdict === 'unpromised')
    .reduce((sum, { bytes }) => sum + bytes, 0);
  const rest = [
    `${size(audit.releasedBytes)} given up in declared steps`,
    ...(open > 0 ? [`${size(open)} of secrets that this strategy does not keep`] : []),
  ].join(', ');
  const leaks =
    audit.leakedBytes > 0
      ? `LEAK of ${size(audit.leakedBytes)}`
      : 'no promised secret came below its clearance';
  const forged = tamperings(audit);
  return `audit: ${forged ? `INTEGRITY BROKEN by ${forged}; ` : ''}${leaks} (${checked}; ${rest})`;
}
