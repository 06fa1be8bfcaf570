/**
 * Decryption of model files: on CPU cores, in an engine of its own, or in the NPU's transfer path.
 *
 * Model    cores: Σ count × clock × bytes per clock, where bytes per clock = 16 B ÷ rounds × issue efficiency, since the
 *          cipher instructions keep one AES round a clock busy when blocks are independent (XTS, CTR, GCM);
 *          engines: a throughput and an energy per byte
 * Ignores  key schedule (once per file), the last partial block, cores that other work keeps busy
 * Valid    buffers of many kilobytes
 * Source   Arm Cortex-A76 software optimisation guide (one AESE+AESMC pair a clock); FIPS 197 (rounds)
 * Checked  test/unit/hardware/secure/costs.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, BytesPerSecond, Hertz, JoulesPerByte, Seconds } from '../../base/units.ts';

const BLOCK = 16; // bytes, FIPS 197
/** Rounds by key length in bits, FIPS 197. */
const ROUNDS = { 128: 10, 256: 14 } as const;
export type KeyBits = keyof typeof ROUNDS;

export interface CipherCores {
  readonly count: number;
  readonly clock: Hertz;
}

/** Where decryption runs. */
export interface Cipher {
  readonly name: 'cpu' | 'engine' | 'npu-dma';
  readonly throughput: BytesPerSecond;
  /** Beside the power of CPU cores, which is accounted for by time. */
  readonly energyPerByte: JoulesPerByte;
  /** Reads ciphertext from memory and writes plaintext back; an NPU's own path does neither. */
  readonly throughMemory: boolean;
}

/** Bytes per second of AES on cores. @param efficiency share of the one-round-per-clock ceiling. */
export function coreThroughput(
  cores: readonly CipherCores[],
  keyBits: KeyBits,
  efficiency: number,
): BytesPerSecond {
  const perClock = (BLOCK / ROUNDS[keyBits]) * efficiency;
  return cores.reduce((sum, { count, clock }) => sum + count * clock * perClock, 0);
}

export function decryptSeconds(cipher: Cipher, bytes: Bytes): Seconds {
  return bytes / cipher.throughput;
}
