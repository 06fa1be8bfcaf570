/**
 * Which command one LPDDR channel may take when: rows, and the next legal cycle per bank, group and rank.
 *
 * Model    every JEDEC limit pushes the earliest cycle of a later command; all row limits count from ACT-1
 * Ignores  the data clock and the order ACT-1/ACT-2, which are the controller's promise to keep
 * Valid    one or two ranks of up to 16 banks that share command and data bus
 * Source   limits and their scope as in JESD209-5B tables 330-333, 344, 372 and 235
 * Checked  test/unit/hardware/dram/channel-state.test.ts: each limit legal at its cycle, illegal one before
 */
import { BusLog } from './bus-log.ts';
import * as cell from './channel-cells.ts';
import type { DeviceTiming, DramDevice } from './device.ts';

export const CLOSED = 0;
/** ACT-1 has been sent, ACT-2 has not. */
const ACTIVATING = 1;
export const OPEN = 2;

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACTIVATE, CLOSED_BANKS, COLUMN, GROUP, GROUP_READ, GROUP_WRITE, HIT_ROW, MEMBERS } = cell;
const { MOST_BANKS, MOST_RANKS, OPEN_BANKS, OPEN_ROW, PRECHARGE, RANK, RANK_ACTIVATE } = cell;
const { RANK_PRECHARGE, RANK_PRECHARGE_ALL, RANK_READ, RANK_REFRESH } = cell;
const { RANK_REFRESH_BANK, RANK_WRITE, REFRESH_BANK, STATE } = cell;
const { BUS, BUS_KEPT } = cell;
const BUS_MASK = BUS_KEPT - 1;

/** Owned by one controller, which asks for the earliest cycle of a command before it issues it. */
export class ChannelState {
  readonly banks: number;
  readonly banksPerRank: number;
  readonly cells: Int32Array;
  /** Parts of it, by flat bank (rank, group, bank). */
  readonly state: Int32Array;
  readonly openRow: Int32Array;
  readonly rankOf: Int32Array;
  /** Parts of it, by rank. */
  readonly rankActAt: Int32Array;
  readonly rankPreAllAt: Int32Array;
  readonly rankRefreshAt: Int32Array;
  readonly bus: BusLog;
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
  private readonly groups: number;
  /** Banks of the first rank as bits. */
  private readonly firstRank: number;
  /** The last four ACT-1 of each rank, oldest overwritten first. */
  private readonly window: Int32Array;
  private readonly windowAt: Uint8Array;
  private readonly openBanks: Int32Array;
  private readonly openedAt: Int32Array;

  constructor(device: DramDevice, cells = new Int32Array(cell.READS)) {
    const { ranks, bankGroups, banksPerGroup } = device;
    const perBank = (from: number) => cells.subarray(from, from + this.banks);
    const perRank = (from: number) => cells.subarray(from, from + MOST_RANKS);
    this.bus = new BusLog(device, cells.subarray(BUS, BUS + BUS_KEPT));
    this.timing = device.timing;
    this.ranks = ranks;
    this.banksPerRank = device.banks;
    this.banks = ranks * device.banks;
    this.groups = ranks * bankGroups;
    this.cells = cells;
    this.state = perBank(STATE);
    this.openRow = perBank(OPEN_ROW).fill(-1);
    this.rankOf = perBank(RANK);
    this.rankActAt = perRank(RANK_ACTIVATE);
    this.rankPreAllAt = perRank(RANK_PRECHARGE_ALL);
    this.rankRefreshAt = perRank(RANK_REFRESH);
    this.firstRank = this.banksOf(0);
    cells[CLOSED_BANKS] = this.banks === MOST_BANKS ? -1 : (1 << this.banks) - 1;
    perBank(HIT_ROW).fill(-1);
    const members = banksPerGroup === MOST_BANKS ? -1 : (1 << banksPerGroup) - 1;
    for (let group = 0; group < this.groups; group++) {
      cells[MEMBERS + group] = members << (group * banksPerGroup);
    }
    for (let bank = 0; bank < this.banks; bank++) {
      cells[GROUP + bank] = Math.floor(bank / banksPerGroup);
      cells[RANK + bank] = Math.floor(bank / device.banks);
    }
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
    const group = this.cells[GROUP_READ + (this.cells[GROUP + bank] as number)] as number;
    return Math.max(group, this.later(COLUMN + bank, RANK_READ + (this.rankOf[bank] as number)));
  }

