/**
 * A DRAM controller with one command queue per bank behind a transaction queue and a write buffer.
 *
 * Model    each cycle one command, from the next bank in turn that has a legal one, and one burst moves from the
 *          transaction queue (or, while draining, the write buffer) to its bank's queue
 * Ignores  split activates and the data clock; refreshes all banks at once only
 * Valid    as a peer of DRAMsim3 (umd-memsys/DRAMsim3, 2981759), whose structure and rules these are
 * Source   rules as documented for and observed in DRAMsim3
 * Checked  test/validation/dram.test.ts
 */
import { BurstSlots } from './burst-slots.ts';
import { ChannelState, CLOSED } from './channel-state.ts';
import {
  type ChannelController,
  CompletionRing,
  type CompletionSink,
  type HitCounts,
} from './controller.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { DeviceTiming, DramDevice } from './device.ts';
import { RefreshQueue } from './refresh-queue.ts';

export class BankQueueController implements ChannelController {
  readonly state: ChannelState;
  readonly counts: HitCounts = { hits: 0, misses: 0, conflicts: 0 };
  private readonly config: ControllerConfig;
  private readonly timing: DeviceTiming;
  private readonly completions = new CompletionRing(0);
  private readonly sink: CompletionSink;
  private readonly slots: BurstSlots;
  private readonly reads: number[] = [];
  private readonly writes: number[] = [];
  /** Writes that have been promised and not yet done, by burst. */
  private readonly pendingWrites = new Set<number>();
  private readonly queues: readonly number[][];
  private readonly refresh: RefreshQueue;
  /** Column accesses since the row was opened. */
  private readonly accesses: Int32Array;
  private draining = 0;
  private turn = 0;
  private queued = 0;
  private wake = 0;
  private soonest = NEVER;

  constructor(device: DramDevice, config: ControllerConfig, sink: CompletionSink) {
    this.config = config;
    this.timing = device.timing;
    this.sink = sink;
    this.state = new ChannelState(device);
    const { banks } = this.state;
    this.slots = new BurstSlots(
      config.readQueue + config.writeQueue + banks * config.bankQueue + 1,
    );
    this.queues = Array.from({ length: banks }, () => []);
    this.refresh = new RefreshQueue(device, config);
    this.accesses = new Int32Array(banks);
  }

  collect(now: number): void {
    if (now >= this.completions.from) this.completions.drain(now, this.sink);
  }

  hasRoom(write: boolean): boolean {
    return write
      ? this.writes.length < this.config.writeQueue
      : this.reads.length < this.config.readQueue;
  }

  accept(
    burst: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
    now: number,
  ): boolean {
    if (!this.hasRoom(write)) return false;
    const pending = this.pendingWrites.has(burst);
    // A write is done for its owner once it is buffered; one cycle passes each way.
    if (write || pending) this.completions.push(access, now + 2);
    if (pending) return true;
    const slot = this.slots.take(burst, access, write, bank, row, now);
    if (write) this.pendingWrites.add(burst);
    (write ? this.writes : this.reads).push(slot);
    if (now < this.wake) this.wake = now;
    return true;
  }

  tick(now: number): void {
    if (now >= this.refresh.due) {
      this.refresh.advance(now);
      this.wake = now;
    }
    if (now < this.wake) return;
    this.soonest = NEVER;
    const issued = this.issue(now);
    const moved = this.move();
    this.wake = issued || moved ? now + 1 : this.soonest;
  }

  next(): number {
    return Math.min(this.wake, this.completions.due, this.refresh.due);
  }

  private issue(now: number): boolean {
    // While a rank's refresh waits, its queues stand still.
    if (this.refresh.waiting.length > 0) return this.stepRefresh(now);
    const { length } = this.queues;
    for (let i = 0; i < length; i++) {
      this.turn = this.turn + 1 === length ? 0 : this.turn + 1;
      const queue = this.queues[this.turn] as number[];
      if (queue.length > 0 && this.issueFrom(queue, this.turn, now)) return true;
    }
    return false;
  }

