import { describe, expect, it } from 'vitest';
import { costers } from '../../../../src/workload/onnx/cost/index.ts';
import { inferers } from '../../../../src/workload/onnx/infer/index.ts';
import { BOOL, FLOAT, INT8, INT32, INT64, UINT8 } from '../../../support/onnx-builder.ts';
import {
  agree,
  bytes,
  floats,
  ints,
  scalar,
  type Trial,
  weight,
} from '../../../support/onnx-trial.ts';

const ms = 'com.microsoft';
const image = [2, 4, 6, 5];
const half: Trial['inputs'][number] = { type: FLOAT, dims: [], values: [0.5] };
const zero = (type: number): Trial['inputs'][number] => ({ type, dims: [], values: [0] });

const UNARY =
  'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish Hardmax Identity ' +
  'LeakyRelu Log LogSoftmax Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt ' +
  'Tan Tanh ThresholdedRelu LpNormalization MeanVarianceNormalization IsNaN IsInf GlobalAveragePool GlobalMaxPool ' +
  'GlobalLpPool Flatten Trilu Bernoulli EyeLike RandomNormalLike Shape Size ReduceL1 ReduceLogSum ReduceLogSumExp ' +
  'ReduceMin ReduceProd ReduceSum ReduceSumSquare ArgMin';

const unary = UNARY.split(' ').map((op): [string, Trial] => [
  op,
  { op, inputs: [op === 'EyeLike' ? [3, 4] : image] },
]);

