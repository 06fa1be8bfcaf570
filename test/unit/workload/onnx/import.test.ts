import { describe, expect, it } from 'vitest';
import { type BuiltGraph, FLOAT, INT32, INT64, UINT8 } from '../../../support/onnx-builder.ts';
import { faultsOf, float, load, names } from '../../../support/onnx-import.ts';

describe('dimensions', () => {
  const graph: BuiltGraph = {
    nodes: [
      { op: 'MatMul', name: 'first', inputs: ['x', 'w'], outputs: ['y'] },
      {
        op: 'Concat',
        name: 'join',
        inputs: ['past', 'y'],
        outputs: ['z'],
        attributes: { axis: 1 },
      },
    ],
    inputs: {
      x: [FLOAT, ['batch', 'sequence', 8]],
      past: [FLOAT, ['batch', 'past_sequence', 4]],
      mask: [INT64, ['batch', 'past_sequence + sequence']],
    },
    constants: { w: float(8, 4) },
    outputs: ['z'],
  };

  it('are bound by name, sums of names included', () => {
    const model = load(graph, { batch: 2, sequence: 3, past_sequence: 5 });
    expect(model.outputs).toEqual([{ name: 'z', type: 'float', dims: [2, 8, 4] }]);
    expect(model.inputs.find(({ name }) => name === 'mask')?.dims).toEqual([2, 8]);
  });

  it('may be zero, as an empty cache is', () => {
    const model = load(graph, { batch: 1, sequence: 3, past_sequence: 0 });
    expect(model.outputs[0]?.dims).toEqual([1, 3, 4]);
  });

  it('are all listed with an example when they are not bound', () => {
    const [fault] = faultsOf(() => load(graph, { sequence: 3 }));
    expect(fault?.message).toContain('"batch", "past_sequence"');
    expect(fault?.hint).toContain('--dim batch=1,past_sequence=');
  });

  it('that do not exist are refused with the nearest name, beside the ones that lack a value', () => {
    const faults = faultsOf(() => load(graph, { batch: 1, sequnce: 3, past_sequence: 1 }));
    expect(faults[0]).toMatchObject({ hint: 'did you mean "sequence"?' });
    expect(faults[1]?.message).toContain('"sequence"');
  });

  it('without a name are called by input and axis', () => {
    const anonymous = {
      ...graph,
      inputs: { x: [FLOAT, [undefined, undefined, 8]] as const, past: [FLOAT, [1, 1, 4]] as const },
    };
    const [fault] = faultsOf(() => load(anonymous));
    expect(fault?.message).toContain('"x.0", "x.1"');
    expect(load(anonymous, { 'x.0': 1, 'x.1': 6 }).outputs[0]?.dims).toEqual([1, 7, 4]);
  });
});

describe('contradictions', () => {
  it('name node, operator and shapes, all in one go', () => {
    const faults = faultsOf(() =>
      load({
        nodes: [
          { op: 'Conv', name: 'stem', inputs: ['x', 'w'], outputs: ['a'] },
          { op: 'Relu', name: 'after', inputs: ['a'], outputs: ['b'] },
          { op: 'Add', name: 'sum', inputs: ['x', 'v'], outputs: ['c'] },
        ],
        inputs: { x: [FLOAT, [1, 3, 8, 8]] },
        constants: { w: float(4, 5, 3, 3), v: float(7) },
        outputs: ['b', 'c'],
      }),
    );
    expect(faults).toHaveLength(2);
    expect(faults[0]?.path).toBe('node "stem" (Conv)');
    expect(faults[0]?.message).toContain('x[1, 3, 8, 8]');
    expect(faults[0]?.got).toContain('W[4, 5, 3, 3]');
    expect(faults[1]?.path).toBe('node "sum" (Add)');
  });

  it('include inputs that no node makes', () => {
    const faults = faultsOf(() =>
      load({
        nodes: [{ op: 'Relu', name: 'r', inputs: ['nowhere'], outputs: ['y'] }],
        outputs: ['y'],
      }),
    );
    expect(faults[0]?.message).toContain('"nowhere"');
  });

  it('an operator set of the future is refused with the range that is known', () => {
    const graph: BuiltGraph = { nodes: [], outputs: [] };
    expect(faultsOf(() => load(graph, {}, { opset: 99 }))[0]).toMatchObject({
      message: 'unsupported operator set',
      got: '99',
    });
  });
});

describe('weights', () => {
  it('may be in a file that is not there, as long as only their shape counts', () => {
    const model = load({
      nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: { x: [FLOAT, [2, 8]] },
      constants: { w: { ...float(8, 16), external: 'weights.bin' } },
      outputs: ['y'],
    });
    expect(model.parameters).toBe(128);
    expect(model.weightBytes).toBe(512);
    expect(model.list.operators[0]?.work).toMatchObject({
      macs: 256,
      weightBytes: 512,
      inputBytes: 64,
    });
  });

  it('are an error when a shape depends on values that are not there', () => {
    const [fault] = faultsOf(() =>
      load({
        nodes: [{ op: 'Reshape', name: 'r', inputs: ['x', 's'], outputs: ['y'] }],
        inputs: { x: [FLOAT, [2, 8]] },
        constants: { s: { dims: [1], external: 'shapes.bin' } },
        outputs: ['y'],
      }),
    );
    expect(fault?.message).toContain('"s" decide a shape');
    expect(fault?.expected).toContain('shapes.bin');
  });

  it('computed from weights cost nothing at run time', () => {
    const model = load({
      nodes: [
        { op: 'Transpose', inputs: ['w'], outputs: ['t'] },
        { op: 'MatMul', inputs: ['x', 't'], outputs: ['y'] },
      ],
      inputs: { x: [FLOAT, [2, 8]] },
      constants: { w: float(16, 8) },
      outputs: ['y'],
    });
    expect(names(model)).toEqual(['MatMul']);
    expect(model.report.folded).toBe(1);
    expect(model.parameters).toBe(128);
  });

  it('packed to four bits count by their logical size', () => {
    const model = load({
      nodes: [
        {
          op: 'MatMulNBits',
          domain: 'com.microsoft',
          inputs: ['x', 'w', 's'],
          outputs: ['y'],
          attributes: { K: 64, N: 10, bits: 4, block_size: 32 },
        },
      ],
      inputs: { x: [FLOAT, [3, 64]] },
      constants: { w: { type: UINT8, dims: [10, 2, 16] }, s: float(20) },
      outputs: ['y'],
    });
    expect(model.parameters).toBe(640);
    expect(model.list.operators[0]?.work).toMatchObject({
      macs: 3 * 64 * 10,
      weightDType: 'int4',
      weightBytes: 320 + 80,
    });
  });
});

