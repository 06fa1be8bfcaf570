import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { totalBytes } from '../../../../src/base/work.ts';
import { FUSION_NAMES, fuse, fusions } from '../../../../src/workload/fusion/index.ts';
import { graphOfList, type OperatorList } from '../../../../src/workload/fusion/operator-list.ts';
import { listOf, node, parts, w } from '../../../support/fusion.ts';
import { type BuiltGraph, FLOAT } from '../../../support/onnx-builder.ts';

const MB = (...dims: number[]) => dims.reduce((a, b) => a * b, 4);

describe('convolution', () => {
  const graph: BuiltGraph = {
    nodes: [
      node('Pad', 'x p', 'padded'),
      node('Conv', 'padded w', 'c'),
      node('BatchNormalization', 'c g b m v', 'n'),
      node('Add', 'n r', 's'),
      node('Relu', 's', 'y'),
    ],
    inputs: { x: [FLOAT, [1, 4, 8, 8]], r: [FLOAT, [1, 6, 8, 8]] },
    constants: {
      p: { dims: [8], values: [0, 0, 1, 1, 0, 0, 1, 1] },
      w: w(6, 4, 3, 3),
      ...Object.fromEntries(['g', 'b', 'm', 'v'].map((name) => [name, w(6)])),
    },
    outputs: ['y'],
  };

  it('takes in padding, normalisation, residual and activation', () => {
    expect(parts(listOf(graph), 'convolution')).toEqual(['Pad+Conv+BatchNormalization+Add+Relu']);
  });

  it('reads input, weights with a bias, and residual once, and writes once', () => {
    const [operator] = fuse(listOf(graph), ['convolution']).list.operators;
    expect(operator?.work).toMatchObject({
      operator: 'Conv',
      macs: 6 * 64 * 36,
      inputBytes: MB(1, 4, 8, 8) + MB(1, 6, 8, 8),
      outputBytes: MB(1, 6, 8, 8),
      // Four vectors of the normalisation become one bias.
      weightBytes: MB(6, 4, 3, 3) + MB(6),
    });
    expect(operator?.inputs).toEqual(['x', 'r']);
  });

  it('saves what the report says', () => {
    const before = listOf(graph);
    const { list, savings } = fuse(before, ['convolution']);
    const bytes = (l: OperatorList) => l.operators.reduce((sum, o) => sum + totalBytes(o.work), 0);
    expect(savings).toEqual([
      { fusion: 'convolution', launches: 4, bytes: bytes(before) - bytes(list) },
    ]);
  });

  it('stops at a tensor that someone else reads or that the model hands out', () => {
    const shared: BuiltGraph = {
      nodes: [node('Conv', 'x w', 'c'), node('Relu', 'c', 'a'), node('Sigmoid', 'c', 'b')],
      inputs: { x: [FLOAT, [1, 4, 8, 8]] },
      constants: { w: w(6, 4, 1, 1) },
      outputs: ['a', 'b'],
    };
    expect(parts(listOf(shared), 'convolution')).toEqual(['Conv', 'Relu', 'Sigmoid']);
    const handed = { ...shared, nodes: shared.nodes.slice(0, 2), outputs: ['c', 'a'] };
    expect(parts(listOf(handed), 'convolution')).toEqual(['Conv', 'Relu']);
  });

  it('two branches of a sum keep one convolution outside', () => {
    const list = listOf({
      nodes: [
        node('Conv', 'x w', 'left'),
        node('Conv', 'x w2', 'right'),
        node('Add', 'left right', 'sum'),
        node('Relu', 'sum', 'y'),
      ],
      inputs: { x: [FLOAT, [1, 4, 8, 8]] },
      constants: { w: w(6, 4, 1, 1), w2: w(6, 4, 1, 1) },
      outputs: ['y'],
    });
    expect(parts(list, 'convolution').sort()).toEqual(['Conv', 'Conv+Add+Relu']);
    expect(() => graphOfList(fuse(list).list)).not.toThrow();
  });
});

