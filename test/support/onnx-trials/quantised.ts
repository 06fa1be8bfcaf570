/** Random operators on quantised tensors, and contrib operators that ONNX Runtime makes of plain ones. */
import fc from 'fast-check';
import { type BuiltTensor, INT8, INT64, UINT4, UINT8 } from '../onnx-builder.ts';
import { bytes, ints, type Trial, weight } from '../onnx-trial.ts';
import { flag, shape, size, small } from './sizes.ts';

const contrib = 'com.microsoft';
const scale: BuiltTensor = { type: 1, dims: [], values: [0.5] };
const zero: BuiltTensor = { type: UINT8, dims: [], values: [3] };

const image = fc.record({
  batch: small,
  channels: fc.constantFrom(2, 4),
  height: fc.integer({ min: 4, max: 9 }),
  width: fc.integer({ min: 4, max: 9 }),
  kernel: small,
  stride: small,
});

const qLinearBinary = fc
  .tuple(shape(1, 3), fc.constantFrom('QLinearAdd', 'QLinearMul'), flag)
  .map(([dims, op, row]): Trial => {
    const right = row ? dims.slice(-1) : dims;
    return {
      op,
      domain: contrib,
      inputs: [bytes(UINT8, dims), scale, zero, bytes(UINT8, right), scale, zero, scale, zero],
    };
  });
const qLinearConcat = fc.tuple(size, size, size).map(
  ([rows, a, b]): Trial => ({
    op: 'QLinearConcat',
    domain: contrib,
    inputs: [
      scale,
      zero,
      bytes(UINT8, [rows, a]),
      scale,
      zero,
      bytes(UINT8, [rows, b]),
      scale,
      zero,
    ],
    attributes: { axis: 1 },
  }),
);
const qLinearGlobalPool = fc.tuple(image, flag).map(
  ([{ batch, channels, height, width }, last]): Trial => ({
    op: 'QLinearGlobalAveragePool',
    domain: contrib,
    inputs: [
      bytes(UINT8, last ? [batch, height, width, channels] : [batch, channels, height, width]),
      scale,
      zero,
      scale,
      zero,
    ],
    attributes: { channels_last: last },
  }),
);
const qLinearPool = image.map(
  ({ batch, channels, height, width, kernel, stride }): Trial => ({
    op: 'QLinearAveragePool',
    domain: contrib,
    inputs: [bytes(UINT8, [batch, channels, height, width]), scale, zero, scale, zero],
    attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride] },
  }),
);
const qLinearConv = image.map(
  ({ batch, channels, height, width, kernel, stride }): Trial => ({
    op: 'QLinearConv',
    inputs: [
      bytes(UINT8, [batch, channels, height, width]),
      scale,
      zero,
      bytes(UINT8, [6, channels, kernel, kernel]),
      scale,
      zero,
      scale,
      zero,
    ],
    attributes: { strides: [stride, stride] },
  }),
);
const convInteger = image.map(
  ({ batch, channels, height, width, kernel }): Trial => ({
    op: 'ConvInteger',
    inputs: [
      bytes(UINT8, [batch, channels, height, width]),
      bytes(UINT8, [6, channels, kernel, kernel]),
    ],
    attributes: { pads: [1, 1, 1, 1] },
  }),
);
const qGemm = fc.tuple(size, size, size, flag, flag).map(
  ([m, k, n, transA, transB]): Trial => ({
    op: 'QGemm',
    domain: contrib,
    inputs: [
      bytes(UINT8, transA ? [k, m] : [m, k]),
      scale,
      zero,
      bytes(INT8, transB ? [n, k] : [k, n]),
      scale,
      { type: INT8, dims: [], values: [0] },
    ],
    attributes: { transA, transB },
  }),
);
const fusedConv = image.map(
  ({ batch, channels, height, width, kernel, stride }): Trial => ({
    op: 'FusedConv',
    domain: contrib,
    inputs: [[batch, channels, height, width], weight([6, channels, kernel, kernel])],
    attributes: { activation: 'Relu', strides: [stride, stride] },
  }),
);
const gatherBlockQuantized = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), shape(0, 2), flag)
  .map(([rows, blocks, picks]): Trial => {
    const width = 16 * blocks;
    return {
      op: 'GatherBlockQuantized',
      domain: contrib,
      inputs: [bytes(UINT4, [rows, width]), { type: INT64, dims: picks }, weight([rows, blocks])],
      attributes: { gather_axis: 0, quantize_axis: 1, block_size: 16 },
    };
  });
const castLike = shape(0, 3).map(
  (dims): Trial => ({ op: 'CastLike', inputs: [dims, ints(1)], opset: 17 }),
);
const multinomial = fc.tuple(small, size, size).map(
  ([batch, classes, samples]): Trial => ({
    op: 'Multinomial',
    inputs: [[batch, classes]],
    attributes: { sample_size: samples },
  }),
);

export const QUANTISED: Readonly<Record<string, fc.Arbitrary<Trial>>> = {
  qLinearBinary,
  qLinearConcat,
  qLinearGlobalPool,
  qLinearPool,
  qLinearConv,
  convInteger,
  qGemm,
  fusedConv,
  gatherBlockQuantized,
  castLike,
  multinomial,
};
