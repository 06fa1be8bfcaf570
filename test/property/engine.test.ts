import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/engine/run.ts';
import { CAUSES } from '../../src/engine/run.ts';
import type { Counter } from '../../src/engine/timeline.ts';
import type { Graph } from '../../src/workload/graph.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../support/toy-machine.ts';

/** Random directed acyclic graphs with random costs and a random placement on three units. */
const node = fc.record({
  macs: fc.integer({ min: 0, max: 50_000_000 }),
  read: fc.integer({ min: 0, max: 20_000_000 }),
  write: fc.integer({ min: 0, max: 5_000_000 }),
  inputs: fc.array(fc.nat(30), { maxLength: 3 }),
  unit: fc.nat(2),
});
const graphs = fc.array(node, { minLength: 1, maxLength: 12 });
type Node = typeof node extends fc.Arbitrary<infer T> ? T : never;

function build(nodes: Node[]): Graph {
  return {
    name: 'random',
    works: nodes.map(({ macs, read, write }) => toyWork(macs, read, write)),
    operators: nodes.map(({ inputs }, i) => ({
      name: `op${i}`,
      work: i,
      inputs: i === 0 ? [] : [...new Set(inputs.map((k) => k % i))],
    })),
  };
}

/** 0.1 Ah at 3.5 to 4.5 V behind 0.1 Ω. */
const CELL = {
  capacity: 360,
  openCircuit: Array.from({ length: 11 }, (_, i) => 3.5 + i / 10),
  resistance: 0.1,
  maximumCurrent: 5,
  cutoffVoltage: 3.3,
};

/** Of a step function that ends at `end`. */
function integral({ time, value }: Counter, end: number): number {
  return value.reduce((sum, v, i) => sum + v * ((time[i + 1] ?? end) - time[i]!), 0);
}

function simulate(nodes: Node[], copies = 1): Run {
  const machine = toyMachine({ units: [toyUnit('a', 1e-4), toyUnit('b'), toyUnit('c', 1e-5)] });
  const policy = { place: () => Int32Array.from(nodes, ({ unit }) => unit) };
  const plans = Array.from({ length: copies }, (_, i) =>
    toyPlan([toyPhase('prefill', build(nodes), 2)], `r${i}`),
  );
  return runToy(plans, { machine, policy, concurrent: copies });
}

