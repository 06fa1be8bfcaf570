/**
 * Restoring an encrypted model before, or while, the requests that need it run: who waits, what it draws, and what of the
 * memory's bandwidth it takes from work beside it.
 *
 * Model    stages of runtime/secure/restore.ts on a clock of their own, which runs at 1 while memory gives the stages all the
 *          bandwidth that they would use alone, and slower in proportion where other streams leave them less. Traffic:
 *          storage writes what it reads, a cipher that is no part of the NPU reads and writes it again, pages that make room
 *          are copied. Each stage draws over its span: storage and memory by their bytes, the CPU cores that start the
 *          runtime, hash, move pages and decrypt by their time. It begins when the first request that needs the model comes,
 *          and again after it was given back
 * Ignores  CPU cores that restoring takes from operators on the same cluster meanwhile
 * Valid    one model per workload
 * Source   as the parts; sharing as in bandwidth.ts
 * Checked  test/unit/engine/secure-restore.test.ts, test/property/secure-restore.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import { decryptSeconds } from '../hardware/secure/cipher.ts';
import { type Growth, grow } from '../hardware/secure/growth.ts';
import { loadSeconds } from '../hardware/storage/ufs.ts';
import {
  type Restore,
  restoreInPipeline,
  restoreInSequence,
  type Stage,
  type StageSpan,
} from '../runtime/secure/restore.ts';
import type { Execution } from './execution.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import type { Machine, MachineStorage } from './machine.ts';
import type { ProtectionLedger } from './secure-costs.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { StreamPort } from './stream.ts';

export const RESTORE_PHASE = 'restore';
/** Less than one tick of the time grid (2^-36 s): rounding, not time. */
const TICK = 1.5e-11;
/** Transfer engines keep this many of their own latencies' worth of bytes in flight: they are not what holds a stream. */
const IN_FLIGHT = 2;
/** A stream of half of the memory's peak counts as that of a unit in the mix, a slower one for less. */
const FULL_STREAM = 0.5;
/** Load at which that latency is taken: a memory in full use. */
const FULL_LOAD = 1;

export interface RestoreParts {
  readonly plan: SecurityPlan;
  readonly machine: Machine;
  readonly storage: MachineStorage;
  /** Of the model. */
  readonly bytes: Bytes;
  /** Under which name it is accounted for. */
  readonly request: string;
  readonly ledger: Ledger;
  readonly execution: Execution;
  readonly costs: ProtectionLedger;
}

interface StageAccount {
  readonly span: StageSpan;
  readonly row: number;
  /** Of the whole stage. */
  readonly reads: Bytes;
  readonly writes: Bytes;
  readonly storage: Joules;
  readonly cipher: Joules;
  /** Of the CPU unit's power. */
  readonly cpuShare: number;
}

/** One model on its way. */
export class RestoreFlow {
  readonly restore: Restore;
  readonly bytes: Bytes;
  readonly request: string;
  private readonly parts: RestoreParts;
  private readonly stages: readonly StageAccount[];
  private readonly cpu: number;
  private state: 'away' | 'coming' | 'there' = 'away';
  /** When it began, and how far it is on its own clock. */
  start: Seconds = 0;
  private at: Seconds = 0;
  private last: Seconds = 0;
  private pace = 1;
  private storageJoules: Joules = 0;
  private moved: Bytes = 0;

  constructor(parts: RestoreParts) {
    const { plan, machine, bytes, request } = parts;
    this.parts = parts;
    this.bytes = bytes;
    this.request = request;
    this.cpu = machine.units.findIndex(({ unit }) => unit.name === plan.cpuUnit);
    const growth = growthOf(plan);
    this.restore = restoreOf(parts, growth);
    this.stages = this.restore.spans.map((span) => this.account(span, growth));
  }

  get isComing(): boolean {
    return this.state === 'coming';
  }

  get isAway(): boolean {
    return this.state === 'away';
  }

