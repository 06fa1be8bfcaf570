/**
 * What bringing an encrypted model into protected memory takes, stage by stage, and what each stage accesses as whom.
 *
 * Model    stages of runtime/secure/restore.ts. The drive writes the file where its own identity may: into protected memory,
 *          or, where that is a guest's, into a window of normal memory; a cipher that is no part of the NPU reads it there
 *          and writes the weights. The system moves pages of others out of the way as cores of the normal world. A file
 *          that is encrypted carries no secret until it is decrypted; one that is not, carries the model's all the way.
 *          A cipher of the NPU's own has no stage: weights stay ciphertext, to be deciphered whenever they are read
 *          What a model leaves is overwritten before its memory is given back, in the carve-out too, where strategies clean:
 *          by a core that writes as fast as one copies; under inline encryption its key is thrown away
 *          What is written to memory under integrity is written with its codes, and what is read there comes with them
 *          Nor does it open the checkpoint that the runtime's cores start from: another cipher does
 * Ignores  size of the window; that hashing keeps cores from other work
 * Valid    one model per flow
 * Source   as the parts
 * Checked  test/unit/engine/secure-restore.test.ts, secure-load-flows.test.ts, test/validation/secure.test.ts
 */
import { join, PUBLIC, type Secrecy, secrecyOf } from '../base/labels.ts';
import type { Bytes } from '../base/units.ts';
import { type Cipher, decryptSeconds } from '../hardware/secure/cipher.ts';
import { type Growth, grow } from '../hardware/secure/growth.ts';
import { type Initiator, initiatorOf } from '../hardware/secure/initiators.ts';
import { permits, type RegionKind } from '../hardware/secure/regions.ts';
import { loadSeconds } from '../hardware/storage/ufs.ts';
import {
  type Restore,
  restoreInPipeline,
  restoreInSequence,
  type Stage,
  type StageSpan,
} from '../runtime/secure/restore.ts';
import { kindOfClass, protectedKind } from '../runtime/secure/strategy.ts';
import { CAUSE } from './ledger.ts';
import type { LoadAccess, LoadPlan, LoadStage } from './load-plan.ts';
import type { MachineStorage } from './machine.ts';
import { type SecurityPlan, staysSealed } from './secure-plan.ts';
import type { AuditRows, RowKind } from './secure-rows.ts';

export const RESTORE_PHASE = 'restore';

export interface RestoreParts {
  readonly plan: SecurityPlan;
  readonly storage: MachineStorage;
  /** Of the model. */
  readonly bytes: Bytes;
  /** Of protected memory that is taken from the system for it, and given back after. */
  readonly grown: Bytes;
  /** All protected memory of its workloads, carve-out included: what is overwritten after. */
  readonly held: Bytes;
  readonly rows: AuditRows;
}

/** Everything that has to happen before the model can be used, with the accesses that it takes. */
export function restorePlan(parts: RestoreParts): LoadPlan {
  const growth = growthOf(parts);
  const restore = restoreOf(parts, growth);
  const { bytes, plan } = parts;
  const decryption = restore.spans.find(({ stage }) => stage === 'decryption');
  // What the NPU decrypts on its way stays ciphertext in memory.
  const bare = isSealed(plan) ? decryption?.start : 0;
  return {
    phase: RESTORE_PHASE,
    bytes,
    stages: restore.spans.map((span) => stageOf(parts, span, growth)),
    ready: restore.ready,
    end: restore.end,
    bottleneck: restore.bottleneck,
    readyAt: (wanted) => restore.readyAt(wanted),
    ...(bare !== undefined && { bare }),
  };
}

/** Overwriting what a model leaves; undefined where nobody does. */
export function wipePlan({ plan, held, rows }: RestoreParts): LoadPlan | undefined {
  const { strategy, growth, cores, cpuUnit = 'cpu' } = plan;
  if (!growth || !isWiped(plan) || isKeyGone(plan)) return undefined;
  const end = held / growth.copyBandwidth;
  const initiator = initiatorOf('cpu', strategy.world);
  const region = protectedKind(strategy);
  const row = rowFor(plan, rows, { initiator, access: 'write', tensor: 'zeroes', region });
  const stage: LoadStage = {
    name: 'memory wipe',
    unit: cpuUnit,
    cause: CAUSE.secure,
    start: 0,
    end,
    busy: end,
    accesses: [{ access: 'write', bytes: held, row }],
    drive: 0,
    storage: 0,
    cipher: 0,
    cpuShare: 1 / cores,
  };
  const whole = { bytes: held, ready: 0, end, bottleneck: stage.name, readyAt: () => end };
  return { phase: RESTORE_PHASE, stages: [stage], ...whole };
}

