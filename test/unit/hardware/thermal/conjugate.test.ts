import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factorise, solveFactorised } from '../../../../src/hardware/thermal/cholesky.ts';
import { type SparseLink, solveSparse } from '../../../../src/hardware/thermal/conjugate.ts';

/** The same system by dense factors. */
function dense(links: readonly SparseLink[], losses: readonly number[], watts: Float64Array) {
  const n = losses.length;
  const matrix = new Float64Array(n * n);
  for (const [i, loss] of losses.entries()) matrix[i * n + i] = loss;
  for (const { a, b, conductance } of links) {
    matrix[a * n + a]! += conductance;
    matrix[b * n + b]! += conductance;
    matrix[a * n + b]! -= conductance;
    matrix[b * n + a]! -= conductance;
  }
  return solveFactorised(factorise(matrix, n), n, watts.slice());
}

describe('steady heat of many cells', () => {
  it('is that of dense factors, for any ladder with any conductances', () => {
    const conductance = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    const ladder = fc.array(
      fc.record({
        across: conductance,
        loss: conductance,
        heat: fc.double({ min: 0, max: 10, noNaN: true }),
      }),
      { minLength: 1, maxLength: 25 },
    );
    fc.assert(
      fc.property(ladder, (rungs) => {
        const links = rungs
          .slice(1)
          .map(({ across }, i) => ({ a: i, b: i + 1, conductance: across }));
        const losses = rungs.map(({ loss }) => loss);
        const watts = Float64Array.from(rungs, ({ heat }) => heat);
        const found = solveSparse(links, losses, watts);
        const wanted = dense(links, losses, watts);
        const scale = Math.max(1e-9, ...wanted);
        for (let i = 0; i < losses.length; i++)
          expect(Math.abs(found[i]! - wanted[i]!) / scale).toBeLessThan(1e-6);
        // What goes in comes out.
        const out = losses.reduce((sum, loss, i) => sum + loss * found[i]!, 0);
        expect(out).toBeCloseTo(
          watts.reduce((sum, w) => sum + w, 0),
          5,
        );
      }),
    );
  });

  it('is zero without heat', () => {
    const links = [{ a: 0, b: 1, conductance: 2 }];
    expect([...solveSparse(links, [1, 1], new Float64Array(2))]).toEqual([0, 0]);
  });
});
