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
import { ACCESS, BANK, BurstSlots, COUNTED, ROW, WRITE } from './burst-slots.ts';
import { ChannelState, CLOSED, OPEN } from './channel-state.ts';
import { CommandChoice } from './command-choice.ts';
import {
  type ChannelController,
  CompletionRing,
  type CompletionSink,
  type ControllerConfig,
  type HitCounts,
  NEVER,
} from './controller.ts';
import type { DeviceTiming, DramDevice } from './device.ts';
import { buildLowPower, type LowPower } from './low-power.ts';
import { RefreshQueue } from './refresh-queue.ts';
import { RefreshSteps } from './refresh-steps.ts';

export class CommandController implements ChannelController {
  readonly state: ChannelState;
  readonly counts: HitCounts = { hits: 0, misses: 0, conflicts: 0 };
  private readonly config: ControllerConfig;
  private readonly timing: DeviceTiming;
  private readonly sink: CompletionSink;
  private readonly completions = new CompletionRing(1);
  private readonly slots: BurstSlots;
  private readonly reads: BurstQueue;
  private readonly writes: BurstQueue;
  readonly power: LowPower | undefined;
  private readonly refresh: RefreshQueue;
  private readonly steps: RefreshSteps;
  private readonly holdsChannel: boolean;
  /** Bursts whose row was opened for them and that come first now: one per bank at most. */
  private readonly owner: Int32Array;
  private owners = 0;
  /** Those of them that write. */
  private writers = 0;
  /** Burst whose ACT-1 has gone out; ACT-2 must follow by `deadline`. */
  private opening = -1;
  private deadline = 0;
  /** Burst whose CAS has restarted the data clock; its column command follows at once. */
  private synced = -1;
  private clockUntil = 0;
  private writing = false;
  /** Column accesses since the row was opened. */
  private readonly accesses: Int32Array;
  private wake = 0;
  private commandAt = 0;
  /** What the configuration says, at hand. */
  private readonly closesWorn: boolean;
  private readonly keepsOpen: boolean;
  private readonly splits: boolean;
  private readonly syncs: boolean;
  private readonly drainAbove: number;
  private readonly drainBelow: number;
  private readonly choice: CommandChoice;

  constructor(device: DramDevice, config: ControllerConfig, sink: CompletionSink) {
    this.config = config;
    this.timing = device.timing;
    this.sink = sink;
    this.state = new ChannelState(device);
    const banks = this.state.banks;
    this.slots = new BurstSlots(config.readQueue + config.writeQueue + banks + 2);
    this.reads = new BurstQueue(this.slots, this.state, config.readQueue);
    this.writes = new BurstQueue(this.slots, this.state, config.writeQueue);
    this.refresh = new RefreshQueue(device, config);
    this.choice = new CommandChoice(this.slots, this.state, config.protectHits);
    this.power = buildLowPower(this.state, this.timing, config);
    const { state, refresh, choice, power } = this;
    const queues = [this.reads, this.writes];
    this.steps = new RefreshSteps({ config, state, refresh, choice, queues, power });
    this.holdsChannel = config.refreshHolds === 'channel';
    this.owner = new Int32Array(banks).fill(-1);
    this.accesses = new Int32Array(banks);
    this.closesWorn = config.page === 'close-after';
    this.keepsOpen = config.page === 'open';
    this.splits = config.splitActivate;
    this.syncs = config.wckSync;
    this.drainAbove = config.drainAbove * config.writeQueue;
    this.drainBelow = config.drainBelow * config.writeQueue;
  }

  accept(
    burst: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
    now: number,
  ): boolean {
    const known = this.writes.size > 0 && this.writes.find(burst, bank) >= 0;
    if (known) {
      // Data are still here: a read is answered from them, a write replaces them.
      if (write) this.sink(access, now);
      else this.completions.push(access, now);
      return true;
    }
    const queue = write ? this.writes : this.reads;
    if (queue.size >= queue.limit) return false;
    queue.push(this.slots.take(burst, access, write, bank, row, now));
    this.power?.arrive(this.state.rankOf[bank] as number, now);
    // A burst that has to wait for its bank gives no reason to look at the others.
    const at = write === this.writing ? this.readyAt(queue, bank, row) : NEVER;
    if (at < this.wake) this.wake = at;
    if (this.modeChanges()) this.wake = now;
    return true;
  }

  collect(now: number): void {
    this.completions.drain(now, this.sink);
  }

