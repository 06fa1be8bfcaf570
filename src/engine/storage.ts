/**
 * A cold start: weights come from storage before the first request may run.
 *
 * Model    one load of all models in a row; its energy spread evenly over its time: reads of the storage, writes of DRAM
 * Ignores  work that could begin on the first layers meanwhile, decompression
 * Valid    loads by direct reads into memory
 * Source   hardware/storage/ufs.ts
 * Checked  test/unit/engine/storage.test.ts
 */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
import { loadSeconds, type Storage } from '../hardware/storage/ufs.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';

/** Name of the phase in results. */
export const LOAD_PHASE = 'load';

/** Where a machine keeps models that are not in memory. */
export interface MachineStorage {
  readonly storage: Storage;
  /** Thermal node that it heats. */
  readonly node: number;
}

/** Bytes of all distinct models of the jobs. */
export function weightsOf(jobs: readonly Job[]): Bytes {
  const weights = new Map<string, Bytes>();
  for (const { plan } of jobs) weights.set(plan.model ?? plan.name, plan.memory.weights);
  return [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** What happens before the first request may run, or while it begins to. */
export interface Loading {
  readonly request: string;
  /** Name of the phase that it is until `ready`. */
  readonly phase: string;
  /** Requests may run from here on. */
  readonly ready: Seconds;
  /** Index into `CAUSES` of that time. */
  readonly cause: number;
  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules };
  /** Joules of the storage since the last call. */
  takeJoules(): Joules;
}

/** Accounts for one load as time passes. */
export class ModelLoad implements Loading {
  readonly request: string;
  readonly phase = LOAD_PHASE;
  readonly cause = CAUSE.bandwidth;
  readonly bytes: Bytes;
  readonly end: Seconds;
  private readonly machine: Machine;
  private readonly storage: MachineStorage;
  private readonly ledger: Ledger;
  private readonly row: number;
  private last: Seconds = 0;
  private storageJoules: Joules = 0;

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

  get ready(): Seconds {
    return this.end;
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
