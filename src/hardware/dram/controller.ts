/** What every DRAM controller of the transaction model shares: contract towards the driver, counts. */
import type { ChannelState } from './channel-state.ts';
import { NEVER } from './controller-config.ts';
import type { LowPower } from './low-power.ts';

/** Takes a completed burst; `cycle` is when its data had arrived or its write was let go of. */
export type CompletionSink = (access: number, cycle: number) => void;

/**
 * One channel's controller.
 *
 * For rising cycles the driver calls `collect`, then `accept` for each burst that arrives, then `tick` once.
 * `collect` reports reads that have ended, in order. `accept` says no while the queue is full; it may come right
 * after the `tick` of the cycle before, when nothing else can happen in between. `tick` does one cycle and
 * `next` tells the next one in which anything can happen without a new arrival.
 */
export interface ChannelController {
  readonly state: ChannelState;
  readonly counts: HitCounts;
  /** Only where ranks may power down. */
  readonly power?: LowPower | undefined;
  collect(now: number): void;
  /** Whether a burst of this kind would find room. */
  hasRoom(write: boolean): boolean;
  accept(
    burst: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
    now: number,
  ): boolean;
  tick(now: number): void;
  next(): number;
}

/** How bursts found their row at their first command. */
export interface HitCounts {
  hits: number;
  misses: number;
  conflicts: number;
}

/** Completions of one channel in the order of their cycles. */
export class CompletionRing {
  count = 0;
  /** When the driver must come back for the earliest access that may have ended, or `NEVER`. */
  due = NEVER;
  /** When it may be told of the first burst, or `NEVER`. */
  from = NEVER;
  private access = new Int32Array(256);
  private cycle = new Int32Array(256);
  private first = 0;

  /** Cycles between the end of a burst and the driver's next chance to react to it. */
  private readonly reaction: number;

  constructor(reaction: number) {
    this.reaction = reaction;
  }

  push(access: number, cycle: number): void {
    if (this.count === this.access.length) this.grow();
    const mask = this.access.length - 1;
    const last = (this.first + this.count - 1) & mask;
    // A completion never overtakes the one before it: the data bus is one.
    const before = this.count > 0 ? (this.cycle[last] as number) : 0;
    const at = (this.first + this.count) & mask;
    this.access[at] = access;
    this.cycle[at] = Math.max(cycle, before);
    this.count++;
    if (this.count <= 2) this.plan();
  }

  /** Hands over all that the driver may know by `now`; asked once `from` has come. */
  drain(now: number, sink: CompletionSink): void {
    const until = now - this.reaction;
    const mask = this.access.length - 1;
    while (this.count > 0 && (this.cycle[this.first] as number) <= until) {
      const access = this.access[this.first] as number;
      const cycle = this.cycle[this.first] as number;
      this.first = (this.first + 1) & mask;
      this.count--;
      sink(access, cycle);
    }
    this.plan();
  }

  private plan(): void {
    if (this.count === 0) {
      this.due = NEVER;
      this.from = NEVER;
      return;
    }
    const mask = this.access.length - 1;
    let at = this.first;
    this.from = (this.cycle[at] as number) + this.reaction;
    // Of two bursts of one access only the second can end it.
    const second = (at + 1) & mask;
    if (this.count > 1 && this.access[at] === this.access[second]) at = second;
    this.due = (this.cycle[at] as number) + this.reaction;
  }

  private grow(): void {
    const { access, cycle, first, count } = this;
    const size = access.length;
    this.access = new Int32Array(2 * size);
    this.cycle = new Int32Array(2 * size);
    for (let i = 0; i < count; i++) {
      this.access[i] = access[(first + i) & (size - 1)] as number;
      this.cycle[i] = cycle[(first + i) & (size - 1)] as number;
    }
    this.first = 0;
  }
}
