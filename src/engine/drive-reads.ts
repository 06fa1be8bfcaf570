/**
 * Operators that wait for experts and adapters, and what of the drive each gets.
 *
 * Model    an operator reads before its launch, for as long as its bytes take a drive that serves it alone over its share
 *          of the drive's time; whoever reads at the same time, models on their way included, shares that max–min fairly,
 *          as far as each can use it
 * Ignores  order in the drive's queue; that blocks of one reader break up the runs of another
 * Valid    reads of many blocks
 * Source   sharing as in kernel/fluid.ts; rates of hardware/storage/ufs.ts
 * Checked  test/unit/engine/drive-reads.test.ts, test/property/drive.test.ts
 */
import type { Joules, Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';

export class DriveReads {
  /** Operators that read now. */
  count = 0;
  /** By unit: seconds that the whole drive has still to serve it, its share, and what the drive draws for it then. */
  private readonly left: Float64Array;
  private readonly share: Float64Array;
  private readonly watts: Float64Array;

  constructor(units: number) {
    this.left = new Float64Array(units);
    this.share = new Float64Array(units).fill(1);
    this.watts = new Float64Array(units);
  }

  /** The operator of a unit reads for so long if nobody else does. */
  begin(u: number, seconds: Seconds, joules: Joules): void {
    this.left[u] = seconds;
    this.share[u] = 1;
    this.watts[u] = joules / seconds;
    this.count++;
  }

  /** Whether the end of a read leaves more to others. */
  isShared(u: number): boolean {
    return this.left[u]! > 0 && this.share[u]! < 1;
  }

  /** Until that end, at the present share. */
  endsIn(u: number): Seconds {
    return this.left[u]! / this.share[u]!;
  }

  /** @returns how much longer, or shorter where negative, a unit's operator reads with another share. */
  grant(u: number, share: number): Seconds {
    const before = this.endsIn(u);
    this.share[u] = share;
    return this.left[u]! > 0 ? this.endsIn(u) - before : 0;
  }

  /** So much time has gone by; the last of it, where `isOver`. @returns joules of the drive. */
  pass(u: number, seconds: Seconds, isOver: boolean): Joules {
    const left = this.left[u]!;
    if (left === 0) return 0;
    const served = seconds * this.share[u]!;
    const isLast = isOver || served >= left - TICK;
    this.left[u] = isLast ? 0 : left - served;
    if (isLast) this.count--;
    return this.watts[u]! * (isLast ? left : served);
  }
}
