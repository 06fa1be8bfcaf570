/** When rows close: with which column command, and which of them later because they have had their share. */
import * as cell from './channel-cells.ts';
import { type ChannelState, OPEN } from './channel-state.ts';
import type { CommandChoice } from './command-choice.ts';
import type { ControllerConfig } from './controller-config.ts';

const { HITS, MISSES, READS, WRITES } = cell;

export class RowPolicy {
  private readonly page: ControllerConfig['page'];
  private readonly closeAfter: number;
  private readonly state: ChannelState;
  private readonly choice: CommandChoice;
  /** Column accesses since the row was opened, by bank. */
  private readonly accesses: Int32Array;

  constructor({ page, closeAfter }: ControllerConfig, state: ChannelState, choice: CommandChoice) {
    this.page = page;
    this.closeAfter = closeAfter;
    this.state = state;
    this.choice = choice;
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
    const { page } = this;
    const { cells } = this.state;
    const bit = 1 << bank;
    const hits = (cells[READS + HITS] as number) | (cells[WRITES + HITS] as number);
    const queueMisses = ((cells[READS + MISSES] as number) & bit) !== 0;
    const worn = this.isWorn(bank);
    this.accesses[bank] = (this.accesses[bank] as number) + 1;
    if ((owners & bit) !== 0) return false;
    if (page === 'close-after') return worn;
    return page === 'close' || ((hits & bit) === 0 && (page === 'close-adaptive' || queueMisses));
  }

  /** A bank whose row has had its column accesses and may be closed now, or -1; tells the choice when one may later. */
  wornBank(now: number, owners: number): number {
    const { state } = this;
    for (let bank = 0; bank < state.banks; bank++) {
      if (!this.isWorn(bank) || (owners & (1 << bank)) !== 0 || state.state[bank] !== OPEN)
        continue;
      const at = state.prechargeReady(bank);
      if (at <= now) return bank;
      this.choice.notBefore(at);
    }
    return -1;
  }

  private isWorn(bank: number): boolean {
    return (this.accesses[bank] as number) >= this.closeAfter;
  }
}