  begin(now: Seconds): void {
    this.state = 'coming';
    this.start = now;
    this.last = now;
    this.at = 0;
    this.pace = 1;
    for (const { row } of this.stages) this.parts.ledger.counts[row]!++;
  }

  /** Its memory is given back. */
  release(): void {
    this.state = 'away';
  }

  /** Until a first request may begin. */
  openIn(now: Seconds): Seconds {
    return this.timeTo(this.restore.ready, now);
  }

  /** Until the first `share` of the model is there, at the present pace. */
  readyIn(share: number, now: Seconds): Seconds {
    return this.timeTo(this.restore.readyAt(share * this.bytes), now);
  }

  /** The stage that holds up what waits now: of those under way, the pipeline's slowest. */
  bottleneckAt(_now: Seconds): Stage {
    return this.restore.bottleneck;
  }

  /** What it would draw from memory now if nobody else did; undefined where it draws nothing. */
  stream(): StreamPort | undefined {
    if (this.state !== 'coming') return undefined;
    let reads = 0;
    let writes = 0;
    for (const { span, reads: r, writes: w } of this.stages) {
      if (!this.isUnderWay(span)) continue;
      reads += r / (span.end - span.start);
      writes += w / (span.end - span.start);
    }
    const rate = reads + writes;
    if (rate === 0) return undefined;
    const { memory } = this.parts.execution.machine;
    return {
      bandwidth: rate,
      weight: Math.min(1, rate / (FULL_STREAM * memory.peak)),
      outstandingBytes: IN_FLIGHT * rate * memory.latency(FULL_LOAD),
      split: { dramReads: reads / rate, dramWrites: writes / rate, readHits: 0, writeHits: 0 },
    };
  }

  /** What it gets of that from now on. */
  grant(got: BytesPerSecond, wanted: BytesPerSecond): void {
    this.pace = wanted > 0 ? Math.min(1, got / wanted) : 1;
  }

