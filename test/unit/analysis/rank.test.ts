import { describe, expect, it } from 'vitest';
import { ranksOf } from '../../../src/analysis/rank.ts';
import type { SweepResult } from '../../../src/analysis/sweep-run.ts';
import type { RunInputs } from '../../../src/engine/run.ts';

const point = (
  index: number,
  value: number,
  factor: number,
  soc = `soc-${index}`,
): SweepResult => ({
  index,
  status: 'ok',
  message: '',
  metrics: { rate: value },
  intervals: { rate: { low: value / factor, high: value * factor, basis: '', seen: 'unit' } },
  inputs: { soc, workload: 'w', runtime: 'r', policy: 'p' } as RunInputs,
  limit: '',
});

describe('ranks of sweep points', () => {
  it('are equal where intervals meet', () => {
    const points = [point(0, 10, 1.3), point(1, 12, 1.3), point(2, 40, 1.3)];
    expect(ranksOf(points, 'rate', 'higher')).toEqual([2, 2, 1]);
    expect(ranksOf(points, 'rate', 'lower')).toEqual([1, 1, 3]);
  });

  it('tell apart what was varied on one chip, whatever the intervals', () => {
    const points = [point(0, 10, 2, 'one'), point(1, 11, 2, 'one'), point(2, 11.001, 2, 'one')];
    expect(ranksOf(points, 'rate', 'higher')).toEqual([3, 1, 1]);
  });

  it('are missing for points without the metric', () => {
    const broken = { ...point(0, 1, 1), metrics: {} };
    expect(ranksOf([broken, point(1, 2, 1.1)], 'rate', 'higher')).toEqual([null, 1]);
  });
});
