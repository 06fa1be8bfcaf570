/** Takes a channel's banks through the commands of a waiting refresh: close what is open, then REFab or REFpb. */
import type { BurstQueue } from './burst-queue.ts';
import { type ChannelState, OPEN } from './channel-state.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { LowPower } from './low-power.ts';
import type { RefreshQueue } from './refresh-queue.ts';

export interface RefreshParts {
  readonly config: ControllerConfig;
  readonly state: ChannelState;
  readonly refresh: RefreshQueue;
  /** Told of rows that close. */
  readonly queues: readonly BurstQueue[];
  readonly power: LowPower | undefined;
}

export class RefreshSteps {
  /** Banks that may not be opened because their refresh waits, as bits. */
  held = 0;
  /** After an attempt in vain: the earliest cycle for the next one, if it is a matter of time. */
  soonest = NEVER;
  private readonly parts: RefreshParts;
  private readonly holdsBanks: boolean;
  private readonly allBanks: boolean;

  constructor(parts: RefreshParts) {
    this.parts = parts;
    this.holdsBanks = parts.config.refreshHolds === 'bank';
    this.allBanks = parts.config.refresh === 'all-bank';
  }

  /** Does the next command of the first waiting refresh, if it may go now; banks that are `busy` must not be touched. */
  attempt(busy: number, now: number): boolean {
    const target = this.parts.refresh.waiting[0] as number;
    this.soonest = NEVER;
    return this.allBanks
      ? this.refreshRank(target, busy, now)
      : this.refreshBanks(target, busy, now);
  }

  /** Closes one row. */
  close(bank: number, now: number): void {
    this.parts.state.precharge(bank, now);
    for (const queue of this.parts.queues) queue.closed(bank);
  }

  private refreshRank(rank: number, busy: number, now: number): boolean {
    const { state, queues, power } = this.parts;
    const mine = state.banksOf(rank);
    if (this.holdsBanks) this.held |= mine;
    if ((busy & mine) !== 0) return false;
    const idle = state.idle(rank);
    const at = idle ? state.refreshReady(rank) : state.prechargeAllReady(rank);
    if (at > now) return this.notBefore(at);
    if (idle) {
      state.refreshAll(rank, now);
      this.done(mine);
      power?.refreshed(rank, state.rankActivateReady(rank));
      return true;
    }
    const first = rank * state.banksPerRank;
    state.prechargeAll(rank, now);
    for (let bank = first; bank < first + state.banksPerRank; bank++) {
      for (const queue of queues) queue.closed(bank);
    }
    return true;
  }

  private refreshBanks(target: number, busy: number, now: number): boolean {
    const { state, refresh, power } = this.parts;
    const partner = target + refresh.pairOffset;
    const mine = (1 << target) | (1 << partner);
    if (this.holdsBanks) this.held |= mine;
    if ((busy & mine) !== 0) return false;
    const open = [target, partner].find((bank) => state.state[bank] === OPEN);
    const at =
      open === undefined
        ? Math.max(state.refreshBankReady(target), state.refreshBankReady(partner))
        : state.prechargeReady(open);
    if (at > now) return this.notBefore(at);
    if (open !== undefined) this.close(open, now);
    else {
      state.refreshBank(target, now);
      if (partner !== target) state.refreshBank(partner, now);
      this.done(mine);
      power?.refreshed(state.rankOf[target] as number, state.activateReady(target));
    }
    return true;
  }

  private notBefore(at: number): false {
    this.soonest = at;
    return false;
  }

  /** Banks whose refresh is done may be opened again. */
  private done(banks: number): void {
    this.parts.refresh.waiting.shift();
    this.held &= ~banks;
  }
}
