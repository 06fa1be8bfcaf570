import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../../src/runtime/policies/heft.ts';
import { type PolicyEntry, policies } from '../../../src/runtime/policies/index.ts';
import { bestCut } from '../../../src/runtime/policies/pipeline.ts';
import type { Placement, PlacementView } from '../../../src/runtime/scheduling-policy.ts';

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

/** Without shared bandwidth a trial is a replay: operators in order, each when its inputs and its unit are free. */
function replay(costs: number[][], edges: typeof EDGES, unit: Int32Array): number {
  const free = [0, 0, 0];
  const end: number[] = [];
  for (let i = 0; i < costs.length; i++) {
    const ready = edges
      .filter(([, to]) => to === i)
      .map(([from, , cost]) => end[from]! + (unit[from] === unit[i] ? 0 : cost));
    end.push(Math.max(free[unit[i]!]!, ...ready) + costs[i]![unit[i]!]!);
    free[unit[i]!] = end[i]!;
  }
  return Math.max(...end);
}

function view(
  costs: number[][],
  edges: typeof EDGES,
  phase = 'prefill',
  over: Partial<PlacementView> = {},
): PlacementView {
  return {
    phase,
    mode: '',
    kinds: ['npu', 'gpu', 'cpu'],
    cost: (operator, unit) => ({ launch: 0, compute: costs[operator]![unit]!, stream: 0 }),
    columns: () => 0,
    shares: (units) => units.map(() => 1),
    clockSteps: () => 0,
    handOverSeconds: () => 0,
    trial: (placement) => {
      const unit = placement instanceof Int32Array ? placement : placement.unit;
      return { seconds: replay(costs, edges, unit), joules: 1 };
    },
    units: ['npu', 'gpu', 'cpu'],
    operatorCount: costs.length,
    seconds: (operator, unit) => costs[operator]![unit]!,
    barred: () => false,
    inputs: (operator) => edges.filter(([, to]) => to === operator).map(([from]) => from),
    transferSeconds: (operator, from, to) =>
      from === to
        ? 0
        : Math.max(0, ...edges.filter(([source]) => source === operator).map(([, , cost]) => cost)),
    ...over,
  };
}

/** The registry as its users see it. */
const known: Readonly<Record<string, PolicyEntry>> = policies;
const create = (name: string) => known[name]!.create({ unit: 'npu', decodeUnit: 'cpu' });

const unitsOf = (placement: Placement) => [
  ...(placement instanceof Int32Array ? placement : placement.unit),
];

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

  const never = Number.POSITIVE_INFINITY;
  const onFirst = (seconds: number) => [seconds, never, never];
  const onSecond = (seconds: number) => [never, seconds, never];

  it('puts an operator into a gap that it just fills', () => {
    // By rank 1 (4 + 3 + 3), 3, 2, 0: the first unit has 3 until 5 and 2 from 4 + 3 on, and 0 fits between.
    const costs = [onFirst(2), onSecond(4), onFirst(3), onFirst(5)];
    const { finish } = schedule(view(costs, [[1, 2, 3]]));
    expect([...finish]).toEqual([7, 4, 10, 5]);
    const longer = schedule(view([onFirst(2.5), ...costs.slice(1)], [[1, 2, 3]]));
    expect([...longer.finish]).toEqual([12.5, 4, 10, 5]);
  });

  it('ranks by what a transfer between two units takes', () => {
    // 2 + 6 + 2 before 9: with less than the whole transfer the lone operator would go first.
    const { finish } = schedule(view([onFirst(2), onSecond(2), onFirst(9)], [[0, 1, 6]]));
    expect([...finish]).toEqual([2, 10, 11]);
  });
});

describe('single-unit and stage-wise', () => {
  const never = Number.POSITIVE_INFINITY;
  const options = { unit: 'npu', decodeUnit: 'cpu' };

  it('puts everything on the unit and lets the rest fall back to the fastest', () => {
    const policy = policies['single-unit'].create(options);
    const costs = [
      [9, 1, 1],
      [never, 3, 2],
    ];
    expect(unitsOf(policy.place(view(costs, [])))).toEqual([0, 2]);
  });

  it('hands the rest to the kind of unit that the runtime names, and on where that cannot', () => {
    const costs = [
      [9, 1, 1],
      [never, 3, 2],
      [never, never, 2],
    ];
    for (const name of ['single-unit', 'stage-wise'] as const) {
      const policy = policies[name].create({ ...options, refuge: 'gpu' });
      expect(unitsOf(policy.place(view(costs, [], 'prefill')))).toEqual([0, 1, 2]);
      const own = policies[name].create({ ...options, refuge: 'npu' });
      expect(unitsOf(own.place(view(costs, [], 'prefill')))).toEqual([0, 2, 2]);
    }
  });

  it('switches units between stages', () => {
    const policy = policies['stage-wise'].create(options);
    expect(unitsOf(policy.place(view([[1, 1, 1]], [], 'prefill')))).toEqual([0]);
    expect(unitsOf(policy.place(view([[1, 1, 1]], [], 'decode')))).toEqual([2]);
  });

  it('names the nearest unit for an unknown one', () => {
    const policy = policies['single-unit'].create({ unit: 'npuu', decodeUnit: 'npu' });
    expect(() => policy.place(view([[1, 1, 1]], []))).toThrow(
      /no unit "npuu".*did you mean "npu"/s,
    );
  });
});

