import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missShare, type SystemCache } from '../../src/hardware/cache/system-cache.ts';
import type { Graph } from '../../src/workload/graph.ts';
import { runToy, toyMachine, toyPhase, toyPlan, toyUnit, toyWork } from '../support/toy-machine.ts';

const reuse = fc.record({
  bytes: fc.integer({ min: 1, max: 1000 }),
  distance: fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const node = fc.record({
  macs: fc.integer({ min: 0, max: 1_000_000 }),
  weights: fc.integer({ min: 0, max: 1_000_000 }),
  output: fc.integer({ min: 0, max: 1_000_000 }),
  inputs: fc.array(fc.nat(30), { maxLength: 3 }),
  unit: fc.nat(1),
});
const graphs = fc.array(node, { minLength: 1, maxLength: 12 });
type Node = typeof node extends fc.Arbitrary<infer T> ? T : never;

function build(nodes: Node[]): Graph {
  const inputs = nodes.map((one, i) => (i === 0 ? [] : [...new Set(one.inputs.map((k) => k % i))]));
  return {
    name: 'random',
    works: nodes.map(({ macs, weights, output }, i) => ({
      ...toyWork(macs, weights, output),
      inputBytes: inputs[i]!.reduce((sum, k) => sum + nodes[k]!.output, 0),
    })),
    operators: nodes.map((_, i) => ({ name: `op${i}`, work: i, inputs: inputs[i]! })),
  };
}

function simulate(nodes: Node[], size: number, share = 1) {
  const systemCache: SystemCache = {
    size,
    bandwidth: 5e9,
    latency: 1e-8,
    energyPerByte: 1e-12,
    shares: { a: share },
  };
  const machine = { ...toyMachine({ units: [toyUnit('a'), toyUnit('b')] }), systemCache };
  const policy = { place: () => Int32Array.from(nodes, ({ unit }) => unit) };
  const run = runToy([toyPlan([toyPhase('decode', build(nodes), 3)])], { machine, policy });
  return { run, bytes: run.ledger.reduce((sum, row) => sum + row.dramBytes, 0) };
}

describe('a system cache', () => {
  it('misses less the larger it is, and never more than everything', () => {
    fc.assert(
      fc.property(
        fc.array(reuse, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (accesses, size, more) => {
          const small = missShare(size, accesses);
          const large = missShare(size + more, accesses);
          expect(large).toBeLessThanOrEqual(small + 1e-9);
          expect(small).toBeLessThanOrEqual(1);
          expect(large).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('takes traffic off DRAM, more of it the larger it is, and never slows a run down', () => {
    fc.assert(
      fc.property(
        graphs,
        fc.integer({ min: 1, max: 20_000_000 }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        (nodes, size, factor) => {
          const { works } = build(nodes);
          const asked = works.reduce((sum, work) => {
            const { weightBytes, inputBytes, outputBytes } = work as ReturnType<typeof toyWork>;
            return sum + weightBytes + inputBytes + outputBytes;
          }, 0);
          const none = simulate(nodes, 0);
          const small = simulate(nodes, size);
          const large = simulate(nodes, size * factor);
          expect(none.bytes).toBeCloseTo(3 * asked, 0);
          expect(small.bytes).toBeLessThanOrEqual(none.bytes * (1 + 1e-9));
          expect(large.bytes).toBeLessThanOrEqual(small.bytes * (1 + 1e-9) + 1e-3);
          const time = (run: typeof none.run) => run.metrics['run_seconds']!;
          expect(time(large.run)).toBeLessThanOrEqual(time(none.run) * (1 + 1e-6) + 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });
});
