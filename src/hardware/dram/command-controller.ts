/**
 * A DRAM controller that arbitrates single commands: two queues, first-ready first-come, write drain, refresh.
 *
 * Model    per cycle one command: an overdue ACT-2, the column command of a row just opened, a waiting refresh,
 *          then the oldest burst whose next command is legal; ACT-2 goes out when nothing else can
 * Ignores  errors, retraining, quality of service; low-power states are those of low-power.ts
 * Valid    any device of device.ts; one command bus per channel
 * Source   queue and priority rules as documented for and observed in Ramulator 2.1 (CMU-SAFARI/ramulator2, 2026-06)
 * Checked  test/validation/dram.test.ts
 */
import { BurstQueue } from './burst-queue.ts';
import { BurstSlots } from './burst-slots.ts';
import * as cell from './channel-cells.ts';
import { ChannelState, CLOSED, OPEN } from './channel-state.ts';
import { CommandChoice, ROW_COMMAND } from './command-choice.ts';
import {
  type ChannelController,
  CompletionRing,
  type CompletionSink,
  type HitCounts,
} from './controller.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { DeviceTiming, DramDevice } from './device.ts';
import { buildLowPower, type LowPower } from './low-power.ts';
import { Patience } from './patience.ts';
import { RefreshQueue } from './refresh-queue.ts';
import { RefreshSteps } from './refresh-steps.ts';
import { RowOwners } from './row-owners.ts';
import { RowPolicy } from './row-policy.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACCESS, BANK, COUNTED, HIT, MISS, MOST_BANKS, OPEN_ROW, READS, ROW, STATE, WRITES } = cell;

export class CommandController implements ChannelController {
  readonly state: ChannelState;
  readonly counts: HitCounts = { hits: 0, misses: 0, conflicts: 0 };
  private readonly timing: DeviceTiming;
  private readonly sink: CompletionSink;
  private readonly completions = new CompletionRing(1);
  /** All numbers of the channel, as channel-cells.ts lays them out. */
  private readonly cells: Int32Array;
  private readonly slots: BurstSlots;
  private readonly reads: BurstQueue;
  private readonly writes: BurstQueue;
  readonly power: LowPower | undefined;
  private readonly refresh: RefreshQueue;
  private readonly steps: RefreshSteps;
  private readonly holdsChannel: boolean;
  private readonly owners: RowOwners;
  /** Bank whose ACT-1 has gone out, or -1; ACT-2 must follow by `deadline`. */
  private opening = -1;
  private openingWrites = false;
  private deadline = 0;
  /** Who gets a column command at once because its CAS has restarted the data clock: an owner's bank, an entry, or -1. */
  private synced = -1;
  private clockUntil = 0;
  private writing = false;
  /** The queue that is served: writes while `writing`. */
  private served: BurstQueue;
  private wake = 0;
  /** Next cycle in which something comes that comes now and then. */
  private attention = 0;
  private commandAt = 0;
  private readonly patience: Patience;
  /** What the configuration says, at hand. */
  private readonly keepsOpen: boolean;
  private readonly closesWorn: boolean;
  private readonly rows: RowPolicy;
  private readonly splits: boolean;
  private readonly syncs: boolean;
  /** Writes above which they start, and below which they stop. */
  private readonly drainAbove: number;
  private readonly drainBelow: number;
  private readonly choice: CommandChoice;

