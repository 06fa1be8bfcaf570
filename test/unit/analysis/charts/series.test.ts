import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  px,
  runExtent,
  sliceCounter,
  stepArea,
  stepPath,
} from '../../../../src/analysis/charts/series.ts';
import type { Counter } from '../../../../src/engine/timeline.ts';
import { sampleRun } from '../../../support/sample-run.ts';

function counter(
  samples: readonly (readonly [number, number])[],
  quantity: Counter['quantity'] = 'power',
): Counter {
  return {
    name: 'x',
    quantity,
    unit: 'W',
    subject: 'x',
    time: Float64Array.from(samples, ([time]) => time),
    value: Float64Array.from(samples, ([, value]) => value),
  };
}

describe('sliceCounter', () => {
  it('averages a step inside a slice by the time each value held', () => {
    const { mean, low, high } = sliceCounter(
      counter([
        [0, 2],
        [0.5, 4],
        [0.75, 8],
      ]),
      { from: 0, to: 2 },
      2,
    );
    // First second: 0.5 s of 2, 0.25 s of 4, 0.25 s of 8.
    expect([...mean]).toEqual([4, 8]);
    expect([low[0], high[0]]).toEqual([2, 8]);
  });

  it('takes a flow as nothing and a temperature as already there before its first sample', () => {
    const extent = { from: 0, to: 2 };
    expect([...sliceCounter(counter([[1, 6]]), extent, 2).mean]).toEqual([0, 6]);
    expect([...sliceCounter(counter([[1, 6]], 'temperature'), extent, 2).mean]).toEqual([6, 6]);
  });

  it('keeps the integral whatever the slicing', () => {
    const samples = fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
      ),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 60 }), (raw, count) => {
        const sorted = [...raw].sort((a, b) => a[0] - b[0]);
        const sliced = sliceCounter(counter(sorted), { from: 0, to: 10 }, count);
        const area = sliced.mean.reduce((all, value) => all + value, 0) * (10 / count);
        const exact = sorted.reduce(
          (all, [time, value], i) => all + value * ((sorted[i + 1]?.[0] ?? 10) - time),
          0,
        );
        expect(area).toBeCloseTo(exact, 6);
        for (let i = 0; i < count; i += 1) {
          expect(sliced.low[i]!).toBeLessThanOrEqual(sliced.mean[i]! + 1e-9);
          expect(sliced.high[i]!).toBeGreaterThanOrEqual(sliced.mean[i]! - 1e-9);
        }
      }),
    );
  });
});

describe('outlines', () => {
  it('draws steps with one command per change', () => {
    expect(stepPath(4, 0, 8, (i) => [1, 1, 5, 5][i]!)).toBe('M0 1H4V5H8');
  });

  it('closes an area along its base', () => {
    expect(
      stepArea(
        2,
        0,
        2,
        () => 1,
        (i) => [9, 8][i]!,
      ),
    ).toBe('M0 1H2V8H1V9H0Z');
  });

  it('draws nothing from nothing', () => {
    expect(stepPath(0, 0, 1, () => 0)).toBe('');
    expect(
      stepArea(
        0,
        0,
        1,
        () => 0,
        () => 0,
      ),
    ).toBe('');
  });

  it('rounds to a tenth and never prints minus zero', () => {
    expect([px(1.26), px(-0.01), px(3)]).toEqual(['1.3', '0', '3']);
  });
});

describe('runExtent', () => {
  it('covers everything the run holds', () => {
    const run = sampleRun();
    const { from, to } = runExtent(run);
    expect(from).toBe(0);
    expect(to).toBe(Math.max(...run.phases.map(({ endSeconds }) => endSeconds)));
  });

  it('is never empty', () => {
    const { from, to } = runExtent(sampleRun({ requests: 0 }));
    expect(to).toBeGreaterThan(from);
  });
});
