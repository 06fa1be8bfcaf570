/** Storage of all bursts inside one controller, one cache line each; a slot is reused once its burst has left. */

/** Numbers of one slot; a slot is the place of its first. */
const STRIDE = 16;
/** Number of the burst's 32 bytes (or 64 with BL32) in the address space. */
export const BURST = 0;
export const BANK = 1;
export const ROW = 2;
export const ACCESS = 3;
/** Cycle in which the controller took it. */
export const ARRIVAL = 4;
/** Position in the order of arrival. */
export const ORDER = 5;
/** One for a write. */
export const WRITE = 6;
/** One once its first command has been counted as hit, miss or conflict. */
export const COUNTED = 7;
/** Neighbours in its bank's list, or -1. */
export const NEXT = 8;
export const PREVIOUS = 9;

export class BurstSlots {
  readonly data: Int32Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private issued = 0;

  constructor(size: number) {
    this.data = new Int32Array(size * STRIDE);
    this.free = Int32Array.from({ length: size }, (_, i) => STRIDE * (size - 1 - i));
    this.freeCount = size;
  }

  take(
    burst: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
    now: number,
  ): number {
    const { data } = this;
    const slot = this.free[--this.freeCount] as number;
    data[slot + BURST] = burst;
    data[slot + BANK] = bank;
    data[slot + ROW] = row;
    data[slot + ACCESS] = access;
    data[slot + ARRIVAL] = now;
    data[slot + ORDER] = this.issued++;
    data[slot + WRITE] = write ? 1 : 0;
    data[slot + COUNTED] = 0;
    return slot;
  }

  release(slot: number): void {
    this.free[this.freeCount++] = slot;
  }

  burst(slot: number): number {
    return this.data[slot + BURST] as number;
  }

  bank(slot: number): number {
    return this.data[slot + BANK] as number;
  }

  row(slot: number): number {
    return this.data[slot + ROW] as number;
  }

  access(slot: number): number {
    return this.data[slot + ACCESS] as number;
  }

  writes(slot: number): boolean {
    return this.data[slot + WRITE] === 1;
  }
}