  hasRoom(write: boolean): boolean {
    const queue = write ? this.writes : this.reads;
    return queue.size < queue.limit;
  }

  tick(now: number): void {
    if (now >= this.refresh.due) {
      this.refresh.advance(now, this.power);
      this.wake = now;
    }
    if (this.power && now >= this.power.due && this.lowerPower(this.power, now)) return;
    // A command longer than a cycle keeps the bus from the next one.
    if (now >= this.wake && now < this.commandAt) this.wake = this.commandAt;
    if (now >= this.wake) this.wake = this.step(now);
  }

  next(): number {
    const due = Math.min(this.wake, this.completions.next(), this.refresh.due);
    return this.power ? Math.min(due, this.power.due) : due;
  }

  /** Idle ranks go down; @returns whether that took the cycle's command. */
  private lowerPower(power: LowPower, now: number): boolean {
    if (now < this.commandAt || !power.step(now, this.refresh.wanted())) return false;
    const free = this.sent(now);
    if (this.wake < free) this.wake = free;
    return true;
  }

  /** No earlier than this can a new burst of the bank be served. */
  private readyAt(queue: BurstQueue, bank: number, row: number): number {
    const { state } = this;
    const phase = state.state[bank];
    if (phase === CLOSED) return state.activateReady(bank);
    if (phase !== OPEN) return NEVER;
    if (state.openRow[bank] === row) return state.columnReady(bank, queue === this.writes);
    return state.prechargeReady(bank);
  }

  /** Issues at most one command; returns the earliest cycle in which another could go. */
  private step(now: number): number {
    const { choice } = this;
    choice.start();
    if (this.closesWorn && this.closeWorn(now)) return this.sent(now);
    if (this.opening >= 0 && this.deadline <= now) return this.finishOpening(now);
    if (this.synced >= 0) {
      const slot = this.synced;
      this.synced = -1;
      this.issueColumn(slot, now);
      return this.sent(now);
    }
    if (this.owners !== 0) {
      choice.considerOwners(this.owner, this.owners & ~this.writers, this.writers, now);
      if (choice.best >= 0) return this.column(choice.best, now);
    }
    if (this.refresh.waiting.length > 0) {
      const busy = this.opening < 0 ? this.owners : this.owners | this.bankBit(this.opening);
      if (this.steps.attempt(busy, now)) return this.sent(now);
      if (this.holdsChannel) return this.idle(now);
    }
    return this.serveQueue(now);
  }

  /** The oldest burst whose next command is legal gets it. */
  private serveQueue(now: number): number {
    const { choice } = this;
    const queue = this.chooseQueue();
    const closable = ~this.owners;
    // One ACT is split at a time.
    const openable = this.opening < 0 ? ~this.steps.held : 0;
    choice.considerQueue(queue, this.writing, closable, openable, now);
    if (choice.best < 0) {
      if (this.opening < 0) choice.awaitQueue(queue, this.writing, closable, openable);
      return this.idle(now);
    }
    if (choice.bestColumn) return this.column(choice.best, now);
    return this.rowCommand(choice.best, now);
  }

  /** A command has gone out; returns when the bus is free for the next. */
  private sent(now: number): number {
    this.commandAt = now + this.timing.nCMD;
    return this.commandAt;
  }

  private idle(now: number): number {
    if (this.opening >= 0) return this.finishOpening(now);
    this.choice.awaitOwners(this.owners & ~this.writers, this.writers);
    return this.choice.soonest;
  }

  private finishOpening(now: number): number {
    const slot = this.opening;
    const bank = this.slots.bank(slot);
    this.opening = -1;
    this.state.activated(bank);
    this.owner[bank] = slot;
    this.owners |= 1 << bank;
    if (this.slots.writes(slot)) this.writers |= 1 << bank;
    this.reads.reclassify(bank);
    this.writes.reclassify(bank);
    return this.sent(now);
  }

  /** Which queue is served: writes once they pile up or no read waits, until few are left and reads wait. */
  private chooseQueue(): BurstQueue {
    if (this.modeChanges()) this.writing = !this.writing;
    return this.writing ? this.writes : this.reads;
  }

  private modeChanges(): boolean {
    const idle = this.reads.size === 0;
    if (this.writing) return !idle && this.writes.size < this.drainBelow;
    return idle || this.writes.size > this.drainAbove;
  }

