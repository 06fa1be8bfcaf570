/**
 * Which command one LPDDR channel may take when: rows, and the next legal cycle per bank, group and rank.
 *
 * Model    every JEDEC limit pushes the earliest cycle of a later command; all row limits count from ACT-1
 * Ignores  the data clock and the order ACT-1/ACT-2, which are the controller's promise to keep
 * Valid    one or two ranks of up to 16 banks that share command and data bus
 * Source   limits and their scope as in JESD209-5B tables 330-333, 344, 372 and 235
 * Checked  test/unit/hardware/dram/channel-state.test.ts: each limit legal at its cycle, illegal one before
 */
import type { DeviceTiming, DramDevice } from './device.ts';

export const CLOSED = 0;
/** ACT-1 has been sent, ACT-2 has not. */
const ACTIVATING = 1;
export const OPEN = 2;

/**
 * Where each kind of time begins in `times`: of up to 32 banks, of up to 8 groups (rank, group), of up to 2 ranks.
 * One array, because every command reads and writes many kinds.
 */
const MOST_BANKS = 32;
export const ACTIVATE = 0;
export const PRECHARGE = ACTIVATE + MOST_BANKS;
export const COLUMN = PRECHARGE + MOST_BANKS;
const REFRESH_BANK = COLUMN + MOST_BANKS;
const MOST_GROUPS = 8;
const GROUP_READ = REFRESH_BANK + MOST_BANKS;
const GROUP_WRITE = GROUP_READ + MOST_GROUPS;
const MOST_RANKS = 2;
const RANK_ACTIVATE = GROUP_WRITE + MOST_GROUPS;
const RANK_PRECHARGE = RANK_ACTIVATE + MOST_RANKS;
const RANK_PRECHARGE_ALL = RANK_PRECHARGE + MOST_RANKS;
const RANK_READ = RANK_PRECHARGE_ALL + MOST_RANKS;
const RANK_WRITE = RANK_READ + MOST_RANKS;
const RANK_REFRESH = RANK_WRITE + MOST_RANKS;
const RANK_REFRESH_BANK = RANK_REFRESH + MOST_RANKS;
const TIMES = RANK_REFRESH_BANK + MOST_RANKS;

/** Owned by one controller, which asks for the earliest cycle of a command before it issues it. */
export class ChannelState {
  readonly banks: number;
  readonly banksPerRank: number;
  /** By flat bank (rank, group, bank). */
  readonly state: Uint8Array;
  /** Banks that are closed, and those that are open, as bits. */
  closedBanks = 0;
  openedBanks = 0;
  readonly openRow: Int32Array;
  /** The row whose bursts are hits: none until ACT-2 has been sent. */
  readonly hitRow: Int32Array;
  readonly groupOf: Uint8Array;
  readonly rankOf: Uint8Array;
  /** Earliest legal cycle of every command, by kind and place. */
  readonly times = new Int32Array(TIMES);
  /** Parts of it. */
  readonly rankActAt = this.times.subarray(RANK_ACTIVATE, RANK_ACTIVATE + MOST_RANKS);
  readonly rankPreAt = this.times.subarray(RANK_PRECHARGE, RANK_PRECHARGE + MOST_RANKS);
  readonly rankPreAllAt = this.times.subarray(RANK_PRECHARGE_ALL, RANK_PRECHARGE_ALL + MOST_RANKS);
  readonly rankRefreshAt = this.times.subarray(RANK_REFRESH, RANK_REFRESH + MOST_RANKS);
  /** Counts since the start, for energy and reports. */
  activates = 0;
  reads = 0;
  writes = 0;
  refreshes = 0;
  bankRefreshes = 0;
  /** Rank-cycles with at least one row open, up to the last change. */
  openCycles = 0;
  private readonly timing: DeviceTiming;
  private readonly ranks: number;
  /** Banks of the first rank, and of each group, as bits. */
  private readonly firstRank: number;
  private readonly groups: Int32Array;
  /** The last four ACT-1 of each rank, oldest overwritten first. */
  private readonly window: Int32Array;
  private readonly windowAt: Uint8Array;
  private readonly openBanks: Int32Array;
  private readonly openedAt: Int32Array;

  constructor(device: DramDevice) {
    const { ranks, bankGroups, banksPerGroup } = device;
    this.timing = device.timing;
    this.ranks = ranks;
    this.banksPerRank = device.banks;
    this.banks = ranks * device.banks;
    this.state = new Uint8Array(this.banks);
    this.closedBanks = this.banks === MOST_BANKS ? -1 : (1 << this.banks) - 1;
    this.openRow = new Int32Array(this.banks).fill(-1);
    this.hitRow = new Int32Array(this.banks).fill(-1);
    this.groupOf = Uint8Array.from({ length: this.banks }, (_, i) => Math.floor(i / banksPerGroup));
    this.rankOf = Uint8Array.from({ length: this.banks }, (_, i) => Math.floor(i / device.banks));
    this.firstRank = this.banksOf(0);
    const members = banksPerGroup === MOST_BANKS ? -1 : (1 << banksPerGroup) - 1;
    this.groups = Int32Array.from(
      { length: ranks * bankGroups },
      (_, group) => members << (group * banksPerGroup),
    );
    this.window = new Int32Array(4 * ranks).fill(-device.timing.nFAW);
    this.windowAt = new Uint8Array(ranks);
    this.openBanks = new Int32Array(ranks);
    this.openedAt = new Int32Array(ranks);
  }

