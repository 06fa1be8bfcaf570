import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Objective, paretoFront } from '../../src/analysis/pareto.ts';

const OBJECTIVES: readonly Objective[] = [
  { name: 'decode rate', better: 'higher' },
  { name: 'energy', better: 'lower' },
  { name: 'skin', better: 'lower' },
];
// Few levels, so that ties and equal rows are common.
const level = fc.integer({ min: 0, max: 4 });
const points = fc.array(fc.tuple(level, level, level), { maxLength: 25 });

const beats = (a: readonly number[], b: readonly number[]) => {
  const better = a.map((value, i) =>
    OBJECTIVES[i]!.better === 'higher' ? value - b[i]! : b[i]! - value,
  );
  return better.every((gain) => gain >= 0) && better.some((gain) => gain > 0);
};

describe('the Pareto front', () => {
  it('holds no point that another one beats, and every other is beaten by one of the front', () => {
    fc.assert(
      fc.property(points, (rows) => {
        const front = paretoFront(rows, OBJECTIVES);
        expect(front).toEqual([...front].sort((a, b) => a - b));
        for (const [i, row] of rows.entries()) {
          const beaten = front.some((one) => beats(rows[one]!, row));
          expect(beaten).toBe(!front.includes(i));
        }
      }),
    );
  });

  it('does not change when units do, nor with points it beats', () => {
    fc.assert(
      fc.property(points, fc.nat(), (rows, at) => {
        const front = paretoFront(rows, OBJECTIVES);
        const scaled = rows.map(([rate, joules, skin]) => [rate * 1e3, joules / 3.6e6, skin + 273]);
        expect(paretoFront(scaled, OBJECTIVES)).toEqual(front);
        const model = rows[at % Math.max(rows.length, 1)];
        if (!model) return;
        const worse = [model[0] - 1, model[1] + 1, model[2]];
        expect(paretoFront([...rows, worse], OBJECTIVES)).toEqual(front);
      }),
    );
  });

  it('leaves out points without a value, and keeps equal ones', () => {
    const rows = [
      [3, 1, 1],
      [Number.NaN, 0, 0],
      [3, 1, 1],
      [2, 1, 1],
    ];
    expect(paretoFront(rows, OBJECTIVES)).toEqual([0, 2]);
    expect(paretoFront([], OBJECTIVES)).toEqual([]);
  });
});
