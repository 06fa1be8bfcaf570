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
  readonly groupOf: Uint8Array;
  readonly rankOf: Uint8Array;
  readonly actAt: Int32Array;
  readonly preAt: Int32Array;
  readonly columnAt: Int32Array;
  readonly refreshBankAt: Int32Array;
  /** By flat group (rank, group). */
  readonly groupActAt: Int32Array;
  readonly groupReadAt: Int32Array;
  readonly groupWriteAt: Int32Array;
  /** By rank. */
  readonly rankActAt: Int32Array;
  readonly rankPreAt: Int32Array;
  readonly rankPreAllAt: Int32Array;
  readonly rankReadAt: Int32Array;
  readonly rankWriteAt: Int32Array;
  readonly rankRefreshAt: Int32Array;
  readonly rankRefreshBankAt: Int32Array;
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
    const perBank = () => new Int32Array(this.banks);
    const perGroup = () => new Int32Array(ranks * bankGroups);
    const perRank = () => new Int32Array(ranks);
    this.state = new Uint8Array(this.banks);
    this.closedBanks = this.banks === 32 ? -1 : (1 << this.banks) - 1;
    this.openRow = perBank().fill(-1);
    this.groupOf = Uint8Array.from({ length: this.banks }, (_, i) => Math.floor(i / banksPerGroup));
    this.rankOf = Uint8Array.from({ length: this.banks }, (_, i) => Math.floor(i / device.banks));
    this.actAt = perBank();
    this.preAt = perBank();
    this.columnAt = perBank();
    this.refreshBankAt = perBank();
    this.groupActAt = perGroup();
    this.groupReadAt = perGroup();
    this.groupWriteAt = perGroup();
    this.rankActAt = perRank();
    this.rankPreAt = perRank();
    this.rankPreAllAt = perRank();
    this.rankReadAt = perRank();
    this.rankWriteAt = perRank();
    this.rankRefreshAt = perRank();
    this.rankRefreshBankAt = perRank();
    this.window = new Int32Array(4 * ranks).fill(-device.timing.nFAW);
    this.windowAt = new Uint8Array(ranks);
    this.openBanks = perRank();
    this.openedAt = perRank();
  }

  /** Earliest cycle of ACT-1. */
  activateReady(bank: number): number {
    const rank = this.rankOf[bank] as number;
    const own = this.actAt[bank] as number;
    const group = this.groupActAt[this.groupOf[bank] as number] as number;
    const all = this.rankActAt[rank] as number;
    return Math.max(own, group, all);
  }

  prechargeReady(bank: number): number {
    const own = this.preAt[bank] as number;
    const all = this.rankPreAt[this.rankOf[bank] as number] as number;
    return Math.max(own, all);
  }

  readReady(bank: number): number {
    const own = this.columnAt[bank] as number;
    const group = this.groupReadAt[this.groupOf[bank] as number] as number;
    const all = this.rankReadAt[this.rankOf[bank] as number] as number;
    return Math.max(own, group, all);
  }

  writeReady(bank: number): number {
    const own = this.columnAt[bank] as number;
    const group = this.groupWriteAt[this.groupOf[bank] as number] as number;
    const all = this.rankWriteAt[this.rankOf[bank] as number] as number;
    return Math.max(own, group, all);
  }

  columnReady(bank: number, write: boolean): number {
    return write ? this.writeReady(bank) : this.readReady(bank);
  }

  /** No rank takes such a command before this cycle. */
  earliestColumn(write: boolean): number {
    return least(write ? this.rankWriteAt : this.rankReadAt);
  }

  earliestPrecharge(): number {
    return least(this.rankPreAt);
  }

  earliestActivate(): number {
    return least(this.rankActAt);
  }

  refreshBankReady(bank: number): number {
    const all = this.rankRefreshBankAt[this.rankOf[bank] as number] as number;
    return Math.max(this.refreshBankAt[bank] as number, all);
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
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    const group = this.groupOf[bank] as number;
    this.state[bank] = ACTIVATING;
    this.closedBanks &= ~(1 << bank);
    this.openRow[bank] = row;
    this.activates++;
    this.columnAt[bank] = now + t.nRCD;
    raise(this.actAt, bank, now + t.nRC);
    raise(this.preAt, bank, now + t.nRAS);
    raise(this.refreshBankAt, bank, now + t.nRC);
    raise(this.groupActAt, group, now + t.nRRD);
    // The fourth ACT before the next one must be tFAW old.
    const slot = 4 * rank + (this.windowAt[rank] as number);
    this.window[slot] = now;
    this.windowAt[rank] = ((this.windowAt[rank] as number) + 1) & 3;
    const oldest = this.window[4 * rank + (this.windowAt[rank] as number)] as number;
    raise(this.rankActAt, rank, now + t.nRRD);
    raise(this.rankActAt, rank, oldest + t.nFAW);
    raise(this.rankPreAllAt, rank, now + t.nRAS);
    raise(this.rankRefreshAt, rank, now + t.nRC);
    if ((this.openBanks[rank] as number)++ === 0) this.openedAt[rank] = now;
  }

  /** ACT-2: the row is open. */
  activated(bank: number): void {
    this.state[bank] = OPEN;
    this.openedBanks |= 1 << bank;
  }

  precharge(bank: number, now: number): void {
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    this.close(bank, now);
    raise(this.actAt, bank, now + t.nRPpb);
    raise(this.refreshBankAt, bank, now + t.nRPpb);
    raise(this.rankPreAt, rank, now + t.nPPD);
    raise(this.rankPreAllAt, rank, now + t.nPPD);
    raise(this.rankRefreshAt, rank, now + t.nRPpb);
  }

  prechargeAll(rank: number, now: number): void {
    const t = this.timing;
    const first = rank * this.banksPerRank;
    for (let bank = first; bank < first + this.banksPerRank; bank++) this.close(bank, now);
    raise(this.rankActAt, rank, now + t.nRPab);
    raise(this.rankPreAt, rank, now + t.nPPD);
    raise(this.rankPreAllAt, rank, now + t.nPPD);
    raise(this.rankRefreshAt, rank, now + t.nRPREF);
    raise(this.rankRefreshBankAt, rank, now + t.nRPab);
  }

  /** One read burst; `close` adds auto-precharge. */
  read(bank: number, now: number, close = false): void {
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    const group = this.groupOf[bank] as number;
    this.reads++;
    raise(this.groupReadAt, group, now + t.nCCDL);
    raise(this.rankReadAt, rank, now + t.nCCDS);
    raise(this.rankWriteAt, rank, now + t.nRTW);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(this.rankReadAt, other, now + t.nRTRO);
      raise(this.rankWriteAt, other, now + t.nRTWO);
    }
    if (close) this.closeAfter(bank, now, t.nRTP);
    else {
      raise(this.preAt, bank, now + t.nRTP);
      raise(this.rankPreAllAt, rank, now + t.nRTP);
    }
  }

  /** One write burst; `close` adds auto-precharge. */
  write(bank: number, now: number, close = false): void {
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    const group = this.groupOf[bank] as number;
    this.writes++;
    raise(this.groupWriteAt, group, now + t.nCCDL);
    raise(this.groupReadAt, group, now + t.nWTRL);
    raise(this.rankWriteAt, rank, now + t.nCCDS);
    raise(this.rankReadAt, rank, now + t.nWTRS);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(this.rankWriteAt, other, now + t.nWTWO);
      raise(this.rankReadAt, other, now + t.nWTRO);
    }
    if (close) this.closeAfter(bank, now, t.nWTP);
    else {
      raise(this.preAt, bank, now + t.nWTP);
      raise(this.rankPreAllAt, rank, now + t.nWTP);
    }
  }

  refreshAll(rank: number, now: number): void {
    const t = this.timing;
    this.refreshes++;
    raise(this.rankActAt, rank, now + t.nRFCab);
    raise(this.rankPreAllAt, rank, now + t.nRFCab);
    raise(this.rankRefreshAt, rank, now + t.nRFCab);
    raise(this.rankRefreshBankAt, rank, now + t.nRFCab);
  }

  refreshBank(bank: number, now: number): void {
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    this.bankRefreshes++;
    raise(this.actAt, bank, now + t.nRFCpb);
    raise(this.refreshBankAt, bank, now + t.nRFCpb);
    raise(this.rankActAt, rank, now + t.nPBR2ACT);
    raise(this.rankRefreshBankAt, rank, now + t.nPBR2PBR);
    raise(this.rankRefreshAt, rank, now + t.nRFCpb);
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
    const t = this.timing;
    const rank = this.rankOf[bank] as number;
    const at = Math.max(now + wait, this.preAt[bank] as number);
    this.close(bank, now);
    raise(this.actAt, bank, at + t.nRPpb);
    raise(this.refreshBankAt, bank, at + t.nRPpb);
    raise(this.rankRefreshAt, rank, at + t.nRPpb);
  }

  private close(bank: number, now: number): void {
    if (this.state[bank] === CLOSED) return;
    const rank = this.rankOf[bank] as number;
    this.state[bank] = CLOSED;
    this.closedBanks |= 1 << bank;
    this.openedBanks &= ~(1 << bank);
    this.openRow[bank] = -1;
    if (--(this.openBanks[rank] as number) === 0) {
      this.openCycles += now - (this.openedAt[rank] as number);
    }
  }
}

function raise(times: Int32Array, index: number, cycle: number): void {
  if ((times[index] as number) < cycle) times[index] = cycle;
}

/** Of one or two ranks. */
function least(times: Int32Array): number {
  const first = times[0] as number;
  return times.length === 1 ? first : Math.min(first, times[1] as number);
}