describe('products', () => {
  const projections: BuiltGraph = {
    nodes: [
      ...['q', 'k', 'v'].flatMap((name) => [
        node('MatMul', `x w${name}`, `m${name}`),
        node('Add', `m${name} b${name}`, name),
      ]),
      node('Concat', 'q k v', 'y', { axis: -1 }),
    ],
    inputs: { x: [FLOAT, [1, 10, 16]] },
    constants: {
      wq: w(16, 32),
      wk: w(16, 8),
      wv: w(16, 8),
      bq: w(32),
      bk: w(8),
      bv: w(8),
    },
    outputs: ['y'],
  };

  it('of one input become one with their columns side by side', () => {
    const { list } = fuse(listOf(projections), ['qkv']);
    const [joined] = list.operators;
    expect(joined?.work).toMatchObject({
      form: { kind: 'matmul', batch: 1, m: 10, n: 48, k: 16 },
      macs: 10 * 48 * 16,
      inputBytes: MB(10, 16),
      weightBytes: MB(16, 48),
    });
    expect(joined?.outputs).toEqual(['mq', 'mk', 'mv']);
  });

  it('then take in the bias of each', () => {
    const [joined, last] = parts(listOf(projections), 'qkv', 'product');
    expect(joined?.split('+').sort()).toEqual(['Add', 'Add', 'Add', 'MatMul', 'MatMul', 'MatMul']);
    expect(last).toBe('Concat');
  });

  it('gated feed-forward: gate and up as one, activation and product behind', () => {
    const list = listOf({
      nodes: [
        node('MatMul', 'x wg', 'gate'),
        node('MatMul', 'x wu', 'up'),
        node('Sigmoid', 'gate', 'sig'),
        node('Mul', 'gate sig', 'silu'),
        node('Mul', 'silu up', 'h'),
        node('MatMul', 'h wd', 'down'),
        node('Add', 'down x', 'y'),
      ],
      inputs: { x: [FLOAT, [1, 4, 16]] },
      constants: { wg: w(16, 64), wu: w(16, 64), wd: w(64, 16) },
      outputs: ['y'],
    });
    expect(fuse(list).list.operators.map((o) => o.parts.length)).toEqual([5, 2]);
  });
});

describe('element by element', () => {
  it('GELU written out is one launch that reads and writes once', () => {
    const list = listOf({
      nodes: [
        node('Div', 'x r', 'a'),
        node('Erf', 'a', 'b'),
        node('Add', 'b one', 'c'),
        node('Mul', 'x c', 'd'),
        node('Mul', 'd half', 'y'),
      ],
      inputs: { x: [FLOAT, [4, 16]] },
      constants: { r: w(), one: w(), half: w() },
      outputs: ['y'],
    });
    const { list: fused } = fuse(list, ['pointwise']);
    expect(fused.operators).toHaveLength(1);
    expect(fused.operators[0]?.work).toMatchObject({
      inputBytes: 256,
      outputBytes: 256,
      vectorOps: 5 * 64,
    });
  });

  it('does not recompute across a broadcast', () => {
    const list = listOf({
      nodes: [node('Relu', 'x', 'a'), node('Add', 'a z', 'y')],
      inputs: { x: [FLOAT, [1, 16]], z: [FLOAT, [8, 16]] },
      outputs: ['y'],
    });
    expect(parts(list, 'pointwise')).toEqual(['Relu', 'Add']);
  });
});

describe('normalisation', () => {
  const written = (rms: boolean): BuiltGraph => ({
    nodes: [
      ...(rms ? [] : [node('ReduceMean', 'x', 'mean', { axes: [-1] }), node('Sub', 'x mean', 'd')]),
      node('Pow', `${rms ? 'x' : 'd'} two`, 'square'),
      node('ReduceMean', 'square', 'var', { axes: [-1] }),
      node('Add', 'var eps', 'safe'),
      node('Sqrt', 'safe', 'root'),
      node('Div', `${rms ? 'x' : 'd'} root`, 'unit'),
      node('Mul', 'unit g', 'scaled'),
      ...(rms ? [] : [node('Add', 'scaled b', 'y')]),
    ],
    inputs: { x: [FLOAT, [4, 16]] },
    constants: { two: w(), eps: w(), g: w(16), b: w(16) },
    outputs: [rms ? 'scaled' : 'y'],
  });

  it.each([
    [false, 'LayerNormalization', 7],
    [true, 'SimplifiedLayerNormalization', 4],
  ])('written out (rms %s) is recognised', (rms, operator, steps) => {
    const { list } = fuse(listOf(written(rms), 13), ['written-norm']);
    expect(list.operators).toHaveLength(1);
    expect(list.operators[0]?.work).toMatchObject({
      operator,
      form: { kind: 'vector', elements: 64, passes: 2 },
      vectorOps: 64 * steps,
      inputBytes: 256,
      outputBytes: 256,
    });
  });

  it('takes in the residual sum, which stays a result', () => {
    const list = listOf({
      nodes: [
        node('Add', 'x r', 's'),
        node('LayerNormalization', 's g', 'n'),
        node('MatMul', 'n w', 'm'),
        node('Add', 'm s', 'y'),
      ],
      inputs: { x: [FLOAT, [4, 16]], r: [FLOAT, [4, 16]] },
      constants: { g: w(16), w: w(16, 16) },
      outputs: ['y'],
    });
    const [first] = fuse(list, ['residual-norm']).list.operators;
    expect(first?.work).toMatchObject({
      operator: 'SkipLayerNormalization',
      inputBytes: 512,
      outputBytes: 512,
    });
    expect(first?.outputs).toEqual(['s', 'n']);
  });
});