describe('any graph on any placement', () => {
  it('moves every byte and does every operation exactly once per step', () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 3 }), (nodes, copies) => {
        const run = simulate(nodes, copies);
        const bytes = nodes.reduce((sum, { read, write }) => sum + read + write, 0);
        const macs = nodes.reduce((sum, n) => sum + n.macs, 0);
        expect(run.metrics.dram_bytes).toBeCloseTo(2 * copies * bytes, 3);
        expect(run.ledger.reduce((sum, row) => sum + row.macs, 0)).toBe(2 * copies * macs);
        expect(run.ledger.reduce((sum, row) => sum + row.count, 0)).toBe(2 * copies * nodes.length);
      }),
      { numRuns: 60 },
    );
  });

  it('takes at least the critical path, and at least the traffic over the bandwidth', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const run = simulate(nodes);
        const seconds = run.metrics.run_seconds! / 2;
        const finish: number[] = [];
        for (const [i, { inputs }] of build(nodes).operators.entries()) {
          const ready = Math.max(0, ...inputs.map((k) => finish[k]!));
          const n = nodes[i]!;
          finish.push(ready + Math.max(n.macs / 1e9, (n.read + n.write) / 1e9));
        }
        expect(seconds).toBeGreaterThanOrEqual(Math.max(...finish) * (1 - 1e-9) - 1e-9);
        const traffic = nodes.reduce((sum, { read, write }) => sum + read + write, 0) / 1e9;
        expect(seconds).toBeGreaterThanOrEqual(traffic * (1 - 1e-9) - 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('accounts for all energy: ledger = rails = total, and unit time = causes', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const run = simulate(nodes, 2);
        const total = run.metrics.energy_joules!;
        const ledger = run.ledger.reduce((sum, row) => sum + row.joules, 0);
        const rails = Object.values(run.energy).reduce((a, b) => a + b, 0);
        expect(ledger).toBeCloseTo(total, 9);
        expect(rails).toBeCloseTo(total, 9);
        const { spans, tracks } = run.timeline;
        let busy = 0;
        for (let i = 0; i < spans.length; i++) {
          if (tracks[spans.track[i]!]!.kind === 'unit') busy += spans.end[i]! - spans.start[i]!;
        }
        const causes = run.ledger.reduce(
          (sum, row) => sum + CAUSES.reduce((s, c) => s + row.seconds[c], 0),
          0,
        );
        expect(causes).toBeCloseTo(busy, 8);
      }),
      { numRuns: 60 },
    );
  });

  it('draws no less at its peak than on average', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 15_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, (lengths) => {
        // Reading at 1 W, then products at 2 W, then reading …, each over so many microseconds.
        const works = lengths.map((micros, i) =>
          i % 2 === 0 ? toyWork(0, micros * 1000) : toyWork(micros * 1000),
        );
        const { metrics } = runToy([toyPlan([toyPhase('only', chain(works))])]);
        const average = metrics.average_power_watts!;
        expect(metrics.peak_power_watts).toBeGreaterThanOrEqual(average * (1 - 1e-9));
        expect(metrics.peak_power_watts).toBeLessThanOrEqual(2 * (1 + 1e-9));
      }),
      { numRuns: 60 },
    );
  });

  it('accounts for a battery and a charger too: what comes in is lost as heat or stored', () => {
    const supplies = fc.record({
      charge: fc.double({ min: 0.3, max: 1, noNaN: true }),
      chargerWatts: fc.constantFrom(0, 0.5, 5, 20),
    });
    fc.assert(
      fc.property(graphs, supplies, (nodes, given) => {
        const supply = { cell: CELL, cellNode: 1, chargerNode: 1, ...given };
        const machine = { ...toyMachine({ units: [toyUnit('a', 1e-4)] }), supply };
        const plan = toyPlan([toyPhase('prefill', build(nodes), 2)]);
        const run = runToy([plan], { machine });
        const total = run.metrics.energy_joules!;
        const seconds = run.metrics.run_seconds!;
        expect(run.ledger.reduce((sum, row) => sum + row.joules, 0)).toBeCloseTo(total, 9);
        expect(Object.values(run.energy).reduce((a, b) => a + b, 0)).toBeCloseTo(total, 9);
        // The curves that charts draw hold every joule.
        const drawn = run.timeline.counters
          .filter(({ quantity }) => quantity === 'power')
          .reduce((sum, counter) => sum + integral(counter, seconds), 0);
        expect(drawn).toBeCloseTo(total, 9);
        // 93 % of what the charger takes reaches the device; the cell gives the rest, or takes it.
        const charger = (run.energy['charger'] ?? 0) / (1 - 0.93);
        const cell = run.metrics.battery_ratio! * machine.batteryEnergy;
        expect(charger + cell).toBeCloseTo(total, 6);
        if (given.chargerWatts === 0) expect(cell).toBeCloseTo(total, 6);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same bits twice', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const [a, b] = [simulate(nodes, 2), simulate(nodes, 2)];
        expect(b.metrics).toEqual(a.metrics);
        expect(b.eventCount).toBe(a.eventCount);
        expect(b.timeline.spans.end).toEqual(a.timeline.spans.end);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps every temperature at or above ambient', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const run = simulate(nodes);
        const counters = run.timeline.counters.filter((c) => c.quantity === 'temperature');
        for (const { value } of counters)
          expect(Math.min(...value)).toBeGreaterThanOrEqual(25 - 1e-9);
      }),
      { numRuns: 20 },
    );
  });
});