  /** The first burst of the queue whose next command is legal gets it. */
  private issueFrom(queue: number[], bank: number, now: number): boolean {
    const { state, slots } = this;
    if (state.state[bank] === CLOSED) return this.openFor(queue[0] as number, bank, now);
    if (this.closeFor(queue, bank, now)) return true;
    for (let i = 0; i < queue.length; i++) {
      const slot = queue[i] as number;
      if (slots.row(slot) !== state.openRow[bank]) continue;
      const at = state.columnReady(bank, slots.writes(slot));
      if (at > now) this.notBefore(at);
      else {
        this.issueColumn(queue, i, bank, now);
        return true;
      }
    }
    return false;
  }

  private openFor(slot: number, bank: number, now: number): boolean {
    const { state } = this;
    const at = state.activateReady(bank);
    if (at > now) return this.notBefore(at);
    state.activate(bank, this.slots.row(slot), now);
    state.activated(bank);
    this.accesses[bank] = 0;
    this.counts.misses++;
    return true;
  }

  /** Only the oldest burst of a bank may close its row. */
  private closeFor(queue: readonly number[], bank: number, now: number): boolean {
    const { state } = this;
    const hit = this.slots.row(queue[0] as number) === state.openRow[bank];
    if (hit || !this.mayClose(queue, bank)) return false;
    const at = state.prechargeReady(bank);
    if (at > now) return this.notBefore(at);
    state.precharge(bank, now);
    return true;
  }

  /** The oldest burst may close the row once no hit waits or the row has had its share. */
  private mayClose(queue: readonly number[], bank: number): boolean {
    if ((this.accesses[bank] as number) >= this.config.hitCap) return true;
    const open = this.state.openRow[bank];
    return !queue.some((slot) => this.slots.row(slot) === open);
  }

  private issueColumn(queue: number[], index: number, bank: number, now: number): void {
    const { slots, state, timing } = this;
    const slot = queue[index] as number;
    const write = slots.writes(slot);
    queue.splice(index, 1);
    this.queued--;
    this.accesses[bank] = (this.accesses[bank] as number) + 1;
    // One column command per activate is the one it was opened for.
    if (this.accesses[bank] !== 1) this.counts.hits++;
    if (write) {
      state.write(bank, now);
      this.pendingWrites.delete(slots.burst(slot));
    } else {
      state.read(bank, now);
      this.completions.push(slots.access(slot), now + timing.nRL + timing.nBLmin + 1);
    }
    slots.release(slot);
  }

  /** Moves the first burst whose bank has room; reads go first unless writes drain. */
  private move(): boolean {
    const { config, writes, reads } = this;
    const full = writes.length >= config.writeQueue;
    if (this.draining === 0 && (full || (writes.length > config.idleDrain && this.queued === 0))) {
      this.draining = writes.length;
    }
    const source = this.draining > 0 ? writes : reads;
    for (let i = 0; i < source.length; i++) {
      const slot = source[i] as number;
      const queue = this.queues[this.slots.bank(slot)] as number[];
      if (queue.length >= config.bankQueue) continue;
      if (this.draining > 0) this.draining--;
      queue.push(slot);
      this.queued++;
      source.splice(i, 1);
      return true;
    }
    return false;
  }

  /** Closes the banks one by one, then refreshes. */
  private stepRefresh(now: number): boolean {
    const { state } = this;
    const rank = this.refresh.waiting[0] as number;
    const first = rank * state.banksPerRank;
    for (let bank = first; bank < first + state.banksPerRank; bank++) {
      if (state.state[bank] === CLOSED) continue;
      const at = state.prechargeReady(bank);
      if (at > now) this.notBefore(at);
      else {
        state.precharge(bank, now);
        return true;
      }
    }
    if (!state.idle(rank)) return false;
    const at = state.refreshReady(rank);
    if (at > now) return this.notBefore(at);
    state.refreshAll(rank, now);
    this.refresh.waiting.shift();
    return true;
  }

  private notBefore(at: number): false {
    if (at < this.soonest) this.soonest = at;
    return false;
  }
}
