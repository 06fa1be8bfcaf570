/** Bytes on the way between a unit and memory: where they go, what is in their way, how fast they are. */
import type { BytesPerSecond, Celsius, JoulesPerByte, Seconds } from '../base/units.ts';
import type { MemoryPort } from '../hardware/compute-unit.ts';

/** Where the bytes of a stream go, as shares of all of them. */
export interface StreamSplit {
  readonly dramReads: number;
  readonly dramWrites: number;
  readonly readHits: number;
  readonly writeHits: number;
  /** What protection adds, where the stream is guarded. */
  readonly guard?: StreamGuard | undefined;
}

/** Protection in the way of a stream; shares are of all its bytes. */
export interface StreamGuard {
  /** Seconds that its reads wait beside memory itself, times the share that does. */
  readonly held: Seconds;
  /** Share that waits for one more access to memory. */
  readonly again: number;
  /** Checking of addresses. */
  readonly secondsPerByte: number;
  /** Share that passes the cipher in front of memory, and what that gives to all streams together. */
  readonly ciphered: number;
  readonly cipherRate: BytesPerSecond;
  /** Of that cipher, by byte of the whole stream. */
  readonly cipherEnergy: JoulesPerByte;
  /** Share that the unit deciphers on its way in, the rate at which it can, and joules by byte of the whole stream. */
  readonly deciphered: number;
  readonly decipherRate: BytesPerSecond;
  readonly decipherEnergy: JoulesPerByte;
}

/** A port that streams. */
export interface StreamPort extends MemoryPort {
  /** Its requests go before those of bulk masters. */
  readonly urgent?: boolean;
  /** Reads of DRAM only, unless given. */
  readonly split?: StreamSplit;
  /** In the mix of reads and writes, beside units of weight one. */
  readonly weight?: number;
}

/** Rates found in another way than by the closed forms of bandwidth.ts, such as by running every transaction. */
export interface StreamModel {
  /** Bytes per second of each port when all stream at once, cache hits that take `hitLatency` included. */
  rates(ports: readonly StreamPort[], hitLatency: Seconds): number[];
  /** The same memory at another temperature of the DRAM. */
  at(temperature: Celsius): StreamModel;
}
