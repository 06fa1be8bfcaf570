/**
 * The calibration suite: chains of one operator over shapes from matrix–vector to large.
 *
 * One call of `session.run` from JavaScript costs tens of microseconds, as much as a small operator. A chain of
 * `copies` equal operators in one graph pays it once, and the `call` case (one tiny operator) shows it alone, so the
 * fit can tell call, dispatch and operator apart. ONNX Runtime's own profile would not do: it counts in whole
 * microseconds and spends several of them per operator on writing itself.
 *
 * Weights of a chain are visited once per run. A chain with more weights than the last-level cache holds reads them
 * from DRAM, as a language model does; a shorter one finds them in cache, as a small network does. Both are here.
 */

import { GIGA, KIBI, MEBI } from '../base/units.ts';
import { chain, type OperatorCase, type Step } from './chain.ts';
import { convCases } from './conv-cases.ts';
import type { ValueSpec } from './onnx-writer.ts';
import * as op from './operators.ts';
import { finish, input, newSketch, type Sketch } from './sketch.ts';
import * as vec from './vector-operators.ts';

/** Large enough for stable clocks and small enough for the time limit: about this many multiply–accumulates per run. */
const CHAIN_MACS = 0.2 * GIGA;
const COLD_BYTES = 96 * MEBI;
const HOT_BYTES = 4 * MEBI;
/** Between the two, for the edge of the last level: every run walks once over so many bytes of weights. */
const WALKS = [8, 12, 16, 24, 32, 48, 64].map((size) => size * MEBI);

/** Even, so that a chain k→n→k ends as it began. */
function copiesFor(macs: number, bytes: number, limit: number): number {
  const wanted = Math.min(CHAIN_MACS / macs, limit / bytes);
  return Math.max(2, Math.min(16, 2 * Math.round(wanted / 2)));
}

const alternating = (
  k: number,
  n: number,
  product: (sketch: Sketch, x: ValueSpec, width: number) => ValueSpec,
): Step => {
  return (sketch, x, index) => product(sketch, x, index % 2 === 0 ? n : k);
};

interface MatrixShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly cold?: boolean;
  readonly quick?: boolean;
}

function matrixCases(
  family: string,
  bytesPerWeight: number,
  shapes: readonly MatrixShape[],
  product: (sketch: Sketch, x: ValueSpec, width: number) => ValueSpec,
): OperatorCase[] {
  return shapes.map(({ m, k, n, cold = false, quick = false }) => {
    const id = `${family}/${m}x${k}x${n}${cold ? '/cold' : ''}`;
    const bytes = k * n * bytesPerWeight;
    const copies = cold
      ? 2 * Math.ceil(COLD_BYTES / bytes / 2)
      : copiesFor(m * k * n, bytes, HOT_BYTES);
    return {
      id,
      family,
      quick,
      build: () => chain([m, k], copies, alternating(k, n, product))(id),
    };
  });
}

/** @param width square products of one row. */
function walkCases(width: number): OperatorCase[] {
  return WALKS.map((bytes, index) => {
    const id = `weights-walked/${bytes / MEBI}MiB`;
    const copies = Math.max(1, Math.round(bytes / (4 * width * width)));
    return {
      id,
      family: 'weights-walked',
      quick: index % 3 === 1,
      build: () => chain([1, width], copies, (sketch, x) => op.matmul(sketch, x, width))(id),
    };
  });
}

const FLOAT_SHAPES: readonly MatrixShape[] = [
  { m: 1, k: 256, n: 256, quick: true },
  { m: 1, k: 512, n: 1024 },
  { m: 1, k: 1024, n: 2816, cold: true },
  { m: 1, k: 2048, n: 2048, cold: true, quick: true },
  { m: 4, k: 512, n: 512 },
  { m: 8, k: 1024, n: 1024, cold: true },
  { m: 16, k: 2048, n: 2048, cold: true },
  { m: 16, k: 256, n: 512, quick: true },
  { m: 32, k: 768, n: 768 },
  { m: 64, k: 128, n: 512 },
  { m: 64, k: 1024, n: 1024, quick: true },
  { m: 128, k: 2048, n: 2048 },
  { m: 197, k: 384, n: 1536, quick: true },
  { m: 512, k: 512, n: 512 },
  { m: 1024, k: 64, n: 256 },
];
const GEMM_SHAPES: readonly MatrixShape[] = [
  { m: 1, k: 1280, n: 1000, quick: true },
  { m: 32, k: 512, n: 1000 },
];
const PACKED_SHAPES: readonly MatrixShape[] = [
  { m: 1, k: 512, n: 1024, quick: true },
  { m: 1, k: 2048, n: 2048 },
  { m: 1, k: 2048, n: 5632, cold: true, quick: true },
  { m: 4, k: 1024, n: 1024 },
  { m: 16, k: 1024, n: 1024, quick: true },
  { m: 64, k: 512, n: 2048 },
  { m: 128, k: 1024, n: 1024, quick: true },
];

