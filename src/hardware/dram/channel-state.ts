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
import { NEVER } from './controller-config.ts';
import type { DeviceTiming, DramDevice } from './device.ts';
import { ReadyBanks } from './ready-banks.ts';

export const CLOSED = 0;
/** ACT-1 has been sent, ACT-2 has not. */
const ACTIVATING = 1;
export const OPEN = 2;

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACTIVATE, BUS, BUS_KEPT, COLUMN, GROUP, GROUP_READ, GROUP_WRITE, HIT_ROW, MEMBERS } = cell;
const { MOST_BANKS, MOST_RANKS, OPEN_ROW, PRECHARGE, RANK, RANK_ACTIVATE, RANK_PRECHARGE } = cell;
const { RANK_READ, RANK_REFRESH, RANK_REFRESH_BANK, RANK_WRITE, STATE } = cell;
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
  readonly bus: BusLog;
  /** Whose own time has come; those of its rank come on top. */
  readonly ready: ReadyBanks;
  /** Banks that are closed, and those that are open, as bits; in between they are neither. */
  closed: number;
  open = 0;
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
  /** Banks of each rank as bits. */
  private readonly firstRank: number;
  private readonly secondRank: number;
  /** The last four ACT-1 of each rank, oldest overwritten first. */
  private readonly window: Int32Array;
  private readonly windowAt: Uint8Array;
  private readonly openBanks: Int32Array;
  private readonly openedAt: Int32Array;

  constructor(device: DramDevice, cells = new Int32Array(cell.READS)) {
    const { ranks, bankGroups, banksPerGroup } = device;
    const perBank = (from: number) => cells.subarray(from, from + this.banks);
    this.bus = new BusLog(device, cells.subarray(BUS, BUS + BUS_KEPT));
    this.ready = new ReadyBanks(device.timing);
    this.timing = device.timing;
    this.ranks = ranks;
    this.banksPerRank = device.banks;
    this.banks = ranks * device.banks;
    this.cells = cells;
    this.state = perBank(STATE);
    this.openRow = perBank(OPEN_ROW).fill(-1);
    this.rankOf = perBank(RANK);
    this.firstRank = this.banksOf(0);
    this.secondRank = ranks > 1 ? this.banksOf(1) : 0;
    this.closed = this.firstRank | this.secondRank;
    perBank(HIT_ROW).fill(-1);
    const members = banksPerGroup === MOST_BANKS ? -1 : (1 << banksPerGroup) - 1;
    for (let group = 0; group < ranks * bankGroups; group++) {
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

  /** Earliest cycle of PREab: when each row of the rank may close. */
  prechargeAllReady(rank: number): number {
    return this.latestOf(PRECHARGE, rank, RANK_PRECHARGE);
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

  /** Earliest cycle of REFab: when each bank of the rank could be opened, and the rank itself is free. */
  refreshReady(rank: number): number {
    return this.latestOf(ACTIVATE, rank, RANK_REFRESH);
  }

  refreshBankReady(bank: number): number {
    return this.later(ACTIVATE + bank, RANK_REFRESH_BANK + (this.rankOf[bank] as number));
  }

  /** When a rank's own limits let it open a row. */
  rankActivateReady(rank: number): number {
    return this.cells[RANK_ACTIVATE + rank] as number;
  }

  /** Banks, as bits, that take a read in the cycle that `ready` has advanced to. */
  readable(now: number): number {
    const { young, heldReads } = this.ready;
    return this.ranksAllowed(RANK_READ, now) & ~(young | heldReads);
  }

  writable(now: number): number {
    const { young, heldWrites } = this.ready;
    return this.ranksAllowed(RANK_WRITE, now) & ~(young | heldWrites);
  }

  /** Banks of the ranks whose time of a kind has come, as bits. */
  ranksAllowed(kind: number, now: number): number {
    const { cells } = this;
    // A sign instead of a branch, which would go either way.
    const first = this.firstRank & ~((now - (cells[kind] as number)) >> 31);
    if (this.ranks === 1) return first;
    return first | (this.secondRank & ~((now - (cells[kind + 1] as number)) >> 31));
  }

  /** The first cycle after the one that `ready` has advanced to in which another command may become legal. */
  nextChange(now: number): number {
    const { cells } = this;
    let limit = NEVER;
    for (let time = RANK_ACTIVATE; time < RANK_REFRESH; time++) {
      const at = cells[time] as number;
      if (at > now && at < limit) limit = at;
    }
    return this.ready.nextBefore(limit);
  }

  /** The banks of one rank as bits. */
  banksOf(rank: number): number {
    if (this.banksPerRank === 32) return -1;
    return ((1 << this.banksPerRank) - 1) << (rank * this.banksPerRank);
  }

  /** True when every bank of the rank is closed. */
  idle(rank: number): boolean {
    const mine = this.banksOf(rank);
    return (this.closed & mine) === mine;
  }

  /** ACT-1: starts to open `row`; the row counts as open from `activated`. */
  activate(bank: number, row: number, now: number): void {
    const { cells, timing: t, ready } = this;
    const rank = cells[RANK + bank] as number;
    const bit = 1 << bank;
    this.activates++;
    this.closed &= ~bit;
    cells[STATE + bank] = ACTIVATING;
    cells[OPEN_ROW + bank] = row;
    cells[COLUMN + bank] = now + t.nRCD;
    ready.column(bit, now + t.nRCD);
    ready.row(bit, cells[ACTIVATE + bank] as number, now + t.nRAS);
    cells[PRECHARGE + bank] = now + t.nRAS;
    cells[ACTIVATE + bank] = now + t.nRC;
    // The fourth ACT before the next one must be tFAW old.
    const turn = this.windowAt[rank] as number;
    const next = (turn + 1) & 3;
    this.window[4 * rank + turn] = now;
    this.windowAt[rank] = next;
    const oldest = this.window[4 * rank + next] as number;
    raise(cells, RANK_ACTIVATE + rank, Math.max(now + t.nRRD, oldest + t.nFAW));
    if ((this.openBanks[rank] as number)++ === 0) this.openedAt[rank] = now;
  }

  /** ACT-2: the row is open. */
  activated(bank: number): void {
    const { cells } = this;
    cells[STATE + bank] = OPEN;
    cells[HIT_ROW + bank] = cells[OPEN_ROW + bank] as number;
    this.open |= 1 << bank;
  }

  precharge(bank: number, now: number): void {
    const { cells, timing: t } = this;
    this.close(bank, now + t.nRPpb, now);
    raise(cells, RANK_PRECHARGE + (cells[RANK + bank] as number), now + t.nPPD);
  }

  prechargeAll(rank: number, now: number): void {
    const { cells, timing: t } = this;
    const first = rank * this.banksPerRank;
    // Until the row may be opened again tRPab counts, which is the rank's.
    for (let bank = first; bank < first + this.banksPerRank; bank++) this.close(bank, now, now);
    raise(cells, RANK_ACTIVATE + rank, now + t.nRPab);
    raise(cells, RANK_PRECHARGE + rank, now + t.nPPD);
    raise(cells, RANK_REFRESH + rank, now + t.nRPREF);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nRPab);
  }

  /** One read burst; `close` adds auto-precharge. */
  read(bank: number, now: number, close = false): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    cells[BUS + ((this.reads++ + this.writes) & BUS_MASK)] = now + t.nRL;
    this.holdReads(cells[GROUP + bank] as number, now + t.nCCDL);
    raise(cells, RANK_READ + rank, now + t.nCCDS);
    raise(cells, RANK_WRITE + rank, now + t.nRTW);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(cells, RANK_READ + other, now + t.nRTRO);
      raise(cells, RANK_WRITE + other, now + t.nRTWO);
    }
    this.recover(bank, now, t.nRTP, close);
  }

  /** One write burst; `close` adds auto-precharge. */
  write(bank: number, now: number, close = false): void {
    const { cells, timing: t } = this;
    const rank = cells[RANK + bank] as number;
    const group = cells[GROUP + bank] as number;
    cells[BUS + ((this.reads + this.writes++) & BUS_MASK)] = now + t.nWL;
    this.holdReads(group, now + t.nWTRL);
    this.holdWrites(group, now + t.nCCDL);
    raise(cells, RANK_WRITE + rank, now + t.nCCDS);
    raise(cells, RANK_READ + rank, now + t.nWTRS);
    if (this.ranks > 1) {
      const other = 1 - rank;
      raise(cells, RANK_WRITE + other, now + t.nWTWO);
      raise(cells, RANK_READ + other, now + t.nWTRO);
    }
    this.recover(bank, now, t.nWTP, close);
  }

  refreshAll(rank: number, now: number): void {
    const { cells, timing: t } = this;
    this.refreshes++;
    raise(cells, RANK_ACTIVATE + rank, now + t.nRFCab);
    raise(cells, RANK_REFRESH + rank, now + t.nRFCab);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nRFCab);
  }

  refreshBank(bank: number, now: number): void {
    const { cells, timing: t } = this;
    const rank = this.rankOf[bank] as number;
    this.bankRefreshes++;
    this.holdBank(bank, cells[ACTIVATE + bank] as number, now + t.nRFCpb);
    raise(cells, RANK_ACTIVATE + rank, now + t.nPBR2ACT);
    raise(cells, RANK_REFRESH_BANK + rank, now + t.nPBR2PBR);
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

  /** After a column command the row stays `wait` cycles at least; auto-precharge then closes it, not before tRAS is over. */
  private recover(bank: number, now: number, wait: number, close: boolean): void {
    const { cells } = this;
    const before = cells[PRECHARGE + bank] as number;
    const at = Math.max(now + wait, before);
    if (close) this.close(bank, at + this.timing.nRPpb, now);
    else if (at > before) {
      this.ready.row(1 << bank, before, at);
      cells[PRECHARGE + bank] = at;
    }
  }

  private holdReads(group: number, cycle: number): void {
    const { cells } = this;
    const before = cells[GROUP_READ + group] as number;
    if (cycle <= before) return;
    this.ready.reads(cells[MEMBERS + group] as number, before, cycle);
    cells[GROUP_READ + group] = cycle;
  }

  private holdWrites(group: number, cycle: number): void {
    const { cells } = this;
    const before = cells[GROUP_WRITE + group] as number;
    if (cycle <= before) return;
    this.ready.writes(cells[MEMBERS + group] as number, before, cycle);
    cells[GROUP_WRITE + group] = cycle;
  }

  /** A closed bank, which could do its next row command at `before`, is not opened before `cycle`. */
  private holdBank(bank: number, before: number, cycle: number): void {
    const { cells } = this;
    const at = Math.max(cells[ACTIVATE + bank] as number, cycle);
    this.ready.row(1 << bank, before, at);
    cells[ACTIVATE + bank] = at;
  }

  private later(one: number, other: number): number {
    return Math.max(this.cells[one] as number, this.cells[other] as number);
  }

  private latestOf(kind: number, rank: number, own: number): number {
    const { cells, banksPerRank } = this;
    let at = cells[own + rank] as number;
    const first = kind + rank * banksPerRank;
    for (let i = first; i < first + banksPerRank; i++) at = Math.max(at, cells[i] as number);
    return at;
  }

  private close(bank: number, openable: number, now: number): void {
    const { cells } = this;
    if (cells[STATE + bank] === CLOSED) return;
    const rank = cells[RANK + bank] as number;
    const bit = 1 << bank;
    this.closed |= bit;
    this.open &= ~bit;
    cells[STATE + bank] = CLOSED;
    cells[OPEN_ROW + bank] = -1;
    cells[HIT_ROW + bank] = -1;
    this.holdBank(bank, cells[PRECHARGE + bank] as number, openable);
    if (--(this.openBanks[rank] as number) === 0) {
      this.openCycles += now - (this.openedAt[rank] as number);
    }
  }
}

function raise(cells: Int32Array, index: number, cycle: number): void {
  if ((cells[index] as number) < cycle) cells[index] = cycle;
}
