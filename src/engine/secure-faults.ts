/** Accesses that must not be: each is told by itself, and ends the run or is put down beside the others. */
import { SecurityFault } from '../base/errors.ts';
import { formatSecrecy } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import type { AuditFault } from './secure-audit.ts';
import { type AuditRows, deedOf, remedyFor } from './secure-rows.ts';
import type { SecurityScenario } from './secure-scenario.ts';

/** Faults listed one by one; further ones are counted in their rows. */
const MAX_FAULTS = 100;

export class FaultList {
  readonly faults: AuditFault[] = [];
  private readonly rows: AuditRows;
  private readonly onFault: SecurityScenario['onFault'];

  constructor(rows: AuditRows, { onFault }: SecurityScenario) {
    this.rows = rows;
    this.onFault = onFault;
  }

  /** An access of a row that gates stop, or that leaks. @returns bytes that moved all the same. @throws SecurityFault unless faults are to be recorded. */
  stop(row: number, bytes: Bytes, now: Seconds, count = 1): Bytes {
    const { verdict, gate } = this.rows.verdicts[row]!;
    const kind = this.rows.kinds[row]!;
    const { workload, initiator, region, tensor, secrecy } = kind;
    const leaked = `and nothing stopped it${remedyFor(tensor)}`;
    const outcome = verdict === 'leak' ? leaked : 'and was stopped';
    this.add({
      ...(workload !== undefined && { workload }),
      seconds: now,
      initiator,
      region,
      tensor,
      label: formatSecrecy(secrecy),
      ...(gate !== undefined && { gate }),
      message: `${deedOf(kind)}, ${outcome}`,
    });
    const moved = verdict === 'leak' ? bytes : 0;
    this.rows.note(row, count, moved, now, now);
    return moved;
  }

  /** @throws SecurityFault unless faults are to be recorded. */
  add(fault: AuditFault): void {
    if (this.onFault === 'stop') throw new SecurityFault(fault.message, fault);
    const known = this.faults.some(
      (other) =>
        other.message === fault.message &&
        other.tensor === fault.tensor &&
        other.label === fault.label,
    );
    if (!known && this.faults.length < MAX_FAULTS) this.faults.push(fault);
  }
}