  constructor(device: DramDevice, config: ControllerConfig, sink: CompletionSink) {
    this.timing = device.timing;
    this.sink = sink;
    const entries = config.readQueue + config.writeQueue + 1;
    const cells = new Int32Array(cell.ENTRIES + cell.ENTRY_CELLS * entries);
    this.cells = cells;
    this.state = new ChannelState(device, cells);
    this.slots = new BurstSlots(entries, cells, cell.ENTRIES);
    this.reads = new BurstQueue(cells, READS, config.readQueue);
    this.writes = new BurstQueue(cells, WRITES, config.writeQueue);
    this.served = this.reads;
    this.owners = new RowOwners(cells);
    this.refresh = new RefreshQueue(device, config);
    this.choice = new CommandChoice(this.state, config.protectHits);
    this.power = buildLowPower(this.state, this.timing, config);
    const { state, refresh, power } = this;
    const queues = [this.reads, this.writes];
    this.steps = new RefreshSteps({ config, state, refresh, queues, power });
    const bound = config.boundsWait ? this.timing.nREFI : NEVER;
    this.patience = new Patience(bound, this.owners, this.reads, this.writes, this.choice);
    this.holdsChannel = config.refreshHolds === 'channel';
    this.keepsOpen = config.page === 'open';
    this.closesWorn = config.page === 'close-after';
    this.rows = new RowPolicy(config, state, this.reads, this.writes);
    this.splits = config.splitActivate;
    this.syncs = config.wckSync;
    this.drainAbove = Math.floor(config.drainAbove * config.writeQueue);
    this.drainBelow = Math.ceil(config.drainBelow * config.writeQueue);
  }

  accept(
    burst: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
    now: number,
  ): boolean {
    if (this.writes.size !== 0 && this.writes.holds(burst, bank)) {
      // Data are still here: a read is answered from them, a write replaces them.
      if (write) this.sink(access, now);
      else this.completions.push(access, now);
      return true;
    }
    const queue = write ? this.writes : this.reads;
    if (queue.size >= queue.limit) return false;
    if (!queue.join(access, bank, row, now)) {
      queue.push(this.slots.take(burst, access, write, bank, row, now));
    }
    this.power?.arrive(this.state.rankOf[bank] as number, now);
    if (this.wake <= now) return true;
    // A burst that has to wait for its bank gives no reason to look at the others.
    const at = write === this.writing ? this.readyAt(write, bank, row) : NEVER;
    if (at < this.wake) this.wake = at;
    if (this.modeChanges()) this.wake = now;
    return true;
  }

  collect(now: number): void {
    if (now >= this.completions.from) this.completions.drain(now, this.sink);
  }

  hasRoom(write: boolean): boolean {
    const queue = write ? this.writes : this.reads;
    return queue.size < queue.limit;
  }

  tick(now: number): void {
    if (now >= this.attention) this.attend(now);
    const { power } = this;
    if (power !== undefined && now >= power.due && this.lowerPower(power, now)) return;
    if (now < this.wake) return;
    // A command longer than a cycle keeps the bus from the next one.
    this.wake = now < this.commandAt ? this.commandAt : this.step(now);
  }

  next(): number {
    const { power } = this;
    const due = Math.min(this.wake, this.completions.due, this.attention);
    return power === undefined ? due : Math.min(due, power.due);
  }

  /** What comes now and then: refreshes that fall due, and a look for those who have waited too long. */
  private attend(now: number): void {
    const { refresh, patience } = this;
    if (now >= refresh.due) {
      refresh.advance(now, this.power);
      this.wake = now;
    }
    if (now >= patience.at) {
      if (patience.look(now, this.writing, this.openedFor(!this.writing))) this.wake = now;
    }
    this.attention = Math.min(refresh.due, patience.at);
  }

  /** Idle ranks go down; @returns whether that took the cycle's command. */
  private lowerPower(power: LowPower, now: number): boolean {
    if (now < this.commandAt || !power.step(now, this.refresh.wanted())) return false;
    const free = this.sent(now);
    if (this.wake < free) this.wake = free;
    return true;
  }

  /** No earlier than this can a new burst of the bank be served. */
  private readyAt(write: boolean, bank: number, row: number): number {
    const { state, cells } = this;
    const phase = cells[STATE + bank];
    if (phase === CLOSED) return state.activateReady(bank);
    if (phase !== OPEN) return NEVER;
    if (cells[OPEN_ROW + bank] === row) return state.columnReady(bank, write);
    return state.prechargeReady(bank);
  }

