/**
 * What the data bus of one channel has carried by a cycle.
 *
 * Model    each burst holds the bus for as long as its bytes take at peak, from its first data on or from the end of the
 *          burst before it; a burst that a cycle cuts in two counts in part. So no stretch of time carries more than peak
 * Ignores  preambles and what else keeps the bus without data
 * Valid    cycles no further back than the last 64 bursts, more than a controller places ahead of its cycle (gem5's: some twenty)
 * Source   definition
 * Checked  test/unit/hardware/dram/bus-log.test.ts, test/property/dram.test.ts
 */
import type { DramDevice } from './device.ts';

export class BusLog {
  /** Cycles of one burst. */
  readonly width: number;
  private readonly starts: Int32Array;

  /** @param starts first data of the last bursts, burst n at n modulo its length; more than are ever under way. */
  constructor({ burstBytes, peak, tCK }: DramDevice, starts: Int32Array) {
    // Whole cycles for all that JEDEC has; rounding of the rate must not add up.
    this.width = Number((burstBytes / (peak * tCK)).toFixed(6));
    this.starts = starts;
  }

  /** Bursts that have passed by `cycle`, of so many that have been sent. */
  carriedBy(cycle: number, bursts: number): number {
    const { starts, width } = this;
    let passed = Math.max(0, bursts - starts.length);
    let end = 0;
    for (let burst = passed; burst < bursts; burst++) {
      end = Math.max(starts[burst % starts.length] as number, end) + width;
      passed += Math.min(1, Math.max(0, 1 - (end - cycle) / width));
    }
    return passed;
  }
}
