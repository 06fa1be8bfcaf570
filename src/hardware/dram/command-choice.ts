/**
 * First-ready, first-come: the oldest burst whose next command is legal now, and when the next one will be.
 *
 * A choice is a bank and what it gets, in one number, because a returned object would be allocated in every cycle.
 */
import type { BurstQueue } from './burst-queue.ts';
import * as cell from './channel-cells.ts';
import type { ChannelState } from './channel-state.ts';
import { NEVER as NO_CYCLE } from './controller-config.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ARRIVAL, HIT_ORDER, MISS, MISS_ORDER, RANK_ACTIVATE, RANK_PRECHARGE } = cell;
const NEVER = NO_CYCLE;
/** Added to the bank when it gets a row command instead of a column command. */
export const ROW_COMMAND = 64;

export class CommandChoice {
  /** Banks where a conflict of reads, or of writes, has waited too long for younger hits to pass it, as bits. */
  overdue = 0;
  overdueWrites = 0;
  private readonly cells: Int32Array;
  private readonly state: ChannelState;
  /** Banks, as bits, whose row no conflict closes while an older hit waits for it: all or none. */
  private readonly protectedRows: number;

  constructor(state: ChannelState, protectHits: boolean) {
    this.cells = state.cells;
    this.state = state;
    this.protectedRows = protectHits ? -1 : 0;
  }

  /**
   * Conflicts that came before a cycle, as bits: hits could pass them for ever, because each puts off the time at which
   * the row may be closed.
   */
  overdueIn(queue: BurstQueue, before: number): number {
    const { cells, state } = this;
    let found = 0;
    for (let left = queue.misses & state.open; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const entry = cells[queue.base + MISS + bank] as number;
      if ((cells[entry + ARRIVAL] as number) < before) found |= 1 << bank;
    }
    return found;
  }

  /** Of a bank that opens another row nothing is overdue, whoever has closed the one before. */
  opened(bank: number): void {
    this.overdue &= ~(1 << bank);
    this.overdueWrites &= ~(1 << bank);
  }

  /**
   * What goes now of a queue: a bank, plus `ROW_COMMAND`, or -1. As bits, `columns` are the banks that take the queue's
   * column commands, `overdue` those of its conflicts that have waited too long, `closable` and `openable` those whose row
   * may be closed or opened.
   */
  fromQueue(
    queue: BurstQueue,
    columns: number,
    overdue: number,
    closable: number,
    openable: number,
    now: number,
  ): number {
    const { cells, state } = this;
    const { base, hits, misses, guarded } = queue;
    let best = -1;
    let oldest = NEVER;
    // Where a conflict is overdue, only what is older than it passes.
    let left = hits & columns & ~(overdue & ~guarded);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const order = cells[base + HIT_ORDER + bank] as number;
      if (order < oldest) {
        oldest = order;
        best = bank;
      }
    }
    if (misses === 0) return best;
    // A row stays open for hits older than the conflict.
    const kept = guarded & this.protectedRows;
    const close = state.open & closable & ~kept & state.ranksAllowed(RANK_PRECHARGE, now);
    const open = state.closed & openable & state.ranksAllowed(RANK_ACTIVATE, now);
    left = misses & state.ready.rows & (close | open);
    for (; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const order = cells[base + MISS_ORDER + bank] as number;
      if (order < oldest) {
        oldest = order;
        best = bank + ROW_COMMAND;
      }
    }
    return best;
  }
}
