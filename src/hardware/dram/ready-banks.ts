/**
 * Which banks of a channel have come to their time, as bits: a wheel of cycles moves them, so that nobody compares times.
 *
 * Whoever asks first advances to its cycle. Every change of a time is told at once and lies less than a turn ahead.
 */
import type { DeviceTiming } from './device.ts';

/** What comes due in one cycle: row commands of banks, columns of opened banks, reads and writes of groups. */
const KIND_BITS = 2;
const ROWS = 0;
const COLUMNS = 1;
const READS = 2;
const WRITES = 3;

export class ReadyBanks {
  /** Closed banks that may be opened, and open ones that may be closed, as far as the bank itself is concerned. */
  rows = -1;
  /** Banks whose row is too young for a column command. */
  young = 0;
  /** Banks whose group takes no read, or no write. */
  heldReads = 0;
  heldWrites = 0;
  private at = 0;
  private readonly wheel: Int32Array;
  /** Cycles of a turn, less one. */
  private readonly last: number;

  constructor(t: DeviceTiming) {
    const longest = t.nRFCpb + t.nRC + t.nWTP + t.nWTRL + t.nRPpb + t.nRCD + t.nCCDL;
    // Of whole numbers: a power is a number with a fraction to the machine, and all that is computed with it.
    const turn = 1 << (32 - Math.clz32(longest));
    this.wheel = new Int32Array(turn << KIND_BITS);
    this.last = turn - 1;
  }

  advance(now: number): void {
    const { wheel, last } = this;
    let { rows, young, heldReads, heldWrites } = this;
    for (let cycle = Math.max(this.at, now - last - 1) + 1; cycle <= now; cycle++) {
      const slot = (cycle & last) << KIND_BITS;
      rows |= wheel[slot | ROWS] as number;
      young &= ~(wheel[slot | COLUMNS] as number);
      heldReads &= ~(wheel[slot | READS] as number);
      heldWrites &= ~(wheel[slot | WRITES] as number);
      wheel[slot | ROWS] = wheel[slot | COLUMNS] = wheel[slot | READS] = wheel[slot | WRITES] = 0;
    }
    this.rows = rows;
    this.young = young;
    this.heldReads = heldReads;
    this.heldWrites = heldWrites;
    this.at = now;
  }

  /** The first later cycle in which any bank comes to its time, if before `limit`. */
  nextBefore(limit: number): number {
    const { wheel, last } = this;
    const end = Math.min(limit, this.at + last + 1);
    for (let cycle = this.at + 1; cycle < end; cycle++) {
      const slot = (cycle & last) << KIND_BITS;
      const any =
        (wheel[slot] as number) |
        (wheel[slot | COLUMNS] as number) |
        (wheel[slot | READS] as number) |
        (wheel[slot | WRITES] as number);
      if (any !== 0) return cycle;
    }
    return limit;
  }

  /** The next row command of a bank may go at `cycle` and no longer at `before`. */
  row(bit: number, before: number, cycle: number): void {
    this.move(ROWS, bit, before, cycle);
    this.rows = cycle > this.at ? this.rows & ~bit : this.rows | bit;
  }

  /** A bank being opened takes column commands from `cycle` on. */
  column(bit: number, cycle: number): void {
    const slot = ((cycle & this.last) << KIND_BITS) | COLUMNS;
    this.wheel[slot] = (this.wheel[slot] as number) | bit;
    this.young |= bit;
  }

  /** A group, by its banks, takes reads from `cycle` on and no longer from `before`. */
  reads(members: number, before: number, cycle: number): void {
    this.move(READS, members, before, cycle);
    this.heldReads |= members;
  }

  writes(members: number, before: number, cycle: number): void {
    this.move(WRITES, members, before, cycle);
    this.heldWrites |= members;
  }

  private move(kind: number, bits: number, before: number, cycle: number): void {
    const { wheel, last } = this;
    const from = ((before & last) << KIND_BITS) | kind;
    wheel[from] = (wheel[from] as number) & ~bits;
    if (cycle <= this.at) return;
    const to = ((cycle & last) << KIND_BITS) | kind;
    wheel[to] = (wheel[to] as number) | bits;
  }
}
