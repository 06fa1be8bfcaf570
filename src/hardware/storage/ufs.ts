/**
 * Flash storage of a phone: how fast it reads runs and scattered blocks, and what that draws.
 *
 * Model    time of a block = t + block ÷ p; t and p from the rates at 4 KiB and 512 KiB with the queue full;
 *          a load = setup + bytes ÷ sequential rate
 * Ignores  writes, garbage collection, throttling of hot flash, the clock of the core that serves the interrupts
 * Valid    reads within some 128 MB; over 512 MB phones measure 15 % less at 4 KiB, and less difference at large blocks
 * Source   Xue et al., PowerInfer-2 (arXiv 2406.06282), section 2.3: UFS 4.0 rates by block size and range
 * Checked  test/unit/hardware/storage/ufs.test.ts
 */
import {
  type Bytes,
  type BytesPerSecond,
  type JoulesPerByte,
  KIBI,
  type Seconds,
} from '../../base/units.ts';

/** Blocks for which descriptions give rates. */
export const SMALL_BLOCK: Bytes = 4 * KIBI;
export const LARGE_BLOCK: Bytes = 512 * KIBI;

export interface StorageRates {
  /** Of long runs, blocks of 512 KiB and more. */
  readonly sequentialRead: BytesPerSecond;
  /** Of scattered blocks of 4 KiB. */
  readonly randomRead: BytesPerSecond;
  /** Of scattered blocks of 512 KiB; by default as fast on the wire as long runs are. */
  readonly randomReadLarge?: BytesPerSecond | undefined;
}

export interface Storage {
  readonly sequentialRead: BytesPerSecond;
  /** Time of one scattered block beside its bytes, and the rate of the bytes. */
  readonly blockSeconds: Seconds;
  readonly blockRate: BytesPerSecond;
  /** Before the first byte of a load. */
  readonly setupSeconds: Seconds;
  readonly energyPerByte: JoulesPerByte;
}

export function buildStorage(
  rates: StorageRates,
  setupSeconds: Seconds,
  energyPerByte: JoulesPerByte,
): Storage {
  const { sequentialRead, randomRead, randomReadLarge } = rates;
  const small = SMALL_BLOCK / randomRead;
  const blockRate =
    randomReadLarge === undefined
      ? sequentialRead
      : (LARGE_BLOCK - SMALL_BLOCK) / (LARGE_BLOCK / randomReadLarge - small);
  const blockSeconds = Math.max(0, small - SMALL_BLOCK / blockRate);
  return { sequentialRead, blockSeconds, blockRate, setupSeconds, energyPerByte };
}

/** Bytes per second of scattered reads of `block` bytes each: what paging of experts or sparse rows gets. */
export function randomReadRate(storage: Storage, block: Bytes): BytesPerSecond {
  return block / (storage.blockSeconds + block / storage.blockRate);
}

/** Time to bring `bytes` into memory as one run. */
export function loadSeconds(storage: Storage, bytes: Bytes): Seconds {
  return storage.setupSeconds + bytes / storage.sequentialRead;
}