/** What weights are worth, and what was made of them: adapters included. */
interface Worth {
  readonly held: Secrecy;
  readonly made: Secrecy;
}

/** What the normal world finds in pages that were protected: nothing, or all that lay there. */
export function reclaimRow({ plan, rows }: RestoreParts, { held, made }: Worth): number {
  const { strategy, scenario } = plan;
  const own = strategy.protects.includes('weights') ? held : PUBLIC;
  const users = strategy.protects.some((kind) => kind !== 'weights')
    ? join(made, secrecyOf(scenario.labels.prompt))
    : PUBLIC;
  const left = isWiped(plan) || isKeyGone(plan) ? PUBLIC : join(own, users);
  const kind = { initiator: 'cpu-normal', access: 'read', region: 'normal' } as const;
  return rowFor(plan, rows, { ...kind, tensor: 'pages given back', secrecy: left });
}

function isWiped({ strategy }: SecurityPlan): boolean {
  return strategy.clean !== 'never';
}

/** Of memory that is given back: what lies there is noise from then on. */
export function isKeyGone({ strategy }: SecurityPlan): boolean {
  return strategy.encryption !== 'none';
}

export function isSealed({ strategy }: SecurityPlan): boolean {
  return strategy.modelFile === 'encrypted';
}

/** As whom a cipher accesses memory; an NPU's own path does so operator by operator, not here. */
export function cipherInitiator(
  { strategy }: SecurityPlan,
  cipher: Cipher | undefined,
): Initiator | undefined {
  if (!cipher?.throughMemory) return undefined;
  return cipher.name === 'cpu' ? initiatorOf('cpu', strategy.world) : 'crypto';
}

function rowFor(
  { workload, promised }: SecurityPlan,
  rows: AuditRows,
  kind: Pick<RowKind, 'initiator' | 'access' | 'tensor' | 'region'> & { secrecy?: Secrecy },
): number {
  const whose = { workload, promised, phase: RESTORE_PHASE, dropped: PUBLIC };
  return rows.row({ secrecy: PUBLIC, ...whose, ...kind });
}

function stageOf(parts: RestoreParts, span: StageSpan, growth: Growth): LoadStage {
  const { plan, storage, bytes } = parts;
  const { cipher, coreCipher, cores } = plan;
  const { stage, start, end } = span;
  const one = 1 / cores;
  const coresOf = (one: Cipher | undefined) => (one?.name === 'cpu' ? 1 : 0);
  const read = (of: Bytes) => ({
    drive: Math.min(1, loadSeconds(storage.storage, of) / (end - start)),
    storage: of * storage.storage.energyPerByte,
  });
  const none = { accesses: [], drive: 0, storage: 0, cipher: 0, cpuShare: 0 };
  const image = checkpointBytes(plan);
  const of: Readonly<Record<Stage, Omit<LoadStage, keyof StageSpan | 'name' | 'unit' | 'cause'>>> =
    {
      'runtime start': {
        ...none,
        ...(image > 0 && read(image)),
        accesses: image > 0 ? startingFrom(parts, image) : [],
        cipher: image * (coreCipher?.energyPerByte ?? 0),
        cpuShare: image > 0 ? coresOf(coreCipher) : one,
      },
      attestation: { ...none, cpuShare: one },
      'memory growth': {
        ...none,
        accesses: moving(parts, growth.moved),
        cpuShare: (plan.growth?.threads ?? 1) * one,
      },
      load: { ...none, ...read(bytes), accesses: landing(parts, bytes) },
      decryption: {
        ...none,
        accesses: deciphering(parts, bytes),
        cipher: bytes * (cipher?.energyPerByte ?? 0),
        cpuShare: coresOf(cipher),
      },
    };
  return {
    name: stage,
    unit: stage === 'load' ? 'storage' : (plan.cpuUnit ?? 'cpu'),
    cause: stage === 'load' ? CAUSE.bandwidth : CAUSE.secure,
    start,
    end,
    busy: span.busy,
    ...of[stage],
  };
}

/** Where the drive may write what it reads. */
export function landingKind({ strategy }: SecurityPlan): RegionKind {
  const kind = kindOfClass(strategy, 'weights');
  return permits(kind, 'storage', 'write') ? kind : 'normal';
}

function landing(parts: RestoreParts, bytes: Bytes): LoadAccess[] {
  return [landed(parts, bytes, 'model file', fileSecrecy(parts.plan))];
}

function landed(
  { plan, rows }: RestoreParts,
  bytes: Bytes,
  tensor: RowKind['tensor'],
  secrecy: Secrecy,
): LoadAccess {
  const kind = { initiator: 'storage', access: 'write', region: landingKind(plan) } as const;
  const row = rowFor(plan, rows, { ...kind, tensor, secrecy });
  return { access: 'write', bytes: withCodes(plan, kind, bytes), row };
}

