/**
 * Operators that wait for experts and adapters, and what of the drive each gets.
 *
 * Model    an operator reads before its launch, for as long as its bytes take a drive that serves it alone over its share
 *          of the drive's time; whoever reads at the same time, models on their way included, shares that max–min fairly,
 *          as far as each can use it; the drive writes into memory by itself, and the clocks of who waits stand still
 * Ignores  order in the drive's queue; that blocks of one reader break up the runs of another; what these writes take of
 *          the bandwidth of other units
 * Valid    reads of many blocks
 * Source   sharing as in kernel/fluid.ts; rates of hardware/storage/ufs.ts; a thread in a direct read sleeps until its
 *          pages are there: read(2), open(2) O_DIRECT
 * Checked  test/unit/engine/drive-reads.test.ts, test/property/drive.test.ts
 */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';

/** Of a read, while some time goes by. */
export interface ReadPart {
  /** Its unit slept. */
  readonly asleep: Seconds;
  /** Of the drive. */
  readonly joules: Joules;
  /** They have come to lie in memory. */
  readonly bytes: Bytes;
}

const NOTHING: ReadPart = { asleep: 0, joules: 0, bytes: 0 };

export class DriveReads {
  /** Operators that read now. */
  count = 0;
  /** By unit, until they are taken: seconds in which it slept. */
  readonly asleepSeconds: Float64Array;
  /** By unit: seconds that the whole drive has still to serve it, its share, what the drive draws for it and brings then. */
  private readonly left: Float64Array;
  private readonly share: Float64Array;
  private readonly watts: Float64Array;
  private readonly bytesPerSecond: Float64Array;

  constructor(units: number) {
    this.left = new Float64Array(units);
    this.share = new Float64Array(units).fill(1);
    this.watts = new Float64Array(units);
    this.bytesPerSecond = new Float64Array(units);
    this.asleepSeconds = new Float64Array(units);
  }

  /** The operator of a unit reads for so long if nobody else does. */
  begin(u: number, seconds: Seconds, joules: Joules, bytes: Bytes): void {
    this.left[u] = seconds;
    this.share[u] = 1;
    this.watts[u] = joules / seconds;
    this.bytesPerSecond[u] = bytes / seconds;
    this.count++;
  }

  /** A gate lets so many bytes of what has just begun not into memory; the drive reads them all the same. */
  withhold(u: number, bytes: Bytes): void {
    if (this.left[u] === 0) return;
    const rate = this.bytesPerSecond[u]! - bytes / this.left[u]!;
    this.bytesPerSecond[u] = Math.max(0, rate);
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

  /** So much time has gone by; the last of it, where `isOver`. */
  pass(u: number, seconds: Seconds, isOver: boolean): ReadPart {
    const left = this.left[u]!;
    if (left === 0) return NOTHING;
    const asleep = Math.min(seconds, this.endsIn(u));
    const served = seconds * this.share[u]!;
    const isLast = isOver || served >= left - TICK;
    this.left[u] = isLast ? 0 : left - served;
    if (isLast) this.count--;
    this.asleepSeconds[u]! += asleep;
    const whole = isLast ? left : served;
    return { asleep, joules: this.watts[u]! * whole, bytes: this.bytesPerSecond[u]! * whole };
  }
}
