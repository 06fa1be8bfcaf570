import { describe, expect, it } from 'vitest';
import { fuse } from '../../../../src/workload/fusion/index.ts';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { listOf, node, w } from '../../../support/fusion.ts';
import { type BuiltGraph, buildModel, FLOAT, INT8, UINT8 } from '../../../support/onnx-builder.ts';

describe('quantised models', () => {
  const quantised: BuiltGraph = {
    nodes: [
      node('QuantizeLinear', 'x s z', 'xq'),
      node('DequantizeLinear', 'xq s z', 'xd'),
      node('DequantizeLinear', 'wq s zw', 'wd'),
      node('Conv', 'xd wd', 'c'),
      node('Relu', 'c', 'a'),
      node('QuantizeLinear', 'a s z', 'aq'),
      node('DequantizeLinear', 'aq s z', 'y'),
    ],
    inputs: { x: [FLOAT, [1, 4, 8, 8]] },
    constants: {
      s: { type: FLOAT, dims: [], values: [0.1] },
      z: { type: UINT8, dims: [], values: [0] },
      zw: { type: INT8, dims: [], values: [0] },
      wq: { type: INT8, dims: [6, 4, 3, 3] },
    },
    outputs: ['y'],
  };

  it('run on integers: weights of one byte, no pairs in between', () => {
    const { list } = fuse(listOf(quantised), ['qdq']);
    const conv = list.operators.find(({ work }) => work.operator === 'Conv');
    expect(conv?.work).toMatchObject({
      activationDType: 'int8',
      weightDType: 'int8',
      inputBytes: 256,
      macs: 6 * 36 * 36,
    });
    expect(conv?.work.weightBytes).toBe(216 + 4 + 1);
    expect(list.operators.map(({ work }) => work.operator)).toEqual([
      'QuantizeLinear',
      'Conv',
      'Relu',
      'DequantizeLinear',
    ]);
  });

  it('keep four-bit weights packed beside wider activations, turned weights too', () => {
    const { list } = fuse(
      listOf(
        {
          nodes: [
            node('DequantizeLinear', 'wq s', 'wd', { block_size: 32, axis: 1 }),
            node('Transpose', 'wd', 'wt', { perm: [1, 0] }),
            node('MatMul', 'x wt', 'y'),
          ],
          inputs: { x: [FLOAT, [4, 64]] },
          // 22 is INT4 in onnx.proto.
          constants: { wq: { type: 22, dims: [10, 64], external: 'w' }, s: w(10, 2) },
          outputs: ['y'],
        },
        21,
      ),
      ['qdq'],
    );
    expect(list.operators).toHaveLength(1);
    expect(list.operators[0]?.work).toMatchObject({
      weightDType: 'int4',
      activationDType: 'fp32',
      weightBytes: 320 + 80,
      inputBytes: 4 * 64 * 4,
      macs: 4 * 64 * 10,
    });
  });

  it('count the integers as parameters', () => {
    expect(importOnnx(buildModel(quantised), 'm.onnx').parameters).toBe(216);
  });
});
