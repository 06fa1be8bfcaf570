import { describe, expect, it } from 'vitest';
import { BOOL, type BuiltGraph, FLOAT, INT64 } from '../../../support/onnx-builder.ts';
import { float, load, names } from '../../../support/onnx-import.ts';

describe('what is not understood', () => {
  const withUnknown: BuiltGraph = {
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'Mystery', domain: 'acme', name: 'm', inputs: ['a'], outputs: ['b'] },
      { op: 'Sigmoid', name: 's', inputs: ['b'], outputs: ['y'] },
    ],
    inputs: { x: [FLOAT, [4, 4]] },
    outputs: ['y'],
  };

  it('is reported by name with its share, and so is what depends on its shape', () => {
    const { report, graph } = load(withUnknown);
    expect(report.unmodelled.map(({ operator, nodes }) => [operator, nodes])).toEqual([
      ['acme.Mystery', ['m']],
      ['Sigmoid', ['s']],
    ]);
    expect(report.unmodelledOperatorShare).toBeCloseTo(2 / 3, 12);
    expect(graph.operators).toHaveLength(3);
  });

  it('goes on with the shape the file states', () => {
    const { report, shapes } = load({ ...withUnknown, declared: { b: [FLOAT, [4, 9]] } });
    expect(report.unmodelledOperatorShare).toBeCloseTo(1 / 3, 12);
    expect(shapes.get('y')).toEqual([4, 9]);
  });

  it('includes shapes that follow from values at run time', () => {
    const { report } = load({
      nodes: [{ op: 'NonZero', name: 'n', inputs: ['x'], outputs: ['y'] }],
      inputs: { x: [FLOAT, [4]] },
      outputs: ['y'],
    });
    expect(report.unmodelled[0]?.reason).toContain('run time');
  });
});

describe('control flow', () => {
  const branch = (factor: number): BuiltGraph => ({
    nodes: [
      {
        op: 'MatMul',
        name: `product${factor}`,
        inputs: ['x', `w${factor}`],
        outputs: [`r${factor}`],
      },
    ],
    constants: { [`w${factor}`]: float(8, 8 * factor) },
    outputs: [`r${factor}`],
  });
  const choice: BuiltGraph = {
    nodes: [
      { op: 'Equal', inputs: ['mode', 'one'], outputs: ['cond'] },
      {
        op: 'If',
        name: 'if',
        inputs: ['cond'],
        outputs: ['a'],
        attributes: { then_branch: { graph: branch(1) }, else_branch: { graph: branch(2) } },
      },
      { op: 'Relu', name: 'after', inputs: ['a'], outputs: ['y'] },
    ],
    inputs: { x: [FLOAT, [4, 8]], mode: [INT64, []] },
    constants: { one: { dims: [], values: [1] } },
    outputs: ['y'],
  };

  it('an If is the branch its bound condition takes', () => {
    const taken = load(choice, { mode: 1 });
    expect(names(taken)).toEqual(['MatMul', 'Relu']);
    expect(taken.shapes.get('y')).toEqual([4, 8]);
    expect(load(choice, { mode: 7 }).shapes.get('y')).toEqual([4, 16]);
    expect(taken.report.unmodelled).toEqual([]);
    // Comparing the input and taking the branch are work of every run.
    expect(taken.report).toMatchObject({ folded: 2, steering: 2 });
  });

  it('an open If is unmodelled with the costlier branch, and says how to decide it', () => {
    const { report, graph } = load(choice);
    expect(report.unmodelled[0]).toMatchObject({ operator: 'If', nodes: ['if'], macs: 4 * 8 * 16 });
    expect(report.unmodelledMacShare).toBe(1);
    expect(report.notes.join()).toContain('--dim mode=VALUE');
    expect(graph.operators.find(({ name }) => name === 'after')?.inputs).toHaveLength(1);
  });

  it('a Loop counts its body as often as it runs, and stacks what it scans', () => {
    const body: BuiltGraph = {
      nodes: [
        { op: 'Identity', inputs: ['go'], outputs: ['on'] },
        { op: 'MatMul', inputs: ['state', 'w'], outputs: ['next'] },
        { op: 'Relu', inputs: ['next'], outputs: ['seen'] },
      ],
      inputs: { i: [INT64, []], go: [BOOL, []], state: [FLOAT, undefined] },
      constants: { w: float(8, 8) },
      outputs: ['on', 'next', 'seen'],
    };
    const { report, shapes } = load({
      nodes: [
        {
          op: 'Loop',
          name: 'loop',
          inputs: ['count', '', 'x'],
          outputs: ['last', 'all'],
          attributes: { body: { graph: body } },
        },
      ],
      inputs: { x: [FLOAT, [4, 8]] },
      constants: { count: { dims: [], values: [5] } },
      outputs: ['last', 'all'],
    });
    expect(shapes.get('last')).toEqual([4, 8]);
    expect(shapes.get('all')).toEqual([5, 4, 8]);
    expect(report.unmodelled[0]).toMatchObject({
      operator: 'Loop',
      operators: 10,
      macs: 5 * 4 * 64,
    });
  });

  it('a Scan runs along the axis of what it scans', () => {
    const body: BuiltGraph = {
      nodes: [
        { op: 'Add', inputs: ['sum', 'row'], outputs: ['next'] },
        { op: 'Relu', inputs: ['next'], outputs: ['out'] },
      ],
      inputs: { sum: [FLOAT, [8]], row: [FLOAT, [8]] },
      outputs: ['next', 'out'],
    };
    const { report, shapes } = load({
      nodes: [
        {
          op: 'Scan',
          name: 'scan',
          inputs: ['zero', 'x'],
          outputs: ['total', 'rows'],
          attributes: { body: { graph: body }, num_scan_inputs: 1 },
        },
      ],
      inputs: { zero: [FLOAT, [8]], x: [FLOAT, [6, 8]] },
      outputs: ['total', 'rows'],
    });
    expect([shapes.get('total'), shapes.get('rows')]).toEqual([[8], [6, 8]]);
    expect(report.unmodelled[0]).toMatchObject({ operator: 'Scan', operators: 12 });
  });
});

describe('functions of the model', () => {
  it('are expanded with the attributes of the call, once per call', () => {
    const model = load(
      {
        nodes: [
          {
            op: 'Block',
            domain: 'local',
            name: 'one',
            inputs: ['x'],
            outputs: ['a'],
            attributes: { where: 1 },
          },
          {
            op: 'Block',
            domain: 'local',
            name: 'two',
            inputs: ['a'],
            outputs: ['y'],
            attributes: { where: 0 },
          },
        ],
        inputs: { x: [FLOAT, [2, 3]] },
        outputs: ['y'],
      },
      {},
      {
        functions: [
          {
            name: 'Block',
            domain: 'local',
            inputs: ['v', 'unused'],
            outputs: ['r'],
            attributes: ['where'],
            nodes: [
              {
                op: 'Concat',
                name: 'join',
                inputs: ['v', 'v'],
                outputs: ['j'],
                attributes: { axis: { reference: 'where' } },
              },
              { op: 'Relu', name: 'relu', inputs: ['j'], outputs: ['r'] },
            ],
          },
        ],
      },
    );
    expect(model.list.operators.map(({ name }) => name)).toEqual([
      'one/join',
      'one/relu',
      'two/join',
      'two/relu',
    ]);
    expect(model.shapes.get('a')).toEqual([2, 6]);
    expect(model.shapes.get('y')).toEqual([4, 6]);
  });
});