describe('views and order', () => {
  it('reshapes touch nothing, and readers depend on what is behind them', () => {
    const model = load({
      nodes: [
        { op: 'Relu', inputs: ['x'], outputs: ['a'] },
        { op: 'Reshape', inputs: ['a', 's'], outputs: ['b'] },
        { op: 'Sigmoid', inputs: ['b'], outputs: ['y'] },
      ],
      inputs: { x: [FLOAT, [2, 8]] },
      constants: { s: { dims: [1], values: [-1] } },
      outputs: ['y'],
    });
    expect(names(model)).toEqual(['Relu', 'Sigmoid']);
    expect(model.graph.operators[1]?.inputs).toEqual([0]);
    expect(model.shapes.get('b')).toEqual([16]);
  });

  it('nodes in the wrong order are sorted', () => {
    const model = load({
      nodes: [
        { op: 'Sigmoid', inputs: ['a'], outputs: ['y'] },
        { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      ],
      inputs: { x: [FLOAT, [2]] },
      outputs: ['y'],
    });
    expect(names(model)).toEqual(['Relu', 'Sigmoid']);
  });

  it('operators with equal work share it', () => {
    const model = load({
      nodes: [
        { op: 'Relu', inputs: ['x'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
        { op: 'Sigmoid', inputs: ['b'], outputs: ['y'] },
      ],
      inputs: { x: [FLOAT, [2]] },
      outputs: ['y'],
    });
    expect(model.graph.works).toHaveLength(2);
  });
});

describe('shape arithmetic', () => {
  it('follows Shape, Gather, arithmetic and Concat into a Reshape', () => {
    const model = load(
      {
        nodes: [
          { op: 'Shape', inputs: ['x'], outputs: ['s'] },
          { op: 'Gather', inputs: ['s', 'zero'], outputs: ['b'], attributes: { axis: 0 } },
          { op: 'Unsqueeze', inputs: ['b', 'axes'], outputs: ['b1'] },
          { op: 'Div', inputs: ['width', 'heads'], outputs: ['w'] },
          {
            op: 'Concat',
            inputs: ['b1', 'rest', 'heads', 'w'],
            outputs: ['t'],
            attributes: { axis: 0 },
          },
          { op: 'Cast', inputs: ['t'], outputs: ['t64'], attributes: { to: 7 } },
          { op: 'Reshape', inputs: ['x', 't64'], outputs: ['y'] },
        ],
        inputs: { x: [FLOAT, ['batch', 6, 32]] },
        constants: {
          zero: { dims: [], values: [0] },
          axes: { dims: [1], values: [0] },
          rest: { dims: [1], values: [-1] },
          width: { dims: [1], values: [32] },
          heads: { dims: [1], values: [4] },
        },
        outputs: ['y'],
      },
      { batch: 3 },
    );
    expect(model.shapes.get('y')).toEqual([3, 6, 4, 8]);
    expect(model.graph.operators).toHaveLength(0);
    // Engines work out Shape, Gather, Unsqueeze, Concat and Cast in every run; Div has constants alone.
    expect(model.report).toMatchObject({ folded: 6, steering: 5, views: 1 });
  });

  it('steers nothing at run time where the file gives every size', () => {
    const { report } = load({
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
      ],
      inputs: { x: [FLOAT, [3, 6]] },
      outputs: ['y'],
    });
    expect(report).toMatchObject({ folded: 1, steering: 0, views: 1 });
  });

  it('truncates integer division towards zero and takes the sign of the divisor in Mod', () => {
    const model = load({
      nodes: [
        { op: 'Div', inputs: ['minus', 'two'], outputs: ['q'] },
        { op: 'Mod', inputs: ['minus', 'two'], outputs: ['r'] },
        { op: 'Sub', inputs: ['r', 'q'], outputs: ['n'] },
        { op: 'ConstantOfShape', inputs: ['n'], outputs: ['y'] },
      ],
      constants: {
        minus: { type: INT64, dims: [1], values: [-7] },
        two: { dims: [1], values: [2] },
      },
      outputs: ['y'],
    });
    // -7 / 2 = -3, -7 mod 2 = 1.
    expect(model.shapes.get('y')).toEqual([4]);
  });

  it('reads small constants of 32 bits', () => {
    const model = load({
      nodes: [
        { op: 'Cast', inputs: ['s'], outputs: ['s64'], attributes: { to: 7 } },
        { op: 'Expand', inputs: ['x', 's64'], outputs: ['y'] },
      ],
      inputs: { x: [FLOAT, [1]] },
      constants: { s: { type: INT32, dims: [2], values: [3, 4] } },
      outputs: ['y'],
    });
    expect(model.shapes.get('y')).toEqual([3, 4]);
  });
});
