/**
 * Bytes that a master beside the units moves through memory: storage, as it fills memory with a model.
 *
 * Model    one stream of writes with a limit of its own that shares memory with the units' streams
 * Ignores  the core that serves its interrupts
 * Valid    direct memory access in long runs
 * Source   hardware/storage/ufs.ts; sharing: bandwidth.ts
 * Checked  test/unit/engine/model-swaps.test.ts, test/property/model-swaps.test.ts
 */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { StreamPort } from './stream.ts';

/** What a full command queue keeps on its way: never the bound. */
const IN_FLIGHT: Bytes = 32 * 512 * 1024; // 32 commands of JESD220 (UFS), 512 KiB each
/** A unit alone draws about half of what the memory's pins give: what a slower master weighs in the mix of traffic. */
const UNIT_SHARE = 0.5;

export class SideStream {
  readonly port: StreamPort;
  bytesLeft: Bytes = 0;
  rate: BytesPerSecond = 0;
  isOpen = false;
  private readonly host: { readonly machine: Machine };
  private readonly ledger: Ledger;
  private row = 0;
  private last: Seconds = 0;
  private storageJoules: Joules = 0;

  /** @param host knows the machine as it is now: its memory follows the memory clock. */
  constructor(host: { readonly machine: Machine }, ledger: Ledger) {
    const { storage, memory } = host.machine;
    const bandwidth = storage?.storage.sequentialRead ?? 0;
    this.port = {
      bandwidth,
      outstandingBytes: IN_FLIGHT,
      split: { dramReads: 0, dramWrites: 1, readHits: 0, writeHits: 0 },
      weight: Math.min(1, bandwidth / (UNIT_SHARE * memory.peak)),
    };
    this.host = host;
    this.ledger = ledger;
  }

  /** @param row of the ledger: where its time, bytes and joules go. */
  open(row: number, bytes: Bytes, now: Seconds): void {
    this.row = row;
    this.bytesLeft = bytes;
    this.last = now;
    this.isOpen = true;
  }

  due(now: Seconds): Seconds {
    return this.bytesLeft > 0 ? now + this.bytesLeft / this.rate : now;
  }

  /** Takes what rounding left of the bytes. @returns as `progress` does. */
  close(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    const joules = this.progress(now, this.bytesLeft);
    this.isOpen = false;
    return joules;
  }

  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(
    now: Seconds,
    bytes = Math.min(this.bytesLeft, this.rate * Math.max(0, now - this.last)),
  ): { readonly memory: Joules; readonly fabric: Joules } {
    const { machine } = this.host;
    this.ledger.addSeconds(this.row, CAUSE.bandwidth, Math.max(0, now - this.last));
    this.last = Math.max(this.last, now);
    this.bytesLeft -= bytes;
    const memory = bytes * machine.memory.energyPerWriteByte;
    const fabric = bytes * machine.fabricPerByte;
    const stored = bytes * (machine.storage?.storage.energyPerByte ?? 0);
    this.storageJoules += stored;
    this.ledger.bytes[this.row]! += bytes;
    this.ledger.joules[this.row]! += memory + fabric + stored;
    return { memory, fabric };
  }

  /** Joules of the storage since the last call. */
  takeJoules(): Joules {
    const joules = this.storageJoules;
    this.storageJoules = 0;
    return joules;
  }
}
