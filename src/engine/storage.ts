/**
 * A cold start: weights come from storage before the first request may run.
 *
 * Model    one load of all models in a row; its energy spread evenly over its time: reads of the storage, writes of DRAM
 * Ignores  work that could begin on the first layers meanwhile, decompression
 * Valid    loads by direct reads into memory
 * Source   hardware/storage/ufs.ts
 * Checked  test/unit/engine/storage.test.ts
 */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import { loadSeconds } from '../hardware/storage/ufs.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import type { Machine, MachineStorage } from './machine.ts';
import type { Active, Job } from './request.ts';
import type { StreamPort } from './stream.ts';

/** Less than one tick of the time grid (2^-36 s): rounding, not time. */
const TICK = 1.5e-11;
/** Name of the phase in results. */
export const LOAD_PHASE = 'load';

/** Bytes of all distinct models of the jobs. */
export function weightsOf(jobs: readonly Job[]): Bytes {
  const weights = new Map<string, Bytes>();
  for (const { plan } of jobs) weights.set(plan.model ?? plan.name, plan.memory.weights);
  return [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** A load that a request waited for before it could begin. */
export interface LoadReport {
  readonly request: string;
  /** Name of the phase that it is. */
  readonly phase: string;
  readonly start: Seconds;
  readonly end: Seconds;
  /** Index into `CAUSES` of that time. */
  readonly cause: number;
}

/** Models on their way into memory. */
export interface Loading {
  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules };
  /** Joules of the storage since the last call. */
  takeJoules(): Joules;
  /** Bytes that memory moved for them since the last call. */
  takeBytes(): Bytes;
  /** A request begins. @returns the load that it waited for, each once. */
  opened(request: Active, now: Seconds): LoadReport | undefined;
  /** A request comes. */
  come(job: Job): void;
  /** When a request that has come may begin, as far as can be told now. */
  readyAt(job: Job, now: Seconds): Seconds;
  /** A request that came is over. */
  leave(job: Job): void;
  /** What is open in memory now, at the rates of a memory that has nothing else to do. */
  streams(): readonly StreamPort[];
  /** What those get from now on, in the same order. */
  grant(rates: readonly BytesPerSecond[]): void;
  /** When `streams` or `readyAt` will say something else, at the present pace. */
  nextChange(now: Seconds): Seconds;
}

/** Accounts for one load as time passes. */
export class ModelLoad implements Loading {
  private readonly request: string;
  private told = false;
  readonly bytes: Bytes;
  readonly end: Seconds;
  private readonly machine: Machine;
  private readonly storage: MachineStorage;
  private readonly ledger: Ledger;
  private readonly row: number;
  private last: Seconds = 0;
  private storageJoules: Joules = 0;
  private moved: Bytes = 0;

  constructor(machine: Machine, storage: MachineStorage, jobs: readonly Job[], ledger: Ledger) {
    this.machine = machine;
    this.storage = storage;
    this.ledger = ledger;
    this.request = jobs[0]?.plan.name ?? '';
    this.bytes = weightsOf(jobs);
    this.end = loadSeconds(storage.storage, this.bytes);
    this.row = ledger.row(this.request, LOAD_PHASE, 'Load', 'storage');
    ledger.counts[this.row] = 1;
  }

  takeBytes(): Bytes {
    const bytes = this.moved;
    this.moved = 0;
    return bytes;
  }

  opened(): LoadReport | undefined {
    if (this.told) return undefined;
    this.told = true;
    const { request, end } = this;
    return { request, phase: LOAD_PHASE, start: 0, end, cause: CAUSE.bandwidth };
  }

  come(): void {}

  readyAt(_: Job, now: Seconds): Seconds {
    return Math.max(now, this.end);
  }

  leave(): void {}

  /** Its few bytes a second are left out of what units share. */
  streams(): readonly StreamPort[] {
    return [];
  }

  grant(): void {}

  nextChange(now: Seconds): Seconds {
    return now + TICK < this.end ? this.end : Number.POSITIVE_INFINITY;
  }

  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    const until = Math.min(now, this.end);
    const dt = Math.max(0, until - this.last);
    this.last = Math.max(this.last, until);
    const bytes = (this.bytes * dt) / this.end;
    const memory = bytes * this.machine.memory.energyPerWriteByte;
    const fabric = bytes * this.machine.fabricPerByte;
    const stored = bytes * this.storage.storage.energyPerByte;
    this.storageJoules += stored;
    this.moved += bytes;
    this.ledger.addSeconds(this.row, CAUSE.bandwidth, dt);
    this.ledger.bytes[this.row]! += bytes;
    this.ledger.joules[this.row]! += memory + fabric + stored;
    return { memory, fabric };
  }

  takeJoules(): Joules {
    const joules = this.storageJoules;
    this.storageJoules = 0;
    return joules;
  }
}
