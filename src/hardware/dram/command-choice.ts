/**
 * First-ready, first-come: the oldest burst whose next command is legal now, and when the next one will be.
 *
 * Fields instead of results, because a returned object would be allocated in every cycle.
 */
import type { BurstQueue, BurstSlots } from './burst-queue.ts';
import type { ChannelState } from './channel-state.ts';
import { NEVER } from './controller.ts';

export class CommandChoice {
  /** Slot of the choice, or -1; whether its next command is a column command. */
  best = -1;
  bestColumn = false;
  /** Earliest later cycle at which something looked at could go. */
  soonest = NEVER;
  /** Row commands that were legal, chosen or not. */
  othersReady = 0;
  private bestOrder = 0;
  private readonly slots: BurstSlots;
  private readonly state: ChannelState;
  private readonly protectHits: boolean;

  constructor(slots: BurstSlots, state: ChannelState, protectHits: boolean) {
    this.slots = slots;
    this.state = state;
    this.protectHits = protectHits;
  }

  start(): void {
    this.best = -1;
    this.soonest = NEVER;
    this.othersReady = 0;
  }

  notBefore(at: number): false {
    if (at < this.soonest) this.soonest = at;
    return false;
  }

  /** Bursts whose row has been opened for them. */
  considerOwners(owner: Int32Array, owners: number, now: number): void {
    for (let left = owners; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const slot = owner[bank] as number;
      const at = this.state.columnReady(bank, this.slots.write[slot] === 1);
      if (at <= now) this.take(slot, true);
      else this.notBefore(at);
    }
  }

  /** `closable` and `openable` are the banks, as bits, whose row may be closed or opened. */
  considerQueue(
    queue: BurstQueue,
    write: boolean,
    closable: number,
    openable: number,
    now: number,
  ): void {
    if (queue.hits !== 0) this.considerHits(queue, write, now);
    if (queue.misses === 0) return;
    const open = queue.misses & this.state.openedBanks & closable;
    if (open !== 0) this.considerClosing(queue, open, now);
    const closed = queue.misses & this.state.closedBanks & openable;
    if (closed !== 0) this.considerOpening(queue, closed, now);
  }

  private considerHits(queue: BurstQueue, write: boolean, now: number): void {
    const { state } = this;
    const from = Math.max(queue.hitFrom, state.earliestColumn(write));
    if (from > now) {
      this.notBefore(from);
      return;
    }
    let next = NEVER;
    for (let left = queue.hits; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const at = state.columnReady(bank, write);
      if (at <= now) this.take(queue.hit[bank] as number, true);
      if (at < next) next = at;
    }
    queue.hitFrom = next;
    if (next > now) this.notBefore(next);
  }

  private considerClosing(queue: BurstQueue, banks: number, now: number): void {
    const { state } = this;
    const from = Math.max(queue.closeFrom, state.earliestPrecharge());
    if (from > now) {
      this.notBefore(from);
      return;
    }
    let next = NEVER;
    for (let left = banks; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const miss = queue.miss[bank] as number;
      if (!this.mayClose(miss, queue.hit[bank] as number)) continue;
      const at = state.prechargeReady(bank);
      this.considerRow(miss, at, now);
      if (at < next) next = at;
    }
    queue.closeFrom = next;
  }

  private considerOpening(queue: BurstQueue, banks: number, now: number): void {
    const { state } = this;
    const from = Math.max(queue.openFrom, state.earliestActivate());
    if (from > now) {
      this.notBefore(from);
      return;
    }
    let next = NEVER;
    for (let left = banks; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const at = state.activateReady(bank);
      this.considerRow(queue.miss[bank] as number, at, now);
      if (at < next) next = at;
    }
    queue.openFrom = next;
  }

  private considerRow(slot: number, at: number, now: number): void {
    if (at <= now) {
      this.othersReady++;
      this.take(slot, false);
    } else this.notBefore(at);
  }

  /** A row stays open for hits older than the conflict. */
  private mayClose(miss: number, hit: number): boolean {
    if (!this.protectHits || hit < 0) return true;
    return (this.slots.arrival[hit] as number) > (this.slots.arrival[miss] as number);
  }

  private take(slot: number, column: boolean): void {
    const order = this.slots.order[slot] as number;
    if (this.best >= 0 && order > this.bestOrder) return;
    this.best = slot;
    this.bestOrder = order;
    this.bestColumn = column;
  }
}
