/** What a protected run proves: every access with its verdict, what was given up, what an attack got, and what it cost. */
import type { Bytes, Joules, Seconds } from '../base/units.ts';

/** Bytes of one kind of access; rows of a run differ in at least one of the first seven. */
export interface AuditRow {
  /** Where several share the phone. */
  readonly workload?: string;
  readonly phase: string;
  readonly initiator: string;
  readonly access: 'read' | 'write';
  readonly tensor: string;
  readonly region: string;
  readonly label: string;
  readonly verdict: AuditVerdict;
  readonly accesses: number;
  readonly bytes: Bytes;
  readonly firstSeconds: Seconds;
  readonly lastSeconds: Seconds;
}

/**
 * `protected`: a secret where it is cleared. `public`: no secret. `released`: given up in a declared step.
 * `unpromised`: a secret that the strategy does not keep. `refused`: stopped by a gate. `leak`: a promised secret below its clearance.
 */
export const AUDIT_VERDICTS = [
  'public',
  'protected',
  'released',
  'unpromised',
  'refused',
  'leak',
] as const;
export type AuditVerdict = (typeof AUDIT_VERDICTS)[number];

/** Let through, and found in a unit's own memory what it wanted: looked at, but no traffic to show. */
export function staysLocal({ bytes, verdict }: Pick<AuditRow, 'bytes' | 'verdict'>): boolean {
  return bytes === 0 && verdict !== 'refused' && verdict !== 'leak';
}

export interface AuditFault {
  /** Whose data it is about, where several workloads share the phone. */
  readonly workload?: string;
  readonly seconds: Seconds;
  readonly initiator: string;
  readonly region: string;
  readonly tensor: string;
  readonly label: string;
  /** Absent where nothing stopped it. */
  readonly gate?: string;
  readonly message: string;
}

export interface AttackResult {
  readonly attack: string;
  readonly seconds: Seconds;
  /** `tampered`: it got through and disclosed nothing, but what is computed from now on is not what was asked. */
  readonly outcome: 'stopped' | 'harmless' | 'leak' | 'tampered' | 'not tried';
  readonly explanation: string;
  /** What came out, where it leaked. */
  readonly bytes?: Bytes;
  /** Choice that closes it, where it is open. */
  readonly closedBy?: string;
}

/** Attacks that put something else in place of data, by name, where any got through. */
export function tamperings({ attacks }: Pick<SecurityAudit, 'attacks'>): string | undefined {
  const found = attacks.filter(({ outcome }) => outcome === 'tampered');
  return found.length > 0 ? [...new Set(found.map(({ attack }) => attack))].join(', ') : undefined;
}

/** One mechanism of protection: `seconds` lengthened the run, `hiddenSeconds` passed beside other work. */
export interface ProtectionCost {
  readonly mechanism: string;
  readonly seconds: Seconds;
  readonly hiddenSeconds: Seconds;
  readonly joules: Joules;
  readonly bytes: Bytes;
}

export interface AuditRegion {
  readonly name: string;
  readonly kind: string;
  readonly base: Bytes;
  readonly size: Bytes;
  /** Filled by the workload. */
  readonly used: Bytes;
  readonly clearance: string;
}

/** One of several workloads: how it was protected, what that proved, and what it cost. */
export interface WorkloadAudit {
  readonly name: string;
  readonly preset: string;
  readonly world: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly promises: string;
  readonly protection: readonly ProtectionCost[];
  readonly accesses: number;
  readonly leakedBytes: Bytes;
  readonly releasedBytes: Bytes;
}

export interface SecurityAudit {
  readonly preset: string;
  readonly world: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly promises: string;
  readonly regions: readonly AuditRegion[];
  readonly flows: readonly AuditRow[];
  readonly faults: readonly AuditFault[];
  readonly attacks: readonly AttackResult[];
  readonly protection: readonly ProtectionCost[];
  readonly accesses: number;
  readonly checks: number;
  /** Bytes of promised secrets that came below their clearance; attacks that leaked count with what they took. */
  readonly leakedBytes: Bytes;
  readonly releasedBytes: Bytes;
  /** Where several workloads share the phone: each by itself. */
  readonly workloads?: readonly WorkloadAudit[];
}
