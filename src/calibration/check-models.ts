/** Whole models that no fit has seen: decoder layers, an encoder block, a backbone, a U-net block. */
import type { Candidate } from './collect.ts';
import type { ValueSpec } from './onnx-writer.ts';
import * as op from './operators.ts';
import { finish, input, newSketch, type RunnableModel, type Sketch } from './sketch.ts';
import * as vec from './vector-operators.ts';

type Product = (sketch: Sketch, x: ValueSpec, width: number) => ValueSpec;

interface DecoderShape {
  readonly width: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly layers: number;
  readonly tokens: number;
  readonly past: number;
}

function decoderLayer(sketch: Sketch, x: ValueSpec, shape: DecoderShape, product: Product) {
  const { width, hidden, heads, kvHeads, past } = shape;
  const headDim = width / heads;
  const normed = vec.rmsNorm(sketch, x);
  const query = product(sketch, normed, width);
  const key = product(sketch, normed, kvHeads * headDim);
  const value = product(sketch, normed, kvHeads * headDim);
  const cacheDims = [1, kvHeads, past, headDim];
  const cache = past > 0 ? [input(sketch, cacheDims), input(sketch, cacheDims)] : [];
  const mixed = op.groupQueryAttention(
    sketch,
    [query, key, value],
    { heads, kvHeads, past },
    cache,
  );
  const attended = vec.binary(sketch, x, product(sketch, mixed, width), 'Add');
  const second = vec.rmsNorm(sketch, attended);
  const gate = product(sketch, second, hidden);
  const up = product(sketch, second, hidden);
  const swish = vec.binary(sketch, gate, vec.unary(sketch, gate, 'Sigmoid'), 'Mul');
  const down = product(sketch, vec.binary(sketch, swish, up, 'Mul'), width);
  return vec.binary(sketch, attended, down, 'Add');
}

function decoder(id: string, shape: DecoderShape, product: Product): Candidate {
  return {
    id,
    family: 'decoder',
    build: (): RunnableModel => {
      const sketch = newSketch(id);
      let x = input(sketch, [1, shape.tokens, shape.width]);
      for (let i = 0; i < shape.layers; i++) x = decoderLayer(sketch, x, shape, product);
      return finish(sketch, vec.shrink(sketch, x));
    },
  };
}

const int4: Product = (sketch, x, width) => op.int4Matmul(sketch, x, width, 32);

const SMALL = { width: 576, hidden: 1536, heads: 9, kvHeads: 3, layers: 4 };
const MIDDLE = { width: 896, hidden: 4864, heads: 14, kvHeads: 2, layers: 4 };
const LARGE = { width: 2048, hidden: 5632, heads: 32, kvHeads: 4, layers: 4 };

/** Pre-norm encoder blocks with the attention spelled out, as exporters write it. */
function encoder(id: string, tokens: number, width: number, heads: number, blocks: number) {
  const split = (sketch: Sketch, x: ValueSpec, order: readonly number[]) =>
    vec.transpose(sketch, vec.reshape(sketch, x, [1, tokens, heads, width / heads]), order);
  const block = (sketch: Sketch, x: ValueSpec): ValueSpec => {
    const normed = vec.layerNorm(sketch, x);
    const query = split(sketch, op.matmul(sketch, normed, width), [0, 2, 1, 3]);
    const key = split(sketch, op.matmul(sketch, normed, width), [0, 2, 3, 1]);
    const value = split(sketch, op.matmul(sketch, normed, width), [0, 2, 1, 3]);
    const scores = vec.softmax(sketch, op.activationMatmul(sketch, query, key));
    const mixed = vec.transpose(sketch, op.activationMatmul(sketch, scores, value), [0, 2, 1, 3]);
    const joined = vec.reshape(sketch, mixed, [1, tokens, width]);
    const attended = vec.binary(sketch, x, op.matmul(sketch, joined, width), 'Add');
    const inner = op.matmul(sketch, vec.layerNorm(sketch, attended), 4 * width);
    const outer = op.matmul(sketch, vec.unary(sketch, inner, 'Gelu'), width);
    return vec.binary(sketch, attended, outer, 'Add');
  };
  return {
    id,
    family: 'encoder',
    build: () => {
      const sketch = newSketch(id);
      let x = input(sketch, [1, tokens, width]);
      for (let i = 0; i < blocks; i++) x = block(sketch, x);
      return finish(sketch, vec.shrink(sketch, x));
    },
  };
}

