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
const { HEAD, HIT, HIT_ORDER, HIT_ROW, MISS, MISS_ORDER, TAIL } = cell;

export class BurstQueue {
  readonly limit: number;
  /** Bursts that wait. */
  size = 0;
  /** Banks with a burst of their open row, and with one of any other (of any while closed), as bits. */
  hits = 0;
  misses = 0;
  /** Banks whose oldest hit came no later than their oldest miss, as bits. */
  guarded = 0;
  /** Where the queue begins in the cells. */
  readonly base: number;
  private readonly cells: Int32Array;
  /** The entry that came last, if it still waits, or -1. */
  private last = -1;

  constructor(cells: Int32Array, base: number, limit: number) {
    this.limit = limit;
    this.cells = cells;
    this.base = base;
    cells.fill(-1, base + HIT, base + TAIL + cell.MOST_BANKS);
  }

  /** @returns whether the burst joins the one before it, the other half of its access; it needs no entry then. */
  join(access: number, bank: number, row: number, now: number): boolean {
    const { cells, last } = this;
    if (last < 0 || cells[last + ACCESS] !== access || cells[last + COUNT] !== 1) return false;
    if (cells[last + BANK] !== bank || cells[last + ROW] !== row) return false;
    cells[last + COUNT] = 2;
    cells[last + SECOND] = now;
    this.size++;
    return true;
  }

  push(entry: number): void {
    const { cells, base } = this;
    const bank = cells[entry + BANK] as number;
    const bit = 1 << bank;
    const last = cells[base + TAIL + bank] as number;
    cells[entry + NEXT] = -1;
    cells[entry + PREVIOUS] = last;
    if (last < 0) cells[base + HEAD + bank] = entry;
    else cells[last + NEXT] = entry;
    cells[base + TAIL + bank] = entry;
    this.last = entry;
    this.size++;
    if (cells[HIT_ROW + bank] === cells[entry + ROW]) {
      if ((this.hits & bit) === 0) this.nameHit(entry, bank);
    } else if ((this.misses & bit) === 0) this.nameMiss(entry, bank);
  }

  /** Takes the first burst of an entry out; @returns whether that was its last one. */
  remove(entry: number): boolean {
    const { cells, base } = this;
    const bank = cells[entry + BANK] as number;
    this.size--;
    if (cells[entry + COUNT] === 2) {
      cells[entry + COUNT] = 1;
      cells[entry + COUNTED] = 0;
      cells[entry + BURST] = (cells[entry + BURST] as number) + 1;
      cells[entry + ARRIVAL] = cells[entry + SECOND] as number;
      if (cells[base + HIT + bank] === entry) this.guard(bank);
      return false;
    }
    const before = cells[entry + PREVIOUS] as number;
    const after = cells[entry + NEXT] as number;
    if (cells[base + HIT + bank] === entry) this.nameHit(this.following(after, bank, true), bank);
    else if (cells[base + MISS + bank] === entry) {
      this.nameMiss(this.following(after, bank, false), bank);
    }
    if (before < 0) cells[base + HEAD + bank] = after;
    else cells[before + NEXT] = after;
    if (after < 0) cells[base + TAIL + bank] = before;
    else cells[after + PREVIOUS] = before;
    if (this.last === entry) this.last = -1;
    return true;
  }

  /** Call after a bank has opened its row: some bursts that wait for it are hits now. */
  opened(bank: number): void {
    if ((this.misses & (1 << bank)) === 0) return;
    const first = this.cells[this.base + HEAD + bank] as number;
    const hit = this.following(first, bank, true);
    if (hit < 0) return;
    this.nameHit(hit, bank);
    this.nameMiss(hit === first ? this.following(first, bank, false) : first, bank);
  }

  /** Call after a bank has closed its row: all that wait for it are misses. */
  closed(bank: number): void {
    const bit = 1 << bank;
    if ((this.hits & bit) === 0) return;
    const { cells, base } = this;
    this.hits &= ~bit;
    this.guarded &= ~bit;
    cells[base + HIT + bank] = -1;
    this.nameMiss(cells[base + HEAD + bank] as number, bank);
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

  /** Makes an entry the oldest hit of its bank; -1 where there is none. */
  private nameHit(entry: number, bank: number): void {
    const { cells, base } = this;
    const bit = 1 << bank;
    cells[base + HIT + bank] = entry;
    if (entry < 0) {
      this.hits &= ~bit;
      this.guarded &= ~bit;
      return;
    }
    this.hits |= bit;
    cells[base + HIT_ORDER + bank] = cells[entry + ORDER] as number;
    this.guard(bank);
  }

  private nameMiss(entry: number, bank: number): void {
    const { cells, base } = this;
    const bit = 1 << bank;
    cells[base + MISS + bank] = entry;
    if (entry < 0) {
      this.misses &= ~bit;
      this.guarded &= ~bit;
      return;
    }
    this.misses |= bit;
    cells[base + MISS_ORDER + bank] = cells[entry + ORDER] as number;
    this.guard(bank);
  }

  private guard(bank: number): void {
    const { cells, base } = this;
    const bit = 1 << bank;
    if ((this.hits & this.misses & bit) === 0) return;
    const hit = cells[(cells[base + HIT + bank] as number) + ARRIVAL] as number;
    const miss = cells[(cells[base + MISS + bank] as number) + ARRIVAL] as number;
    if (hit <= miss) this.guarded |= bit;
    else this.guarded &= ~bit;
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
