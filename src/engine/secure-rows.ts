/** Rows of the audit in columns: one for each kind of access, with its verdict, bytes and times. */
import { formatSecrecy, type Secrecy, within } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import type { Initiator } from '../hardware/secure/initiators.ts';
import { clearanceOf, type RegionKind } from '../hardware/secure/regions.ts';
import type { Defences, Gate, SecureSystem, Verdict } from '../hardware/secure/secure-system.ts';
import type { TensorClass } from '../runtime/secure/strategy.ts';
import type { AuditRow, AuditVerdict } from './secure-audit.ts';

/** What models on their way consist of, beside their weights, and what makes room for them. */
type LoadedTensor =
  | 'model file'
  | 'runtime checkpoint'
  | 'runtime'
  | 'pages of others'
  | 'zeroes'
  | 'pages given back';

/** What a job finds in local memory of the NPU without having put it there. */
export const LEFT_BEHIND = 'local memory';

export interface RowKind {
  /** Where several share the phone. */
  readonly workload: string | undefined;
  /** Secrets that must not come below their clearance. */
  readonly promised: Secrecy;
  readonly phase: string;
  readonly initiator: Initiator;
  readonly access: 'read' | 'write';
  readonly tensor: TensorClass | LoadedTensor | typeof LEFT_BEHIND;
  /** `cloud` is what the modem sends away. */
  readonly region: RegionKind | 'cloud';
  readonly secrecy: Secrecy;
  /** Secrets that a declared step gave up on the way. */
  readonly dropped: Secrecy;
  /** In front of the cloud, of the workload that asks. */
  readonly gate?: Defences['cloud'];
}

export interface RowVerdict {
  readonly verdict: AuditVerdict;
  readonly gate?: Gate;
}

export class AuditRows {
  readonly kinds: RowKind[] = [];
  readonly verdicts: RowVerdict[] = [];
  /** 1 where an access must not be, by row; looked at before every access. */
  stopped = new Uint8Array(64);
  accesses = 0;
  private readonly system: SecureSystem;
  private readonly byKey = new Map<string, number>();
  private readonly counts: number[] = [];
  private readonly bytes: number[] = [];
  private readonly first: number[] = [];
  private readonly last: number[] = [];
  /** What rows held before their verdict changed. */
  private readonly closed: AuditRow[] = [];
  private epoch: number;

  constructor(system: SecureSystem) {
    this.system = system;
    this.epoch = system.epoch;
  }

  /** The row of a kind of access, made and judged when it is new. */
  row(kind: RowKind): number {
    const key = Object.values(kind).join('\n');
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const row = this.kinds.push(kind) - 1;
    this.byKey.set(key, row);
    this.clear(row);
    if (row >= this.stopped.length) {
      const more = new Uint8Array(2 * this.stopped.length);
      more.set(this.stopped);
      this.stopped = more;
    }
    this.judge(row);
    return row;
  }

  /** Verdicts anew after somebody changed the tables. */
  review(): void {
    if (this.epoch === this.system.epoch) return;
    this.epoch = this.system.epoch;
    for (let row = 0; row < this.kinds.length; row++) {
      const before = this.rowAt(row);
      this.judge(row);
      if (this.verdicts[row]!.verdict === before.verdict) continue;
      this.closed.push(before);
      this.clear(row);
    }
  }

  /** So many accesses of a row between two times, all of them checked before. Refused ones move nothing. */
  note(row: number, count: number, bytes: Bytes, start: Seconds, end: Seconds): void {
    this.accesses += count;
    this.counts[row]! += count;
    this.bytes[row]! += bytes;
    if (start < this.first[row]!) this.first[row] = start;
    this.last[row] = end;
  }

  toRows(): AuditRow[] {
    const open = this.kinds.map((_, row) => this.rowAt(row));
    return [...this.closed, ...open].filter(({ accesses }) => accesses > 0);
  }

  private rowAt(row: number): AuditRow {
    const { workload, phase, initiator, access, tensor, region, secrecy } = this.kinds[row]!;
    return {
      ...(workload !== undefined && { workload }),
      phase,
      initiator,
      access,
      tensor,
      region,
      label: formatSecrecy(secrecy),
      verdict: this.verdicts[row]!.verdict,
      accesses: this.counts[row]!,
      bytes: this.bytes[row]!,
      firstSeconds: this.first[row]!,
      lastSeconds: this.last[row]!,
    };
  }

  private clear(row: number): void {
    this.counts[row] = 0;
    this.bytes[row] = 0;
    this.first[row] = Number.POSITIVE_INFINITY;
    this.last[row] = 0;
  }

  private judge(row: number): void {
    const verdict = this.verdictOf(this.kinds[row]!);
    this.verdicts[row] = verdict;
    this.stopped[row] = verdict.verdict === 'refused' || verdict.verdict === 'leak' ? 1 : 0;
  }

  private answerTo({ tensor, region, gate, initiator, access }: RowKind, kept: Secrecy): Verdict {
    if (region === 'cloud') return this.system.upload(kept, gate);
    // Local memory lies behind no gate: whoever has the NPU reads it.
    if (tensor === LEFT_BEHIND) return this.system.inherit(kept, 'normal');
    return this.system.access(initiator, region, access, kept);
  }

  private verdictOf(kind: RowKind): RowVerdict {
    const { initiator, access, region, tensor, secrecy, dropped, promised } = kind;
    const kept = secrecy & ~dropped;
    // What was public from the start is handed over in the same way.
    if (tensor === 'output' && access === 'write' && secrecy === 0) return { verdict: 'public' };
    // A declared step hands over what it made public by a copy of its own, not through the tables of the job.
    if (access === 'write' && kept === 0 && secrecy !== 0) return { verdict: 'released' };
    const answer = this.answerTo(kind, kept);
    if (answer.kind === 'refused') return { verdict: 'refused', gate: answer.gate };
    if (answer.kind === 'breach') {
      return { verdict: (answer.secrecy & promised) !== 0 ? 'leak' : 'unpromised' };
    }
    if (secrecy === 0 || region === 'cloud') return { verdict: 'public' };
    const cleared =
      access === 'read' ? this.system.clearanceOfReader(initiator) : clearanceOf(region);
    const place = clearanceOf(region);
    if (within(secrecy, cleared) && within(secrecy, place)) return { verdict: 'protected' };
    // A reader that is cleared may still fetch from a place that is not: what lies there was given up, or never kept.
    return { verdict: within(kept, place) ? 'released' : 'unpromised' };
  }
}

/** What was done, in one sentence without its end. */
export function deedOf({ workload, initiator, access, region, tensor, secrecy }: RowKind): string {
  const whose = workload === undefined ? '' : ` of ${workload}`;
  if (tensor === LEFT_BEHIND) {
    return `${initiator} was given the NPU with ${formatSecrecy(secrecy)} data${whose} in its local memory`;
  }
  return `${initiator} ${access === 'read' ? 'read' : 'wrote'} ${tensor}${whose} in ${region} memory`;
}

/** Choices that close what comes of how a model is loaded and put out, where nobody sees it in the strategy. */
export function remedyFor(tensor: RowKind['tensor']): string {
  if (tensor === LEFT_BEHIND) return ' (clean: on-switch, or tagged, closes it)';
  if (tensor === 'pages given back') return ' (clean: on-switch overwrites them first)';
  return tensor === 'model file'
    ? ' (modelFile: encrypted, or a world whose memory the drive may write)'
    : '';
}