/** Heap of a runtime that has neither model nor user yet: sealed against change on its way, but no secret. */
function startingFrom(parts: RestoreParts, bytes: Bytes): LoadAccess[] {
  const file = landed(parts, bytes, 'runtime checkpoint', PUBLIC);
  const { coreCipher } = parts.plan;
  return [file, ...opened(parts, bytes, coreCipher, ['runtime checkpoint', 'runtime', PUBLIC])];
}

/** Ciphertext tells nothing to those without the key. */
function fileSecrecy(plan: SecurityPlan): Secrecy {
  return isSealed(plan) ? PUBLIC : secrecyOf(plan.scenario.labels.weights);
}

function deciphering(parts: RestoreParts, bytes: Bytes): LoadAccess[] {
  const secrecy = secrecyOf(parts.plan.scenario.labels.weights);
  return opened(parts, bytes, parts.plan.cipher, ['model file', 'weights', secrecy]);
}

/** A cipher that is no part of the NPU reads what has landed, and writes what it makes of it. */
function opened(
  { plan, rows }: RestoreParts,
  bytes: Bytes,
  cipher: Cipher | undefined,
  [file, tensor, secrecy]: readonly [RowKind['tensor'], RowKind['tensor'], Secrecy],
): LoadAccess[] {
  const initiator = cipherInitiator(plan, cipher);
  if (!initiator) return [];
  const from = { tensor: file, region: landingKind(plan), secrecy: PUBLIC } as const;
  const to = { tensor, region: protectedKind(plan.strategy), secrecy } as const;
  const kinds = [
    { initiator, access: 'read', ...from },
    { initiator, access: 'write', ...to },
  ] as const;
  return kinds.map((kind) => ({
    access: kind.access,
    bytes: withCodes(plan, kind, bytes),
    row: rowFor(plan, rows, kind),
  }));
}

/** Codes and counters that go with bytes of protected memory; memory reads those that it changes before it writes them. */
function withCodes(
  { integrity }: SecurityPlan,
  { access, region }: Pick<RowKind, 'access' | 'region'>,
  bytes: Bytes,
): Bytes {
  if (region === 'normal') return bytes;
  const { readPerRead, readPerWrite, writePerWrite } = integrity;
  return bytes * (1 + (access === 'read' ? readPerRead : readPerWrite + writePerWrite));
}

/** Pages of others are copied elsewhere by the system, which never sees what comes into their place. */
function moving({ plan, rows }: RestoreParts, bytes: Bytes): LoadAccess[] {
  if (bytes === 0) return [];
  return (['read', 'write'] as const).map((access) => {
    const kind = { initiator: 'cpu-normal', access, region: 'normal' } as const;
    return { access, bytes, row: rowFor(plan, rows, { ...kind, tensor: 'pages of others' }) };
  });
}

function growthOf({ plan, grown }: RestoreParts): Growth {
  if (!plan.growth || plan.strategy.growth === 'fixed') return { seconds: 0, moved: 0 };
  return grow(plan.growth, grown, plan.occupied);
}

function checkpointBytes({ strategy, hardware }: SecurityPlan): Bytes {
  return strategy.runtimeStart === 'checkpoint' ? (hardware?.runtime.checkpoint.is ?? 0) : 0;
}

function restoreOf({ plan, storage, bytes }: RestoreParts, growth: Growth): Restore {
  const { strategy, hardware, cipher, coreCipher } = plan;
  const read = loadSeconds(storage.storage, bytes);
  const checkpoint = checkpointBytes(plan);
  const inputs = {
    bytes,
    runtimeStart:
      checkpoint > 0
        ? loadSeconds(storage.storage, checkpoint) +
          (coreCipher ? decryptSeconds(coreCipher, checkpoint) : 0)
        : (hardware?.runtime.initialise.is ?? 0),
    attestation: hardware?.attestation.fixed.is ?? 0,
    growth: growth.seconds,
    // The hash goes over the bytes as they come from storage.
    load: Math.max(read, bytes / (hardware?.attestation.hash.is ?? Number.POSITIVE_INFINITY)),
    decryption: cipher && !staysSealed(plan) ? decryptSeconds(cipher, bytes) : 0,
    cores: plan.cores,
    growthThreads: plan.growth?.threads ?? 1,
    decryptsOnCpu: cipher?.name === 'cpu',
  };
  return strategy.restore === 'pipelined' ? restoreInPipeline(inputs) : restoreInSequence(inputs);
}
