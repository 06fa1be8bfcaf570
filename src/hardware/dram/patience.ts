/**
 * Bounds what a burst waits in a controller that serves hits first and writes in batches.
 *
 * Model    at a look every 512 cycles: where a conflict has waited too long, younger hits of its bank no longer pass it;
 *          where a queue that is not served holds a burst that has waited too long, its turn comes, and lasts until such
 *          bursts have gone. Too long is tREFI for reads, as long as a bank may be away for REFab, and nine times that for
 *          writes, for which nobody waits: as long as a refresh may be put off
 * Ignores  classes of requesters; all reads are alike
 * Valid    a bound for each burst, not a deadline: the look, and the bursts before it, come on top
 * Source   JESD209-5: eight refresh commands may be postponed, so nine intervals between two
 * Checked  test/unit/hardware/dram/patience.test.ts, test/property/dram.test.ts
 */
import type { BurstQueue } from './burst-queue.ts';
import type { CommandChoice } from './command-choice.ts';
import { NEVER } from './controller-config.ts';
import type { RowOwners } from './row-owners.ts';

const POSTPONED = 9;
/** Cycles between two looks. */
const LOOK = 512;

export class Patience {
  /** Cycle of the next look; where no burst waits it may be missed. */
  at: number;
  /** A turn is due by force, or has come by force and may still go on. */
  forced = false;
  /** The queue that is not served has waited too long. */
  private late = false;
  private readonly owners: RowOwners;
  private readonly bound: number;
  private readonly reads: BurstQueue;
  private readonly writes: BurstQueue;
  private readonly choice: CommandChoice;
  /** The queue whose turn was forced is served until it holds nothing from before this cycle. */
  private heldFor = 0;

  /** @param bound cycles that a read may wait; `NEVER` for a controller without bounds. */
  constructor(
    bound: number,
    owners: RowOwners,
    reads: BurstQueue,
    writes: BurstQueue,
    choice: CommandChoice,
  ) {
    this.owners = owners;
    this.at = bound === NEVER ? NEVER : LOOK;
    this.bound = bound;
    this.reads = reads;
    this.writes = writes;
    this.choice = choice;
  }

  /**
   * @param opened banks whose row has been opened for one burst of the queue that is not served, as bits.
   * @returns whether that queue's turn comes by force.
   */
  look(now: number, writing: boolean, opened: number): boolean {
    // On a grid, so that it does not matter in which cycles the controller has something to do.
    this.at = (Math.floor(now / LOOK) + 1) * LOOK;
    const [reads, writes] = [now - this.bound, now - POSTPONED * this.bound];
    const { choice } = this;
    choice.overdue = choice.overdueIn(this.reads, reads);
    choice.overdueWrites = choice.overdueIn(this.writes, writes);
    const before = writing ? reads : writes;
    this.late = this.waitsFrom(before, !writing, opened);
    if (this.late) {
      this.heldFor = before;
      this.forced = true;
    }
    return this.late;
  }

  /** The turn has changed. */
  turned(): void {
    if (this.late) this.late = false;
    else this.forced = false;
  }

  /**
   * Asked while `forced`: whether the turn changes by force, stays by force, or, if undefined, goes by the usual rule.
   * @param opened banks whose row has been opened for one burst of the queue that is served, as bits.
   */
  changes(writing: boolean, opened: number): boolean | undefined {
    if (this.late) return true;
    if (this.waitsFrom(this.heldFor, writing, opened)) return false;
    this.forced = false;
    return undefined;
  }

  /** Whether a burst of a queue, or one for which a row has been opened, has come before a cycle. */
  private waitsFrom(before: number, write: boolean, opened: number): boolean {
    if (this.owners.waitsFrom(before, opened)) return true;
    return (write ? this.writes : this.reads).oldest() < before;
  }
}
