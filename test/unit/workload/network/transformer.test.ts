/** Attention and feed-forward parts of encoders: weights, arithmetic, wiring. */
import { describe, expect, it } from 'vitest';
import { type Graph, workAt } from '../../../../src/workload/graph.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import {
  type NetworkBuilder,
  openNetwork,
} from '../../../../src/workload/network/network-builder.ts';
import {
  type AttentionPartShape,
  addAttention,
  addFeedForward,
} from '../../../../src/workload/network/transformer.ts';
import { format } from '../../../support/workload-tables.ts';

const settings = { weights: format('fp16'), activation: 'fp16', batch: 2, fuse: false } as const;

const SHAPE: AttentionPartShape = {
  hidden: 32,
  heads: 4,
  headDim: 8,
  queries: 10,
  bias: { qkv: true, out: true },
};

function attention(more: Partial<AttentionPartShape> = {}) {
  const net = openNetwork('attention', settings);
  const input = net.vector('input', 'Identity', [], 320, 0);
  addAttention(net, 'a', input, { ...SHAPE, ...more });
  return net.build();
}

function names({ operators }: Graph): string[] {
  return operators.map(({ name }) => name);
}

function macs(graph: Graph, name: string): number {
  const operator = graph.operators.find((candidate) => candidate.name === name);
  if (!operator) throw new Error(name);
  return workAt(graph, operator.work, 0).macs;
}

describe('self-attention', () => {
  it('has four products and a score over all pairs, for each of the batch', () => {
    const { graph, parameters } = attention();
    expect(names(graph)).toEqual(['input', 'a.q', 'a.k', 'a.v', 'a.scores', 'a.o']);
    expect(parameters).toBe(4 * (32 * 32 + 32));
    expect(macs(graph, 'a.q')).toBe(2 * 10 * 32 * 32);
    expect(macs(graph, 'a.scores')).toBe(2 * 4 * 100 * 16);
  });

  it('sees half of the pairs when causal', () => {
    expect(macs(attention({ causal: true }).graph, 'a.scores')).toBe(2 * 4 * 55 * 16);
  });

  it('makes one product of three', () => {
    const { graph, parameters } = attention({ merged: true });
    expect(names(graph)).toEqual(['input', 'a.qkv', 'a.scores', 'a.o']);
    expect(parameters).toBe(attention().parameters);
    expect(sumGraph(graph, 0).macs).toBe(sumGraph(attention().graph, 0).macs);
  });

  it('leaves out the biases it has not', () => {
    expect(attention({ bias: { qkv: false, out: true } }).parameters).toBe(4 * 32 * 32 + 32);
    expect(attention({ bias: { qkv: true, key: false, out: true } }).parameters).toBe(
      4 * 32 * 32 + 3 * 32,
    );
  });

  it('norms queries and keys over their full width, or turns them', () => {
    const normed = attention({ qkNorm: true });
    expect(names(normed.graph)).toContain('a.q_norm');
    expect(normed.parameters - attention().parameters).toBe(64);
    const turned = attention({ rotary: true });
    expect(names(turned.graph)).toContain('a.rotary');
    expect(turned.parameters).toBe(attention().parameters);
  });

  it('within groups sees its own group only', () => {
    const { graph } = attention({ queries: 5, groups: 2 });
    expect(macs(graph, 'a.q')).toBe(2 * 10 * 32 * 32);
    expect(macs(graph, 'a.scores')).toBe(2 * 2 * 4 * 25 * 16);
  });
});

describe('cross-attention', () => {
  it('projects keys and values from the other side', () => {
    const { graph, parameters } = attention({ context: 7, contextWidth: 20 });
    expect(macs(graph, 'a.k')).toBe(2 * 7 * 20 * 32);
    expect(macs(graph, 'a.scores')).toBe(2 * 4 * 70 * 16);
    expect(parameters).toBe(2 * (32 * 32 + 32) + 2 * (20 * 32 + 32));
  });

  it('reads the operator it is given', () => {
    const net = openNetwork('cross', settings);
    const words = net.vector('words', 'Identity', [], 70, 0);
    const pixels = net.vector('pixels', 'Identity', [], 320, 0);
    addAttention(net, 'a', pixels, { ...SHAPE, context: 7 }, words);
    const { operators } = net.build().graph;
    const inputsOf = (name: string) => operators.find((each) => each.name === name)?.inputs;
    expect(inputsOf('a.q')).toEqual([pixels]);
    expect(inputsOf('a.k')).toEqual([words]);
    expect(inputsOf('a.v')).toEqual([words]);
  });
});

describe('feed-forward', () => {
  const build = (add: (net: NetworkBuilder, input: number) => void) => {
    const net = openNetwork('ffn', settings);
    add(net, net.vector('input', 'Identity', [], 320, 0));
    return net.build();
  };
  const shape = { rows: 10, hidden: 32, ffn: 64, activation: 'gelu', bias: true } as const;

  it('widens, activates, narrows', () => {
    const { graph, parameters } = build((net, input) =>
      addFeedForward(net, 'f', input, { ...shape, gated: false }),
    );
    expect(names(graph)).toEqual(['input', 'f.up', 'f.activation', 'f.down']);
    expect(parameters).toBe(2 * 32 * 64 + 64 + 32);
  });

  it('has a gate, in one product or two', () => {
    const two = build((net, input) => addFeedForward(net, 'f', input, { ...shape, gated: true }));
    const one = build((net, input) =>
      addFeedForward(net, 'f', input, { ...shape, gated: true, merged: true }),
    );
    expect(two.parameters).toBe(3 * 32 * 64 + 2 * 64 + 32);
    expect(one.parameters).toBe(two.parameters);
    expect(sumGraph(one.graph, 0).macs).toBe(sumGraph(two.graph, 0).macs);
    expect(one.graph.operators).toHaveLength(two.graph.operators.length - 1);
  });
});
