/**
 * First-ready, first-come: the oldest burst whose next command is legal now, and when the next one will be.
 *
 * Fields instead of results, because a returned object would be allocated in every cycle.
 */
import type { BurstQueue } from './burst-queue.ts';
import { type BurstSlots, ORDER } from './burst-slots.ts';
import { ACTIVATE, type ChannelState, COLUMN, PRECHARGE } from './channel-state.ts';
import { NEVER } from './controller.ts';

export class CommandChoice {
  /** Slot of the choice, or -1; whether its next command is a column command. */
  best = -1;
  bestColumn = false;
  /** Earliest later cycle at which something looked at could go. */
  soonest = NEVER;
  private bestOrder = NEVER;
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
    this.bestOrder = NEVER;
    this.soonest = NEVER;
  }

  notBefore(at: number): false {
    if (at < this.soonest) this.soonest = at;
    return false;
  }

  /** Bursts whose row has been opened for them, in banks given as bits: readers and writers. */
  considerOwners(owner: Int32Array, readers: number, writers: number, now: number): void {
    const { state } = this;
    const { times } = state;
    let left = readers === 0 ? 0 : readers & state.columnsAllowed(false, now);
    if (writers !== 0) left |= writers & state.columnsAllowed(true, now);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      if ((times[COLUMN + bank] as number) <= now) this.take(owner[bank] as number, true);
    }
  }

  /** When those owners could go that could not. */
  awaitOwners(readers: number, writers: number): void {
    this.awaitColumns(readers, false);
    this.awaitColumns(writers, true);
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
    const { state } = this;
    const open = this.closing(queue, closable);
    if (open !== 0) {
      this.considerRows(queue, open & state.ranksAllowed(state.rankPreAt, now), PRECHARGE, now);
    }
    const closed = queue.misses & state.closedBanks & openable;
    if (closed !== 0) {
      this.considerRows(queue, closed & state.ranksAllowed(state.rankActAt, now), ACTIVATE, now);
    }
  }

  /** When the bursts could go that `considerQueue` was asked for in vain. */
  awaitQueue(queue: BurstQueue, write: boolean, closable: number, openable: number): void {
    const { state } = this;
    this.awaitColumns(queue.hits, write);
    if (queue.misses === 0) return;
    for (let left = this.closing(queue, closable); left !== 0; left &= left - 1) {
      this.notBefore(state.prechargeReady(31 - Math.clz32(left & -left)));
    }
    for (let left = queue.misses & state.closedBanks & openable; left !== 0; left &= left - 1) {
      this.notBefore(state.activateReady(31 - Math.clz32(left & -left)));
    }
  }

  private considerHits(queue: BurstQueue, write: boolean, now: number): void {
    const { times } = this.state;
    let left = queue.hits & this.state.columnsAllowed(write, now);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      if ((times[COLUMN + bank] as number) <= now) this.take(queue.hit(bank), true);
    }
  }

  private considerRows(queue: BurstQueue, banks: number, kind: number, now: number): void {
    const { times } = this.state;
    for (let left = banks; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      if ((times[kind + bank] as number) <= now) this.take(queue.miss(bank), false);
    }
  }

  /** Banks whose row a conflict asks to close; it stays open for hits older than the conflict. */
  private closing(queue: BurstQueue, closable: number): number {
    const banks = queue.misses & this.state.openedBanks & closable;
    return this.protectHits ? banks & ~queue.guarded : banks;
  }

  private awaitColumns(banks: number, write: boolean): void {
    for (let left = banks; left !== 0; left &= left - 1) {
      this.notBefore(this.state.columnReady(31 - Math.clz32(left & -left), write));
    }
  }

  private take(slot: number, column: boolean): void {
    const order = this.slots.data[slot + ORDER] as number;
    if (order >= this.bestOrder) return;
    this.best = slot;
    this.bestOrder = order;
    this.bestColumn = column;
  }
}
