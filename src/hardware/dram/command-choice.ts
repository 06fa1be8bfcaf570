/**
 * First-ready, first-come: the oldest burst whose next command is legal now, and when the next one will be.
 *
 * A choice is a bank and what it gets, in one number, because a returned object would be allocated in every cycle.
 */
import * as cell from './channel-cells.ts';
import type { ChannelState } from './channel-state.ts';
import { NEVER as NO_CYCLE } from './controller-config.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { CLOSED_BANKS, COLUMN, OPEN_BANKS, PRECHARGE } = cell;
const { ARRIVAL, MISS, RANK_ACTIVATE, RANK_PRECHARGE, READS, WRITES } = cell;
const { GUARDED, HITS, HIT_ORDER, MISSES, MISS_ORDER } = cell;
const NEVER = NO_CYCLE;
/** Added to the bank when it gets a row command instead of a column command. */
export const ROW_COMMAND = 64;

export class CommandChoice {
  /** Earliest later cycle at which something looked at could go. */
  soonest = NEVER;
  /** Banks where a conflict of reads, or of writes, has waited too long for younger hits to pass it, as bits. */
  overdue = 0;
  overdueWrites = 0;
  private readonly cells: Int32Array;
  private readonly state: ChannelState;
  /** A conflict never closes a row for which an older hit waits. */
  private readonly protectHits: boolean;

  constructor(state: ChannelState, protectHits: boolean) {
    this.cells = state.cells;
    this.state = state;
    this.protectHits = protectHits;
  }

  /**
   * Marks conflicts that came before a cycle: hits could pass them for ever, because each puts off the time at which the
   * row may be closed.
   */
  lookForOverdue(reads: number, writes: number): void {
    this.overdue = this.overdueIn(READS, reads);
    this.overdueWrites = this.overdueIn(WRITES, writes);
  }

  private overdueIn(base: number, before: number): number {
    const { cells } = this;
    let found = 0;
    const conflicts = (cells[base + MISSES] as number) & (cells[OPEN_BANKS] as number);
    for (let left = conflicts; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const entry = cells[base + MISS + bank] as number;
      if ((cells[entry + ARRIVAL] as number) < before) found |= 1 << bank;
    }
    return found;
  }

  /** Of a bank whose row has been closed nothing is overdue. */
  closed(bank: number): void {
    this.overdue &= ~(1 << bank);
    this.overdueWrites &= ~(1 << bank);
  }

  notBefore(at: number): false {
    if (at < this.soonest) this.soonest = at;
    return false;
  }

  /**
   * What goes now of the queue at `base`: a bank, plus `ROW_COMMAND`, or -1.
   * `closable` and `openable` are the banks, as bits, whose row may be closed or opened.
   */
  fromQueue(base: number, write: boolean, closable: number, openable: number, now: number): number {
    const { cells, state } = this;
    let best = -1;
    let oldest = NEVER;
    let left = this.passing(base, write);
    if (left !== 0) left &= state.columnsAllowed(write, now);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      if ((cells[COLUMN + bank] as number) > now) continue;
      const order = cells[base + HIT_ORDER + bank] as number;
      if (order < oldest) {
        oldest = order;
        best = bank;
      }
    }
    if (cells[base + MISSES] === 0) return best;
    const closed = cells[CLOSED_BANKS] as number;
    left = this.closing(base, closable) & state.ranksAllowed(RANK_PRECHARGE, now);
    left |= this.opening(base, openable) & state.ranksAllowed(RANK_ACTIVATE, now);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      // The times of ACT lie as far before those of PRE as there are bits in a set of banks.
      const time = PRECHARGE + bank - (((closed >>> bank) & 1) << 5);
      if ((cells[time] as number) > now) continue;
      const order = cells[base + MISS_ORDER + bank] as number;
      if (order < oldest) {
        oldest = order;
        best = bank + ROW_COMMAND;
      }
    }
    return best;
  }

  /** When the bursts could go that `fromQueue` was asked for in vain. */
  awaitQueue(base: number, write: boolean, closable: number, openable: number): void {
    const { cells, state } = this;
    for (let left = this.passing(base, write); left !== 0; left &= left - 1) {
      this.notBefore(state.columnReady(31 - Math.clz32(left & -left), write));
    }
    if (cells[base + MISSES] === 0) return;
    for (let left = this.closing(base, closable); left !== 0; left &= left - 1) {
      this.notBefore(state.prechargeReady(31 - Math.clz32(left & -left)));
    }
    for (let left = this.opening(base, openable); left !== 0; left &= left - 1) {
      this.notBefore(state.activateReady(31 - Math.clz32(left & -left)));
    }
  }

  /** Banks with hits that may go: where a conflict of the same queue is overdue, only what is older than it. */
  private passing(base: number, write: boolean): number {
    const { cells } = this;
    const hits = cells[base + HITS] as number;
    const overdue = write ? this.overdueWrites : this.overdue;
    return overdue === 0 ? hits : hits & ~(overdue & ~(cells[base + GUARDED] as number));
  }

  /** Banks whose row a conflict asks to close; it stays open for hits older than the conflict. */
  private closing(base: number, closable: number): number {
    const { cells } = this;
    const banks = (cells[base + MISSES] as number) & (cells[OPEN_BANKS] as number) & closable;
    return this.protectHits ? banks & ~(cells[base + GUARDED] as number) : banks;
  }

  private opening(base: number, openable: number): number {
    const { cells } = this;
    return (cells[base + MISSES] as number) & (cells[CLOSED_BANKS] as number) & openable;
  }
}
