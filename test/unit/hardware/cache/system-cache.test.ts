import { describe, expect, it } from 'vitest';
import {
  missShare,
  quotaOf,
  type SystemCache,
  survival,
} from '../../../../src/hardware/cache/system-cache.ts';

const never = Number.POSITIVE_INFINITY;

describe('misses of a shared cache', () => {
  it('solve m = 1 − exp(−m·d ÷ C): 0.797 where a loop is twice the capacity', () => {
    expect(missShare(100, [{ bytes: 1, distance: 200 }])).toBeCloseTo(0.7968, 4);
  });

  it('vanish where the loop fits', () => {
    expect(missShare(100, [{ bytes: 1, distance: 90 }])).toBeLessThan(1e-9);
  });

  it('are all of it for what comes in only once, or without capacity', () => {
    expect(missShare(100, [{ bytes: 5, distance: never }])).toBe(1);
    expect(missShare(0, [{ bytes: 5, distance: 1 }])).toBe(1);
    expect(missShare(100, [])).toBe(1);
  });

  it('of the rest rise with a stream beside it: m = 1 − ½·exp(−m) has the root 0.768', () => {
    const accesses = [
      { bytes: 1, distance: never },
      { bytes: 1, distance: 100 },
    ];
    expect(missShare(100, accesses)).toBeCloseTo(0.768, 3);
  });

  it('hit a byte with exp(−m·d ÷ C)', () => {
    expect(survival(100, 0.5, 200)).toBeCloseTo(Math.exp(-1), 12);
    expect(survival(100, 1, 0)).toBe(1);
    expect(survival(100, 0, never)).toBe(0);
    expect(survival(0, 1, 5)).toBe(0);
  });
});

describe('what a unit may fill', () => {
  const cache: SystemCache = {
    size: 1000,
    bandwidth: 1,
    latency: 0,
    energyPerByte: 0,
    shares: { npu: 0.6 },
  };

  it('is its share, or all of it', () => {
    expect(quotaOf(cache, 'npu')).toBe(600);
    expect(quotaOf(cache, 'gpu')).toBe(1000);
  });
});
