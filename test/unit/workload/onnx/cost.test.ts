import { describe, expect, it } from 'vitest';
import type { Work } from '../../../../src/base/work.ts';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import {
  type BuiltTensor,
  buildModel,
  FLOAT,
  FLOAT16,
  INT8,
  INT32,
  INT64,
  UINT8,
} from '../../../support/onnx-builder.ts';
import { ms, w, workOf, x } from '../../../support/onnx-work.ts';

describe('convolution', () => {
  it('counts kernel × input channels of a group per output', () => {
    const work = workOf('Conv', [x(1, 8, 10, 10), w(16, 4, 3, 3), w(16)], {
      group: 2,
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    });
    expect(work.macs).toBe(5 * 5 * 16 * 4 * 9);
    expect(work.form).toEqual({
      kind: 'conv',
      batch: 1,
      outHeight: 5,
      outWidth: 5,
      outChannels: 16,
      inChannels: 8,
      kernelHeight: 3,
      kernelWidth: 3,
      strideHeight: 2,
      strideWidth: 2,
      groups: 2,
    });
    expect(work).toMatchObject({
      weightBytes: (16 * 4 * 9 + 16) * 4,
      inputBytes: 3200,
      outputBytes: 1600,
    });
  });

  it('tells kernels whose taps are no neighbours: dilated, of several planes, or placed by offsets', () => {
    const form = (...call: Parameters<typeof workOf>) => workOf(...call).form;
    const square = [x(1, 16, 20, 20), w(16, 16, 3, 3)];
    expect(form('Conv', square, { dilations: [2, 2] })).toMatchObject({ scattered: true });
    expect(form('Conv', square, { dilations: [1, 2] })).toMatchObject({ scattered: true });
    const deep = [x(1, 16, 6, 20, 20), w(16, 16, 3, 3, 3)];
    expect(form('Conv', deep)).toMatchObject({ scattered: true });
    const bent = [...square, x(1, 18, 18, 18)];
    expect(form('DeformConv', bent, {}, { opset: 19 })).toMatchObject({ scattered: true });
    // One tap is no further from the next, and a plane at a time is no other than an image.
    expect(form('Conv', square, { dilations: [1, 1] })).not.toHaveProperty('scattered');
    const single = [x(1, 16, 20, 20), w(16, 16, 1, 1)];
    expect(form('Conv', single, { dilations: [2, 2] })).not.toHaveProperty('scattered');
    const flat = [x(1, 16, 6, 20, 20), w(16, 16, 1, 3, 3)];
    expect(form('Conv', flat)).not.toHaveProperty('scattered');
  });

  it('with one axis has height 1, with three the depth joins batch and channels so that form and count agree', () => {
    expect(workOf('Conv', [x(1, 4, 32), w(8, 4, 5)]).form).toMatchObject({
      outHeight: 1,
      outWidth: 28,
      kernelHeight: 1,
      kernelWidth: 5,
    });
    const deep = workOf('Conv', [x(1, 4, 6, 10, 10), w(8, 4, 3, 1, 1)]);
    expect(deep.macs).toBe(8 * 4 * 100 * 4 * 3);
    const form = deep.form as Extract<Work['form'], { kind: 'conv' }>;
    expect(form.volume).toBe(true);
    expect(workOf('Conv', [x(1, 4, 10, 10), w(8, 4, 3, 3)]).form).not.toHaveProperty('volume');
    const reduction = (form.inChannels / form.groups) * form.kernelHeight * form.kernelWidth;
    expect(form.batch * form.outHeight * form.outWidth * form.outChannels * reduction).toBe(
      deep.macs,
    );
  });

  it('transposed, multiplies every input pixel into a patch', () => {
    const work = workOf('ConvTranspose', [x(1, 6, 5, 5), w(6, 4, 2, 2)], { strides: [2, 2] });
    expect(work.macs).toBe(25 * 6 * 4 * 4);
    expect(work.form).toEqual({ kind: 'matmul', batch: 1, m: 25, n: 16, k: 6 });
  });

  it('tells sequences from planes of one row', () => {
    const line = workOf('Conv', [x(1, 8, 16), w(4, 8, 3)], { pads: [1, 1] });
    expect(line.form).toMatchObject({ outHeight: 1, outWidth: 16, kernelWidth: 3, line: true });
    const row = workOf('Conv', [x(1, 8, 1, 16), w(4, 8, 1, 3)], { pads: [0, 1, 0, 1] });
    expect(row.form).not.toHaveProperty('line');
    expect(row.macs).toBe(line.macs);
  });

  it('quantised, has integer operands and scales its results back', () => {
    const u8 = (...dims: number[]): BuiltTensor => ({ type: UINT8, dims });
    const scale = w();
    const point = u8();
    const work = workOf('QLinearConv', [
      [UINT8, [1, 3, 4, 4]],
      scale,
      point,
      { type: INT8, dims: [2, 3, 1, 1] },
      scale,
      { type: INT8, dims: [] },
      scale,
      point,
    ]);
    expect(work).toMatchObject({
      activationDType: 'int8',
      weightDType: 'int8',
      macs: 96,
      vectorOps: 32 * 4,
      inputBytes: 48,
    });
  });
});

