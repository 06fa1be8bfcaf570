/** Operators with a matrix product, for sketches. */
import { type Dims, floats, integers, type ValueSpec } from './onnx-writer.ts';
import { addConstant, append, type Sketch, weight } from './sketch.ts';

const MICROSOFT = 'com.microsoft';

const widthOf = (x: ValueSpec): number => x.dims.at(-1) as number;
const withLast = (dims: Dims, last: number): Dims => [...dims.slice(0, -1), last];

/** x·W with a constant float32 matrix. */
export function matmul(sketch: Sketch, x: ValueSpec, n: number): ValueSpec {
  const k = widthOf(x);
  const w = weight(sketch, [k, n], k);
  return append(sketch, { op: 'MatMul', inputs: [x, w], dims: withLast(x.dims, n) });
}

/** x·W + b on a matrix, the form that classifiers end with. */
export function gemm(sketch: Sketch, x: ValueSpec, n: number): ValueSpec {
  const k = widthOf(x);
  const inputs = [x, weight(sketch, [k, n], k), weight(sketch, [n], k)];
  return append(sketch, { op: 'Gemm', inputs, dims: withLast(x.dims, n) });
}

/** Product of two activations, batched over all leading dimensions. */
export function activationMatmul(sketch: Sketch, a: ValueSpec, b: ValueSpec): ValueSpec {
  return append(sketch, { op: 'MatMul', inputs: [a, b], dims: withLast(a.dims, widthOf(b)) });
}

/** Float32 activations quantised on the fly, int8 weights: what dynamic quantisation exports and ONNX Runtime fuses. */
export function int8Matmul(sketch: Sketch, x: ValueSpec, n: number): ValueSpec {
  const k = widthOf(x);
  const w = weight(sketch, [k, n], k, 'int8');
  const scale = addConstant(sketch, floats('scale', [1], [1 / (64 * Math.sqrt(k))]));
  return append(sketch, {
    op: 'DynamicQuantizeMatMul',
    domain: MICROSOFT,
    inputs: [x, w, scale],
    dims: withLast(x.dims, n),
  });
}

/** Accuracy level 4 (int8 arithmetic inside) is what ONNX Runtime's own LLM exporter asks for on CPUs. */
const ACCURACY_LEVEL = 4;

/** 4-bit weights with one float32 scale per block of `block` inputs. */
export function int4Matmul(sketch: Sketch, x: ValueSpec, n: number, block: number): ValueSpec {
  const k = widthOf(x);
  const blocks = Math.ceil(k / block);
  const w = weight(sketch, [n, blocks, block / 2], k, 'uint8');
  const scales = weight(sketch, [n * blocks], k * 64);
  return append(sketch, {
    op: 'MatMulNBits',
    domain: MICROSOFT,
    inputs: [x, w, scales],
    dims: withLast(x.dims, n),
    attributes: { K: k, N: n, bits: 4, block_size: block, accuracy_level: ACCURACY_LEVEL },
  });
}

export interface ConvShape {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

/** Two-dimensional convolution with bias and same padding, NCHW. */
export function conv(sketch: Sketch, x: ValueSpec, shape: ConvShape): ValueSpec {
  const [batch = 1, channels = 1, height = 1, width = 1] = x.dims;
  const { out, kernel, stride = 1, groups = 1 } = shape;
  const pad = Math.floor(kernel / 2);
  const extent = (size: number) => Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const fanIn = (channels / groups) * kernel * kernel;
  const w = weight(sketch, [out, channels / groups, kernel, kernel], fanIn);
  return append(sketch, {
    op: 'Conv',
    inputs: [x, w, weight(sketch, [out], fanIn)],
    dims: [batch, out, extent(height), extent(width)],
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    },
  });
}

/** The same along a sequence, with odd kernels: batch, channels, positions. */
export function lineConv(
  sketch: Sketch,
  x: ValueSpec,
  { out, kernel }: Pick<ConvShape, 'out' | 'kernel'>,
): ValueSpec {
  const [batch = 1, channels = 1, positions = 1] = x.dims;
  const pad = (kernel - 1) / 2;
  const w = weight(sketch, [out, channels, kernel], channels * kernel);
  return append(sketch, {
    op: 'Conv',
    inputs: [x, w, weight(sketch, [out], channels * kernel)],
    dims: [batch, out, positions],
    attributes: { kernel_shape: [kernel], strides: [1], pads: [pad, pad], group: 1 },
  });
}

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  /** Tokens already in the cache; the cache comes in as graph inputs. */
  readonly past: number;
}

/** Causal attention with a key–value cache that comes in as input and goes out longer. */
export function groupQueryAttention(
  sketch: Sketch,
  [query, key, value]: readonly [ValueSpec, ValueSpec, ValueSpec],
  { heads, kvHeads, past }: AttentionShape,
  [pastKey, pastValue]: readonly ValueSpec[] = [],
): ValueSpec {
  const [batch = 1, queries = 1] = query.dims;
  const context = past + queries;
  const lengths = addConstant(sketch, integers('lengths', 'int32', [batch], [context - 1]));
  const total = addConstant(sketch, integers('total', 'int32', [1], [context]));
  return append(sketch, {
    op: 'GroupQueryAttention',
    domain: MICROSOFT,
    inputs: [query, key, value, pastKey ?? '', pastValue ?? '', lengths, total],
    dims: query.dims,
    extraOutputs: 2,
    attributes: { num_heads: heads, kv_num_heads: kvHeads },
  });
}

/** Attention of an encoder: every token sees every other. */
export function multiHeadAttention(
  sketch: Sketch,
  [query, key, value]: readonly [ValueSpec, ValueSpec, ValueSpec],
  heads: number,
): ValueSpec {
  return append(sketch, {
    op: 'MultiHeadAttention',
    domain: MICROSOFT,
    inputs: [query, key, value],
    dims: query.dims,
    attributes: { num_heads: heads },
  });
}