/** Inverted bottlenecks: expand, depthwise, project, with a shortcut where shapes allow. */
function mobileNet(id: string, extent: number): Candidate {
  const STAGES = [
    { out: 24, expand: 4, stride: 2 },
    { out: 24, expand: 4, stride: 1 },
    { out: 40, expand: 4, stride: 2 },
    { out: 40, expand: 4, stride: 1 },
    { out: 96, expand: 6, stride: 2 },
    { out: 96, expand: 6, stride: 1 },
    { out: 96, expand: 6, stride: 1 },
  ];
  return {
    id,
    family: 'backbone',
    build: () => {
      const sketch = newSketch(id);
      const relu = (x: ValueSpec) => vec.unary(sketch, x, 'Relu');
      let x = relu(
        op.conv(sketch, input(sketch, [1, 3, extent, extent]), { out: 16, kernel: 3, stride: 2 }),
      );
      for (const { out, expand, stride } of STAGES) {
        const wide = (x.dims[1] as number) * expand;
        const expanded = relu(op.conv(sketch, x, { out: wide, kernel: 1 }));
        const deep = relu(
          op.conv(sketch, expanded, { out: wide, kernel: 3, stride, groups: wide }),
        );
        const projected = op.conv(sketch, deep, { out, kernel: 1 });
        const same = stride === 1 && x.dims[1] === out;
        x = same ? vec.binary(sketch, projected, x, 'Add') : projected;
      }
      const pooled = vec.globalAverage(sketch, relu(op.conv(sketch, x, { out: 576, kernel: 1 })));
      return finish(sketch, op.gemm(sketch, vec.reshape(sketch, pooled, [1, 576]), 1000));
    },
  };
}

/** Two residual convolution blocks with a self-attention between them, then up one level. */
function unetBlock(id: string, channels: number, extent: number): Candidate {
  return {
    id,
    family: 'unet',
    build: () => {
      const sketch = newSketch(id);
      const swish = (x: ValueSpec) => vec.binary(sketch, x, vec.unary(sketch, x, 'Sigmoid'), 'Mul');
      const residual = (x: ValueSpec): ValueSpec => {
        let y = op.conv(sketch, swish(vec.instanceNorm(sketch, x)), { out: channels, kernel: 3 });
        y = op.conv(sketch, swish(vec.instanceNorm(sketch, y)), { out: channels, kernel: 3 });
        return vec.binary(sketch, x, y, 'Add');
      };
      const tokens = extent * extent;
      const first = residual(input(sketch, [1, channels, extent, extent]));
      const rows = vec.transpose(
        sketch,
        vec.reshape(sketch, first, [1, channels, tokens]),
        [0, 2, 1],
      );
      const normed = vec.layerNorm(sketch, rows);
      const project = () => op.matmul(sketch, normed, channels);
      const mixed = op.multiHeadAttention(sketch, [project(), project(), project()], 8);
      const back = vec.transpose(sketch, op.matmul(sketch, mixed, channels), [0, 2, 1]);
      const image = vec.reshape(sketch, back, [1, channels, extent, extent]);
      const joined = residual(vec.binary(sketch, first, image, 'Add'));
      const up = op.conv(sketch, vec.resize(sketch, joined, 2, 'nearest'), {
        out: channels,
        kernel: 3,
      });
      return finish(sketch, vec.shrink(sketch, up));
    },
  };
}

/** The project's own check; `quick` keeps one of each kind. */
export function checkModels(quick: boolean): Candidate[] {
  const few = [
    decoder('decoder-576-fp32-prefill-64', { ...SMALL, tokens: 64, past: 0 }, op.matmul),
    decoder('decoder-896-int4-decode@256', { ...MIDDLE, tokens: 1, past: 256 }, int4),
    encoder('vit-192x3-block', 197, 192, 3, 2),
    mobileNet('mobilenet-like-160', 160),
  ];
  if (quick) return few;
  return [
    ...few,
    decoder('decoder-576-fp32-decode@128', { ...SMALL, tokens: 1, past: 128 }, op.matmul),
    decoder('decoder-896-fp32-decode@512', { ...MIDDLE, tokens: 1, past: 512 }, op.matmul),
    decoder('decoder-896-int4-prefill-32', { ...MIDDLE, tokens: 32, past: 0 }, int4),
    decoder('decoder-2048-int4-decode@384', { ...LARGE, tokens: 1, past: 384 }, int4),
    decoder(
      'decoder-2048-fp32-prefill-16',
      { ...LARGE, layers: 2, tokens: 16, past: 0 },
      op.matmul,
    ),
    encoder('vit-384x6-block', 197, 384, 6, 2),
    mobileNet('mobilenet-like-224', 224),
    unetBlock('unet-block-128x32', 128, 32),
  ];
}
