/**
 * What the data bus of one channel has carried by a cycle.
 *
 * Model    each burst holds the bus for as long as its bytes take at peak, from its first data on or from the end of the
 *          burst before it; a burst that a cycle cuts in two counts in part. So no stretch of time carries more than peak
 * Ignores  preambles and what else keeps the bus without data
 * Valid    cycles no further back than the last `KEPT` bursts, but for a bus that has not been idle since
 * Source   definition
 * Checked  test/unit/hardware/dram/bus-log.test.ts, test/property/dram.test.ts
 */
import type { DramDevice } from './device.ts';

/** More than a controller places ahead of the cycle it is in (gem5's: tRP + tRCD, some twenty bursts). */
const KEPT = 64;

export class BusLog {
  /** Cycles of one burst. */
  readonly width: number;
  private readonly ends = new Float64Array(KEPT);
  private bursts = 0;
  private end = 0;

  constructor({ burstBytes, peak, tCK }: DramDevice) {
    // Whole cycles for all that JEDEC has; rounding of the rate must not add up.
    this.width = Number((burstBytes / (peak * tCK)).toFixed(6));
  }

  /** One more burst, whose data start at `cycle` or when the bus is free. */
  carry(cycle: number): void {
    this.end = Math.max(cycle, this.end) + this.width;
    this.ends[this.bursts++ & (KEPT - 1)] = this.end;
  }

  /** Bursts that have passed by `cycle`. */
  carriedBy(cycle: number): number {
    let passed = this.bursts;
    const kept = Math.min(KEPT, this.bursts);
    for (let back = 1; back <= kept; back++) {
      const after = (this.ends[(this.bursts - back) & (KEPT - 1)] as number) - cycle;
      if (after <= 0) return passed;
      // Behind the last one kept they follow each other without a gap.
      passed -= back === kept ? after / this.width : Math.min(1, after / this.width);
    }
    return Math.max(0, passed);
  }
}
