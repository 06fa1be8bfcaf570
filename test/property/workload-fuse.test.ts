/** Element-wise fusion keeps what a network computes, for any graph. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Work } from '../../src/base/work.ts';
import { type Graph, workAt } from '../../src/workload/graph.ts';
import { openGraph } from '../../src/workload/graph-builder.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import { fuseElementwise } from '../../src/workload/network/fuse.ts';
import {
  activationWork,
  addWork,
  attentionWork,
  matmulWork,
  moveWork,
  normWork,
  type StepShape,
} from '../support/works.ts';

const WIDTH = 8;

/** Operators on tensors of `rows` × 8. */
function workOf({ kind, rows }: StepShape): Work {
  const elements = rows * WIDTH;
  switch (kind) {
    case 'product':
      return matmulWork(rows, WIDTH);
    case 'sum':
      return addWork(elements, 'fp16');
    case 'silu':
      return activationWork(elements, 'silu', false, 'fp16');
    case 'norm':
      return normWork(rows, WIDTH);
    case 'attention':
      return attentionWork(rows, WIDTH);
    case 'copy':
      return moveWork('Transpose', elements, elements, 'fp16');
  }
}

const graphs: fc.Arbitrary<Graph> = fc
  .array(
    fc.record({
      kind: fc.constantFrom<StepShape['kind']>(
        'product',
        'sum',
        'sum',
        'silu',
        'silu',
        'norm',
        'attention',
        'copy',
      ),
      rows: fc.constantFrom(4, 4, 4, 6),
      reads: fc.array(fc.nat(1000), { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((steps) => {
    const graph = openGraph('any');
    steps.forEach(({ reads, ...shape }, index) => {
      // Neighbours more often than others, so that chains form.
      const inputs = index === 0 ? [] : reads.map((n) => (n % 3 ? index - 1 : n % index));
      graph.add(`op${index}`, workOf(shape), [...new Set(inputs)]);
    });
    return graph.build();
  });

describe('fusion of any graph', () => {
  it('keeps arithmetic and weights, and never moves more bytes', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const before = sumGraph(graph, 0);
        const after = sumGraph(fuseElementwise(graph), 0);
        expect(after.macs).toBe(before.macs);
        expect(after.vectorOps).toBe(before.vectorOps);
        expect(after.weightBytes).toBe(before.weightBytes);
        expect(after.bytes).toBeLessThanOrEqual(before.bytes);
        expect(after.operators).toBeLessThanOrEqual(before.operators);
      }),
      { numRuns: 300 },
    );
  });

  it('stays in order, and is stable', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const once = fuseElementwise(graph);
        once.operators.forEach(({ inputs }, index) => {
          expect(inputs.every((input) => input < index)).toBe(true);
        });
        expect(fuseElementwise(once).operators.length).toBe(once.operators.length);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps every result that nothing reads', () => {
    const sinks = ({ operators, works, name }: Graph): number[] => {
      const read = new Set(operators.flatMap(({ inputs }) => inputs));
      return operators
        .map(({ work }, index) =>
          read.has(index) ? -1 : workAt({ operators, works, name }, work, 0).outputBytes,
        )
        .filter((bytes) => bytes >= 0)
        .sort((a, b) => a - b);
    };
    fc.assert(
      fc.property(graphs, (graph) => {
        expect(sinks(fuseElementwise(graph))).toEqual(sinks(graph));
      }),
      { numRuns: 300 },
    );
  });
});
