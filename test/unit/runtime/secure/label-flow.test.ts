import { describe, expect, it } from 'vitest';
import { EVERY_SECRET, MODEL_SECRET, PUBLIC, USER_SECRET } from '../../../../src/base/labels.ts';
import { labelFlow } from '../../../../src/runtime/secure/label-flow.ts';
import type { Graph } from '../../../../src/workload/graph.ts';
import { toyWork } from '../../../support/toy-machine.ts';

const sources = {
  weights: MODEL_SECRET,
  adapters: USER_SECRET,
  prompt: USER_SECRET,
  kv: PUBLIC,
};
const plain = toyWork(1);
const weighted = toyWork(1, 8);
const cached = { ...plain, kvReadBytes: 8, kvWriteBytes: 8 };

function graph(operators: Graph['operators']): Graph {
  return { name: 'g', works: [plain, weighted, cached], operators };
}

describe('labelFlow', () => {
  it('joins weights and inputs into results', () => {
    const flow = labelFlow(
      graph([
        { name: 'embed', work: 0, inputs: [] },
        { name: 'matmul', work: 1, inputs: [0] },
        { name: 'add', work: 0, inputs: [0, 1] },
      ]),
      1,
      sources,
    );
    expect([...flow.results]).toEqual([USER_SECRET, EVERY_SECRET, EVERY_SECRET]);
    expect([...flow.weights]).toEqual([PUBLIC, MODEL_SECRET, PUBLIC]);
    expect(flow.kv).toBe(PUBLIC);
  });

  it('lets the cache carry a secret from a late layer back to an early one', () => {
    const flow = labelFlow(
      graph([
        { name: 'attention.0', work: 2, inputs: [] },
        { name: 'matmul', work: 1, inputs: [0] },
        { name: 'attention.1', work: 2, inputs: [1] },
      ]),
      1,
      { ...sources, prompt: PUBLIC },
    );
    expect(flow.kv).toBe(MODEL_SECRET);
    expect(flow.results[0]).toBe(MODEL_SECRET);
  });

  it('labels adapters by the user they were trained for', () => {
    const { weights } = labelFlow(
      graph([
        { name: 'layer.0.lora_a', work: 1, inputs: [] },
        { name: 'layer.0.q', work: 1, inputs: [] },
      ]),
      1,
      sources,
    );
    expect([...weights]).toEqual([USER_SECRET, MODEL_SECRET]);
  });

  it('joins adapters into the weights they were merged into, divided operators included', () => {
    const operators = ['layer.0.q', 'layer.0.q 0:512', 'layer.0.k'];
    const { weights } = labelFlow(
      graph(operators.map((name) => ({ name, work: 1, inputs: [] }))),
      1,
      { ...sources, merged: new Set(['layer.0.q']) },
    );
    expect([...weights]).toEqual([EVERY_SECRET, EVERY_SECRET, MODEL_SECRET]);
  });

  it('leaves public what only public data went into', () => {
    const open = { weights: PUBLIC, adapters: PUBLIC, prompt: PUBLIC, kv: PUBLIC };
    const flow = labelFlow(graph([{ name: 'a', work: 1, inputs: [] }]), 1, open);
    expect([...flow.results]).toEqual([PUBLIC]);
  });
});
