/** Each operator of a network counts its weights once, whatever the batch. */
import { describe, expect, it } from 'vitest';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import {
  type NetworkBuilder,
  openNetwork,
} from '../../../../src/workload/network/network-builder.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
import { format } from '../../../support/workload-tables.ts';

const fp16 = format('fp16');

function build(batch: number, add: (net: NetworkBuilder) => void) {
  const net = openNetwork('n', { weights: fp16, activation: 'fp16', batch });
  add(net);
  return net.build();
}

const CONV = {
  outHeight: 4,
  outWidth: 4,
  inChannels: 6,
  outChannels: 8,
  kernelHeight: 3,
  kernelWidth: 3,
};

const CASES: [string, (net: NetworkBuilder) => void, number, number][] = [
  ['linear', (net) => net.linear('x', [], { rows: 3, inputs: 4, outputs: 5 }), 25, 60],
  ['linear', (net) => net.linear('x', [], { rows: 3, inputs: 4, outputs: 5, bias: false }), 20, 60],
  ['conv', (net) => net.conv('x', [], CONV), 6 * 8 * 9 + 8, 16 * 6 * 8 * 9],
  [
    'grouped conv',
    (net) => net.conv('x', [], { ...CONV, groups: 2 }),
    3 * 8 * 9 + 8,
    16 * 3 * 8 * 9,
  ],
  ['layer norm', (net) => net.norm('x', [], { rows: 3, width: 8 }), 16, 0],
  ['rms norm', (net) => net.norm('x', [], { rows: 3, width: 8, kind: 'rms' }), 8, 0],
  ['plain norm', (net) => net.norm('x', [], { rows: 3, width: 8, plain: true }), 0, 0],
  ['group norm', (net) => net.groupNorm('x', [], { pixels: 9, channels: 8 }), 16, 0],
  ['sum', (net) => net.add('x', [], 24), 0, 0],
  ['sum with a table', (net) => net.add('x', [], 24, 24), 24, 0],
  ['look-up', (net) => net.gather('x', 3, 8, 100), 800, 0],
  ['activation', (net) => net.activation('x', [], 24, 'gelu'), 0, 0],
  ['copy', (net) => net.move('x', 'Concat', [], 24), 0, 0],
  ['vector', (net) => net.vector('x', 'Mul', [], 24, 1), 0, 0],
];

describe.each(CASES)('%s', (_name, add, parameters, macs) => {
  it('counts its weights and its products', () => {
    const network = build(1, add);
    expect(network.parameters).toBe(parameters);
    expect(network.weightBytes).toBe(2 * parameters);
    expect(sumGraph(network.graph, 0).macs).toBe(macs);
  });

  it('has the same weights and three times the rest for a batch of three', () => {
    const one = build(1, add);
    const three = build(3, add);
    expect(three.parameters).toBe(one.parameters);
    expect(three.weightBytes).toBe(one.weightBytes);
    const [small, large] = [sumGraph(one.graph, 0), sumGraph(three.graph, 0)];
    expect(large.macs).toBe(3 * small.macs);
    expect(large.vectorOps).toBe(3 * small.vectorOps);
  });
});

describe('a network', () => {
  it('takes works of any kind, with the weights they are said to hold', () => {
    const work = matmulWork({ m: 1, n: 4, k: 4 }, fp16, 'fp16');
    const tied = build(1, (net) => net.other('x', work, [], { elements: 0, bytes: 0 }));
    expect(tied.parameters).toBe(0);
    expect(tied.weightBytes).toBe(0);
    expect(sumGraph(tied.graph, 0).weightBytes).toBe(32);
  });

  it('runs sums and activations inside what they follow, unless told not to', () => {
    const build2 = (fuse: boolean) => {
      const net = openNetwork('n', { weights: fp16, activation: 'fp16', batch: 1, fuse });
      const product = net.linear('mm', [], { rows: 3, inputs: 4, outputs: 8 });
      net.activation('act', product, 24, 'silu');
      return net.build().graph.operators.map(({ name }) => name);
    };
    expect(build2(true)).toEqual(['mm']);
    expect(build2(false)).toEqual(['mm', 'act']);
  });
});
