/**
 * When control looks: every period while anything moves, less often while nothing does.
 *
 * Looks cost as much as hundreds of operators, and most of a long run is steady. Heat between two looks is exact
 * whatever their distance, so waiting changes only how late a governor could act. It waits while nothing runs, and
 * while clocks have stood still with the die far below its trip; a phase that begins or ends brings it back.
 */
import type { Seconds } from '../base/units.ts';
import { NO_EVENT } from '../kernel/event-queue.ts';
import { type Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import type { ControlLoop } from './control-loop.ts';
import { EVENT } from './dispatcher-parts.ts';

/** Periods between looks with nothing to run. */
const IDLE_STRETCH = 50;
/** Periods between looks while steady: ten of 10 ms are the polling interval of thermal zones at rest. */
const STEADY_STRETCH = 10;
/** Looks without any change before work counts as steady. */
const STEADY_AFTER = 10;

export class Pace {
  private readonly kernel: Kernel;
  private readonly control: ControlLoop;
  private readonly period: Seconds;
  private next = NO_EVENT;
  /** A switch of clocks that ends between two looks. */
  private switching = NO_EVENT;
  private stretch = 1;

  constructor(kernel: Kernel, control: ControlLoop, period: Seconds) {
    this.kernel = kernel;
    this.control = control;
    this.period = period;
    this.lookAfter(1);
  }

  /** The look that is due now. */
  look(idle: boolean): void {
    this.control.tick(this.kernel.now);
    const steady = this.control.steadyLooks >= STEADY_AFTER ? STEADY_STRETCH : 1;
    this.lookAfter(idle ? IDLE_STRETCH : steady);
  }

  /** Something is about to happen: after a long idle wait, control catches up first. */
  wake(): void {
    if (this.stretch !== IDLE_STRETCH) return;
    this.control.tick(this.kernel.now);
    this.control.wakeMemory(this.kernel.now);
    this.lookAfter(1);
  }

  /** A phase begins or ends: what was steady may not be. */
  hurry(): void {
    this.control.steadyLooks = 0;
    if (this.stretch === STEADY_STRETCH) this.lookAfter(1);
  }

  /** Clocks change between two looks. */
  change(): void {
    this.switching = NO_EVENT;
    this.control.change(this.kernel.now);
    this.followChanges();
  }

  private followChanges(): void {
    const { kernel } = this;
    kernel.cancel(this.switching);
    const time = this.control.nextChange;
    this.switching =
      time < Number.POSITIVE_INFINITY
        ? kernel.at(Math.max(time, kernel.now), PRECEDENCE.control, EVENT.clock, 0)
        : NO_EVENT;
  }

  private lookAfter(stretch: number): void {
    const { kernel } = this;
    kernel.cancel(this.next);
    this.stretch = stretch;
    const time = kernel.now + stretch * this.period;
    this.next = kernel.at(time, PRECEDENCE.control, EVENT.control, 0);
    this.followChanges();
  }
}
