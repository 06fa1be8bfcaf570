import { describe, expect, it } from 'vitest';
import { factorise, solveFactorised } from '../../../../src/hardware/thermal/cholesky.ts';

describe('symmetric positive definite systems', () => {
  it('factor as by hand: [[4, 2], [2, 5]] is [[2, 0], [1, 2]] squared', () => {
    const factor = factorise(Float64Array.of(4, 2, 2, 5), 2);
    expect([factor[0], factor[2], factor[3]]).toEqual([2, 1, 2]);
  });

  it('solve to what the matrix gives back', () => {
    const n = 30;
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return i === j ? 3 + i / n : -1 / (1 + Math.abs(i - j)) ** 2;
    });
    const wanted = Float64Array.from({ length: n }, (_, i) => Math.sin(i));
    const right = Float64Array.from({ length: n }, (_, i) =>
      wanted.reduce((sum, value, j) => sum + (matrix[i * n + j] as number) * value, 0),
    );
    const found = solveFactorised(factorise(matrix.slice(), n), n, right);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i] as number, 12);
  });
});
