import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { KILO, MEGA } from '../../../../src/base/units.ts';
import { pointAtLeast } from '../../../../src/runtime/governors/fixed.ts';
import { governors } from '../../../../src/runtime/governors/index.ts';
import {
  decayUtilisation,
  schedutilFrequency,
} from '../../../../src/runtime/governors/schedutil.ts';
import { simpleOndemandFrequency } from '../../../../src/runtime/governors/simple-ondemand.ts';
import { CLOCKS, domain } from '../../../support/governors.ts';

describe('fixed governors', () => {
  it('take the ends of the table, or the point at or above a frequency', () => {
    expect(governors.performance.create().choose(domain())).toBe(4);
    expect(governors.powersave.create().choose(domain({ current: 3 }))).toBe(0);
    const fixed = governors.userspace.create({ frequency: '700 MHz' });
    expect(fixed.choose(domain())).toBe(2);
    expect(governors.userspace.create({ frequency: '9 GHz' }).choose(domain())).toBe(4);
  });

  it('find the point of a frequency written in decimals', () => {
    const points = [307.2, 441.6, 556.8].map((mhz) => mhz * MEGA);
    expect(pointAtLeast(points, 441.6 * KILO * KILO)).toBe(1);
  });
});

describe('schedutil', () => {
  it('asks for a quarter more than is used, in integer kilohertz', () => {
    // 1.25 · 2802000 · 512 / 1024, truncated as the kernel does.
    expect(schedutilFrequency(512, 2_802_000)).toBe(1_751_250);
    expect(schedutilFrequency(1024, 1_803_000)).toBe(2_253_750);
    expect(schedutilFrequency(100, 1_803_000)).toBe(220_092);
  });

  it('reaches half of a step in 32 ms and seven eighths in 96', () => {
    expect(decayUtilisation(0, 1024, 0.032768)).toBeCloseTo(512, 9);
    expect(decayUtilisation(0, 1024, 3 * 0.032768)).toBeCloseTo(896, 9);
    expect(decayUtilisation(1024, 0, 0.032768)).toBeCloseTo(512, 9);
  });

  it('with a quarter of the half-life reaches in a quarter of the time what mainline does', () => {
    expect(decayUtilisation(0, 1024, 0.008192, 0.008192)).toBeCloseTo(512, 9);
    const looks = (halfLife: string, period: number) => {
      const governor = governors.schedutil.create({ halfLife });
      let current = 0;
      for (let count = 1; count < 1000; count++) {
        current = governor.choose(domain({ current, busyShare: 1, period }));
        if (current === 4) return count;
      }
      return Number.NaN;
    };
    // Utilisation depends on the time over the half-life alone.
    expect(looks('8.192 ms', 0.0025)).toBe(looks('32.768 ms', 0.01));
    expect(looks('8.192 ms', 0.01)).toBeLessThan(looks('32.768 ms', 0.01) / 2);
  });

  it('ramps up under load and down after it', () => {
    const governor = governors.schedutil.create();
    let current = 0;
    const trace: number[] = [];
    for (let i = 0; i < 40; i++) {
      current = governor.choose(domain({ current, busyShare: 1 }));
      trace.push(current);
    }
    expect(trace).toEqual([...trace].sort((a, b) => a - b));
    expect(current).toBe(4);
    // Frequency-invariant: 300 of 1500 MHz in use is a fifth of capacity at most, until the clock rises.
    expect(trace[0]).toBe(0);
    for (let i = 0; i < 60; i++) current = governor.choose(domain({ current, busyShare: 0.1 }));
    expect(current).toBe(0);
  });

  it('holds the tipping point at four fifths of capacity', () => {
    const settle = (busyShare: number) => {
      const governor = governors.schedutil.create();
      let current = 4;
      for (let i = 0; i < 500; i++) current = governor.choose(domain({ current, busyShare }));
      return CLOCKS[current] as number;
    };
    // Half busy at 600 MHz is busier than half at 1500 MHz: the loop settles on the low clock.
    expect(settle(0.5)).toBeLessThan(900 * MEGA);
    expect(settle(0.99)).toBe(1500 * MEGA);
  });

  it('does not slow down a unit that never idled', () => {
    const governor = governors.schedutil.create();
    for (let i = 0; i < 40; i++) governor.choose(domain({ current: 4, busyShare: 1 }));
    expect(governor.choose(domain({ current: 0, busyShare: 1 }))).toBe(4);
  });

  it('changes no faster than its rate limit', () => {
    const governor = governors.schedutil.create({ rateLimit: '100 ms' });
    let current = 0;
    let last = 0;
    const changes: number[] = [];
    for (let i = 0; i < 100; i++) {
      current = governor.choose(domain({ current, busyShare: 1, period: 0.01 }));
      if (current !== last) changes.push(i);
      last = current;
    }
    for (let i = 1; i < changes.length; i++) {
      expect(changes[i]! - changes[i - 1]!).toBeGreaterThanOrEqual(10);
    }
    expect(changes.length).toBeGreaterThan(1);
  });
});

describe('simple-ondemand', () => {
  const defaults = { upThreshold: 90, downDifferential: 5 };

  it('jumps, keeps and scales as devfreq does', () => {
    expect(simpleOndemandFrequency(0.91, 500, defaults)).toBe(Number.POSITIVE_INFINITY);
    expect(simpleOndemandFrequency(0.87, 500, defaults)).toBe(500);
    // 44 % busy: the kernel divides by 90 − 5/2 in integers, which is 88.
    expect(simpleOndemandFrequency(0.44, 500, defaults)).toBeCloseTo(250, 9);
  });

  it('decides once per polling interval on the mean load', () => {
    const governor = governors['simple-ondemand'].create({ polling: '50 ms' });
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) {
      seen.push(governor.choose(domain({ current: 4, busyShare: i % 2 === 0 ? 0.88 : 0 })));
    }
    // Three of five periods at 88 %, then two: 52.8 % and 35.2 % of 1500 MHz over 0.88.
    expect(seen).toEqual([4, 4, 4, 4, 2, 2, 2, 2, 2, 1]);
  });
});

describe('options', () => {
  it('are checked, with the nearest name', () => {
    expect(() => governors.schedutil.create({ ratelimit: '2 ms' })).toThrow(SpecError);
    expect(() => governors.schedutil.create({ ratelimit: '2 ms' })).toThrow(/rateLimit/);
    expect(() => governors.schedutil.create({ rateLimit: '2 mW' })).toThrow(/time/);
  });
});