const TABLE: readonly [string, Trial][] = [
  ...unary,
  ['Gelu', { op: 'Gelu', opset: 20, inputs: [image] }],
  ['Mish', { op: 'Mish', opset: 18, inputs: [image] }],
  ['Clip', { op: 'Clip', inputs: [image, half, half] }],
  ['Where', { op: 'Where', inputs: [{ type: BOOL, dims: [6, 1] }, [6, 5], [2, 1, 1, 5]] }],
  ['PRelu', { op: 'PRelu', inputs: [image, weight([4, 1, 1])] }],
  ['Mean of three', { op: 'Mean', inputs: [image, [6, 5], [1]] }],
  ['Sum', { op: 'Sum', inputs: [image, [4, 1, 5]] }],
  ['Cast', { op: 'Cast', inputs: [image], attributes: { to: 7 } }],
  ['Dropout', { op: 'Dropout', inputs: [image], outputs: 2 }],
  ['CumSum', { op: 'CumSum', inputs: [image, scalar(2)] }],
  [
    'BatchNormalization',
    { op: 'BatchNormalization', inputs: [image, ...[1, 2, 3, 4].map(() => weight([4]))] },
  ],
  [
    'InstanceNormalization',
    { op: 'InstanceNormalization', inputs: [image, weight([4]), weight([4])] },
  ],
  [
    'GroupNormalization',
    {
      op: 'GroupNormalization',
      opset: 21,
      inputs: [image, weight([4]), weight([4])],
      attributes: { num_groups: 2 },
    },
  ],
  [
    'LayerNormalization',
    {
      op: 'LayerNormalization',
      inputs: [image, weight([6, 5])],
      outputs: 3,
      attributes: { axis: 2 },
    },
  ],
  ['RMSNormalization', { op: 'RMSNormalization', opset: 23, inputs: [image, weight([5])] }],
  [
    'SimplifiedLayerNormalization',
    { op: 'SimplifiedLayerNormalization', inputs: [image, weight([5])] },
  ],
  ['LRN', { op: 'LRN', inputs: [image], attributes: { size: 3 } }],
  [
    'Gemm transposed',
    {
      op: 'Gemm',
      inputs: [[7, 3], weight([5, 7]), weight([5])],
      attributes: { transA: 1, transB: 1 },
    },
  ],
  [
    'Squeeze before 13',
    { op: 'Squeeze', opset: 11, inputs: [[1, 4, 1]], attributes: { axes: [0, 2] } },
  ],
  ['Squeeze', { op: 'Squeeze', inputs: [[1, 4, 1], ints(-1)] }],
  ['Squeeze all', { op: 'Squeeze', inputs: [[1, 4, 1]] }],
  [
    'Unsqueeze before 13',
    { op: 'Unsqueeze', opset: 11, inputs: [[4]], attributes: { axes: [0, 2] } },
  ],
  ['Unsqueeze', { op: 'Unsqueeze', inputs: [[4, 5], ints(-1, 1)] }],
  ['Expand', { op: 'Expand', inputs: [[4, 1], ints(2, 1, 6)] }],
  [
    'Slice before 10',
    {
      op: 'Slice',
      opset: 9,
      inputs: [image],
      attributes: { starts: [1, -3], ends: [9, -1], axes: [1, 2] },
    },
  ],
  [
    'Pad before 11',
    { op: 'Pad', opset: 10, inputs: [image], attributes: { pads: [0, 1, 2, 0, 0, 0, 1, 3] } },
  ],
  ['Pad by axes', { op: 'Pad', opset: 18, inputs: [image, ints(1, 2), '', ints(-1)] }],
  [
    'Split before 13',
    { op: 'Split', opset: 11, inputs: [image], outputs: 2, attributes: { axis: 1, split: [1, 3] } },
  ],
  ['Concat', { op: 'Concat', inputs: [image, [2, 1, 6, 5]], attributes: { axis: -3 } }],
  ['Upsample', { op: 'Upsample', opset: 9, inputs: [image, floats(1, 1, 2, 2.5)] }],
  ['Resize of 10', { op: 'Resize', opset: 10, inputs: [image, floats(1, 1, 2, 0.5)] }],
  [
    'Resize not larger',
    {
      op: 'Resize',
      opset: 18,
      inputs: [image, '', '', ints(9, 4)],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    },
  ],
  ['TopK before 10', { op: 'TopK', opset: 9, inputs: [image], outputs: 2, attributes: { k: 3 } }],
  [
    'Reduce by input',
    { op: 'ReduceMean', opset: 18, inputs: [image, ints(1, -1)], attributes: { keepdims: 0 } },
  ],
  [
    'Reduce nothing',
    { op: 'ReduceSum', inputs: [image, ''], attributes: { noop_with_empty_axes: 1 } },
  ],
  ['Shape of a part', { op: 'Shape', inputs: [image], attributes: { start: 1, end: -1 } }],
  ['GatherElements', { op: 'GatherElements', inputs: [image, { dims: [1, 2, 6, 5] }] }],
  ['GatherND', { op: 'GatherND', inputs: [image, { dims: [2, 3, 2] }] }],
  [
    'GatherND batched',
    { op: 'GatherND', inputs: [image, { dims: [2, 3, 1] }], attributes: { batch_dims: 1 } },
  ],
  ['ScatterND', { op: 'ScatterND', inputs: [image, { dims: [3, 1] }, [3, 4, 6, 5]] }],
  ['ScatterElements', { op: 'ScatterElements', inputs: [[4, 5], { dims: [1, 2] }, [1, 2]] }],
  [
    'Compress',
    {
      op: 'Compress',
      inputs: [image, { type: BOOL, dims: [4], values: [1, 0, 1, 0] }],
      attributes: { axis: 1 },
    },
  ],
  ['NonZero', { op: 'NonZero', inputs: [{ type: INT64, dims: [2, 2], values: [1, 0, 3, 4] }] }],
  ['SpaceToDepth', { op: 'SpaceToDepth', inputs: [[1, 3, 6, 4]], attributes: { blocksize: 2 } }],
  ['ReverseSequence', { op: 'ReverseSequence', inputs: [[4, 3, 5], ints(1, 2, 3)] }],
  [
    'MaxPool with indices',
    { op: 'MaxPool', inputs: [image], outputs: 2, attributes: { kernel_shape: [2, 2] } },
  ],
  ['LpPool', { op: 'LpPool', inputs: [image], attributes: { kernel_shape: [3, 2] } }],
  [
    'MaxUnpool',
    {
      op: 'MaxUnpool',
      inputs: [[1, 1, 2, 2], { dims: [1, 1, 2, 2], values: [0, 2, 8, 10] }],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
  ],
  ['GridSample', { op: 'GridSample', inputs: [image, [2, 3, 7, 2]] }],
  ['AffineGrid', { op: 'AffineGrid', opset: 20, inputs: [[2, 2, 3], ints(2, 4, 6, 5)] }],
  [
    'RoiAlign',
    {
      op: 'RoiAlign',
      inputs: [image, [3, 4], { dims: [3] }],
      attributes: { output_height: 2, output_width: 3 },
    },
  ],
  [
    'MaxRoiPool',
    { op: 'MaxRoiPool', inputs: [image, [3, 5]], attributes: { pooled_shape: [2, 2] } },
  ],
  ['Col2Im', { op: 'Col2Im', opset: 18, inputs: [[1, 8, 4], ints(3, 3), ints(2, 2)] }],
  [
    'CenterCropPad',
    { op: 'CenterCropPad', opset: 18, inputs: [image, ints(8, 3)], attributes: { axes: [2, 3] } },
  ],
  ['STFT', { op: 'STFT', inputs: [[1, 64, 1], scalar(8), '', scalar(16)] }],
  ['DFT', { op: 'DFT', inputs: [[1, 10, 1]], attributes: { axis: 1, onesided: 1 } }],
  ['DFT of 20', { op: 'DFT', opset: 20, inputs: [[1, 10, 4, 1], '', scalar(1)] }],
  ['Range', { op: 'Range', inputs: [scalar(2), scalar(11), scalar(3)] }],
  ['RandomNormal', { op: 'RandomNormal', inputs: [], attributes: { shape: [2, 3] } }],
  ['HannWindow', { op: 'HannWindow', inputs: [scalar(12)] }],
  [
    'MelWeightMatrix',
    {
      op: 'MelWeightMatrix',
      inputs: [
        scalar(8),
        scalar(64),
        scalar(8000),
        half,
        { type: FLOAT, dims: [], values: [4000] },
      ],
    },
  ],
  ['Det', { op: 'Det', inputs: [[2, 3, 3]] }],
  ['QuantizeLinear', { op: 'QuantizeLinear', inputs: [image, half, zero(INT8)] }],
  ['DequantizeLinear', { op: 'DequantizeLinear', inputs: [bytes(UINT8, image), half] }],
  [
    'QLinearMatMul',
    {
      op: 'QLinearMatMul',
      inputs: [
        bytes(UINT8, [2, 3, 4]),
        half,
        zero(UINT8),
        bytes(UINT8, [4, 5]),
        half,
        zero(UINT8),
        half,
        zero(UINT8),
      ],
    },
  ],
  [
    'QLinearConv',
    {
      op: 'QLinearConv',
      inputs: [
        bytes(UINT8, [1, 3, 8, 8]),
        half,
        zero(UINT8),
        bytes(UINT8, [4, 3, 3, 3]),
        half,
        zero(UINT8),
        half,
        zero(UINT8),
      ],
      attributes: { strides: [2, 2] },
    },
  ],
  [
    'ConvInteger',
    { op: 'ConvInteger', inputs: [bytes(UINT8, [1, 3, 8, 8]), bytes(UINT8, [4, 3, 3, 3])] },
  ],
  [
    'GRU',
    {
      op: 'GRU',
      inputs: [[5, 3, 4], weight([1, 18, 4]), weight([1, 18, 6])],
      outputs: 2,
      attributes: { hidden_size: 6 },
    },
  ],
  [
    'RotaryEmbedding of 23',
    {
      op: 'RotaryEmbedding',
      opset: 23,
      inputs: [[2, 3, 4, 8], weight([2, 4, 4]), weight([2, 4, 4])],
    },
  ],
  ...['QuickGelu', 'Gelu', 'FastGelu'].map((op): [string, Trial] => [
    `${ms}.${op}`,
    { op, domain: ms, inputs: [image] },
  ]),
  ['BiasGelu', { op: 'BiasGelu', domain: ms, inputs: [image, weight([5])] }],
  [
    'FusedMatMul',
    {
      op: 'FusedMatMul',
      domain: ms,
      inputs: [
        [2, 4, 3],
        [2, 5, 4],
      ],
      attributes: { transA: 1, transB: 1 },
    },
  ],
  [
    'RotaryEmbedding',
    {
      op: 'RotaryEmbedding',
      domain: ms,
      inputs: [[2, 3, 16], { dims: [2, 3] }, weight([8, 4]), weight([8, 4])],
      attributes: { num_heads: 2 },
    },
  ],
  [
    'DynamicQuantizeMatMul',
    { op: 'DynamicQuantizeMatMul', domain: ms, inputs: [[2, 3, 4], bytes(INT8, [4, 5]), half] },
  ],
  [
    'MatMulIntegerToFloat',
    {
      op: 'MatMulIntegerToFloat',
      domain: ms,
      inputs: [bytes(UINT8, [2, 3, 4]), bytes(UINT8, [4, 5]), half, half],
    },
  ],
  [
    'QLinearAdd',
    {
      op: 'QLinearAdd',
      domain: ms,
      inputs: [
        bytes(UINT8, image),
        half,
        zero(UINT8),
        bytes(UINT8, [5]),
        half,
        zero(UINT8),
        half,
        zero(UINT8),
      ],
    },
  ],
  [
    'EmbedLayerNormalization',
    {
      op: 'EmbedLayerNormalization',
      domain: ms,
      inputs: [
        { type: INT32, dims: [2, 3] },
        '',
        weight([9, 4]),
        weight([5, 4]),
        '',
        weight([4]),
        weight([4]),
      ],
      outputs: 2,
    },
  ],
];

describe('one shape of every operator, as ONNX Runtime has it', () => {
  it.each(TABLE)('%s', async (_, trial) => {
    expect(await agree(trial)).toBe(true);
  });
});

describe('registries', () => {
  it('cost everything whose shape is known, except what is always worked out at import', () => {
    const bare = Object.keys(inferers).filter((key) => !Object.hasOwn(costers, key));
    expect(bare.sort()).toEqual(
      'BlackmanWindow Constant HammingWindow HannWindow MelWeightMatrix NonMaxSuppression Shape Size'.split(
        ' ',
      ),
    );
  });

  it('cost nothing that has no shape', () => {
    expect(Object.keys(costers).filter((key) => !Object.hasOwn(inferers, key))).toEqual([]);
  });
});
