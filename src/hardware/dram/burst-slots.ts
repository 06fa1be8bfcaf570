/** Storage of all bursts inside one controller, one cache line each; a slot is reused once its burst has left. */
import * as cell from './channel-cells.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACCESS, ARRIVAL, BANK, BURST, COUNT, COUNTED, ENTRY_CELLS, ORDER, ROW, WRITE } = cell;

export class BurstSlots {
  readonly data: Int32Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private issued = 0;

  /** A slot is the place of its first number; `data` brings an array whose cells from `from` on hold them. */
  constructor(size: number, data = new Int32Array(size * ENTRY_CELLS), from = 0) {
    this.data = data;
    this.free = Int32Array.from({ length: size }, (_, i) => from + ENTRY_CELLS * (size - 1 - i));
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
    data[slot + COUNT] = 1;
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