describe('products', () => {
  it('with a shared matrix have one batch of many rows', () => {
    expect(workOf('MatMul', [x(2, 7, 16), w(16, 5)]).form).toEqual({
      kind: 'matmul',
      batch: 1,
      m: 14,
      n: 5,
      k: 16,
    });
  });

  it('of two tensors have a product per batch entry', () => {
    const work = workOf('MatMul', [x(2, 3, 7, 16), x(2, 3, 16, 5)]);
    expect(work.form).toEqual({ kind: 'matmul', batch: 6, m: 7, n: 5, k: 16 });
    expect(work.weightBytes).toBe(0);
  });

  it('in half precision say so', () => {
    const work = workOf('MatMul', [[FLOAT16, [4, 8]], { type: FLOAT16, dims: [8, 2] }]);
    expect(work).toMatchObject({ weightDType: 'fp16', activationDType: 'fp16', weightBytes: 32 });
  });

  it('written as Einsum or Gemm are the same work', () => {
    const sum = workOf('Einsum', [x(2, 7, 16), x(2, 16, 5)], { equation: 'bij,bjk->bik' });
    expect(sum.form).toEqual({ kind: 'matmul', batch: 2, m: 7, n: 5, k: 16 });
    const gemm = workOf('Gemm', [x(7, 16), w(5, 16), w(5)], { transB: 1 });
    expect(gemm).toMatchObject({ form: { m: 7, n: 5, k: 16 }, macs: 560, vectorOps: 35 });
  });

  it('a recurrent layer is a product per step over input and state', () => {
    const work = workOf('LSTM', [x(10, 2, 16), w(2, 128, 16), w(2, 128, 32)], {
      hidden_size: 32,
      direction: 'bidirectional',
    });
    expect(work.macs).toBe(10 * 2 * 2 * 128 * 48);
    expect(work.weightBytes).toBe(2 * 128 * 48 * 4);
  });

  it('a mixture of experts reads the experts it uses', () => {
    const work = workOf(
      'MoE',
      [x(1, 1, 16), x(1, 8), w(8, 16, 64), w(8, 64), w(8, 64, 16), w(8, 16)],
      { k: 2 },
      ms,
    );
    expect(work.macs).toBe(2 * (16 * 64 + 64 * 16));
    expect(work.weightBytes).toBe(2 * 2 * 16 * 64 * 4);
  });
});

