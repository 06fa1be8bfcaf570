import { describe, expect, it } from 'vitest';
import { schedule } from '../../../src/runtime/policies/heft.ts';
import { policies } from '../../../src/runtime/policies/index.ts';
import type { PlacementView } from '../../../src/runtime/scheduling-policy.ts';

/** The ten-task example of Topcuoglu et al. 2002, figure 2: computation costs on three processors, edges with transfer costs. */
const COSTS = [
  [14, 16, 9],
  [13, 19, 18],
  [11, 13, 19],
  [13, 8, 17],
  [12, 13, 10],
  [13, 16, 9],
  [7, 15, 11],
  [5, 11, 14],
  [18, 12, 20],
  [21, 7, 16],
];
const EDGES: [from: number, to: number, cost: number][] = [
  [0, 1, 18],
  [0, 2, 12],
  [0, 3, 9],
  [0, 4, 11],
  [0, 5, 14],
  [1, 7, 19],
  [1, 8, 16],
  [2, 6, 23],
  [3, 7, 27],
  [3, 8, 23],
  [4, 8, 13],
  [5, 7, 15],
  [6, 9, 17],
  [7, 9, 11],
  [8, 9, 13],
];

function view(costs: number[][], edges: typeof EDGES, phase = 'prefill'): PlacementView {
  return {
    phase,
    units: ['npu', 'gpu', 'cpu'],
    operatorCount: costs.length,
    seconds: (operator, unit) => costs[operator]![unit]!,
    inputs: (operator) => edges.filter(([, to]) => to === operator).map(([from]) => from),
    transferSeconds: (operator, from, to) =>
      from === to
        ? 0
        : Math.max(0, ...edges.filter(([source]) => source === operator).map(([, , cost]) => cost)),
  };
}

describe('heft', () => {
  it('stays at or below the serial time of the best processor, and above the critical path', () => {
    const { finish } = schedule(view(COSTS, EDGES));
    const serial = Math.min(...[0, 1, 2].map((u) => COSTS.reduce((sum, row) => sum + row[u]!, 0)));
    expect(Math.max(...finish)).toBeLessThanOrEqual(serial);
    // Minimum computation along 0 → 1 → 8 → 9, no transfers: 9 + 13 + 12 + 7.
    expect(Math.max(...finish)).toBeGreaterThanOrEqual(41);
  });

  it('keeps a chain where it is fastest when moving costs more than it gains', () => {
    const chain: typeof EDGES = [
      [0, 1, 100],
      [1, 2, 100],
    ];
    const { unit } = schedule(
      view(
        [
          [5, 6, 7],
          [6, 5, 7],
          [5, 6, 7],
        ],
        chain,
      ),
    );
    expect([...unit]).toEqual([0, 0, 0]);
  });

  it('spreads independent work', () => {
    const { unit, finish } = schedule(
      view(
        [
          [4, 4, 4],
          [4, 4, 4],
          [4, 4, 4],
        ],
        [],
      ),
    );
    expect(new Set(unit).size).toBe(3);
    expect(Math.max(...finish)).toBe(4);
  });

  it('never chooses a unit that cannot run the operator', () => {
    const never = Number.POSITIVE_INFINITY;
    const { unit } = schedule(
      view(
        [
          [never, 9, 8],
          [1, never, never],
        ],
        [[0, 1, 2]],
      ),
    );
    expect([...unit]).toEqual([2, 0]);
  });
});

describe('single-unit and stage-wise', () => {
  const never = Number.POSITIVE_INFINITY;
  const options = { unit: 'npu', decodeUnit: 'cpu' };

  it('puts everything on the unit and lets the rest fall back to the fastest', () => {
    const policy = policies['single-unit'].create(options);
    expect([
      ...policy.place(
        view(
          [
            [9, 1, 1],
            [never, 3, 2],
          ],
          [],
        ),
      ),
    ]).toEqual([0, 2]);
  });

  it('switches units between stages', () => {
    const policy = policies['stage-wise'].create(options);
    expect([...policy.place(view([[1, 1, 1]], [], 'prefill'))]).toEqual([0]);
    expect([...policy.place(view([[1, 1, 1]], [], 'decode'))]).toEqual([2]);
  });

  it('names the nearest unit for an unknown one', () => {
    const policy = policies['single-unit'].create({ unit: 'npuu', decodeUnit: 'npu' });
    expect(() => policy.place(view([[1, 1, 1]], []))).toThrow(
      /no unit "npuu".*did you mean "npu"/s,
    );
  });
});
