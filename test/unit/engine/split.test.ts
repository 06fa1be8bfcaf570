import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, splitPhase } from '../../../src/engine/split.ts';
import { buildTable } from '../../../src/engine/task-table.ts';
import { runTrial } from '../../../src/engine/trial.ts';
import { workAt } from '../../../src/workload/graph.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;
const product = (n: number) => ({
  ...toyWork(G, G / 2, 1000),
  form: { kind: 'matmul' as const, batch: 1, m: 1, n, k: 100 },
});

describe('splitting a product', () => {
  it('keeps columns, operations and bytes of weights and results, whatever the shares', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5000 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (n, share) => {
          const phase = toyPhase('decode', chain([product(n), product(n)]));
          const parts = new Map([
            [
              0,
              [
                { unit: 0, share },
                { unit: 1, share: 1 - share },
              ],
            ],
          ]);
          const split = splitPhase(phase, new Int32Array(2), parts);
          const works = split.phase.graph.operators
            .slice(0, 2)
            .map(({ work }) => workAt(split.phase.graph, work, 1));
          const sum = (pick: (work: (typeof works)[number]) => number) =>
            works.reduce((t, w) => t + pick(w), 0);
          expect(sum(({ form }) => (form.kind === 'matmul' ? form.n : 0))).toBe(n);
          expect(sum(({ macs }) => macs)).toBeCloseTo(G, 0);
          expect(sum(({ weightBytes }) => weightBytes)).toBeCloseTo(G / 2, 0);
          expect(sum(({ outputBytes }) => outputBytes)).toBeCloseTo(1000, 6);
          // The next operator waits for both.
          expect(split.phase.graph.operators[2]!.inputs).toEqual([0, 1]);
          expect([...split.unit]).toEqual([0, 1, 0]);
        },
      ),
    );
  });

  it('leaves whole what waits for the drive, which brings everything once', () => {
    expect(columnsOf(product(64))).toBe(64);
    expect(columnsOf({ ...product(64), storageBytes: 8 })).toBe(0);
  });

  it('is for products with weights only', () => {
    expect(columnsOf(product(64))).toBe(64);
    expect(columnsOf(toyWork(G))).toBe(0);
    expect(columnsOf({ ...product(64), form: { kind: 'vector', elements: 9, passes: 1 } })).toBe(0);
  });
});

describe('a trial', () => {
  it('takes what a run of the same step takes, shared bandwidth and hand-overs included', () => {
    const graph = {
      name: 'fork',
      works: [toyWork(0, G / 2), toyWork(G, 0), toyWork(G / 4, G / 4)],
      operators: [
        { name: 'a', work: 0, inputs: [] },
        { name: 'b', work: 0, inputs: [] },
        { name: 'c', work: 1, inputs: [0] },
        { name: 'd', work: 2, inputs: [1, 2] },
      ],
    };
    const machine = toyMachine({ units: [toyUnit('a', 0.01), toyUnit('b')] });
    const unit = Int32Array.from([0, 1, 0, 1]);
    const phase = toyPhase('decode', graph);
    const trial = runTrial(machine, buildTable(phase, machine, { unit }));
    const run = runToy([toyPlan([phase])], { machine, policy: { place: () => unit } });
    expect(trial.seconds).toBeCloseTo(run.metrics['run_seconds']!, 9);
    expect(trial.joules).toBeCloseTo(run.metrics['energy_joules']!, 6);
  });

  it('is slower and cheaper at half the clock and half the voltage', () => {
    const points = [
      { frequency: 0.5e9, voltage: 0.5 },
      { frequency: 1e9, voltage: 1 },
    ];
    const machine = toyMachine({ points });
    const phase = toyPhase('decode', chain([toyWork(G)]));
    const at = (point: number) =>
      runTrial(
        machine,
        buildTable(phase, machine, { unit: new Int32Array(1), points: Int32Array.of(point) }),
      );
    expect(at(1)).toEqual({ seconds: 1, joules: 2 });
    // A quarter of 1 J of switching, and the platform's 1 W for twice as long.
    expect(at(0).seconds).toBeCloseTo(2, 9);
    expect(at(0).joules).toBeCloseTo(2.25, 9);
  });
});