  /** When a stage begins or ends next, at the present pace. */
  nextChange(now: Seconds): Seconds {
    if (this.state !== 'coming') return Number.POSITIVE_INFINITY;
    const { end, ready } = this.restore;
    let next = this.at < ready - TICK ? Math.min(ready, end) : end;
    for (const { span } of this.stages) {
      if (span.start > this.at + TICK) next = Math.min(next, span.start);
      if (span.end > this.at + TICK) next = Math.min(next, span.end);
    }
    return now + this.timeTo(next, now);
  }

  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { memory: Joules; fabric: Joules } {
    const used = { memory: 0, fabric: 0 };
    if (this.state !== 'coming' || now <= this.last) return used;
    const { end } = this.restore;
    const from = this.at;
    const to = from + (now - this.last) * this.pace;
    this.last = now;
    this.at = to >= end - TICK ? end : to;
    for (const stage of this.stages) this.pass(stage, from, this.at, used);
    if (this.at === end) this.state = 'there';
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

  private isUnderWay({ start, end }: StageSpan): boolean {
    return start <= this.at + TICK && end > this.at + TICK;
  }

  private timeTo(when: Seconds, now: Seconds): Seconds {
    if (this.state === 'there') return 0;
    return Math.max(0, (when - this.at) / this.pace - (now - this.last));
  }

  /** The part of one stage between two readings of its clock, which `pace` may have stretched. */
  private pass(
    { span, row, reads, writes, storage, cipher, cpuShare }: StageAccount,
    from: Seconds,
    to: Seconds,
    used: { memory: Joules; fabric: Joules },
  ): void {
    const dt = Math.min(to, span.end) - Math.max(from, span.start);
    if (dt <= 0) return;
    const { ledger, costs, execution } = this.parts;
    const { machine } = execution;
    const share = dt / (span.end - span.start);
    const { energyPerReadByte, energyPerWriteByte } = machine.memory;
    const memory = (reads * energyPerReadByte + writes * energyPerWriteByte) * share;
    const fabric = ((reads + writes) * machine.fabricPerByte + cipher) * share;
    const stored = storage * share;
    const joules = this.burn(cpuShare * span.busy * share) + stored + memory + fabric;
    used.memory += memory;
    used.fabric += fabric;
    this.storageJoules += stored;
    this.moved += (reads + writes) * share;
    // Before `ready` a request waits for every second of it, after that for what operators say.
    const { ready } = this.restore;
    const waited = Math.max(0, Math.min(to, span.end, ready) - Math.max(from, span.start));
    const exposed = waited / this.pace;
    ledger.addSeconds(row, span.stage === 'load' ? CAUSE.bandwidth : CAUSE.secure, exposed);
    ledger.bytes[row]! += (reads + writes) * share;
    ledger.joules[row]! += joules;
    const hidden = (span.busy * (dt - waited)) / (span.end - span.start);
    costs.add(span.stage, { seconds: exposed, hiddenSeconds: hidden, joules });
  }

  /** Seconds of the whole CPU unit at its present clocks. */
  private burn(seconds: Seconds): Joules {
    const { execution } = this.parts;
    if (this.cpu < 0 || seconds === 0) return 0;
    const watts = execution.stalledWatts[this.cpu]! + execution.vectorWatts[this.cpu]!;
    execution.busySeconds[this.cpu]! += seconds;
    execution.unitJoules[this.cpu]! += watts * seconds;
    return watts * seconds;
  }

  private account(span: StageSpan, growth: Growth): StageAccount {
    const { plan, storage, ledger } = this.parts;
    const { cipher, cores } = plan;
    const { bytes } = this;
    const none = { reads: 0, writes: 0, storage: 0, cipher: 0, cpuShare: 0 };
    const one = 1 / cores;
    const again = cipher?.throughMemory ? bytes : 0;
    const of: Readonly<Record<Stage, Omit<StageAccount, 'span' | 'row'>>> = {
      'runtime start': { ...none, cpuShare: one },
      attestation: { ...none, cpuShare: one },
      'memory growth': {
        ...none,
        reads: growth.moved,
        writes: growth.moved,
        cpuShare: (plan.growth?.threads ?? 1) * one,
      },
      load: { ...none, writes: bytes, storage: bytes * storage.storage.energyPerByte },
      decryption: {
        ...none,
        reads: again,
        writes: again,
        cipher: bytes * (cipher?.energyPerByte ?? 0),
        cpuShare: cipher?.name === 'cpu' ? 1 : 0,
      },
    };
    const unit = span.stage === 'load' ? 'storage' : (plan.cpuUnit ?? 'cpu');
    const row = ledger.row(this.request, RESTORE_PHASE, span.stage, unit);
    return { span, row, ...of[span.stage] };
  }
}

function growthOf(plan: SecurityPlan): Growth {
  if (!plan.growth || plan.strategy.growth === 'fixed') return { seconds: 0, moved: 0 };
  return grow(plan.growth, plan.grown, plan.occupied);
}

function restoreOf({ plan, storage, bytes }: RestoreParts, growth: Growth): Restore {
  const { strategy, hardware, cipher } = plan;
  const read = loadSeconds(storage.storage, bytes);
  const checkpoint = hardware?.runtime.checkpoint.is ?? 0;
  const inputs = {
    bytes,
    runtimeStart:
      strategy.runtimeStart === 'checkpoint'
        ? loadSeconds(storage.storage, checkpoint) +
          (cipher ? decryptSeconds(cipher, checkpoint) : 0)
        : (hardware?.runtime.initialise.is ?? 0),
    attestation: hardware?.attestation.fixed.is ?? 0,
    growth: growth.seconds,
    // The hash goes over the bytes as they come from storage.
    load: Math.max(read, bytes / (hardware?.attestation.hash.is ?? Number.POSITIVE_INFINITY)),
    decryption: cipher ? decryptSeconds(cipher, bytes) : 0,
    cores: plan.cores,
    growthThreads: plan.growth?.threads ?? 1,
    decryptsOnCpu: cipher?.name === 'cpu',
  };
  return strategy.restore === 'pipelined' ? restoreInPipeline(inputs) : restoreInSequence(inputs);
}