function activationProduct(batch: number, m: number, k: number, copies: number): OperatorCase {
  const id = `matmul-activations/${batch}x${m}x${k}`;
  return {
    id,
    family: 'matmul-activations',
    quick: m === 128,
    build: () => {
      const sketch = newSketch(id);
      const first = input(sketch, [batch, m, k]);
      const other = input(sketch, [batch, k, k]);
      let x = first;
      for (let i = 0; i < copies; i++) x = op.activationMatmul(sketch, x, other);
      return finish(sketch, vec.shrink(sketch, x));
    },
  };
}

function decodeAttention(
  heads: number,
  kvHeads: number,
  headDim: number,
  past: number,
  queries: number,
  quick = false,
): OperatorCase {
  const id = `attention/${heads}:${kvHeads}x${headDim}-${queries}@${past}`;
  return {
    id,
    family: 'attention',
    quick,
    build: () => {
      const sketch = newSketch(id);
      let x = input(sketch, [1, queries, heads * headDim]);
      const kv = [1, queries, kvHeads * headDim];
      const key = input(sketch, kv);
      const value = input(sketch, kv);
      const cacheDims = [1, kvHeads, past, headDim];
      const cache = past > 0 ? [input(sketch, cacheDims), input(sketch, cacheDims)] : [];
      for (let i = 0; i < 4; i++) {
        x = op.groupQueryAttention(sketch, [x, key, value], { heads, kvHeads, past }, cache);
      }
      return finish(sketch, vec.shrink(sketch, x));
    },
  };
}

function encoderAttention(tokens: number, heads: number, headDim: number, quick = false) {
  const id = `attention/encoder-${heads}x${headDim}-${tokens}`;
  return {
    id,
    family: 'attention',
    quick,
    build: () =>
      chain([1, tokens, heads * headDim], 4, (sketch, x) =>
        op.multiHeadAttention(sketch, [x, x, x], heads),
      )(id),
  };
}

/** The second operand, the same for every operator of a chain. */
const other = (sketch: Sketch, x: ValueSpec): ValueSpec =>
  sketch.inputs[1] ?? input(sketch, x.dims);

function vectorCases(): OperatorCase[] {
  const sizes: readonly (readonly number[])[] = [
    [1, 512],
    [64, 256],
    [197, 768],
    [1024, 1024],
    [4096, 2048],
  ];
  const kinds: readonly (readonly [string, Step])[] = [
    ['layernorm', (sketch, x) => vec.layerNorm(sketch, x)],
    ['rmsnorm', (sketch, x) => vec.rmsNorm(sketch, x)],
    ['softmax', (sketch, x) => vec.softmax(sketch, x)],
    ['elementwise/relu', (sketch, x) => vec.unary(sketch, x, 'Relu')],
    ['elementwise/sigmoid', (sketch, x) => vec.unary(sketch, x, 'Sigmoid')],
    ['elementwise/gelu', (sketch, x) => vec.unary(sketch, x, 'Gelu')],
    ['elementwise/add', (sketch, x) => vec.binary(sketch, x, other(sketch, x), 'Add')],
    ['elementwise/mul', (sketch, x) => vec.binary(sketch, x, other(sketch, x), 'Mul')],
    ['elementwise/div', (sketch, x) => vec.binary(sketch, x, other(sketch, x), 'Div')],
  ];
  return kinds.flatMap(([kind, step]) =>
    sizes.map((dims, index) => {
      const id = `${kind}/${dims.join('x')}`;
      const copies = index < 3 ? 16 : 4;
      return {
        id,
        family: kind.split('/')[0] as string,
        quick: index === 0 || index === 3,
        build: () => chain(dims, copies, step)(id),
      };
    }),
  );
}