  /** Issues at most one command; returns the earliest cycle in which another could go. */
  private step(now: number): number {
    this.state.ready.advance(now);
    if (this.opening >= 0 && this.deadline <= now) return this.finishOpening(now);
    if (this.synced >= 0) {
      const target = this.synced;
      this.synced = -1;
      this.issueColumn(target, now);
      return this.sent(now);
    }
    // Not sooner: the burst for which the data clock was restarted may be of a worn row.
    if (this.closesWorn && this.closeWorn(now)) return this.sent(now);
    const columns = this.columnsOf(this.writing, now);
    if (this.owners.banks !== 0) {
      const bank = this.readyOwner(columns, now);
      if (bank >= 0) return this.column(bank, now);
    }
    if (this.refresh.waiting.length > 0) {
      if (this.stepRefresh(now)) return this.sent(now);
      if (this.holdsChannel) return this.idle(now);
    }
    return this.serveQueue(columns, now);
  }

  /** Banks, as bits, that take a column command now. */
  private columnsOf(write: boolean, now: number): number {
    return write ? this.state.writable(now) : this.state.readable(now);
  }

  private closeWorn(now: number): boolean {
    const bank = this.rows.wornBank(now, this.owners.banks);
    if (bank >= 0) this.steps.close(bank, now);
    return bank >= 0;
  }

  private stepRefresh(now: number): boolean {
    const { banks } = this.owners;
    const busy = this.opening < 0 ? banks : banks | (1 << this.opening);
    return this.steps.attempt(busy, now);
  }

  /** The oldest burst whose row has been opened for it and whose column command is legal, as its bank, or -1. */
  private readyOwner(columns: number, now: number): number {
    const { owners, writing } = this;
    const { banks, writers } = owners;
    const others = writing ? banks & ~writers : writers;
    let ready = banks & ~others & columns;
    if (others !== 0) ready |= others & this.columnsOf(!writing, now);
    return ready === 0 ? -1 : owners.first(ready);
  }

  /** The oldest burst whose next command is legal gets it. */
  private serveQueue(columns: number, now: number): number {
    const { choice } = this;
    if (this.modeChanges()) {
      this.writing = !this.writing;
      this.served = this.writing ? this.writes : this.reads;
      this.patience.turned();
      columns = this.columnsOf(this.writing, now);
    }
    const { writing } = this;
    const queue = this.served;
    const overdue = writing ? choice.overdueWrites : choice.overdue;
    // One ACT is split at a time.
    const openable = this.opening < 0 ? ~this.steps.held : 0;
    const best = choice.fromQueue(queue, columns, overdue, ~this.owners.banks, openable, now);
    if (best < 0) return this.idle(now);
    if (best >= ROW_COMMAND) return this.rowCommand(queue, best - ROW_COMMAND, now);
    return this.column(this.cells[queue.base + HIT + best] as number, now);
  }

  /** A command has gone out; returns when the bus is free for the next. */
  private sent(now: number): number {
    this.commandAt = now + this.timing.nCMD;
    return this.commandAt;
  }

  /** Nothing could go but the second half of an ACT; returns when something may. */
  private idle(now: number): number {
    if (this.opening >= 0) return this.finishOpening(now);
    let soonest = this.closesWorn ? this.rows.soonest : NEVER;
    if (this.refresh.waiting.length > 0) soonest = Math.min(soonest, this.steps.soonest);
    const waiting = this.owners.banks | this.served.size;
    return waiting === 0 ? soonest : Math.min(soonest, this.state.nextChange(now));
  }

  private finishOpening(now: number): number {
    const bank = this.opening;
    this.opening = -1;
    this.state.activated(bank);
    this.owners.add(bank, this.openingWrites);
    this.reads.opened(bank);
    this.writes.opened(bank);
    return this.sent(now);
  }

  /**
   * Whether the other queue's turn comes: writes once they pile up or no read waits, until few are left and reads wait;
   * either once one of it has waited too long.
   */
  private modeChanges(): boolean {
    const { patience, reads, writes } = this;
    if (patience.forced) {
      const forced = patience.changes(this.writing, this.openedFor(this.writing));
      if (forced !== undefined) return forced;
    }
    if (this.writing) return reads.size !== 0 && writes.size < this.drainBelow;
    return reads.size === 0 || writes.size > this.drainAbove;
  }