describe('attention', () => {
  const lengths: BuiltTensor = { type: INT32, dims: [1], values: [0] };
  const groupQuery = (tokens: number, past: number, more = {}) =>
    workOf(
      'GroupQueryAttention',
      [
        x(1, tokens, 8 * 16),
        x(1, tokens, 2 * 16),
        x(1, tokens, 2 * 16),
        x(1, 2, past, 16),
        x(1, 2, past, 16),
        lengths,
        { type: INT32, dims: [1], values: [past + tokens] },
      ],
      { num_heads: 8, kv_num_heads: 2, ...more },
      { ...ms, outputs: 3 },
    );

  it('prefill works out the causal half', () => {
    const work = groupQuery(10, 0);
    expect(work.macs).toBe(8 * 55 * 32);
    expect(work.form).toMatchObject({
      kind: 'attention',
      heads: 8,
      kvHeads: 2,
      queries: 10,
      context: 10,
      causal: true,
    });
    expect(work).toMatchObject({ kvReadBytes: 0, kvWriteBytes: 10 * 2 * 32 * 4 });
  });

  it('decode reads the cache of the groups and appends one token', () => {
    const work = groupQuery(1, 99);
    expect(work.macs).toBe(8 * 100 * 32);
    expect(work).toMatchObject({ kvReadBytes: 99 * 2 * 32 * 4, kvWriteBytes: 2 * 32 * 4 });
    expect(work.inputBytes).toBe((8 * 16 + 2 * 2 * 16) * 4);
    expect(work.outputBytes).toBe(8 * 16 * 4);
  });

  it('in a window reaches no further', () => {
    const work = groupQuery(1, 99, { local_window_size: 20 });
    expect(work.macs).toBe(8 * 20 * 32);
    expect(work.kvReadBytes).toBe(19 * 2 * 32 * 4);
  });

  it('of the standard set is not causal unless it says so', () => {
    const inputs = [x(1, 4, 6, 8), x(1, 4, 6, 8), x(1, 4, 6, 8)];
    expect(workOf('Attention', inputs, {}, { opset: 23 }).macs).toBe(4 * 36 * 16);
    expect(workOf('Attention', inputs, { is_causal: 1 }, { opset: 23 }).macs).toBe(4 * 21 * 16);
  });

  it('that projects first adds its projection', () => {
    const work = workOf('Attention', [x(1, 6, 32), w(32, 96), w(96)], { num_heads: 4 }, ms);
    expect(work.macs).toBe(6 * 32 * 96 + 4 * 36 * 16);
  });
});

describe('vectors and moves', () => {
  it('count steps of the formula per element', () => {
    expect(workOf('Sigmoid', [x(5, 6)])).toMatchObject({
      vectorOps: 120,
      form: { elements: 30, passes: 1 },
    });
    expect(workOf('Softmax', [x(5, 6)]).vectorOps).toBe(150);
    expect(workOf('LayerNormalization', [x(5, 6), w(6), w(6)])).toMatchObject({
      vectorOps: 210,
      weightBytes: 48,
    });
  });

  it('pooling looks at the window for every result', () => {
    const work = workOf('MaxPool', [x(1, 2, 8, 8)], { kernel_shape: [2, 2], strides: [2, 2] });
    expect(work).toMatchObject({ vectorOps: 2 * 16 * 4, form: { elements: 32, passes: 4 } });
  });

  it('a reduction looks at every input once', () => {
    expect(workOf('ReduceSum', [x(4, 10)]).vectorOps).toBe(40);
  });

  it('a gather reads the rows it picks, not the table', () => {
    const work = workOf('Gather', [w(32000, 64), [INT64, [1, 7]]]);
    expect(work).toMatchObject({ weightBytes: 7 * 256, inputBytes: 56, outputBytes: 7 * 256 });
  });

  it('tells an image doubled by repeating from other nearest neighbours', () => {
    const form = (factor: number, attributes: Record<string, string>) => {
      const scales: BuiltTensor = { type: FLOAT, dims: [4], values: [1, 1, factor, factor] };
      return workOf('Resize', [x(1, 2, 4, 4), '', scales], attributes).form;
    };
    const repeated = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    expect(form(2, repeated)).toEqual({ kind: 'move', doubled: true });
    expect(form(4, repeated)).toEqual({ kind: 'move' });
    expect(form(2, { ...repeated, nearest_mode: 'ceil' })).toEqual({ kind: 'move' });
    expect(form(2, {})).toEqual({ kind: 'move' });
  });

  it('a slice reads what it keeps; linear resize has two taps per axis that changes', () => {
    const slice = workOf('Slice', [
      x(10, 10),
      { dims: [1], values: [0] },
      { dims: [1], values: [2] },
    ]);
    expect(slice).toMatchObject({ inputBytes: 80, outputBytes: 80, weightBytes: 0 });
    const scales: BuiltTensor = { type: FLOAT, dims: [4], values: [1, 1, 2, 2] };
    const resize = workOf('Resize', [x(1, 1, 4, 4), '', scales], { mode: 'linear' });
    expect(resize).toMatchObject({ vectorOps: 64 * 4 * 2, weightBytes: 0 });
  });

  it('a tensor read twice is loaded once', () => {
    const model = importOnnx(
      buildModel({
        nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
        inputs: { x: [FLOAT, [8]] },
        outputs: ['y'],
      }),
      'square.onnx',
    );
    expect(model.list.operators[0]?.work.inputBytes).toBe(32);
  });
});
