/** Operators without a matrix product for sketches: element-wise, normalisation, and pure data movement. */
import { KIBI } from '../base/units.ts';
import { type Dims, elementCount, floats, integers, type ValueSpec } from './onnx-writer.ts';
import { addConstant, append, type Sketch, weight } from './sketch.ts';

/** One input, one output, element by element. */
export function unary(sketch: Sketch, x: ValueSpec, op: 'Relu' | 'Sigmoid' | 'Gelu'): ValueSpec {
  const domain = op === 'Gelu' ? { domain: 'com.microsoft' } : {};
  return append(sketch, { op, inputs: [x], dims: x.dims, ...domain });
}

export function binary(
  sketch: Sketch,
  a: ValueSpec,
  b: ValueSpec,
  op: 'Add' | 'Mul' | 'Div',
): ValueSpec {
  return append(sketch, { op, inputs: [a, b], dims: a.dims });
}

export function softmax(sketch: Sketch, x: ValueSpec): ValueSpec {
  return append(sketch, { op: 'Softmax', inputs: [x], dims: x.dims, attributes: { axis: -1 } });
}

export function layerNorm(sketch: Sketch, x: ValueSpec): ValueSpec {
  const width = x.dims.at(-1) as number;
  return append(sketch, {
    op: 'LayerNormalization',
    inputs: [x, weight(sketch, [width], 1), weight(sketch, [width], 1)],
    dims: x.dims,
    attributes: { axis: -1 },
  });
}

/** Root-mean-square normalisation, as LLM exports spell it. */
export function rmsNorm(sketch: Sketch, x: ValueSpec): ValueSpec {
  return append(sketch, {
    op: 'SimplifiedLayerNormalization',
    inputs: [x, weight(sketch, [x.dims.at(-1) as number], 1)],
    dims: x.dims,
    attributes: { axis: -1, stash_type: 1 },
  });
}

export function transpose(sketch: Sketch, x: ValueSpec, order: readonly number[]): ValueSpec {
  const dims = order.map((axis) => x.dims[axis] as number);
  return append(sketch, { op: 'Transpose', inputs: [x], dims, attributes: { perm: order } });
}

/** Another shape for the same bytes; free. */
export function reshape(sketch: Sketch, x: ValueSpec, dims: Dims): ValueSpec {
  const shape = addConstant(sketch, integers('shape', 'int64', [dims.length], dims));
  return append(sketch, { op: 'Reshape', inputs: [x, shape], dims });
}

/** Below this a result costs nothing to hand over. */
const SMALL_RESULT = 64 * KIBI;

/**
 * Keeps one element of a large result. Results are handed to JavaScript in fresh memory,
 * and first touching a page costs more than many an operator that filled it.
 */
export function shrink(sketch: Sketch, x: ValueSpec): ValueSpec {
  const elements = elementCount(x.dims);
  if (elements * Float32Array.BYTES_PER_ELEMENT <= SMALL_RESULT) return x;
  return gather(sketch, reshape(sketch, x, [elements]), [0]);
}

/** Rows of a table by index; only the rows asked for are read. */
export function gather(sketch: Sketch, table: ValueSpec, rows: readonly number[]): ValueSpec {
  const indices = addConstant(sketch, integers('rows', 'int64', [rows.length], rows));
  return append(sketch, {
    op: 'Gather',
    inputs: [table, indices],
    dims: [rows.length, ...table.dims.slice(1)],
    attributes: { axis: 0 },
  });
}

/** Mean over height and width of NCHW. */
export function globalAverage(sketch: Sketch, x: ValueSpec): ValueSpec {
  const [batch = 1, channels = 1] = x.dims;
  return append(sketch, { op: 'GlobalAveragePool', inputs: [x], dims: [batch, channels, 1, 1] });
}

/** Normalises groups of channels over their pixels; `rows` groups, each of length `length`. */
export function instanceNorm(sketch: Sketch, x: ValueSpec): ValueSpec {
  const channels = x.dims[1] as number;
  return append(sketch, {
    op: 'InstanceNormalization',
    inputs: [x, weight(sketch, [channels], 1), weight(sketch, [channels], 1)],
    dims: x.dims,
  });
}

/** Scales height and width of NCHW by a whole factor. */
export function resize(
  sketch: Sketch,
  x: ValueSpec,
  factor: number,
  mode: 'nearest' | 'linear',
  rounding: 'floor' | 'round_prefer_floor' = 'round_prefer_floor',
): ValueSpec {
  const [batch = 1, channels = 1, height = 1, width = 1] = x.dims;
  const scales = addConstant(sketch, floats('scales', [4], [1, 1, factor, factor]));
  return append(sketch, {
    op: 'Resize',
    inputs: [x, '', scales],
    dims: [batch, channels, height * factor, width * factor],
    attributes: { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: rounding },
  });
}
