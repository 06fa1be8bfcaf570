/**
 * A DRAM controller centred on the data bus: it picks the next burst early and computes when its commands go.
 *
 * Model    hits that need no gap first, then a bank that can be made ready behind other bursts, then any hit,
 *          then the bank that is ready first; writes in batches between two marks
 * Ignores  low-power states, quality of service; one rank only
 * Valid    as a peer of gem5's MemCtrl with DRAMInterface
 * Source   rules as documented for and observed in gem5 24.0 (gem5/gem5, MemCtrl and DRAMInterface)
 * Checked  test/validation/dram.test.ts
 */
import { BurstSlots } from './burst-slots.ts';
import { BurstTiming, NO_ROW, onPicoseconds } from './burst-timing.ts';
import { ChannelState } from './channel-state.ts';
import {
  type ChannelController,
  CompletionRing,
  type CompletionSink,
  type HitCounts,
} from './controller.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { DramDevice } from './device.ts';

/** Reads between two switches to writing, at least, while reads wait (gem5 24.0, min_reads_per_switch). */
const MINIMUM_READS = 16;

type RefreshPhase = 'idle' | 'drain' | 'run';

export class BurstController implements ChannelController {
  /** Only its counts are used: times live in `BurstTiming`. */
  readonly state: ChannelState;
  readonly counts: HitCounts = { hits: 0, misses: 0, conflicts: 0 };
  private readonly device: DramDevice;
  private readonly config: ControllerConfig;
  private readonly sink: CompletionSink;
  private readonly completions = new CompletionRing(0);
  private readonly timing: BurstTiming;
  private readonly slots: BurstSlots;
  private readonly reads: number[] = [];
  private readonly writes: number[] = [];
  private readonly pendingWrites = new Set<number>();
  private readonly prepare: number;
  private nextBurst: number;
  private requestAt = NEVER;
  private writing = false;
  private writingNext = false;
  private sinceSwitch = 0;
  private phase: RefreshPhase = 'idle';
  private refreshAt: number;
  private refreshDue = 0;

  constructor(device: DramDevice, config: ControllerConfig, sink: CompletionSink) {
    this.device = onPicoseconds(device);
    const { timing } = this.device;
    this.config = config;
    this.sink = sink;
    this.state = new ChannelState(device);
    this.timing = new BurstTiming(this.device);
    this.slots = new BurstSlots(config.readQueue + config.writeQueue + 1);
    this.prepare = timing.nRPpb + timing.nRCD;
    this.nextBurst = this.prepare;
    this.refreshAt = config.refresh === 'none' ? NEVER : timing.nREFI - timing.nRPpb;
  }

  collect(now: number): void {
    if (now >= this.completions.from) this.completions.drain(now, this.sink);
  }

  /** A read keeps its place until its data have been returned. */
  hasRoom(write: boolean): boolean {
    const { config, reads, writes } = this;
    if (write) return writes.length < config.writeQueue;
    return reads.length + this.completions.count < config.readQueue;
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
    if (write || pending) this.sink(access, now + this.config.staticLatency);
    if (pending) return true;
    const slot = this.slots.take(burst, access, write, bank, row, now);
    if (write) this.pendingWrites.add(burst);
    (write ? this.writes : this.reads).push(slot);
    if (this.requestAt === NEVER) this.requestAt = now;
    return true;
  }

  tick(now: number): void {
    let at = Math.min(this.requestAt, this.refreshAt);
    while (at <= now) {
      if (this.refreshAt <= this.requestAt) this.stepRefresh(at);
      else {
        this.requestAt = NEVER;
        this.serve(at);
      }
      at = Math.min(this.requestAt, this.refreshAt);
    }
  }

  next(): number {
    return Math.ceil(Math.min(this.requestAt, this.refreshAt, this.completions.due));
  }

  private serve(now: number): void {
    const switched = this.writing !== this.writingNext;
    if (switched) this.sinceSwitch = 0;
    this.writing = this.writingNext;
    if (this.phase !== 'idle') {
      if (this.phase === 'drain') this.startRefresh(now);
      return;
    }
    const queue = this.writing ? this.writes : this.reads;
    if (queue.length === 0) {
      if (this.writing || this.writes.length <= this.lowMark()) return;
      this.writingNext = true;
    } else {
      const gap = switched ? this.device.timing.nRTRO - this.device.timing.nBLmin : 0;
      this.place(queue, this.choose(queue, Math.max(this.nextBurst + gap, now), now), now);
      this.decideSwitch();
    }
    this.requestAt = Math.max(this.nextBurst - this.prepare, now);
  }

  private lowMark(): number {
    return this.config.drainBelow * this.config.writeQueue;
  }

  private decideSwitch(): void {
    const { config, reads, writes } = this;
    if (this.writing) {
      const below = writes.length + config.minimumWrites < this.lowMark();
      const done = reads.length > 0 && this.sinceSwitch >= config.minimumWrites;
      if (writes.length === 0 || below || done) this.writingNext = false;
    } else if (writes.length > config.drainAbove * config.writeQueue) {
      if (this.sinceSwitch >= MINIMUM_READS || reads.length === 0) this.writingNext = true;
    }
  }