  /** Earliest cycle of ACT-1. */
  activateReady(bank: number): number {
    return this.later(ACTIVATE + bank, RANK_ACTIVATE + (this.rankOf[bank] as number));
  }

  prechargeReady(bank: number): number {
    return this.later(PRECHARGE + bank, RANK_PRECHARGE + (this.rankOf[bank] as number));
  }

  readReady(bank: number): number {
    const group = this.times[GROUP_READ + (this.groupOf[bank] as number)] as number;
    return Math.max(group, this.later(COLUMN + bank, RANK_READ + (this.rankOf[bank] as number)));
  }

  writeReady(bank: number): number {
    const group = this.times[GROUP_WRITE + (this.groupOf[bank] as number)] as number;
    return Math.max(group, this.later(COLUMN + bank, RANK_WRITE + (this.rankOf[bank] as number)));
  }

  columnReady(bank: number, write: boolean): number {
    return write ? this.writeReady(bank) : this.readReady(bank);
  }

  /** Banks whose rank and group take a read or a write now, as bits. */
  columnsAllowed(write: boolean, now: number): number {
    const { times, groups } = this;
    const rank = write ? RANK_WRITE : RANK_READ;
    let banks = (times[rank] as number) <= now ? this.firstRank : 0;
    if (this.ranks > 1 && (times[rank + 1] as number) <= now) banks |= ~this.firstRank;
    if (banks === 0) return 0;
    const group = write ? GROUP_WRITE : GROUP_READ;
    for (let i = 0; i < groups.length; i++) {
      if ((times[group + i] as number) > now) banks &= ~(groups[i] as number);
    }
    return banks;
  }

  /** Banks of the ranks whose time has come, as bits. */
  ranksAllowed(times: Int32Array, now: number): number {
    const first = (times[0] as number) <= now ? this.firstRank : 0;
    if (this.ranks === 1) return first;
    return (times[1] as number) <= now ? first | ~this.firstRank : first;
  }

  refreshBankReady(bank: number): number {
    return this.later(REFRESH_BANK + bank, RANK_REFRESH_BANK + (this.rankOf[bank] as number));
  }

  /** The banks of one rank as bits. */
  banksOf(rank: number): number {
    if (this.banksPerRank === 32) return -1;
    return ((1 << this.banksPerRank) - 1) << (rank * this.banksPerRank);
  }

  /** True when every bank of the rank is closed. */
  idle(rank: number): boolean {
    const mine = this.banksOf(rank);
    return (this.closedBanks & mine) === mine;
  }

