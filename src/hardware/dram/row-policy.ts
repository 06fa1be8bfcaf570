/** When rows close: with which column command, and which of them later because they have had their share. */
import type { BurstQueue } from './burst-queue.ts';
import { type ChannelState, OPEN } from './channel-state.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';

export class RowPolicy {
  private readonly page: ControllerConfig['page'];
  private readonly closeAfter: number;
  private readonly state: ChannelState;
  private readonly reads: BurstQueue;
  private readonly writes: BurstQueue;
  /** Column accesses since the row was opened, by bank. */
  private readonly accesses: Int32Array;
  /** After a look in vain for a worn row: when the first may be closed. */
  soonest = NEVER;

  constructor(
    { page, closeAfter }: ControllerConfig,
    state: ChannelState,
    reads: BurstQueue,
    writes: BurstQueue,
  ) {
    this.page = page;
    this.closeAfter = closeAfter;
    this.state = state;
    this.reads = reads;
    this.writes = writes;
    this.accesses = new Int32Array(state.banks);
  }

  opened(bank: number): void {
    this.accesses[bank] = 0;
  }

  /**
   * Whether auto-precharge goes with this column command; counts it. Not asked where rows stay open.
   * @param owners banks whose row is open for one burst, as bits.
   */
  closesWith(bank: number, owners: number): boolean {
    const { page, reads, writes } = this;
    const bit = 1 << bank;
    const hits = reads.hits | writes.hits;
    const queueMisses = (reads.misses & bit) !== 0;
    const worn = this.isWorn(bank);
    this.accesses[bank] = (this.accesses[bank] as number) + 1;
    if ((owners & bit) !== 0) return false;
    if (page === 'close-after') return worn;
    return page === 'close' || ((hits & bit) === 0 && (page === 'close-adaptive' || queueMisses));
  }

  /** A bank whose row has had its column accesses and may be closed now, or -1. */
  wornBank(now: number, owners: number): number {
    const { state } = this;
    this.soonest = NEVER;
    for (let bank = 0; bank < state.banks; bank++) {
      if (!this.isWorn(bank) || (owners & (1 << bank)) !== 0 || state.state[bank] !== OPEN)
        continue;
      const at = state.prechargeReady(bank);
      if (at <= now) return bank;
      this.soonest = Math.min(this.soonest, at);
    }
    return -1;
  }

  private isWorn(bank: number): boolean {
    return (this.accesses[bank] as number) >= this.closeAfter;
  }
}