  /** Banks whose row has been or is being opened for one write, or one read, as bits. */
  private openedFor(write: boolean): number {
    const { opening, openingWrites } = this;
    const { banks, writers } = this.owners;
    const opened = write ? writers : banks & ~writers;
    return opening >= 0 && openingWrites === write ? opened | (1 << opening) : opened;
  }

  /** The oldest burst of another row than the bank's open one gets its next command. */
  private rowCommand(queue: BurstQueue, bank: number, now: number): number {
    const { cells, state } = this;
    const entry = cells[queue.base + MISS + bank] as number;
    const first = cells[entry + COUNTED] === 0;
    cells[entry + COUNTED] = 1;
    if (cells[STATE + bank] === OPEN) {
      if (first) this.counts.conflicts++;
      this.steps.close(bank, now);
      return this.sent(now);
    }
    if (first) this.counts.misses++;
    state.activate(bank, cells[entry + ROW] as number, now);
    this.rows.opened(bank);
    this.choice.opened(bank);
    this.owners.note(bank, entry);
    this.take(entry, queue);
    this.opening = bank;
    this.openingWrites = this.writing;
    this.deadline = now + this.timing.nAAD;
    if (!this.splits) this.finishOpening(now);
    return this.sent(now);
  }

  /** One burst of an entry leaves its queue. */
  private take(entry: number, queue: BurstQueue): void {
    if (queue.remove(entry)) this.slots.release(entry);
  }

  /** Sends the column command, or first the CAS that restarts a stopped data clock. */
  private column(target: number, now: number): number {
    if (!this.syncs || now < this.clockUntil) return this.issueColumn(target, now);
    // CAS reserves the next cycle too; an ACT-2 that must go by then goes first.
    if (this.opening >= 0 && this.deadline <= now + this.timing.nCMD)
      return this.finishOpening(now);
    this.synced = target;
    return this.sent(now);
  }

  /** @param target an entry of the queue that is served, or the bank whose row was opened for one burst. */
  private issueColumn(target: number, now: number): number {
    const { cells, writing, owners } = this;
    if (target < MOST_BANKS) {
      const write = (owners.writers & (1 << target)) !== 0;
      return this.send(target, owners.take(target), write, now);
    }
    const bank = cells[target + BANK] as number;
    const access = cells[target + ACCESS] as number;
    if (cells[target + COUNTED] === 0) this.counts.hits++;
    this.take(target, this.served);
    return this.send(bank, access, writing, now);
  }

  private send(bank: number, access: number, write: boolean, now: number): number {
    const { state, timing, power } = this;
    const latency = (write ? timing.nWL : timing.nRL) + timing.nBLmin;
    this.clockUntil = Math.max(this.clockUntil, now + latency + timing.nWCKPST);
    const close = !this.keepsOpen && this.rows.closesWith(bank, this.owners.banks);
    if (write) state.write(bank, now, close);
    else state.read(bank, now, close);
    if (close) {
      this.reads.closed(bank);
      this.writes.closed(bank);
    }
    if (power) {
      const busy = write ? timing.nWTP : timing.nRL + timing.nBLmax;
      power.leave(state.rankOf[bank] as number, now + busy);
    }
    if (write) this.sink(access, now);
    else this.completions.push(access, now + latency);
    return this.afterColumn(now);
  }

  /**
   * The earliest cycle worth looking at after a column command: while only hits wait, when the data bus is free for the
   * next, so most of a stream needs one look per burst.
   */
  private afterColumn(now: number): number {
    const least = this.sent(now);
    const rows = this.owners.banks | this.served.misses;
    if (rows !== 0 || this.opening >= 0 || this.refresh.waiting.length > 0) return least;
    if (!this.keepsOpen || this.modeChanges()) return least;
    return Math.max(least, now + this.timing.nCCDS);
  }
}