  /** Index of the burst to place next, with `seamless` the cycle at which its column command costs no gap. */
  private choose(queue: readonly number[], seamless: number, now: number): number {
    if (queue.length === 1) return 0;
    const { slots, timing } = this;
    const hits = (slot: number) => (timing.openRow[slots.bank(slot)] === slots.row(slot) ? 1 : 0);
    const bankOf = (slot: number) => slots.bank(slot);
    const free = queue.findIndex(
      (slot) => hits(slot) === 1 && timing.columnAt(bankOf(slot), this.writing) <= seamless,
    );
    if (free >= 0) return free;
    const prepped = queue.findIndex((slot) => hits(slot) === 1);
    if (prepped < 0 || queue.some((slot) => hits(slot) === 0)) {
      const { banks, hidden } = this.earliestBanks(queue, seamless, now);
      const early = queue.findIndex(
        (slot) => hits(slot) === 0 && (banks & (1 << bankOf(slot))) !== 0,
      );
      if (early >= 0 && (hidden || prepped < 0)) return early;
    }
    return Math.max(prepped, 0);
  }

  /** Banks with waiting bursts that can be opened first, and whether that hides behind the bus. */
  private earliestBanks(queue: readonly number[], seamless: number, now: number) {
    const { timing, device } = this;
    const { nRPpb, nRCD } = device.timing;
    let waiting = 0;
    for (const slot of queue) waiting |= 1 << this.slots.bank(slot);
    let banks = 0;
    let hidden = false;
    let foundSeamless = false;
    let least = Infinity;
    for (const bank of this.bankOrder()) {
      if ((waiting & (1 << bank)) === 0) continue;
      const open = timing.openRow[bank] !== NO_ROW;
      const activate = open
        ? Math.max(timing.precharge[bank] as number, now) + nRPpb
        : Math.max(timing.activate[bank] as number, now);
      const column = Math.max(timing.columnAt(bank, this.writing), activate + nRCD);
      const isSeamless = column <= seamless;
      if (!isSeamless && (foundSeamless || activate > least)) continue;
      if (!foundSeamless && (isSeamless || activate < least)) banks = 0;
      foundSeamless ||= isSeamless;
      hidden = activate <= Math.max(seamless - nRCD, now);
      banks |= 1 << bank;
      least = activate;
    }
    return { banks, hidden };
  }

  /** Bank numbers rotate over the groups. */
  private *bankOrder(): Generator<number> {
    const { bankGroups, banksPerGroup } = this.device;
    for (let bank = 0; bank < banksPerGroup; bank++) {
      for (let group = 0; group < bankGroups; group++) yield group * banksPerGroup + bank;
    }
  }

  private place(queue: number[], index: number, now: number): void {
    const { slots, timing, device } = this;
    const slot = queue[index] as number;
    const bank = slots.bank(slot);
    const row = slots.row(slot);
    const write = this.writing;
    timing.prune(now);
    this.state.openCycles = timing.openCycles;
    if (timing.openRow[bank] === row) this.counts.hits++;
    else {
      if (timing.openRow[bank] === NO_ROW) this.counts.misses++;
      else {
        this.counts.conflicts++;
        timing.closeRow(bank, Math.max(timing.precharge[bank] as number, now), true);
      }
      timing.openFor(bank, row, Math.max(timing.activate[bank] as number, now));
      this.state.activates++;
    }
    const from = Math.max(timing.columnAt(bank, write), this.nextBurst, now);
    const { at, gap } = timing.column(bank, write, from);
    this.state.sent(write, at + (write ? device.timing.nWL : device.timing.nRL));
    this.nextBurst = at + gap;
    this.sinceSwitch++;
    queue.splice(index, 1);
    if (this.closesRow(queue, bank, row)) {
      timing.closeRow(bank, Math.max(now, timing.precharge[bank] as number), false);
    }
    if (write) {
      this.pendingWrites.delete(slots.burst(slot));
    } else {
      const end = at + device.timing.nRL + device.timing.nBLmin + this.config.staticLatency;
      // The requester looks at whole cycles; a picosecond more or less must not cost it one.
      this.completions.push(slots.access(slot), Math.ceil(end - 1e-2));
    }
    slots.release(slot);
  }

  /** Page policy: looks only at the queue the burst came from. */
  private closesRow(queue: readonly number[], bank: number, row: number): boolean {
    const { page, closeAfter } = this.config;
    if (page === 'close' || this.timing.rowAccesses[bank] === closeAfter) return true;
    if (page !== 'close-adaptive' && page !== 'open-adaptive') return false;
    const { slots } = this;
    const others = queue.filter((slot) => slots.bank(slot) === bank);
    if (others.some((slot) => slots.row(slot) === row)) return false;
    return page === 'close-adaptive' || others.length > 0;
  }

  private stepRefresh(now: number): void {
    const { nREFI, nRPpb } = this.device.timing;
    if (this.phase === 'idle') {
      this.refreshDue = now;
      this.phase = 'drain';
      // A burst about to be placed goes first; it then hands over.
      if (this.requestAt === NEVER) this.startRefresh(now);
      else this.refreshAt = NEVER;
      return;
    }
    this.phase = 'idle';
    this.refreshAt = this.refreshDue + nREFI - nRPpb;
    if (this.requestAt === NEVER) this.requestAt = now;
  }

  private startRefresh(now: number): void {
    const { timing, device } = this;
    if (timing.openBanks > 0) {
      let at = now;
      for (const allowed of timing.precharge) at = Math.max(at, allowed);
      for (let bank = 0; bank < device.banks; bank++) {
        if (timing.openRow[bank] !== NO_ROW) timing.closeRow(bank, at, false);
      }
    }
    const done = Math.max(now, timing.busyUntil) + device.timing.nRFCab;
    timing.activate.fill(done);
    this.state.refreshes++;
    this.phase = 'run';
    this.refreshAt = done;
  }
}
