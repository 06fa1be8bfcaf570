import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { buildOnnxRequest } from '../../../../src/workload/onnx/request.ts';
import { buildModel, FLOAT } from '../../../support/onnx-builder.ts';

/** A block of DenseNet: what is concatenated is read again, but for the last part. */
const model = importOnnx(
  buildModel({
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      { op: 'Concat', inputs: ['a', 'b'], outputs: ['ab'], attributes: { axis: 1 } },
      { op: 'Softmax', inputs: ['ab'], outputs: ['c'] },
      { op: 'Concat', inputs: ['x', 'a', 'b', 'c'], outputs: ['y'], attributes: { axis: 1 } },
    ],
    inputs: { x: [FLOAT, [1, 4, 6, 6]] },
    outputs: ['y'],
  }),
  'm.onnx',
);
const operatorsIn = (precision: 'fp16' | 'w8a8' | 'w8a16') => {
  const { graph } = buildOnnxRequest('r', model, { precision }).plan.phases[0]!;
  return graph.operators.map(({ work, inputs }) => {
    const found = graph.works[work]!;
    if (typeof found === 'function') throw new Error('shapes are fixed');
    return { work: found, inputs };
  });
};

describe('concatenations of integers', () => {
  it('convert parts that others read as well, each time', () => {
    const found = operatorsIn('w8a8').filter(({ work }) => work.operator === 'Requantize');
    // Of the first: a and b, which the second reads again. Of the second: both once more; c only goes there, x is given.
    expect(found).toHaveLength(4);
    for (const { work } of found)
      expect(work).toMatchObject({
        inputBytes: 144,
        outputBytes: 144,
        vectorOps: 2 * 144,
        macs: 0,
      });
  });

  it('wait for what was converted', () => {
    const operators = operatorsIn('w8a8');
    const joined = operators.filter(({ work }) => work.operator === 'Concat');
    const kinds = joined.map(({ inputs }) => inputs.map((i) => operators[i]!.work.operator));
    expect(kinds).toEqual([
      ['Requantize', 'Requantize'],
      ['Softmax', 'Requantize', 'Requantize'],
    ]);
  });

  it('move twice the bytes with 16-bit activations', () => {
    const found = operatorsIn('w8a16').filter(({ work }) => work.operator === 'Requantize');
    expect(found.map(({ work }) => work.inputBytes)).toEqual([288, 288, 288, 288]);
  });

  it('take floating-point numbers as they are', () => {
    expect(operatorsIn('fp16').some(({ work }) => work.operator === 'Requantize')).toBe(false);
  });
});
