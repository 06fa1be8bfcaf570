import { describe, expect, it } from 'vitest';
import { fitClass } from '../../../../src/calibration/device/class-fit.ts';

interface Row {
  readonly network: string;
  readonly work: number;
  readonly layers: number;
  readonly seconds: number;
}

/** seconds = work ÷ rate + layers × launch, with rate 4 and launch 0.02, and one broken measurement. */
const rows: Row[] = Array.from({ length: 24 }, (_, i) => {
  const work = 1 + (i % 6) ** 2;
  const layers = 5 + 20 * (i % 4);
  const noise = 1 + 0.04 * (((i * 7) % 5) - 2);
  const seconds = (work / 4 + layers * 0.02) * noise * (i === 7 ? 1000 : 1);
  return { network: `n${i % 8}`, work, layers, seconds };
});
const problem = {
  parameters: [
    { path: 'rate', start: 1, min: 0.01, max: 100, prior: 2 },
    { path: 'launch', start: 0.1, min: 1e-4, max: 1, prior: 2 },
  ],
  rows,
  measured: (row: Row) => row.seconds,
  predict: (values: readonly number[], some: readonly Row[]) =>
    some.map(({ work, layers }) => work / values[0]! + layers * values[1]!),
};

describe('fitting a class', () => {
  const values = fitClass(problem);

  it('finds the numbers behind the rows in spite of a broken one', () => {
    expect(values[0]).toBeGreaterThan(3.5);
    expect(values[0]).toBeLessThan(4.5);
    expect(values[1]).toBeGreaterThan(0.017);
    expect(values[1]).toBeLessThan(0.023);
  });

  it('stays within its bounds', () => {
    const [rate] = problem.parameters;
    const bounded = { ...problem, parameters: [{ ...rate!, max: 2 }, problem.parameters[1]!] };
    expect(fitClass(bounded)[0]).toBeLessThanOrEqual(2 * (1 + 1e-9));
  });
});
