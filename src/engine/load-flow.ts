/**
 * One model on its way into memory, before or while the requests that need it run: who waits, what it draws, and what of
 * drive and memory it takes from whatever else goes on.
 *
 * Model    stages on a clock of their own, which runs at 1 while drive and memory give the stages all that they would use
 *          alone, and slower in proportion where others leave them less. Each stage draws over its span: drive and memory by
 *          bytes, CPU cores by time. What it reads and writes passes the gates chunk by chunk, where there are any; what
 *          they refuse moves nothing, though its time goes by
 *          Cycles that it keeps busy are lost to operators of the same unit, half of them at most; what it uses of the drive,
 *          to operators that read it
 * Ignores  what operators take from it in turn; cores of the unit that no operator uses
 * Valid    one model per flow, direct reads into memory
 * Source   sharing as in bandwidth.ts
 * Checked  test/unit/engine/secure-restore.test.ts (cores too), storage.test.ts, test/property/secure-restore.test.ts, model-swaps.test.ts
 */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';
import { CHUNK } from '../runtime/secure/restore.ts';
import { burnCores } from './cores.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { LoadAccess, LoadGate, LoadPlan, LoadStage } from './load-plan.ts';
import type { ProtectionLedger } from './secure-costs.ts';
import type { StreamPort } from './stream.ts';

/** Transfer engines keep this many of their own latencies' worth of bytes in flight: they are not what holds a stream. */
const IN_FLIGHT = 2;
/** A stream of half of the memory's peak counts as that of a unit in the mix, a slower one for less. */
const FULL_STREAM = 0.5;
/** Load at which that latency is taken: a memory in full use. */
const FULL_LOAD = 1;
/** What operators lose to the cores that restore, in the ledger of protection. */
const CORES = 'cores for restoring';
/** What operators that read the drive meanwhile lose to it. */
const DRIVE = 'drive for restoring';
/** Of a chunk: rounding, not bytes. */
const CRUMB = 1e-9;

interface OpenStage {
  readonly stage: LoadStage;
  readonly row: number;
  /** By access: chunks that were looked at, and whether the last one might pass. */
  readonly looked: number[];
  readonly allowed: boolean[];
}

export interface LoadParts {
  readonly plan: LoadPlan;
  readonly ledger: Ledger;
  readonly execution: Execution;
  /** Where its stages are mechanisms of protection. */
  readonly costs?: ProtectionLedger;
  /** Of the CPU unit; −1 for none. */
  readonly cpu: number;
  /** Told when its last byte has passed. @throws SecurityFault */
  readonly ended?: (now: Seconds) => void;
}

export class LoadFlow {
  readonly plan: LoadPlan;
  gate: LoadGate | undefined;
  /** When it began. */
  start: Seconds = 0;
  /** It went past `ready` or its end, and nobody has been told. */
  isNews = false;
  /** Drawn so far, of all that is not in the way of operators. */
  spent: Joules = 0;
  /** Operators have waited for what had not come yet, in all. */
  waited: Seconds = 0;
  private readonly parts: LoadParts;
  private stages: readonly OpenStage[] = [];
  private state: 'away' | 'coming' | 'there' = 'away';
  private at: Seconds = 0;
  private last: Seconds = 0;
  private pace = 1;
  private drivePace = 1;
  private storageJoules: Joules = 0;
  private moved: Bytes = 0;
  /** What it brought lies in memory that it has given back. */
  private isLeft = false;
  /** On its own clock: from here on somebody waits for all of it. */
  private awaitedFrom: Seconds = Number.POSITIVE_INFINITY;

  constructor(parts: LoadParts) {
    this.parts = parts;
    this.plan = parts.plan;
  }

  get isComing(): boolean {
    return this.state === 'coming';
  }

  get isAway(): boolean {
    return this.state === 'away';
  }

  /** It draws nothing, and nobody has to be told of what it drew. */
  get isOver(): boolean {
    const isQuiet = this.storageJoules === 0 && this.moved === 0 && !this.isNews;
    return this.state !== 'coming' && isQuiet;
  }

  /** Whether memory holds any of it as operators use it. */
  get isBare(): boolean {
    const { bare = Number.POSITIVE_INFINITY } = this.plan;
    if (this.isLeft) return true;
    if (this.state === 'there') return bare < Number.POSITIVE_INFINITY;
    return this.state === 'coming' && this.at > bare;
  }

