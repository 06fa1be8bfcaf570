import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalSolver } from '../../../src/calibration/normal-equations.ts';

describe('normal equations', () => {
  it('give the mean where every row is one look at the same number', () => {
    const values = [3, 4, 8];
    const solve = normalSolver(
      1,
      values.map(() => [[0, 1] as const]),
    );
    expect(solve([values.reduce((a, b) => a + b, 0)])[0]).toBeCloseTo(5, 12);
  });

  it('give the line through points on it', () => {
    const x = [0, 1, 4, 9];
    const solve = normalSolver(
      2,
      x.map((at) => [[0, 1] as const, [1, at] as const]),
    );
    const y = x.map((at) => 2 - 0.5 * at);
    const sum = (of: (i: number) => number) => x.reduce((total, _, i) => total + of(i), 0);
    const [offset, slope] = solve([sum((i) => y[i]!), sum((i) => x[i]! * y[i]!)]);
    expect(offset).toBeCloseTo(2, 10);
    expect(slope).toBeCloseTo(-0.5, 10);
  });

  it('leave the gradient of what they solve at zero', () => {
    const entry = fc.double({ min: -3, max: 3, noNaN: true });
    const row = fc.tuple(entry, entry, entry);
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), row, (slopes, right) => {
        const sparse = [
          ...slopes.map((one) => one.map((value, j) => [j, value] as const)),
          ...right.map((_, j) => [[j, 1] as const]),
        ];
        const found = normalSolver(3, sparse)(right);
        for (const [j, wanted] of right.entries()) {
          const reached = sparse.reduce((sum, one) => {
            const product = one.reduce((total, [k, slope]) => total + slope * found[k]!, 0);
            return sum + product * (one.find(([k]) => k === j)?.[1] ?? 0);
          }, 0);
          expect(reached).toBeCloseTo(wanted, 6);
        }
      }),
    );
  });
});
