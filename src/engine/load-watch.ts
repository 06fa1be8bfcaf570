/** Models on their way beside the work of a run: when what they draw from memory changes, and who waits for them. */
import type { Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import { type Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import type { AccessGuard, Job } from './request.ts';
import type { Loading } from './storage.ts';

const NEVER: Seconds = Number.POSITIVE_INFINITY;

export class LoadWatch {
  private readonly load: Loading | undefined;
  private readonly guard: AccessGuard | undefined;
  private readonly kernel: Kernel;
  private readonly kind: number;
  private change: Seconds = NEVER;
  private event: EventHandle = NO_EVENT;
  private held: (readonly [index: number, job: Job])[] = [];

  /** @param kind of the event that tells of a change; whoever gets it calls `fired`. */
  constructor(
    kernel: Kernel,
    kind: number,
    load: Loading | undefined,
    guard: AccessGuard | undefined,
  ) {
    this.kernel = kernel;
    this.kind = kind;
    this.load = load;
    this.guard = guard;
  }

  /** Something is on its way now. */
  get isBusy(): boolean {
    return this.change < NEVER;
  }

  /** A request comes and waits outside until its model is there. */
  hold(index: number, job: Job): void {
    this.load?.come(job);
    this.held.push([index, job]);
  }

  /** Requests whose models are there by now, in the order in which they came. */
  take(): number[] {
    const { load, kernel } = this;
    const free: number[] = [];
    this.held = this.held.filter(([index, job]) => {
      if (load && load.readyAt(job, kernel.now) > kernel.now + TICK) return true;
      free.push(index);
      return false;
    });
    return free;
  }

  fired(): void {
    this.event = NO_EVENT;
    this.load?.told();
  }

  /** Rates are as they are from now on: those who wait, and the next change, go by them. */
  follow(): void {
    const { load, kernel } = this;
    if (!load) return;
    const next = load.nextChange(kernel.now);
    if (next === NEVER && this.change === NEVER) return;
    this.guard?.follow(kernel.now);
    if (next === this.change && this.event !== NO_EVENT) return;
    kernel.cancel(this.event);
    this.change = next;
    this.event = next < NEVER ? kernel.at(next, PRECEDENCE.completion, this.kind, 0) : NO_EVENT;
  }
}