  /**
   * @param request under whose name it is accounted for.
   * @param asked when somebody began to wait for it.
   * @throws SecurityFault
   */
  begin(now: Seconds, request: string, asked = now): void {
    const { ledger } = this.parts;
    this.state = 'coming';
    this.start = asked;
    this.awaitedFrom = Number.POSITIVE_INFINITY;
    this.last = now;
    this.at = 0;
    this.pace = 1;
    this.drivePace = 1;
    this.stages = this.plan.stages.map((stage) => ({
      stage,
      row: ledger.row(request, this.plan.phase, stage.name, stage.unit),
      looked: stage.accesses.map(() => 0),
      allowed: stage.accesses.map(() => true),
    }));
    for (const row of new Set(this.stages.map((stage) => stage.row))) ledger.counts[row]!++;
    this.look(now);
  }

  /** What comes next needs its memory: it no longer passes beside other work. */
  wait(now: Seconds): void {
    const at = this.at + (now - this.last) * this.pace;
    this.awaitedFrom = Math.min(this.awaitedFrom, at);
  }

  /** It was in memory from the start. */
  settle(): void {
    this.state = 'there';
  }

  /** Its memory is given back, with all that lies there. */
  release(): void {
    this.isLeft = this.isBare;
    this.state = 'away';
  }

  /** What lay there is overwritten, or its key thrown away. */
  wiped(): void {
    this.isLeft = false;
  }

  /** Until a first request may begin. */
  openIn(now: Seconds): Seconds {
    return this.timeTo(this.plan.ready, now);
  }

  /** Until the first `share` of the model is there, at the present pace. */
  readyIn(share: number, now: Seconds): Seconds {
    return this.timeTo(this.plan.readyAt(share * this.plan.bytes), now);
  }

  /** Share of the drive that it would use if nobody else did. */
  get drive(): number {
    if (this.state !== 'coming') return 0;
    return this.stages.reduce(
      (sum, { stage }) => sum + (this.isUnderWay(stage) ? stage.drive : 0),
      0,
    );
  }

  /** What it gets of that. */
  grantDrive(share: number): void {
    const { drive } = this;
    this.drivePace = drive > 0 ? Math.min(1, share / drive) : 1;
    this.pace = this.drivePace;
  }

  get cpu(): number {
    return this.parts.cpu;
  }

  /** Share of the CPU unit's cycles that its stages keep busy now. */
  get taken(): number {
    if (this.state !== 'coming') return 0;
    const busy = this.stages.reduce((sum, { stage }) => {
      const { cpuShare, start, end } = stage;
      return this.isUnderWay(stage) ? sum + (cpuShare * stage.busy) / (end - start) : sum;
    }, 0);
    return busy * this.pace;
  }

  /** An operator of that unit computed for so long on what this leaves, and so the longer. */
  hold(seconds: Seconds): void {
    const { costs, execution, cpu } = this.parts;
    const lost = seconds * this.taken;
    if (lost === 0) return;
    costs?.add(CORES, { seconds: lost, joules: lost * execution.stalledWatts[cpu]! });
  }

  /** An operator has read for so long with what of the drive this leaves; it slept, and so draws nothing for it. */
  holdReader(seconds: Seconds): void {
    const lost = seconds * this.drive * this.drivePace;
    if (lost > 0) this.parts.costs?.add(DRIVE, { seconds: lost });
  }

  /** What it would draw from memory now if nobody else did; undefined where it draws nothing. */
  stream(): StreamPort | undefined {
    if (this.state !== 'coming') return undefined;
    const rates = { read: 0, write: 0 };
    for (const { stage, allowed } of this.stages) {
      if (!this.isUnderWay(stage)) continue;
      for (const [i, { access, bytes }] of stage.accesses.entries()) {
        if (allowed[i]) rates[access] += (bytes / (stage.end - stage.start)) * this.drivePace;
      }
    }
    const rate = rates.read + rates.write;
    if (rate === 0) return undefined;
    const { memory } = this.parts.execution.machine;
    return {
      bandwidth: rate,
      weight: Math.min(1, rate / (FULL_STREAM * memory.peak)),
      outstandingBytes: IN_FLIGHT * rate * memory.latency(FULL_LOAD),
      split: {
        dramReads: rates.read / rate,
        dramWrites: rates.write / rate,
        readHits: 0,
        writeHits: 0,
      },
    };
  }

  /** What it gets of that from now on. */
  grant(got: BytesPerSecond, wanted: BytesPerSecond): void {
    this.pace = this.drivePace * (wanted > 0 ? Math.min(1, got / wanted) : 1);
  }