  /** ACT-1: starts to open `row`; the row counts as open from `activated`. */
  activate(bank: number, row: number, now: number): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    this.state[bank] = ACTIVATING;
    this.closedBanks &= ~(1 << bank);
    this.openRow[bank] = row;
    this.activates++;
    times[COLUMN + bank] = now + t.nRCD;
    raise(times, ACTIVATE + bank, now + t.nRC);
    raise(times, PRECHARGE + bank, now + t.nRAS);
    raise(times, REFRESH_BANK + bank, now + t.nRC);
    // The fourth ACT before the next one must be tFAW old.
    const slot = 4 * rank + (this.windowAt[rank] as number);
    this.window[slot] = now;
    this.windowAt[rank] = ((this.windowAt[rank] as number) + 1) & 3;
    const oldest = this.window[4 * rank + (this.windowAt[rank] as number)] as number;
    raise(times, RANK_ACTIVATE + rank, now + t.nRRD);
    raise(times, RANK_ACTIVATE + rank, oldest + t.nFAW);
    raise(times, RANK_PRECHARGE_ALL + rank, now + t.nRAS);
    raise(times, RANK_REFRESH + rank, now + t.nRC);
    if ((this.openBanks[rank] as number)++ === 0) this.openedAt[rank] = now;
  }

  /** ACT-2: the row is open. */
  activated(bank: number): void {
    this.state[bank] = OPEN;
    this.hitRow[bank] = this.openRow[bank] as number;
    this.openedBanks |= 1 << bank;
  }

  precharge(bank: number, now: number): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    this.close(bank, now);
    raise(times, ACTIVATE + bank, now + t.nRPpb);
    raise(times, REFRESH_BANK + bank, now + t.nRPpb);
    raise(times, RANK_PRECHARGE + rank, now + t.nPPD);
    raise(times, RANK_PRECHARGE_ALL + rank, now + t.nPPD);
    raise(times, RANK_REFRESH + rank, now + t.nRPpb);
  }

  prechargeAll(rank: number, now: number): void {
    const { times, timing: t } = this;
    const first = rank * this.banksPerRank;
    for (let bank = first; bank < first + this.banksPerRank; bank++) this.close(bank, now);
    raise(times, RANK_ACTIVATE + rank, now + t.nRPab);
    raise(times, RANK_PRECHARGE + rank, now + t.nPPD);
    raise(times, RANK_PRECHARGE_ALL + rank, now + t.nPPD);
    raise(times, RANK_REFRESH + rank, now + t.nRPREF);
    raise(times, RANK_REFRESH_BANK + rank, now + t.nRPab);
  }

  /** One read burst; `close` adds auto-precharge. */
  read(bank: number, now: number, close = false): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    const group = this.groupOf[bank] as number;
    this.reads++;
    raise(times, GROUP_READ + group, now + t.nCCDL);
    raise(times, RANK_READ + rank, now + t.nCCDS);
    raise(times, RANK_WRITE + rank, now + t.nRTW);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(times, RANK_READ + other, now + t.nRTRO);
      raise(times, RANK_WRITE + other, now + t.nRTWO);
    }
    if (close) this.closeAfter(bank, now, t.nRTP);
    else {
      raise(times, PRECHARGE + bank, now + t.nRTP);
      raise(times, RANK_PRECHARGE_ALL + rank, now + t.nRTP);
    }
  }

  /** One write burst; `close` adds auto-precharge. */
  write(bank: number, now: number, close = false): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    const group = this.groupOf[bank] as number;
    this.writes++;
    raise(times, GROUP_WRITE + group, now + t.nCCDL);
    raise(times, GROUP_READ + group, now + t.nWTRL);
    raise(times, RANK_WRITE + rank, now + t.nCCDS);
    raise(times, RANK_READ + rank, now + t.nWTRS);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(times, RANK_WRITE + other, now + t.nWTWO);
      raise(times, RANK_READ + other, now + t.nWTRO);
    }
    if (close) this.closeAfter(bank, now, t.nWTP);
    else {
      raise(times, PRECHARGE + bank, now + t.nWTP);
      raise(times, RANK_PRECHARGE_ALL + rank, now + t.nWTP);
    }
  }

  refreshAll(rank: number, now: number): void {
    const { times, timing: t } = this;
    this.refreshes++;
    raise(times, RANK_ACTIVATE + rank, now + t.nRFCab);
    raise(times, RANK_PRECHARGE_ALL + rank, now + t.nRFCab);
    raise(times, RANK_REFRESH + rank, now + t.nRFCab);
    raise(times, RANK_REFRESH_BANK + rank, now + t.nRFCab);
  }

  refreshBank(bank: number, now: number): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    this.bankRefreshes++;
    raise(times, ACTIVATE + bank, now + t.nRFCpb);
    raise(times, REFRESH_BANK + bank, now + t.nRFCpb);
    raise(times, RANK_ACTIVATE + rank, now + t.nPBR2ACT);
    raise(times, RANK_REFRESH_BANK + rank, now + t.nPBR2PBR);
    raise(times, RANK_REFRESH + rank, now + t.nRFCpb);
  }

  /** No command to the rank before `cycle`, as while it comes out of a low-power state. */
  holdRank(rank: number, cycle: number): void {
    const { times } = this;
    for (let kind = RANK_ACTIVATE; kind < TIMES; kind += MOST_RANKS) {
      raise(times, kind + rank, cycle);
    }
  }

  /** Rank-cycles with a row open until `now`. */
  openCyclesUntil(now: number): number {
    let sum = this.openCycles;
    for (let rank = 0; rank < this.ranks; rank++) {
      if ((this.openBanks[rank] as number) > 0) sum += now - (this.openedAt[rank] as number);
    }
    return sum;
  }

  /** Auto-precharge `wait` cycles after the column command, not before tRAS is over. */
  private closeAfter(bank: number, now: number, wait: number): void {
    const { times, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    const at = Math.max(now + wait, times[PRECHARGE + bank] as number);
    this.close(bank, now);
    raise(times, ACTIVATE + bank, at + t.nRPpb);
    raise(times, REFRESH_BANK + bank, at + t.nRPpb);
    raise(times, RANK_REFRESH + rank, at + t.nRPpb);
  }

  private later(one: number, other: number): number {
    return Math.max(this.times[one] as number, this.times[other] as number);
  }

  private close(bank: number, now: number): void {
    if (this.state[bank] === CLOSED) return;
    const rank = this.rankOf[bank] as number;
    this.state[bank] = CLOSED;
    this.closedBanks |= 1 << bank;
    this.openedBanks &= ~(1 << bank);
    this.openRow[bank] = -1;
    this.hitRow[bank] = -1;
    if (--(this.openBanks[rank] as number) === 0) {
      this.openCycles += now - (this.openedAt[rank] as number);
    }
  }
}

function raise(times: Int32Array, index: number, cycle: number): void {
  if ((times[index] as number) < cycle) times[index] = cycle;
}
