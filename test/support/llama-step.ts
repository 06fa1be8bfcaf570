/** The operators of a Llama-style prefill or decode step, written out by hand: an independent count for sanity checks of the units. */
import type { DType, Work } from '../../src/base/work.ts';
import { bytesOf } from '../../src/base/work.ts';
import { attention, matmul, vector } from './phone-units.ts';

export interface LlamaShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly vocabulary: number;
}

export const LLAMA_2_7B: LlamaShape = {
  layers: 32,
  hidden: 4096,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  feedForward: 11008,
  vocabulary: 32000,
};

export const LLAMA_32_3B: LlamaShape = {
  layers: 28,
  hidden: 3072,
  heads: 24,
  kvHeads: 8,
  headDim: 128,
  feedForward: 8192,
  vocabulary: 128256,
};

export interface CountedWork {
  readonly work: Work;
  readonly count: number;
}

/** `tokens` new tokens on top of `past`; weights of `bits` effective bits. */
export function llamaStep(
  shape: LlamaShape,
  tokens: number,
  past: number,
  activation: DType,
  bits: number,
): CountedWork[] {
  const { layers, hidden, heads, kvHeads, headDim, feedForward } = shape;
  const product = (m: number, n: number, k: number) =>
    matmul(m, n, k, { weight: 'int4', activation, weightBytes: (n * k * bits) / 8 });
  const attended = attention(
    { heads, kvHeads, queries: tokens, context: past + tokens, headDim, valueDim: headDim },
    activation,
  );
  const gate = vector(tokens * feedForward, 6, 1, activation);
  const gated = { ...gate, inputBytes: 2 * bytesOf(tokens * feedForward, activation) };
  return [
    { count: layers, work: product(tokens, heads * headDim + 2 * kvHeads * headDim, hidden) },
    { count: layers, work: vector(tokens * (heads + kvHeads) * headDim, 3, 1, activation) },
    { count: layers, work: attended },
    { count: layers, work: product(tokens, hidden, heads * headDim) },
    { count: 2 * layers, work: product(tokens, feedForward, hidden) },
    { count: layers, work: gated },
    { count: layers, work: product(tokens, hidden, feedForward) },
    { count: 2 * layers, work: vector(tokens * hidden, 5, 2, activation) },
    { count: 1, work: product(1, shape.vocabulary, hidden) },
  ];
}
