/** The one loop that moves simulated time. */
import { InvariantError } from '../base/errors.ts';
import type { Seconds } from '../base/units.ts';
import { onGrid } from './clock.ts';
import { type EventHandle, EventQueue } from './event-queue.ts';

/**
 * Order of events at one instant; a smaller number goes first.
 *
 * Completions precede arrivals: a unit freed at t must be visible to work arriving at t, or the schedule
 * would depend on the order in which files were loaded. Control comes last, so that it sees the whole instant.
 */
export const PRECEDENCE = { completion: 0, launch: 1, arrival: 2, control: 3 } as const;

/** Called for every event in order; `kind` and `subject` mean what the caller of `at` says. */
export type EventHandler = (kind: number, subject: number) => void;

export class Kernel {
  private readonly queue = new EventQueue();
  private stopped = false;
  /** The present, on the grid of `clock.ts`. */
  now: Seconds = 0;
  /** Events handled so far, those passed by `advance` included. */
  eventCount = 0;

  /** Schedules an event; `time` may not lie in the past. */
  at(time: Seconds, precedence: number, kind: number, subject: number): EventHandle {
    const when = onGrid(time);
    if (!(when >= this.now)) {
      throw new InvariantError(
        `event ${kind} of ${subject} at ${time} s lies before now, ${this.now} s`,
      );
    }
    return this.queue.schedule(when, precedence, kind, subject);
  }

  /** @returns whether the event was still pending. */
  cancel(handle: EventHandle): boolean {
    return this.queue.cancel(handle);
  }

  /**
   * Moves to `time` at once when nothing else happens before it or at the same instant; otherwise does nothing.
   *
   * Exactly what scheduling an event and returning to the loop would do, without touching the heap:
   * a chain of operators on a quiet machine costs no queue work.
   */
  advance(time: Seconds): boolean {
    const when = onGrid(time);
    if (this.stopped || when >= this.queue.nextTime) return false;
    this.now = when;
    this.eventCount++;
    return true;
  }

  /** Time of the next pending event; Infinity when there is none. */
  get nextTime(): Seconds {
    return this.queue.nextTime;
  }

  /** Ends `run` after the present event. */
  stop(): void {
    this.stopped = true;
  }

  /** Handles events until none is left or `stop` is called. */
  run(handle: EventHandler): void {
    const { queue } = this;
    this.stopped = false;
    while (!this.stopped && queue.pop()) {
      this.now = queue.time;
      this.eventCount++;
      handle(queue.kind, queue.subject);
    }
  }
}
