/**
 * Restoring an encrypted model before, or while, the first request runs: who waits, and what it draws.
 *
 * Model    stages of runtime/secure/restore.ts; each draws over its span: storage and memory by their bytes, the CPU cores
 *          that start the runtime, hash, move pages and decrypt by their time
 * Ignores  bandwidth that restoring takes from an operator that runs meanwhile
 * Valid    one model, restored once at the start of a run
 * Source   as the parts
 * Checked  test/unit/engine/secure-restore.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
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
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';
import type { ProtectionLedger } from './secure-costs.ts';
import { grownBytes, type SecurityPlan } from './secure-plan.ts';
import { type Loading, type MachineStorage, weightsOf } from './storage.ts';

const RESTORE_PHASE = 'restore';

export interface RestoreParts {
  readonly plan: SecurityPlan;
  readonly machine: Machine;
  readonly storage: MachineStorage;
  readonly jobs: readonly Job[];
  readonly ledger: Ledger;
  readonly execution: Execution;
  readonly costs: ProtectionLedger;
}

interface StageAccount {
  readonly span: StageSpan;
  readonly row: number;
  /** Joules and bytes of the whole stage. */
  readonly memory: Joules;
  readonly fabric: Joules;
  readonly storage: Joules;
  readonly bytes: Bytes;
  /** Of the CPU unit's power. */
  readonly cpuShare: number;
}

export class SecureRestore implements Loading {
  readonly request: string;
  readonly phase = RESTORE_PHASE;
  readonly cause = CAUSE.secure;
  readonly restore: Restore;
  readonly bytes: Bytes;
  private readonly parts: RestoreParts;
  private readonly stages: readonly StageAccount[];
  private readonly cpu: number;
  private last: Seconds = 0;
  private storageJoules: Joules = 0;

  constructor(parts: RestoreParts) {
    this.parts = parts;
    this.request = parts.jobs[0]?.plan.name ?? '';
    this.bytes = weightsOf(parts.jobs);
    this.cpu = parts.machine.units.findIndex(({ unit }) => unit.name === parts.plan.cpuUnit);
    const growth = growthOf(parts.plan);
    this.restore = restoreOf(parts, this.bytes, growth);
    this.stages = this.restore.spans.map((span) => this.account(span, growth));
    for (const { span } of this.stages) {
      // What a pipeline hides is told apart where operators wait for it.
      const exposed = Math.max(0, Math.min(span.end, this.ready) - span.start);
      const seconds = Math.min(span.busy, exposed);
      parts.costs.add(span.stage, { seconds, hiddenSeconds: span.busy - seconds });
    }
  }

  get ready(): Seconds {
    return this.restore.ready;
  }

  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    const until = Math.min(now, this.restore.end);
    let memory = 0;
    let fabric = 0;
    for (const stage of this.stages) {
      const from = Math.max(this.last, stage.span.start);
      const dt = Math.min(until, stage.span.end) - from;
      if (dt <= 0) continue;
      const share = dt / (stage.span.end - stage.span.start);
      memory += stage.memory * share;
      fabric += stage.fabric * share;
      this.pass(stage, share, Math.max(0, Math.min(until, this.ready) - from));
    }
    this.last = Math.max(this.last, until);
    return { memory, fabric };
  }

  takeJoules(): Joules {
    const joules = this.storageJoules;
    this.storageJoules = 0;
    return joules;
  }

  /** A share of one stage; `waited` seconds of it kept the request from starting. */
  private pass(stage: StageAccount, share: number, waited: Seconds): void {
    const { ledger, costs } = this.parts;
    const cpu = this.burn(stage.cpuShare * stage.span.busy * share);
    const stored = stage.storage * share;
    const joules = cpu + stored + (stage.memory + stage.fabric) * share;
    this.storageJoules += stored;
    const cause = stage.span.stage === 'load' ? CAUSE.bandwidth : CAUSE.secure;
    ledger.addSeconds(stage.row, cause, waited);
    ledger.bytes[stage.row]! += stage.bytes * share;
    ledger.joules[stage.row]! += joules;
    costs.add(stage.span.stage, { joules });
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
    const { plan, machine, storage, ledger } = this.parts;
    const { cipher, cores } = plan;
    const { energyPerReadByte: read, energyPerWriteByte: write } = machine.memory;
    const { bytes } = this;
    const traffic = (reads: Bytes, writes: Bytes) => ({
      memory: reads * read + writes * write,
      fabric: (reads + writes) * machine.fabricPerByte,
      bytes: reads + writes,
    });
    const none = { memory: 0, fabric: 0, bytes: 0, storage: 0, cpuShare: 0 };
    const one = 1 / cores;
    const of: Readonly<Record<Stage, () => Omit<StageAccount, 'span' | 'row'>>> = {
      'runtime start': () => ({ ...none, cpuShare: one }),
      attestation: () => ({ ...none, cpuShare: one }),
      'memory growth': () => ({
        ...none,
        ...traffic(growth.moved, growth.moved),
        cpuShare: (plan.growth?.threads ?? 1) * one,
      }),
      load: () => ({
        ...none,
        ...traffic(0, bytes),
        storage: bytes * storage.storage.energyPerByte,
      }),
      decryption: () => {
        const moved = cipher?.throughMemory ? traffic(bytes, bytes) : none;
        const fabric = moved.fabric + bytes * (cipher?.energyPerByte ?? 0);
        return { ...none, ...moved, fabric, cpuShare: cipher?.name === 'cpu' ? 1 : 0 };
      },
    };
    const unit = span.stage === 'load' ? 'storage' : (plan.cpuUnit ?? 'cpu');
    const row = ledger.row(this.request, RESTORE_PHASE, span.stage, unit);
    ledger.counts[row] = 1;
    return { span, row, ...of[span.stage]() };
  }
}

function growthOf(plan: SecurityPlan): Growth {
  if (!plan.growth || plan.strategy.growth === 'fixed') return { seconds: 0, moved: 0 };
  return grow(plan.growth, grownBytes(plan), plan.occupied);
}

function restoreOf({ plan, storage }: RestoreParts, bytes: Bytes, growth: Growth): Restore {
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