  writeReady(bank: number): number {
    const group = this.cells[GROUP_WRITE + (this.cells[GROUP + bank] as number)] as number;
    return Math.max(group, this.later(COLUMN + bank, RANK_WRITE + (this.rankOf[bank] as number)));
  }

  columnReady(bank: number, write: boolean): number {
    return write ? this.writeReady(bank) : this.readReady(bank);
  }

  /** Banks whose rank and group take a read or a write now, as bits. */
  columnsAllowed(write: boolean, now: number): number {
    const { cells, groups } = this;
    const ranks = this.ranksAllowed(write ? RANK_WRITE : RANK_READ, now);
    if (ranks === 0) return 0;
    const from = write ? GROUP_WRITE : GROUP_READ;
    let held = 0;
    // A sign instead of a branch, which would go either way.
    for (let group = 0; group < groups; group++) {
      const late = (now - (cells[from + group] as number)) >> 31;
      held |= (cells[MEMBERS + group] as number) & late;
    }
    return ranks & ~held;
  }

  /** Banks of the ranks whose time of a kind has come, as bits. */
  ranksAllowed(kind: number, now: number): number {
    const { cells } = this;
    const first = (cells[kind] as number) <= now ? this.firstRank : 0;
    if (this.ranks === 1) return first;
    return (cells[kind + 1] as number) <= now ? first | ~this.firstRank : first;
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
    return ((this.cells[CLOSED_BANKS] as number) & mine) === mine;
  }