describe('tensor-split', () => {
  /** A long product of which each unit keeps `kept` of its bandwidth beside another. */
  const product = (kept: number, columns = 1000) =>
    view([[12, 6, 1000]], [], 'decode', {
      cost: (_, u) => ({ launch: 0, compute: 0, stream: [12, 6, 1000][u]! }),
      columns: () => columns,
      shares: (units) => units.map(() => kept),
      trial: (placement) => {
        if (placement instanceof Int32Array)
          return { seconds: [12, 6, 1000][placement[0]!]!, joules: 1 };
        const parts = placement.parts!.get(0)!;
        const seconds = Math.max(
          ...parts.map(({ unit, share }) => (share * [12, 6, 1000][unit]!) / kept),
        );
        return { seconds, joules: 1 };
      },
    });
  const place = (it: PlacementView) => create('tensor-split').place(it);

  it('gives parts that end together: a third to the unit that takes twice as long', () => {
    const placement = place(product(1));
    if (placement instanceof Int32Array) throw new Error('not split');
    const shares = Object.fromEntries(
      placement.parts!.get(0)!.map(({ unit, share }) => [unit, share]),
    );
    expect(shares[0]).toBeCloseTo(1 / 3, 2);
    expect(shares[1]).toBeCloseTo(2 / 3, 2);
  });

  it('leaves work whole where two units have no more bandwidth than one, or where it cannot be cut', () => {
    expect(unitsOf(place(product(0.6)))).toEqual([1]);
    expect(place(product(0.6))).toBeInstanceOf(Int32Array);
    expect(place(product(1, 0))).toBeInstanceOf(Int32Array);
  });
});

describe('pipeline', () => {
  it('finds the cut with the shortest longest stage, as trying all cuts does', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 9 }),
            fc.integer({ min: 1, max: 9 }),
            fc.constant(1e9),
          ),
          {
            minLength: 2,
            maxLength: 7,
          },
        ),
        (rows) => {
          const costs = rows.map((row) => [...row]);
          const sum = (u: number, from: number, to: number) =>
            costs.slice(from, to).reduce((total, row) => total + row[u]!, 0);
          const cuts = Array.from({ length: costs.length + 1 }, (_, i) => i);
          const best = Math.min(
            ...cuts.map((i) => Math.max(sum(0, 0, i), sum(1, i, costs.length))),
            ...cuts.map((i) => Math.max(sum(1, 0, i), sum(0, i, costs.length))),
          );
          expect(bestCut(view(costs, []))!.seconds).toBeCloseTo(best, 6);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('energy-aware', () => {
  /** Time 1 ÷ clock; joules by `watts` of standing power and switching energy that falls with the square of the clock. */
  const place = (standing: number, switching: number) => {
    const policy = create('energy-aware');
    const placement = policy.place(
      view([[1, 50, 50]], [], 'decode', {
        clockSteps: () => 10,
        trial: (tried) => {
          if (tried instanceof Int32Array)
            return { seconds: [1, 50, 50][tried[0]!]!, joules: standing + switching };
          const [[unit, clock] = [0, 1]] = [...tried.clocks!];
          const share = 0.5 + clock / 2;
          const seconds = [1, 50, 50][unit]! / share;
          return { seconds, joules: standing * seconds + switching * share ** 2 };
        },
      }),
    );
    return placement instanceof Int32Array ? 1 : placement.clocks!.get(0)!;
  };

  it('races to idle where standing power dominates', () => {
    expect(place(10, 1)).toBe(1);
  });

  it('goes slow and steady where switching dominates, but not beyond half as long again', () => {
    const clock = place(0.1, 10);
    expect(clock).toBeLessThan(0.5);
    expect(1 / (0.5 + clock / 2)).toBeLessThanOrEqual(1.5);
  });
});

describe('thermal-aware', () => {
  const PHASE = 'decode';
  const unit = (kelvinsToTrip: number, speedShare = 1) =>
    ['npu', 'gpu', 'cpu'].map((name) => ({ name, kelvinsToTrip, speedShare }));
  const fresh = (relief: number) => {
    const policy = create('thermal-aware');
    const costs = [[10, relief, 90]];
    policy.place(view(costs, [], PHASE));
    return {
      policy,
      at: (mode: string) => unitsOf(policy.place(view(costs, [], 'decode', { mode }))),
    };
  };

  it('leaves a throttled unit for a faster one and comes back when it has cooled', () => {
    const { policy, at } = fresh(12);
    expect(at(policy.mode!(unit(30), PHASE))).toEqual([0]);
    expect(at(policy.mode!(unit(5, 0.7), PHASE))).toEqual([1]);
    expect(at(policy.mode!(unit(10), PHASE))).toEqual([1]);
    expect(at(policy.mode!(unit(20), PHASE))).toEqual([0]);
  });

  it('ranks units by phase: what is fastest for the prompt says nothing of decode', () => {
    const policy = create('thermal-aware');
    policy.place(view([[10, 50, 90]], [], 'prefill'));
    policy.place(view([[30, 20, 22]], [], PHASE));
    // The fastest of decode is unit 1; it is hot while that of the prompt is cool.
    const states = unit(30).map((state, u) =>
      u === 1 ? { ...state, ...unit(0.5, 0.7)[1]! } : state,
    );
    expect(policy.mode!(states, 'prefill')).toBe('home');
    expect(policy.mode!(states, PHASE)).toBe('away');
    expect(unitsOf(policy.place(view([[30, 20, 22]], [], PHASE, { mode: 'away' })))).toEqual([2]);
  });

  it('stays where the other unit is slower than the throttled one', () => {
    const { policy, at } = fresh(20);
    expect(at(policy.mode!(unit(5, 0.7), PHASE))).toEqual([0]);
    expect(at(policy.mode!(unit(5, 0.45), PHASE))).toEqual([1]);
  });
});
