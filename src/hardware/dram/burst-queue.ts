/** Bursts that wait in a controller: one list per bank in order of arrival, with the oldest hit and the oldest miss at hand. */
import { type ChannelState, OPEN } from './channel-state.ts';

/** Shared storage of all bursts inside one controller; a slot is reused once its burst has left. */
export class BurstSlots {
  /** Number of the burst's 32 bytes (or 64 with BL32) in the address space. */
  readonly burst: Int32Array;
  readonly bank: Int32Array;
  readonly row: Int32Array;
  readonly access: Int32Array;
  /** Cycle in which the controller took it. */
  readonly arrival: Int32Array;
  /** Position in the order of arrival. */
  readonly order: Int32Array;
  readonly write: Uint8Array;
  /** One once its first command has been counted as hit, miss or conflict. */
  readonly counted: Uint8Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private issued = 0;

  constructor(size: number) {
    const column = () => new Int32Array(size);
    this.burst = column();
    this.bank = column();
    this.row = column();
    this.access = column();
    this.arrival = column();
    this.order = column();
    this.write = new Uint8Array(size);
    this.counted = new Uint8Array(size);
    this.next = column().fill(-1);
    this.previous = column().fill(-1);
    this.free = Int32Array.from({ length: size }, (_, i) => size - 1 - i);
    this.freeCount = size;
  }

  take(burst: number, access: number, write: boolean, bank: number, row: number, now: number) {
    const slot = this.free[--this.freeCount] as number;
    this.burst[slot] = burst;
    this.access[slot] = access;
    this.write[slot] = write ? 1 : 0;
    this.bank[slot] = bank;
    this.row[slot] = row;
    this.arrival[slot] = now;
    this.order[slot] = this.issued++;
    this.counted[slot] = 0;
    return slot;
  }

  release(slot: number): void {
    this.free[this.freeCount++] = slot;
  }
}

export class BurstQueue {
  size = 0;
  readonly limit: number;
  /** Banks with a burst of their open row, and with one of any other row (or of any row while closed), as bits. */
  hits = 0;
  misses = 0;
  /** Oldest such burst of each bank; -1 where there is none. */
  readonly hit: Int32Array;
  readonly miss: Int32Array;
  /**
   * No hit, precharge or activate of this queue is legal before these cycles. They only rise by a full look
   * and fall with every event that offers something new, so that most looks can be skipped.
   */
  hitFrom = 0;
  closeFrom = 0;
  openFrom = 0;
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  private readonly slots: BurstSlots;
  private readonly state: ChannelState;

  constructor(slots: BurstSlots, state: ChannelState, limit: number) {
    this.slots = slots;
    this.state = state;
    this.limit = limit;
    const column = () => new Int32Array(state.banks).fill(-1);
    this.head = column();
    this.tail = column();
    this.hit = column();
    this.miss = column();
  }

  push(slot: number): void {
    const { slots } = this;
    const bank = slots.bank[slot] as number;
    const last = this.tail[bank] as number;
    slots.next[slot] = -1;
    slots.previous[slot] = last;
    if (last < 0) this.head[bank] = slot;
    else slots.next[last] = slot;
    this.tail[bank] = slot;
    this.size++;
    const isHit = this.isHit(slot, bank);
    if ((isHit ? this.hit : this.miss)[bank] === -1) this.offer(slot, bank, isHit);
  }

  remove(slot: number): void {
    const { slots } = this;
    const bank = slots.bank[slot] as number;
    const before = slots.previous[slot] as number;
    const after = slots.next[slot] as number;
    if (this.hit[bank] === slot) {
      this.offer(this.following(slot, bank, true), bank, true);
      // Without that hit a conflict may be the older one now.
      if ((this.misses & (1 << bank)) !== 0) this.lowerClose(this.state.preAt[bank] as number);
    } else if (this.miss[bank] === slot) {
      this.offer(this.following(slot, bank, false), bank, false);
    }
    if (before < 0) this.head[bank] = after;
    else slots.next[before] = after;
    if (after < 0) this.tail[bank] = before;
    else slots.previous[after] = before;
    this.size--;
  }

  /** Call after a bank has opened or closed a row. */
  reclassify(bank: number): void {
    const first = this.head[bank] as number;
    if (first < 0) return;
    if (this.state.state[bank] !== OPEN) {
      this.offer(-1, bank, true);
      this.offer(first, bank, false);
      return;
    }
    const isHit = this.isHit(first, bank);
    this.offer(isHit ? first : this.following(first, bank, true), bank, true);
    this.offer(isHit ? this.following(first, bank, false) : first, bank, false);
  }

  /** A waiting burst with the same number, or -1. */
  find(burst: number, bank: number): number {
    const { slots } = this;
    for (let slot = this.head[bank] as number; slot >= 0; slot = slots.next[slot] as number) {
      if (slots.burst[slot] === burst) return slot;
    }
    return -1;
  }

  lowerClose(cycle: number): void {
    if (cycle < this.closeFrom) this.closeFrom = cycle;
  }

  /** Names the oldest hit or miss of a bank and lowers the cycle from which a look is worth while. */
  private offer(slot: number, bank: number, isHit: boolean): void {
    const bit = 1 << bank;
    const { state } = this;
    (isHit ? this.hit : this.miss)[bank] = slot;
    if (isHit) {
      this.hits = slot < 0 ? this.hits & ~bit : this.hits | bit;
      const from = state.columnAt[bank] as number;
      if (slot >= 0 && from < this.hitFrom) this.hitFrom = from;
      return;
    }
    this.misses = slot < 0 ? this.misses & ~bit : this.misses | bit;
    if (slot < 0) return;
    this.lowerClose(state.preAt[bank] as number);
    const from = state.actAt[bank] as number;
    if (from < this.openFrom) this.openFrom = from;
  }

  private isHit(slot: number, bank: number): boolean {
    return this.state.state[bank] === OPEN && this.state.openRow[bank] === this.slots.row[slot];
  }

  private following(slot: number, bank: number, hit: boolean): number {
    const { slots } = this;
    let next = slots.next[slot] as number;
    while (next >= 0 && this.isHit(next, bank) !== hit) next = slots.next[next] as number;
    return next;
  }
}