  /** ACT-1: starts to open `row`; the row counts as open from `activated`. */
  activate(bank: number, row: number, now: number): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    cells[STATE + bank] = ACTIVATING;
    cells[CLOSED_BANKS] = (cells[CLOSED_BANKS] as number) & ~(1 << bank);
    cells[OPEN_ROW + bank] = row;
    this.activates++;
    cells[COLUMN + bank] = now + t.nRCD;
    raise(cells, ACTIVATE + bank, now + t.nRC);
    raise(cells, PRECHARGE + bank, now + t.nRAS);
    raise(cells, REFRESH_BANK + bank, now + t.nRC);
    // The fourth ACT before the next one must be tFAW old.
    const slot = 4 * rank + (this.windowAt[rank] as number);
    this.window[slot] = now;
    this.windowAt[rank] = ((this.windowAt[rank] as number) + 1) & 3;
    const oldest = this.window[4 * rank + (this.windowAt[rank] as number)] as number;
    raise(cells, RANK_ACTIVATE + rank, now + t.nRRD);
    raise(cells, RANK_ACTIVATE + rank, oldest + t.nFAW);
    raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nRAS);
    raise(cells, RANK_REFRESH + rank, now + t.nRC);
    if ((this.openBanks[rank] as number)++ === 0) this.openedAt[rank] = now;
  }

  /** ACT-2: the row is open. */
  activated(bank: number): void {
    const { cells } = this;
    cells[STATE + bank] = OPEN;
    cells[HIT_ROW + bank] = cells[OPEN_ROW + bank] as number;
    cells[OPEN_BANKS] = (cells[OPEN_BANKS] as number) | (1 << bank);
  }

  precharge(bank: number, now: number): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    this.close(bank, now);
    raise(cells, ACTIVATE + bank, now + t.nRPpb);
    raise(cells, REFRESH_BANK + bank, now + t.nRPpb);
    raise(cells, RANK_PRECHARGE + rank, now + t.nPPD);
    raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nPPD);
    raise(cells, RANK_REFRESH + rank, now + t.nRPpb);
  }

  prechargeAll(rank: number, now: number): void {
    const { cells, timing: t } = this;
    const first = rank * this.banksPerRank;
    for (let bank = first; bank < first + this.banksPerRank; bank++) this.close(bank, now);
    raise(cells, RANK_ACTIVATE + rank, now + t.nRPab);
    raise(cells, RANK_PRECHARGE + rank, now + t.nPPD);
    raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nPPD);
    raise(cells, RANK_REFRESH + rank, now + t.nRPREF);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nRPab);
  }

  /** One read burst; `close` adds auto-precharge. */
  read(bank: number, now: number, close = false): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    const group = cells[GROUP + bank] as number;
    cells[BUS + ((this.reads++ + this.writes) & BUS_MASK)] = now + t.nRL;
    raise(cells, GROUP_READ + group, now + t.nCCDL);
    raise(cells, RANK_READ + rank, now + t.nCCDS);
    raise(cells, RANK_WRITE + rank, now + t.nRTW);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(cells, RANK_READ + other, now + t.nRTRO);
      raise(cells, RANK_WRITE + other, now + t.nRTWO);
    }
    if (close) this.closeAfter(bank, now, t.nRTP);
    else {
      raise(cells, PRECHARGE + bank, now + t.nRTP);
      raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nRTP);
    }
  }

  /** One write burst; `close` adds auto-precharge. */
  write(bank: number, now: number, close = false): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    const group = cells[GROUP + bank] as number;
    cells[BUS + ((this.reads + this.writes++) & BUS_MASK)] = now + t.nWL;
    raise(cells, GROUP_WRITE + group, now + t.nCCDL);
    raise(cells, GROUP_READ + group, now + t.nWTRL);
    raise(cells, RANK_WRITE + rank, now + t.nCCDS);
    raise(cells, RANK_READ + rank, now + t.nWTRS);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(cells, RANK_WRITE + other, now + t.nWTWO);
      raise(cells, RANK_READ + other, now + t.nWTRO);
    }
    if (close) this.closeAfter(bank, now, t.nWTP);
    else {
      raise(cells, PRECHARGE + bank, now + t.nWTP);
      raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nWTP);
    }
  }

  refreshAll(rank: number, now: number): void {
    const { cells, timing: t } = this;
    this.refreshes++;
    raise(cells, RANK_ACTIVATE + rank, now + t.nRFCab);
    raise(cells, RANK_PRECHARGE_ALL + rank, now + t.nRFCab);
    raise(cells, RANK_REFRESH + rank, now + t.nRFCab);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nRFCab);
  }

  refreshBank(bank: number, now: number): void {
    const { cells, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    this.bankRefreshes++;
    raise(cells, ACTIVATE + bank, now + t.nRFCpb);
    raise(cells, REFRESH_BANK + bank, now + t.nRFCpb);
    raise(cells, RANK_ACTIVATE + rank, now + t.nPBR2ACT);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nPBR2PBR);
    raise(cells, RANK_REFRESH + rank, now + t.nRFCpb);
  }

  /** Counts a burst whose limits are kept elsewhere; `data` is the cycle of its first data. */
  sent(write: boolean, data: number): void {
    this.cells[BUS + ((this.reads + this.writes) & BUS_MASK)] = data;
    if (write) this.writes++;
    else this.reads++;
  }

  /** Bursts that the data bus has carried by a cycle. */
  carriedBy(cycle: number): number {
    return this.bus.carriedBy(cycle, this.reads + this.writes);
  }

  /** No command to the rank before `cycle`, as while it comes out of a low-power state. */
  holdRank(rank: number, cycle: number): void {
    const { cells } = this;
    for (let kind = RANK_ACTIVATE; kind <= RANK_REFRESH_BANK; kind += MOST_RANKS) {
      raise(cells, kind + rank, cycle);
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
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    const at = Math.max(now + wait, cells[PRECHARGE + bank] as number);
    this.close(bank, now);
    raise(cells, ACTIVATE + bank, at + t.nRPpb);
    raise(cells, REFRESH_BANK + bank, at + t.nRPpb);
    raise(cells, RANK_REFRESH + rank, at + t.nRPpb);
  }

  private later(one: number, other: number): number {
    return Math.max(this.cells[one] as number, this.cells[other] as number);
  }

  private close(bank: number, now: number): void {
    const { cells } = this;
    if (cells[STATE + bank] === CLOSED) return;
    const rank = cells[RANK + bank] as number;
    const bit = 1 << bank;
    cells[STATE + bank] = CLOSED;
    cells[CLOSED_BANKS] = (cells[CLOSED_BANKS] as number) | bit;
    cells[OPEN_BANKS] = (cells[OPEN_BANKS] as number) & ~bit;
    cells[OPEN_ROW + bank] = -1;
    cells[HIT_ROW + bank] = -1;
    if (--(this.openBanks[rank] as number) === 0) {
      this.openCycles += now - (this.openedAt[rank] as number);
    }
  }
}

function raise(cells: Int32Array, index: number, cycle: number): void {
  if ((cells[index] as number) < cycle) cells[index] = cycle;
}
