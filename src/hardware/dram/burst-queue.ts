/**
 * Bursts that wait in a controller: one list per bank in order of arrival, with the oldest hit and the oldest miss at hand.
 *
 * The halves of one access that wait together are one entry of two bursts. The numbers lie in the channel's cells, where
 * the choice of a command finds them without a call.
 */
import * as cell from './channel-cells.ts';
import { NEVER } from './controller-config.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACCESS, ARRIVAL, BANK, BURST, COUNT, COUNTED, NEXT, ORDER, PREVIOUS, ROW, SECOND } = cell;
const { GUARDED, HEAD, HIT, HITS, HIT_ORDER, HIT_ROW, LAST, MISS, MISSES, SIZE, TAIL } = cell;
/** From the entry to the order of a bank's oldest hit or miss. */
const TO_ORDER = HIT_ORDER - HIT;

export class BurstQueue {
  readonly limit: number;
  private readonly cells: Int32Array;
  private readonly base: number;

  /** @param base where the queue begins in the cells. */
  constructor(cells: Int32Array, base: number, limit: number) {
    this.limit = limit;
    this.cells = cells;
    this.base = base;
    cells.fill(-1, base + HIT, base + TAIL + cell.MOST_BANKS);
    cells[base + LAST] = -1;
  }

  /** Bursts that wait. */
  get size(): number {
    return this.cells[this.base + SIZE] as number;
  }

  /** @returns whether the burst joins the one before it, the other half of its access; it needs no entry then. */
  join(access: number, bank: number, row: number, now: number): boolean {
    const { cells, base } = this;
    const last = cells[base + LAST] as number;
    if (last < 0 || cells[last + ACCESS] !== access || cells[last + COUNT] !== 1) return false;
    if (cells[last + BANK] !== bank || cells[last + ROW] !== row) return false;
    cells[last + COUNT] = 2;
    cells[last + SECOND] = now;
    cells[base + SIZE] = (cells[base + SIZE] as number) + 1;
    return true;
  }

  push(entry: number): void {
    const { cells, base } = this;
    const bank = cells[entry + BANK] as number;
    const last = cells[base + TAIL + bank] as number;
    cells[entry + NEXT] = -1;
    cells[entry + PREVIOUS] = last;
    if (last < 0) cells[base + HEAD + bank] = entry;
    else cells[last + NEXT] = entry;
    cells[base + TAIL + bank] = entry;
    cells[base + LAST] = entry;
    cells[base + SIZE] = (cells[base + SIZE] as number) + 1;
    const which = cells[HIT_ROW + bank] === cells[entry + ROW] ? HIT : MISS;
    if (cells[base + which + bank] === -1) this.name(entry, bank, which);
  }

  /** Takes the first burst of an entry out; @returns whether that was its last one. */
  remove(entry: number): boolean {
    const { cells, base } = this;
    const bank = cells[entry + BANK] as number;
    cells[base + SIZE] = (cells[base + SIZE] as number) - 1;
    if (cells[entry + COUNT] === 2) {
      cells[entry + COUNT] = 1;
      cells[entry + COUNTED] = 0;
      cells[entry + BURST] = (cells[entry + BURST] as number) + 1;
      cells[entry + ARRIVAL] = cells[entry + SECOND] as number;
      if (cells[base + HIT + bank] === entry) this.name(entry, bank, HIT);
      return false;
    }
    const before = cells[entry + PREVIOUS] as number;
    const after = cells[entry + NEXT] as number;
    if (cells[base + HIT + bank] === entry) this.name(this.following(after, bank, true), bank, HIT);
    else if (cells[base + MISS + bank] === entry) {
      this.name(this.following(after, bank, false), bank, MISS);
    }
    if (before < 0) cells[base + HEAD + bank] = after;
    else cells[before + NEXT] = after;
    if (after < 0) cells[base + TAIL + bank] = before;
    else cells[after + PREVIOUS] = before;
    if (cells[base + LAST] === entry) cells[base + LAST] = -1;
    return true;
  }

  /** Call after a bank has opened or closed a row. */
  reclassify(bank: number): void {
    const { cells, base } = this;
    const first = cells[base + HEAD + bank] as number;
    if (first < 0) return;
    this.name(this.following(first, bank, true), bank, HIT);
    this.name(this.following(first, bank, false), bank, MISS);
  }

  /** Cycle in which the oldest of them came, or `NEVER`. */
  oldest(): number {
    const { cells, base } = this;
    let oldest = NEVER;
    for (let bank = 0; bank < cell.MOST_BANKS; bank++) {
      const first = cells[base + HEAD + bank] as number;
      if (first >= 0) oldest = Math.min(oldest, cells[first + ARRIVAL] as number);
    }
    return oldest;
  }

  /** Whether a burst with the same number waits. */
  holds(burst: number, bank: number): boolean {
    const { cells } = this;
    let entry = cells[this.base + HEAD + bank] as number;
    for (; entry >= 0; entry = cells[entry + NEXT] as number) {
      const ahead = burst - (cells[entry + BURST] as number);
      if (ahead >= 0 && ahead < (cells[entry + COUNT] as number)) return true;
    }
    return false;
  }

  /** Makes an entry the oldest hit or miss of its bank. */
  private name(entry: number, bank: number, which: number): void {
    const { cells, base } = this;
    const bit = 1 << bank;
    const banks = base + (which === HIT ? HITS : MISSES);
    cells[base + which + bank] = entry;
    const guarded = (cells[base + GUARDED] as number) & ~bit;
    cells[base + GUARDED] = guarded;
    if (entry < 0) {
      cells[banks] = (cells[banks] as number) & ~bit;
      return;
    }
    cells[banks] = (cells[banks] as number) | bit;
    cells[base + which + TO_ORDER + bank] = cells[entry + ORDER] as number;
    if (((cells[base + HITS] as number) & (cells[base + MISSES] as number) & bit) === 0) return;
    const hit = cells[(cells[base + HIT + bank] as number) + ARRIVAL] as number;
    const miss = cells[(cells[base + MISS + bank] as number) + ARRIVAL] as number;
    if (hit <= miss) cells[base + GUARDED] = guarded | bit;
  }

  /** The first hit or miss from an entry on. */
  private following(from: number, bank: number, hit: boolean): number {
    const { cells } = this;
    const row = cells[HIT_ROW + bank] as number;
    let entry = from;
    while (entry >= 0 && (cells[entry + ROW] === row) !== hit)
      entry = cells[entry + NEXT] as number;
    return entry;
  }
}
