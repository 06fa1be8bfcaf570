import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusLog } from '../../../../src/hardware/dram/bus-log.ts';
import { deviceOf } from '../../../support/dram.ts';

/** 32 bytes at 16 bytes per cycle of CK: two cycles of the bus for each burst. */
const device = deviceOf('lpddr5-6400');

describe('log of a data bus', () => {
  it('counts bursts as their data pass, in part where a cycle cuts one', () => {
    const bus = new BusLog(device);
    for (const cycle of [10, 12, 20]) bus.carry(cycle);
    expect([9, 10, 11, 12, 14, 20, 21, 22, 99].map((cycle) => bus.carriedBy(cycle))).toEqual([
      0, 0, 0.5, 1, 2, 2, 2.5, 3, 3,
    ]);
  });

  it('has a burst wait for the one before it', () => {
    const bus = new BusLog(device);
    for (const cycle of [10, 11]) bus.carry(cycle);
    expect([12, 13, 14].map((cycle) => bus.carriedBy(cycle))).toEqual([1, 1.5, 2]);
  });

  it('looks back over a bus that is never idle further than it remembers', () => {
    const bus = new BusLog(device);
    for (let burst = 0; burst < 1000; burst++) bus.carry(2 * burst);
    expect([100, 1000, 1999].map((cycle) => bus.carriedBy(cycle))).toEqual([50, 500, 999.5]);
  });

  it('never carries more in a stretch of time than the stretch has room for', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 0, max: 99 }),
        fc.integer({ min: 1, max: 99 }),
        (steps, from, length) => {
          const bus = new BusLog(device);
          let cycle = 0;
          for (const step of steps) {
            cycle += step;
            bus.carry(cycle);
          }
          const carried = bus.carriedBy(from + length) - bus.carriedBy(from);
          expect(carried).toBeGreaterThanOrEqual(0);
          expect(2 * carried).toBeLessThanOrEqual(length + 1e-9);
          expect(bus.carriedBy(1e6)).toBe(steps.length);
        },
      ),
    );
  });
});
