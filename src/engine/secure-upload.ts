/**
 * What leaves for the cloud, past the same gate and into the same audit as every access of a run.
 *
 * Model    the gate asks for the label of what is handed to the modem: it lets public data pass, sends back what has to be
 *          redacted first, or refuses; what a strategy promises to keep and the gate lets out raw is a fault
 * Ignores  what an answer tells of the question to whoever watches its length
 * Valid    uploads whose label is known, as prompts' are
 * Source   hardware/secure/secure-system.ts
 * Checked  test/unit/engine/secure-upload.test.ts
 */
import { SecurityFault } from '../base/errors.ts';
import { type Label, secrecyOf } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { type Defences, SecureSystem } from '../hardware/secure/secure-system.ts';
import { openSystem } from './plan-security.ts';
import type { AuditFault, AuditRow } from './secure-audit.ts';
import type { SecurityPlan } from './secure-plan.ts';
import { AuditRows } from './secure-rows.ts';

/** Nothing stands between an unprotected application and the modem. */
const OPEN = {
  firewall: false,
  trustedTables: false,
  cleanOnSwitch: false,
  taggedLocalMemory: false,
  encryption: false,
  integrity: false,
  cloud: 'raw',
} as const;

export interface UploadReport {
  /** What the gate does with what the user keeps secret. */
  readonly gate: string;
  readonly flows: readonly AuditRow[];
  readonly faults: readonly AuditFault[];
  readonly leakedBytes: Bytes;
}

/** Where uploads are written down: a run's own gates and audit, or fresh ones. */
interface UploadBook {
  readonly system: SecureSystem;
  readonly rows: AuditRows;
  /** Told of each upload that was looked at, and of each that must not be. */
  readonly checked?: () => void;
  readonly fault?: (fault: AuditFault) => void;
}

export class UploadGate {
  private readonly plan: SecurityPlan | undefined;
  private readonly book: UploadBook;
  private readonly faults: AuditFault[] = [];

  /** @param plan of the workload that asks; nothing is promised where absent. */
  constructor(plan: SecurityPlan | undefined, book?: UploadBook) {
    this.plan = plan;
    const system = plan ? openSystem([plan]) : new SecureSystem(OPEN);
    this.book = book ?? { system, rows: new AuditRows(system) };
  }

  /**
   * Hands bytes of a prompt to the modem.
   * @returns whether they left, must be redacted first, or stay.
   * @throws SecurityFault for promised secrets that the gate lets out, unless faults are to be recorded.
   */
  offer(label: Label, bytes: Bytes, now: Seconds): 'sent' | 'redact' | 'refused' {
    const secrecy = secrecyOf(label);
    const { system, rows } = this.book;
    if (system.upload(secrecy, this.gate).kind === 'harmless' && secrecy !== 0) return 'redact';
    this.book.checked?.();
    const row = rows.row({
      workload: this.plan?.workload,
      promised: this.plan?.promised ?? 0,
      phase: 'upload',
      initiator: 'modem',
      access: 'write',
      tensor: 'prompt',
      region: 'cloud',
      secrecy,
      dropped: 0,
      gate: this.gate,
    });
    const { verdict, gate } = rows.verdicts[row]!;
    rows.note(row, 1, verdict === 'refused' ? 0 : bytes, now, now);
    if (verdict === 'refused') return 'refused';
    if (verdict === 'leak') this.leak(label, now, gate);
    return 'sent';
  }

  report(): UploadReport {
    const flows = this.book.rows.toRows();
    const leakedBytes = flows.reduce(
      (sum, { verdict, bytes }) => sum + (verdict === 'leak' ? bytes : 0),
      0,
    );
    return { gate: this.gate, flows, faults: this.faults, leakedBytes };
  }

  private leak(label: Label, seconds: Seconds, gate: string | undefined): void {
    const workload = this.plan?.workload;
    const fault: AuditFault = {
      ...(workload !== undefined && { workload }),
      seconds,
      initiator: 'modem',
      region: 'cloud',
      tensor: 'prompt',
      label,
      ...(gate !== undefined && { gate }),
      message: 'modem handed the prompt to the cloud as the user wrote it, and nothing stopped it',
    };
    if (this.book.fault) this.book.fault(fault);
    else if (this.plan?.scenario.onFault === 'stop') throw new SecurityFault(fault.message, fault);
    else if (this.faults.length === 0) this.faults.push(fault);
  }

  private get gate(): Defences['cloud'] {
    return this.plan?.strategy.cloud ?? 'raw';
  }
}

/** How a prompt leaves that a policy wants answered elsewhere: as it is, redacted, or not at all. */
export function routeThrough(
  gate: Pick<UploadGate, 'offer'>,
  where: 'cloud' | 'hybrid',
  bytes: Bytes,
  now: Seconds,
): 'local' | 'cloud' | 'hybrid' {
  const first = where === 'cloud' ? gate.offer('user-secret', bytes, now) : 'redact';
  if (first === 'sent') return 'cloud';
  if (first === 'refused') return 'local';
  return gate.offer('public', bytes, now) === 'sent' ? 'hybrid' : 'local';
}
