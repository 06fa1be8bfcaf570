/**
 * What leaves for the cloud, past the same gate and into the same audit as every access of a run.
 *
 * Model    the gate asks for the label of what is handed to the modem: it lets public data pass, sends back what has to be
 *          redacted first, or refuses, when a request comes; what a strategy promises to keep and the gate lets out raw is
 *          a fault when its first byte goes into the air; the audit books uploads from then until their last byte has gone
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
   * Asks whether what carries a label may be handed to the modem.
   * @returns whether it may leave, must be redacted first, or stays.
   */
  offer(label: Label, now: Seconds): 'sent' | 'redact' | 'refused' {
    const secrecy = secrecyOf(label);
    const { system, rows } = this.book;
    if (system.upload(secrecy, this.gate).kind === 'harmless' && secrecy !== 0) return 'redact';
    const row = this.rowOf(label);
    if (rows.verdicts[row]!.verdict !== 'refused') return 'sent';
    this.book.checked?.();
    rows.note(row, 1, 0, now, now);
    return 'refused';
  }

  /**
   * The first byte of a prompt goes into the air.
   * @throws SecurityFault for promised secrets that the gate lets out, unless faults are to be recorded.
   */
  begin(label: Label, now: Seconds): void {
    this.book.checked?.();
    const { verdict, gate } = this.book.rows.verdicts[this.rowOf(label)]!;
    if (verdict === 'leak') this.leak(label, now, gate);
  }

  /** The last one has. */
  end(label: Label, bytes: Bytes, start: Seconds, now: Seconds): void {
    this.book.rows.note(this.rowOf(label), 1, bytes, start, now);
  }

  report(): UploadReport {
    const flows = this.book.rows.toRows();
    const leakedBytes = flows.reduce(
      (sum, { verdict, bytes }) => sum + (verdict === 'leak' ? bytes : 0),
      0,
    );
    return { gate: this.gate, flows, faults: this.faults, leakedBytes };
  }

  private rowOf(label: Label): number {
    return this.book.rows.row({
      workload: this.plan?.workload,
      promised: this.plan?.promised ?? 0,
      phase: 'upload',
      initiator: 'modem',
      access: 'write',
      tensor: 'prompt',
      region: 'cloud',
      secrecy: secrecyOf(label),
      dropped: 0,
      gate: this.gate,
    });
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

/** How a prompt may leave that a policy wants answered elsewhere: as it is, redacted, or not at all. */
export function routeThrough(
  gate: Pick<UploadGate, 'offer'>,
  where: 'cloud' | 'hybrid',
  now: Seconds,
): 'local' | 'cloud' | 'hybrid' {
  const first = where === 'cloud' ? gate.offer('user-secret', now) : 'redact';
  if (first === 'sent') return 'cloud';
  if (first === 'refused') return 'local';
  return gate.offer('public', now) === 'sent' ? 'hybrid' : 'local';
}