/** Two transposes in a row would be optimised away; a normalisation between them stops that. */
const transposeStep = (sketch: Sketch, x: ValueSpec, order: readonly number[]) =>
  vec.rmsNorm(sketch, vec.transpose(sketch, x, order));

function moveCases(): OperatorCase[] {
  const square = (extent: number): OperatorCase => ({
    id: `transpose/${extent}x${extent}`,
    family: 'transpose',
    quick: extent === 512,
    build: () =>
      chain([extent, extent], 4, (sketch, x) => transposeStep(sketch, x, [1, 0]))(
        `transpose/${extent}x${extent}`,
      ),
  });
  const heads: OperatorCase = {
    id: 'transpose/heads-1x256x16x64',
    family: 'transpose',
    quick: false,
    build: () =>
      chain([1, 256, 16, 64], 4, (sketch, x) => transposeStep(sketch, x, [0, 2, 1, 3]))(
        'transpose/heads-1x256x16x64',
      ),
  };
  const rows = (count: number, width: number): OperatorCase => ({
    id: `gather/${count}x${width}`,
    family: 'gather',
    quick: count === 128,
    build: () => {
      const picks = Array.from({ length: count }, (_, i) => (i * 7) % count);
      return chain([count, width], 8, (sketch, x) => vec.gather(sketch, x, picks))(
        `gather/${count}x${width}`,
      );
    },
  });
  const zoom = (channels: number, extent: number, mode: 'nearest' | 'linear'): OperatorCase => ({
    id: `resize/${mode}-${channels}x${extent}`,
    family: 'resize',
    quick: extent === 32,
    build: () =>
      chain([1, channels, extent, extent], 2, (sketch, x) => vec.resize(sketch, x, 2, mode))(
        `resize/${mode}-${channels}x${extent}`,
      ),
  });
  const doubling = (channels: number, extent: number): OperatorCase => ({
    id: `resize/doubled-${channels}x${extent}`,
    family: 'resize',
    quick: true,
    build: () =>
      chain([1, channels, extent, extent], 2, (sketch, x) =>
        vec.resize(sketch, x, 2, 'nearest', 'floor'),
      )(`resize/doubled-${channels}x${extent}`),
  });
  return [
    ...[64, 512, 1024].map(square),
    heads,
    rows(16, 256),
    rows(128, 1024),
    rows(2 * KIBI, 2048),
    doubling(64, 32),
    zoom(16, 16, 'nearest'),
    zoom(64, 32, 'nearest'),
    zoom(16, 16, 'linear'),
    zoom(64, 32, 'linear'),
  ];
}

/** One tiny operator: what a call costs by itself. */
function callCase(): OperatorCase {
  return {
    id: 'call',
    family: 'call',
    quick: true,
    build: () => chain([1, 8], 1, (sketch, x) => vec.unary(sketch, x, 'Relu'))('call'),
  };
}

/** Every case of the suite; `quick` keeps about a third that still spans all families. */
export function operatorCases(quick: boolean): OperatorCase[] {
  const cases = [
    callCase(),
    ...matrixCases('matmul-fp32', 4, FLOAT_SHAPES, op.matmul),
    ...walkCases(1024),
    ...matrixCases('gemm-fp32', 4, GEMM_SHAPES, op.gemm),
    ...matrixCases('matmul-int8', 1, PACKED_SHAPES, op.int8Matmul),
    ...[32, 64, 128].flatMap((block) =>
      matrixCases(
        `matmul-int4-b${block}`,
        0.5 + 4 / block,
        block === 32 ? PACKED_SHAPES : PACKED_SHAPES.filter((_, i) => i === 2 || i === 4),
        (sketch, x, n) => op.int4Matmul(sketch, x, n, block),
      ),
    ),
    activationProduct(12, 197, 64, 4),
    activationProduct(16, 128, 128, 4),
    activationProduct(8, 512, 64, 4),
    ...convCases(),
    decodeAttention(16, 16, 64, 255, 1, true),
    decodeAttention(32, 8, 64, 1023, 1),
    decodeAttention(8, 8, 128, 511, 1),
    decodeAttention(16, 4, 64, 0, 128, true),
    decodeAttention(8, 8, 64, 0, 384),
    encoderAttention(197, 6, 64, true),
    encoderAttention(256, 8, 40),
    encoderAttention(1024, 8, 40),
    ...vectorCases(),
    ...moveCases(),
  ];
  return quick ? cases.filter((one) => one.quick) : cases;
}
