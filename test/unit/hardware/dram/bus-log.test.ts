import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusLog } from '../../../../src/hardware/dram/bus-log.ts';
import { deviceOf } from '../../../support/dram.ts';

/** 32 bytes at 16 bytes per cycle of CK: two cycles of the bus for each burst. */
const device = deviceOf('lpddr5-6400');

/** A log that counts for itself, of the last 64 bursts. */
function logOf(cycles: readonly number[]) {
  const starts = new Int32Array(64);
  for (const [burst, cycle] of cycles.entries()) starts[burst % 64] = cycle;
  const log = new BusLog(device, starts);
  return (cycle: number) => log.carriedBy(cycle, cycles.length);
}

describe('log of a data bus', () => {
  it('counts bursts as their data pass, in part where a cycle cuts one', () => {
    const carried = logOf([10, 12, 20]);
    expect([9, 10, 11, 12, 14, 20, 21, 22, 99].map(carried)).toEqual([
      0, 0, 0.5, 1, 2, 2, 2.5, 3, 3,
    ]);
  });

  it('has a burst wait for the one before it', () => {
    expect([12, 13, 14].map(logOf([10, 11]))).toEqual([1, 1.5, 2]);
  });

  it('forgets when bursts of long ago passed, not that they did', () => {
    const carried = logOf(Array.from({ length: 1000 }, (_, burst) => 2 * burst));
    expect([1990, 1999, 2000].map(carried)).toEqual([995, 999.5, 1000]);
  });

  it('never carries more in a stretch of time than the stretch has room for', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 0, max: 99 }),
        fc.integer({ min: 1, max: 99 }),
        (steps, from, length) => {
          let cycle = 0;
          const carriedBy = logOf(steps.map((step) => (cycle += step)));
          const carried = carriedBy(from + length) - carriedBy(from);
          expect(carried).toBeGreaterThanOrEqual(0);
          expect(2 * carried).toBeLessThanOrEqual(length + 1e-9);
          expect(carriedBy(1e6)).toBe(steps.length);
        },
      ),
    );
  });
});
