/**
 * Simulated seconds on an exact binary grid.
 *
 * Model    float64 seconds rounded to multiples of 2^-36 s (14.6 ps)
 * Ignores  anything shorter than the grid
 * Valid    0 … 36 h: beyond that the grid is finer than float64 and sums stop being exact
 * Source   on the grid sums are exact in any order, so ties break the same way after a harmless refactor
 * Checked  test/unit/kernel/clock.test.ts
 */
import type { Seconds } from '../base/units.ts';

/** Ticks per second: 2^36. */
const TICKS = 68_719_476_736;
/** Just above one step of the grid: a difference below it is rounding, not time. */
export const TICK: Seconds = 1.5e-11;

/** Longest simulated time on which the grid is exact: 2^53 ticks, about 36 hours. */
export const HORIZON: Seconds = 131_072;

/** @returns the nearest time on the grid. */
export function onGrid(time: Seconds): Seconds {
  return Math.round(time * TICKS) / TICKS;
}
