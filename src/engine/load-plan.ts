/** What has to happen before a model is in memory, as plain data: stages, what they access, and who looks at it. */
import type { Bytes, Joules, Seconds } from '../base/units.ts';

/** What a stage reads or writes, over all of it. */
export interface LoadAccess {
  readonly access: 'read' | 'write';
  readonly bytes: Bytes;
  /** Of the audit, where there is one. */
  readonly row?: number | undefined;
}

export interface LoadStage {
  /** Operator in the ledger, and mechanism of protection. */
  readonly name: string;
  /** Unit in the ledger. */
  readonly unit: string;
  readonly cause: number;
  readonly start: Seconds;
  readonly end: Seconds;
  /** Work in it; less than its span where it waits for others. */
  readonly busy: Seconds;
  readonly accesses: readonly LoadAccess[];
  /** Share of the drive's rate that it uses. */
  readonly drive: number;
  readonly storage: Joules;
  readonly cipher: Joules;
  /** Of the CPU unit's power. */
  readonly cpuShare: number;
}

export interface LoadPlan {
  /** Name of the phase in results. */
  readonly phase: string;
  readonly bytes: Bytes;
  readonly stages: readonly LoadStage[];
  /** Before this, nothing can run. */
  readonly ready: Seconds;
  readonly end: Seconds;
  /** Stage that those wait for who wait for bytes. */
  readonly bottleneck: string;
  /** When the first `bytes` of the model are there. */
  readyAt(bytes: Bytes): Seconds;
  /** From when on memory holds some of it as it is used; never where that is never so. */
  readonly bare?: Seconds;
}

/** Looks at what a flow accesses before it does. */
export interface LoadGate {
  /**
   * So many accesses of a row, and what they move; none for more of those that were looked at.
   * @returns whether they may. @throws SecurityFault
   */
  pass(row: number, count: number, bytes: Bytes, start: Seconds, now: Seconds): boolean;
}

/** A load that a request waited for before it could begin. */
export interface LoadReport {
  /** Name of the phase that it is. */
  readonly phase: string;
  readonly start: Seconds;
  readonly end: Seconds;
  /** Index into `CAUSES` of that time. */
  readonly cause: number;
}
