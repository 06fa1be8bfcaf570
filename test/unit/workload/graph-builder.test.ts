/** Graphs share works, keep order, and know what is alive. */
import { describe, expect, it } from 'vitest';
import { openGraph } from '../../../src/workload/graph-builder.ts';
import { peakActivationBytes, sumGraph } from '../../../src/workload/graph-totals.ts';
import { addWork, moveWork } from '../../../src/workload/operator-cost.ts';

describe('a graph under construction', () => {
  it('gives equal works one entry, by content', () => {
    const graph = openGraph('g');
    const first = graph.add('a', addWork(8, 'fp16'));
    graph.add('b', addWork(8, 'fp16'), [first]);
    graph.add('c', addWork(9, 'fp16'), [first]);
    const { operators, works } = graph.build();
    expect(operators.map(({ work }) => work)).toEqual([0, 0, 1]);
    expect(works).toHaveLength(2);
  });

  it('gives functions one entry each, by identity', () => {
    const graph = openGraph('g');
    const grows = (context: number) => addWork(context, 'fp16');
    graph.add('a', grows);
    graph.add('b', grows);
    graph.add('c', (context) => addWork(context, 'fp16'));
    expect(graph.build().works).toHaveLength(2);
  });

  it('refuses a name twice and an input from the future', () => {
    const graph = openGraph('g');
    graph.add('a', addWork(1, 'fp16'));
    expect(() => graph.add('a', addWork(1, 'fp16'))).toThrow(/a is there twice/);
    expect(() => graph.add('b', addWork(1, 'fp16'), [1])).toThrow(/b reads a later one/);
    expect(() => graph.add('c', addWork(1, 'fp16'), [-1])).toThrow(/c reads a later one/);
  });
});

describe('sums over a graph', () => {
  const graph = openGraph('g');
  const first = graph.add('a', addWork(8, 'fp16'));
  const second = graph.add('b', addWork(8, 'fp16'), [first]);
  graph.add('c', (context) => addWork(context, 'fp16'), [first, second]);
  const built = graph.build();

  it('count every operator at the context asked for', () => {
    expect(sumGraph(built, 100)).toMatchObject({ operators: 3, vectorOps: 116, bytes: 116 * 6 });
    expect(sumGraph(built, 10).vectorOps).toBe(26);
  });
});

describe('live activations', () => {
  function peakOf(sizes: number[], inputs: number[][]): number {
    const graph = openGraph('g');
    sizes.forEach((size, index) => {
      graph.add(`op${index}`, moveWork('Identity', size, size / 2, 'fp16'), inputs[index]);
    });
    const phase = { name: 'p', steps: 1, contextStart: 0, contextStride: 0, outputsPerStep: 1 };
    return peakActivationBytes({ ...phase, graph: graph.build() });
  }

  it('of a chain are the two neighbours', () => {
    expect(peakOf([10, 20, 5, 5], [[], [0], [1], [2]])).toBe(30);
  });

  it('keep a result until its last reader is done', () => {
    // The first result of 100 waits for the last operator.
    expect(peakOf([100, 10, 10, 10], [[], [0], [1], [0, 2]])).toBe(120);
  });

  it('drop a result nobody reads', () => {
    expect(peakOf([10, 50, 10], [[], [0], [0]])).toBe(60);
  });
});
