/** Bursts that wait in a controller: one list per bank in order of arrival, with the oldest hit and the oldest miss at hand. */
import { ARRIVAL, BANK, BURST, type BurstSlots, NEXT, PREVIOUS, ROW } from './burst-slots.ts';
import type { ChannelState } from './channel-state.ts';

/** Numbers of one bank: ends of its list, oldest burst of its open row, oldest of any other; -1 where there is none. */
const STRIDE = 4;
const HEAD = 0;
const TAIL = 1;
const HIT = 2;
const MISS = 3;

export class BurstQueue {
  size = 0;
  readonly limit: number;
  /** Banks with a burst of their open row, and with one of any other row (or of any row while closed), as bits. */
  hits = 0;
  misses = 0;
  /** Banks whose oldest hit came no later than their oldest miss, as bits. */
  guarded = 0;
  private readonly lists: Int32Array;
  private readonly slots: BurstSlots;
  private readonly state: ChannelState;

  constructor(slots: BurstSlots, state: ChannelState, limit: number) {
    this.slots = slots;
    this.state = state;
    this.limit = limit;
    this.lists = new Int32Array(STRIDE * state.banks).fill(-1);
  }

  /** Oldest burst of the bank's open row. */
  hit(bank: number): number {
    return this.lists[STRIDE * bank + HIT] as number;
  }

  /** Oldest burst of any other row. */
  miss(bank: number): number {
    return this.lists[STRIDE * bank + MISS] as number;
  }

  push(slot: number): void {
    const { lists } = this;
    const { data } = this.slots;
    const bank = data[slot + BANK] as number;
    const list = STRIDE * bank;
    const last = lists[list + TAIL] as number;
    data[slot + NEXT] = -1;
    data[slot + PREVIOUS] = last;
    if (last < 0) lists[list + HEAD] = slot;
    else data[last + NEXT] = slot;
    lists[list + TAIL] = slot;
    this.size++;
    const which = this.state.hitRow[bank] === data[slot + ROW] ? HIT : MISS;
    if (lists[list + which] === -1) this.name(slot, bank, which);
  }

  remove(slot: number): void {
    const { lists } = this;
    const { data } = this.slots;
    const bank = data[slot + BANK] as number;
    const list = STRIDE * bank;
    const before = data[slot + PREVIOUS] as number;
    const after = data[slot + NEXT] as number;
    if (lists[list + HIT] === slot) this.name(this.following(after, bank, true), bank, HIT);
    else if (lists[list + MISS] === slot) {
      this.name(this.following(after, bank, false), bank, MISS);
    }
    if (before < 0) lists[list + HEAD] = after;
    else data[before + NEXT] = after;
    if (after < 0) lists[list + TAIL] = before;
    else data[after + PREVIOUS] = before;
    this.size--;
  }

  /** Call after a bank has opened or closed a row. */
  reclassify(bank: number): void {
    const first = this.lists[STRIDE * bank + HEAD] as number;
    if (first < 0) return;
    this.name(this.following(first, bank, true), bank, HIT);
    this.name(this.following(first, bank, false), bank, MISS);
  }

  /** A waiting burst with the same number, or -1. */
  find(burst: number, bank: number): number {
    const { data } = this.slots;
    let slot = this.lists[STRIDE * bank + HEAD] as number;
    while (slot >= 0 && data[slot + BURST] !== burst) slot = data[slot + NEXT] as number;
    return slot;
  }

  /** Makes a burst the oldest hit or miss of its bank. */
  private name(slot: number, bank: number, which: number): void {
    const { lists } = this;
    const list = STRIDE * bank;
    const bit = 1 << bank;
    lists[list + which] = slot;
    if (which === HIT) this.hits = slot < 0 ? this.hits & ~bit : this.hits | bit;
    else this.misses = slot < 0 ? this.misses & ~bit : this.misses | bit;
    this.guarded &= ~bit;
    if ((this.hits & this.misses & bit) === 0) return;
    const { data } = this.slots;
    const hit = data[(lists[list + HIT] as number) + ARRIVAL] as number;
    const miss = data[(lists[list + MISS] as number) + ARRIVAL] as number;
    if (hit <= miss) this.guarded |= bit;
  }

  /** The first hit or miss from a burst on. */
  private following(from: number, bank: number, hit: boolean): number {
    const { data } = this.slots;
    const row = this.state.hitRow[bank] as number;
    let slot = from;
    while (slot >= 0 && (data[slot + ROW] === row) !== hit) slot = data[slot + NEXT] as number;
    return slot;
  }
}