  /** When a stage begins or ends next, at the present pace. */
  nextChange(now: Seconds): Seconds {
    if (this.state !== 'coming') return Number.POSITIVE_INFINITY;
    const { end, ready } = this.plan;
    let next = this.at < ready - TICK ? Math.min(ready, end) : end;
    for (const { stage } of this.stages) {
      if (stage.start > this.at + TICK) next = Math.min(next, stage.start);
      if (stage.end > this.at + TICK) next = Math.min(next, stage.end);
    }
    return now + this.timeTo(next, now);
  }

  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { memory: Joules; fabric: Joules } {
    const used = { memory: 0, fabric: 0 };
    if (this.state !== 'coming' || now <= this.last) return used;
    const { end } = this.plan;
    const since = this.last;
    const from = this.at;
    const to = from + (now - since) * this.pace;
    this.last = now;
    this.at = to >= end - TICK ? end : to;
    const { ready } = this.plan;
    if ((from < ready && this.at >= ready - TICK) || this.at === end) this.isNews = true;
    for (const stage of this.stages) this.pass(stage, { from, to: this.at, since, now }, used);
    if (this.at < end) {
      this.look(now);
      return used;
    }
    this.state = 'there';
    this.parts.ended?.(now);
    return used;
  }

  takeJoules(): Joules {
    const joules = this.storageJoules;
    this.storageJoules = 0;
    return joules;
  }

  takeBytes(): Bytes {
    const bytes = this.moved;
    this.moved = 0;
    return bytes;
  }

  private isUnderWay({ start, end }: LoadStage): boolean {
    return start <= this.at + TICK && end > this.at + TICK;
  }

  private timeTo(when: Seconds, now: Seconds): Seconds {
    if (this.state === 'there') return 0;
    return Math.max(0, (when - this.at) / this.pace - (now - this.last));
  }

  /** The first chunk of stages that are about to begin: nothing moves before it was looked at. */
  private look(now: Seconds): void {
    if (!this.gate) return;
    for (const open of this.stages) {
      if (!this.isUnderWay(open.stage)) continue;
      for (const [i, chunks] of open.looked.entries()) {
        if (chunks > 0) continue;
        open.looked[i] = 1;
        open.allowed[i] = this.ask(open.stage.accesses[i]!, 1, 0, now, now);
      }
    }
  }

  private ask(
    { row }: LoadAccess,
    count: number,
    bytes: Bytes,
    start: Seconds,
    now: Seconds,
  ): boolean {
    if (row === undefined || !this.gate) return true;
    return this.gate.pass(row, count, bytes, start, now);
  }

  /** The part of one stage between two readings of its clock, which `pace` may have stretched. */
  private pass(
    open: OpenStage,
    { from, to, since, now }: { from: Seconds; to: Seconds; since: Seconds; now: Seconds },
    used: { memory: Joules; fabric: Joules },
  ): void {
    const { stage, row } = open;
    const { start, end } = stage;
    const [first, last] = [Math.max(from, start), Math.min(to, end)];
    if (last <= first) return;
    const { ledger, costs, execution, cpu } = this.parts;
    const span = end - start;
    const share = (last - first) / span;
    const bytes = this.move(open, { before: (first - start) / span, share, since, now });
    const { memory: dram, fabricPerByte } = execution.machine;
    const memory = bytes.read * dram.energyPerReadByte + bytes.write * dram.energyPerWriteByte;
    const moved = bytes.read + bytes.write;
    const fabric = moved * fabricPerByte + stage.cipher * share;
    const stored = stage.storage * share;
    const joules =
      burnCores(execution, cpu, stage.cpuShare * stage.busy * share) + stored + memory + fabric;
    used.memory += memory;
    used.fabric += fabric;
    this.storageJoules += stored;
    this.moved += moved;
    this.spent += joules;
    // Before `ready` a request waits for every second of it, after that for what operators say.
    const opening = Math.max(0, Math.min(last, this.plan.ready) - first);
    const waited = opening + Math.max(0, last - Math.max(first, this.plan.ready, this.awaitedFrom));
    const exposed = waited / this.pace;
    ledger.addSeconds(row, stage.cause, exposed);
    ledger.bytes[row]! += moved;
    ledger.joules[row]! += joules;
    const hidden = (stage.busy * (last - first - waited)) / span;
    ledger.hidden[row]! += hidden;
    costs?.add(stage.name, { seconds: exposed, hiddenSeconds: hidden, joules });
  }

  /** What of a stage's bytes the gates let through; chunks that begin are looked at. */
  private move(
    { stage, looked, allowed }: OpenStage,
    { before, share, since, now }: { before: number; share: number; since: Seconds; now: Seconds },
  ): { read: Bytes; write: Bytes } {
    const moved = { read: 0, write: 0 };
    for (const [i, access] of stage.accesses.entries()) {
      const bytes = access.bytes * share;
      const begun = Math.ceil((access.bytes * (before + share)) / CHUNK - CRUMB);
      const fresh = Math.max(0, begun - looked[i]!);
      looked[i]! += fresh;
      allowed[i] = this.ask(access, fresh, bytes, since, now);
      if (allowed[i]) moved[access.access] += bytes;
    }
    return moved;
  }
}