describe('attention', () => {
  const graph: BuiltGraph = {
    nodes: [
      node('Transpose', 'k', 'kt', { perm: [0, 1, 3, 2] }),
      node('MatMul', 'q kt', 'scores'),
      node('Mul', 'scores scale', 'scaled'),
      node('Add', 'scaled mask', 'masked'),
      node('Softmax', 'masked', 'weights'),
      node('MatMul', 'weights v', 'mixed'),
      node('Transpose', 'mixed', 'y', { perm: [0, 2, 1, 3] }),
    ],
    inputs: {
      q: [FLOAT, [2, 4, 6, 8]],
      k: [FLOAT, [2, 4, 10, 8]],
      v: [FLOAT, [2, 4, 10, 16]],
      mask: [FLOAT, [1, 1, 6, 10]],
    },
    constants: { scale: w() },
    outputs: ['y'],
  };

  it('keeps the score matrix inside', () => {
    const { list } = fuse(listOf(graph), ['attention']);
    expect(list.operators).toHaveLength(1);
    expect(list.operators[0]?.work).toMatchObject({
      operator: 'Attention',
      form: {
        kind: 'attention',
        batch: 2,
        heads: 4,
        queries: 6,
        context: 10,
        headDim: 8,
        valueDim: 16,
        causal: false,
      },
      macs: 8 * 60 * 24,
      inputBytes: MB(8, 6, 8) + MB(8, 10, 8) + MB(8, 10, 16) + MB(60),
      outputBytes: MB(8, 6, 16),
    });
  });

  it('leaves scores alone that the model hands out', () => {
    const list = listOf({ ...graph, outputs: ['y', 'weights'] });
    expect(fuse(list, ['attention']).list.operators).toHaveLength(7);
  });
});

describe('layout', () => {
  const chain = (second: readonly number[]): OperatorList =>
    listOf({
      nodes: [
        node('Transpose', 'x', 'a', { perm: [0, 2, 3, 1] }),
        node('Transpose', 'a', 'b', { perm: second }),
        node('Relu', 'b', 'y'),
      ],
      inputs: { x: [FLOAT, [2, 3, 4, 5]] },
      outputs: ['y'],
    });

  it('transpositions that undo each other go', () => {
    const { list } = fuse(chain([0, 3, 1, 2]), ['layout']);
    expect(list.operators.map(({ name, inputs }) => [name, inputs])).toEqual([['y', ['x']]]);
  });

  it('others combine', () => {
    const { list } = fuse(chain([3, 1, 2, 0]), ['layout']);
    expect(list.operators.map(({ parts: p }) => p.join('+'))).toEqual([
      'Transpose+Transpose',
      'Relu',
    ]);
    expect(list.operators[0]?.traits.perm).toEqual([1, 2, 3, 0]);
  });

  it('not across a reshape, which is a view and leaves no operator', () => {
    const list = listOf({
      nodes: [
        node('Transpose', 'x', 'a', { perm: [1, 0] }),
        node('Reshape', 'a s', 'r'),
        node('Transpose', 'r', 'y', { perm: [1, 0] }),
      ],
      inputs: { x: [FLOAT, [4, 6]] },
      constants: { s: { dims: [2], values: [3, 8] } },
      outputs: ['y'],
    });
    expect(fuse(list, ['layout']).list.operators).toHaveLength(2);
  });
});

describe('the registry', () => {
  it.each(Object.entries(fusions))('%s says in one line what it does', (_, { summary }) => {
    expect(summary).toMatch(/^[a-z].{20,120}$/);
  });

  it('refuses a name that is none', () => {
    const list = listOf({ nodes: [], outputs: [] });
    expect(() => fuse(list, ['convolutions'])).toThrow(SpecError);
  });

  it('leaves a list as it is when nothing is named', () => {
    const list = listOf({
      nodes: [node('Relu', 'x', 'y')],
      inputs: { x: [FLOAT, [2]] },
      outputs: ['y'],
    });
    expect(fuse(list, []).list).toBe(list);
    expect(fuse(list).savings.map(({ fusion }) => fusion)).toEqual(FUSION_NAMES);
  });
});
