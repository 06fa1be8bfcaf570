/**
 * Models that come from storage: those of a cold start, and those that take turns in memory.
 *
 * Model    setup, then a stream at the drive's sequential rate into memory, both shared with whatever else goes on
 * Ignores  work that could begin on the first layers meanwhile, decompression
 * Valid    loads by direct reads into memory
 * Source   hardware/storage/ufs.ts
 * Checked  test/unit/engine/storage.test.ts
 */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import { loadSeconds } from '../hardware/storage/ufs.ts';
import { CAUSE } from './ledger.ts';
import type { LoadPlan, LoadReport, LoadStage } from './load-plan.ts';
import type { MachineStorage } from './machine.ts';
import type { Active, Job } from './request.ts';
import type { StreamPort } from './stream.ts';

/** Name of the phase in results. */
export const LOAD_PHASE = 'load';

/** Models on their way into memory. */
export interface Loading {
  /** Drawn for them so far, beside what operators draw. */
  readonly spent: Joules;
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
  leave(job: Job, now: Seconds): void;
  /**
   * What is open in memory now, at the rates of a memory that has nothing else to do.
   * @param readers operators that read the drive beside them.
   */
  streams(readers: number): readonly StreamPort[];
  /** What each of those gets of the drive, and whether models use any of it. */
  readonly readerShare: number;
  readonly reads: boolean;
  /** What those get from now on, in the same order. */
  grant(rates: readonly BytesPerSecond[]): void;
  /** Unit whose cores they use, and the share of its cycles that they take now; −1 for none. */
  readonly cpu: number;
  readonly taken: number;
  /** An operator computed on the rest of that unit for so long. */
  hold(seconds: Seconds): void;
  /** An operator read the drive for so long beside them. */
  holdReader(seconds: Seconds): void;
  /** What has changed until now is known to those who wait. */
  told(): void;
  /** When `streams` or `readyAt` will say something else, at the present pace; now, where somebody has to be told. */
  nextChange(now: Seconds): Seconds;
}

/** A model as it lies on the drive. */
export function plainLoad({ storage }: MachineStorage, bytes: Bytes): LoadPlan {
  const end = loadSeconds(storage, bytes);
  const whole = { name: 'Load', unit: 'storage', cause: CAUSE.bandwidth, cipher: 0, cpuShare: 0 };
  const setup: LoadStage = {
    ...whole,
    start: 0,
    end: storage.setupSeconds,
    busy: storage.setupSeconds,
    accesses: [],
    drive: 0,
    storage: 0,
  };
  const stream: LoadStage = {
    ...whole,
    start: storage.setupSeconds,
    end,
    busy: end - storage.setupSeconds,
    accesses: [{ access: 'write', bytes }],
    drive: 1,
    storage: bytes * storage.energyPerByte,
  };
  return {
    phase: LOAD_PHASE,
    bytes,
    stages: [setup, stream],
    ready: end,
    end,
    bottleneck: 'load',
    readyAt: () => end,
    bare: storage.setupSeconds,
  };
}