  private rowCommand(slot: number, now: number): number {
    const { slots, state } = this;
    const { data } = slots;
    const bank = data[slot + BANK] as number;
    if (state.state[bank] === OPEN) {
      if (data[slot + COUNTED] === 0) this.counts.conflicts++;
      data[slot + COUNTED] = 1;
      this.steps.close(bank, now);
      return this.sent(now);
    }
    if (data[slot + COUNTED] === 0) this.counts.misses++;
    data[slot + COUNTED] = 1;
    state.activate(bank, data[slot + ROW] as number, now);
    this.accesses[bank] = 0;
    (data[slot + WRITE] === 1 ? this.writes : this.reads).remove(slot);
    this.opening = slot;
    this.deadline = now + this.timing.nAAD;
    if (!this.splits) this.finishOpening(now);
    return this.sent(now);
  }

  /** Sends the column command, or first the CAS that restarts a stopped data clock. */
  private column(slot: number, now: number): number {
    if (!this.syncs || now < this.clockUntil) return this.issueColumn(slot, now);
    // CAS reserves the next cycle too; an ACT-2 that must go by then goes first.
    if (this.opening >= 0 && this.deadline <= now + this.timing.nCMD)
      return this.finishOpening(now);
    this.synced = slot;
    return this.sent(now);
  }

  private issueColumn(slot: number, now: number): number {
    const { slots, state, timing } = this;
    const { data } = slots;
    const bank = data[slot + BANK] as number;
    const write = data[slot + WRITE] === 1;
    const latency = (write ? timing.nWL : timing.nRL) + timing.nBLmin;
    if (data[slot + COUNTED] === 0) this.counts.hits++;
    this.clockUntil = Math.max(this.clockUntil, now + latency + timing.nWCKPST);
    const owned = this.owner[bank] === slot;
    if (owned) {
      this.owner[bank] = -1;
      this.owners &= ~(1 << bank);
      this.writers &= ~(1 << bank);
    } else (write ? this.writes : this.reads).remove(slot);
    const close = this.closesWith(bank);
    if (write) state.write(bank, now, close);
    else state.read(bank, now, close);
    if (close) {
      this.reads.reclassify(bank);
      this.writes.reclassify(bank);
    }
    const access = data[slot + ACCESS] as number;
    slots.release(slot);
    this.power?.leave(
      state.rankOf[bank] as number,
      now + (write ? timing.nWTP : timing.nRL + timing.nBLmax),
    );
    if (write) this.sink(access, now);
    else this.completions.push(access, now + latency);
    return this.afterColumn(now);
  }

  /** Whether auto-precharge goes with this column command; counts it. */
  private closesWith(bank: number): boolean {
    if (this.keepsOpen) return false;
    const { page, closeAfter } = this.config;
    const bit = 1 << bank;
    const queueHits = ((this.reads.hits | this.writes.hits) & bit) !== 0;
    const queueMisses = (this.reads.misses & bit) !== 0;
    const worn = (this.accesses[bank] as number) >= closeAfter;
    this.accesses[bank] = (this.accesses[bank] as number) + 1;
    if ((this.owners & bit) !== 0) return false;
    if (page === 'close-after') return worn;
    return page === 'close' || (!queueHits && (page === 'close-adaptive' || queueMisses));
  }

  /**
   * The earliest cycle worth looking at after a column command: while only hits wait, when the data bus is free for the
   * next, so most of a stream needs one look per burst.
   */
  private afterColumn(now: number): number {
    const { reads, writes, refresh } = this;
    const least = this.sent(now);
    const rows = this.owners | (this.writing ? writes : reads).misses;
    if (rows !== 0 || this.opening >= 0 || refresh.waiting.length > 0) return least;
    if (!this.keepsOpen || this.modeChanges()) return least;
    return Math.max(least, now + this.timing.nCCDS);
  }

  /** Rows that have had their column accesses are closed as soon as they may. */
  private closeWorn(now: number): boolean {
    const { state } = this;
    for (let bank = 0; bank < state.banks; bank++) {
      const worn = (this.accesses[bank] as number) >= this.config.closeAfter;
      const free = (this.owners & (1 << bank)) === 0 && state.state[bank] === OPEN;
      if (!worn || !free) continue;
      const at = state.prechargeReady(bank);
      if (at > now) this.choice.notBefore(at);
      else {
        this.steps.close(bank, now);
        return true;
      }
    }
    return false;
  }

  private bankBit(slot: number): number {
    return 1 << this.slots.bank(slot);
  }
}
