/**
 * Closed-form work of operators that only move data, and of resampling.
 *
 * Model    bytes that are really touched: a gather reads the rows it picks, not the table
 * Ignores  access pattern; the machine's memory model decides what a stride costs
 * Source   ONNX operator documents
 * Checked  test/unit/workload/onnx/cost.test.ts
 */
import { elementsOf } from '../element-type.ts';
import { inputAt, textOf } from '../node-view.ts';
import { bytesOfValue, type Coster, type CostView } from './coster.ts';

const copy: Coster = () => ({ form: { kind: 'move' } });

/** Reads as much as it writes, plus what says where from. */
function picked(data: number, ...indices: readonly number[]): Coster {
  return (view) => {
    const moved = view.outputs.reduce((sum, value) => sum + bytesOfValue(value), 0);
    const where = indices.reduce((sum, i) => sum + activationBytes(view, i), 0);
    const table = view.inputs[data]?.constant === true;
    return {
      form: { kind: 'move' },
      weightBytes: table ? moved : 0,
      inputBytes: where + (table ? 0 : moved),
      outputBytes: moved,
    };
  };
}

function activationBytes(view: CostView, index: number): number {
  const value = view.inputs[index];
  return value?.constant ? 0 : bytesOfValue(value);
}

/** A block-quantised table: packed rows and their scales are read, floating point is written. */
const gatherBlockQuantized: Coster = (view) => {
  const table = inputAt(view, 0);
  const rows = elementsOf(inputAt(view, 1).dims);
  const share = rows / (table.dims[0] ?? 1);
  const packed = bytesOfValue(table) + bytesOfValue(view.inputs[2]) + bytesOfValue(view.inputs[3]);
  const elements = elementsOf(view.outputs[0]?.dims ?? []);
  return {
    form: { kind: 'vector', elements, passes: 1 },
    vectorOps: elements * 2,
    weightBytes: packed * share,
    inputBytes: activationBytes(view, 1),
  };
};

/** The target is updated in place: indices and updates are read, as much is written. */
const scatter: Coster = (view) => {
  const updates = bytesOfValue(view.inputs[2]);
  return {
    form: { kind: 'move' },
    weightBytes: 0,
    inputBytes: activationBytes(view, 1) + updates + bytesOfValue(view.inputs[0]),
    outputBytes: bytesOfValue(view.outputs[0]),
  };
};

/** Taps per result along an axis, by interpolation. */
const TAPS: Readonly<Record<string, number>> = {
  nearest: 1,
  linear: 2,
  bilinear: 2,
  cubic: 4,
  bicubic: 4,
};

/** Multiply and add per tap, in every direction that changes. */
const resample: Coster = (view) => {
  const x = inputAt(view, 0).dims;
  const out = view.outputs[0]?.dims ?? [];
  const taps = TAPS[textOf(view, 'mode', 'nearest')] ?? 1;
  if (taps === 1)
    return {
      form: { kind: 'move', ...(isDoubled(view, x, out) && { doubled: true }) },
      weightBytes: 0,
    };
  const axes = out.filter((dim, i) => dim !== x[i]).length;
  const elements = elementsOf(out);
  const passes = taps ** axes;
  return {
    form: { kind: 'vector', elements, passes },
    vectorOps: elements * passes * 2,
    weightBytes: 0,
  };
};

/** Both planes of an image at twice the size, every pixel in place of four. */
function isDoubled(view: CostView, x: readonly number[], out: readonly number[]): boolean {
  if (x.length !== 4 || !out.every((size, i) => size === (i < 2 ? 1 : 2) * (x[i] ?? 0)))
    return false;
  // The operator before opset 11 and `Upsample` know no other way.
  const way = textOf(
    view,
    'coordinate_transformation_mode',
    view.opset < 11 ? 'asymmetric' : 'half_pixel',
  );
  const rounding = textOf(view, 'nearest_mode', view.opset < 11 ? 'floor' : 'round_prefer_floor');
  return way === 'asymmetric' && rounding === 'floor';
}

/** Four taps per sample point, each weighted. */
const sample: Coster = (view) => {
  const elements = elementsOf(view.outputs[0]?.dims ?? []);
  return { form: { kind: 'vector', elements, passes: 4 }, vectorOps: elements * 8 };
};

/** Shape and fill values steer, they are not moved. */
const fill: Coster = () => ({ form: { kind: 'move' }, weightBytes: 0, inputBytes: 0 });

const steered: Coster = (view) => ({
  form: { kind: 'move' },
  inputBytes: activationBytes(view, 0),
  ...weightOf(view),
});

/** A constant that is moved is a weight; constants that steer are not. */
function weightOf(view: CostView): { weightBytes: number } {
  return { weightBytes: view.inputs[0]?.constant ? bytesOfValue(view.inputs[0]) : 0 };
}

export const movements: Readonly<Record<string, Coster>> = {
  Transpose: copy,
  Concat: copy,
  'com.microsoft.QLinearConcat': copy,
  Split: steered,
  Slice: picked(0),
  Gather: picked(0, 1),
  GatherElements: picked(0, 1),
  GatherND: picked(0, 1),
  Compress: picked(0, 1),
  Unique: copy,
  'com.microsoft.GatherBlockQuantized': gatherBlockQuantized,
  Scatter: scatter,
  ScatterElements: scatter,
  ScatterND: scatter,
  TensorScatter: scatter,
  Expand: steered,
  Tile: steered,
  Pad: steered,
  DepthToSpace: copy,
  SpaceToDepth: copy,
  Col2Im: steered,
  CenterCropPad: steered,
  MaxUnpool: copy,
  NonZero: copy,
  ConstantOfShape: fill,
  Range: fill,
  // Copies that survive: a node that is asked for under two names, or data that must change place.
  Identity: copy,
  Reshape: steered,
  Squeeze: steered,
  Unsqueeze: steered,
  Flatten: steered,
  Dropout: steered,
  Resize: resample,
  Upsample: resample,
  GridSample: sample,
  AffineGrid: sample,
  RoiAlign: sample,
  MaxRoiPool: sample,
};
