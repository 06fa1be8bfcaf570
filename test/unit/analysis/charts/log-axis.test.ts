import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decadeTicks, logDomain } from '../../../../src/analysis/charts/log-axis.ts';

const positive = fc.double({ min: 1e-9, max: 1e15, noNaN: true });

describe('logDomain', () => {
  it('holds every positive value and ends on 1, 2 or 5', () => {
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1 }), (values) => {
        const [low, high] = logDomain(values);
        expect(low).toBeLessThan(Math.min(...values));
        expect(high).toBeGreaterThan(Math.max(...values));
        for (const end of [low, high]) expect(end.toExponential()).toMatch(/^[125]e/);
      }),
    );
  });

  it('ignores what a logarithm cannot show', () => {
    expect(logDomain([0, -3, Number.NaN, 8])).toEqual([5, 10]);
    expect(logDomain([])).toEqual([1, 10]);
  });
});

describe('decadeTicks', () => {
  it('uses 1–2–5 in a narrow range and powers of ten in a wide one', () => {
    expect(decadeTicks([0.5, 20], 8)).toEqual([0.5, 1, 2, 5, 10, 20]);
    expect(decadeTicks([1, 1e6], 8)).toEqual([1, 10, 100, 1000, 10000, 100000, 1000000]);
  });

  it('stays inside and never crowds', () => {
    fc.assert(
      fc.property(positive, fc.double({ min: 2.1, max: 1e12, noNaN: true }), (low, factor) => {
        const domain = logDomain([low, low * factor]);
        const ticks = decadeTicks(domain, 8);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(16);
        expect(ticks[0]!).toBeGreaterThanOrEqual(domain[0] * (1 - 1e-6));
        expect(ticks.at(-1)!).toBeLessThanOrEqual(domain[1] * (1 + 1e-6));
      }),
    );
  });
});
