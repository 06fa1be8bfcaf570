/** Work of single operators against hand arithmetic. */
import { describe, expect, it } from 'vitest';
import { totalBytes } from '../../../src/base/work.ts';
import {
  activationWork,
  addWork,
  attentionWork,
  convWork,
  gatherWork,
  matmulWork,
  moveWork,
  normWork,
  plainBytes,
  productWork,
  rotaryWork,
  softmaxWork,
  visiblePairs,
} from '../../../src/workload/operator-cost.ts';
import { format } from '../../support/workload-tables.ts';

const fp16 = format('fp16');

describe('a product with weights', () => {
  const work = matmulWork({ m: 3, n: 5, k: 7, bias: true }, fp16, 'fp16');

  it('multiplies every pair once and adds a bias to every result', () => {
    expect(work).toMatchObject({ operator: 'MatMul', macs: 105, vectorOps: 15 });
    expect(work.form).toEqual({ kind: 'matmul', batch: 1, m: 3, n: 5, k: 7 });
  });

  it('touches each tensor once', () => {
    expect(work.weightBytes).toBe(2 * 35 + 2 * 5);
    expect(work.inputBytes).toBe(2 * 21);
    expect(work.outputBytes).toBe(2 * 15);
    expect(totalBytes(work)).toBe(70 + 10 + 42 + 30);
  });

  it('pays for the scales of its weight format', () => {
    const grouped = matmulWork({ m: 1, n: 64, k: 128 }, format('int4-g32-fp16scale'), 'fp16');
    // 8192 weights of 4 bits, 256 groups with 16 bits each.
    expect(grouped.weightBytes).toBe(4096 + 512);
    expect(grouped.weightDType).toBe('int4');
    const rows = matmulWork({ m: 1, n: 64, k: 128 }, format('int4-per-channel'), 'fp16');
    expect(rows.weightBytes).toBe(4096 + 64 * 2);
  });

  it('counts a batch with weights of its own, and rows that do not spread evenly', () => {
    const experts = matmulWork({ m: 3, n: 5, k: 7, batch: 4, rows: 10 }, fp16, 'fp16');
    expect(experts.macs).toBe(10 * 35);
    expect(experts.weightBytes).toBe(4 * 70);
    expect(experts.inputBytes).toBe(2 * 70);
  });

  it('keeps biases in 16 bits, or in 32 when the weights have them', () => {
    expect(plainBytes(10, format('int4'))).toBe(20);
    expect(plainBytes(10, format('fp32'))).toBe(40);
  });
});

describe('a product of activations', () => {
  it('has no weights', () => {
    const work = productWork({ batch: 2, m: 3, n: 5, k: 7 }, 'fp16');
    expect(work).toMatchObject({ macs: 210, weightBytes: 0, outputBytes: 60 });
    expect(work.inputBytes).toBe(2 * (42 + 70));
  });
});

describe('attention', () => {
  const shape = { heads: 4, kvHeads: 2, queries: 3, context: 10, headDim: 8, valueDim: 8 };
  const cache = { elementsPerToken: 32, format: fp16, rowLength: 8, writes: true };

  it.each([
    // Queries at positions 8, 9, 10 see 8, 9 and 10 keys.
    [{ ...shape, causal: true }, 27],
    [{ ...shape, causal: false }, 30],
    // A whole prompt sees a triangle.
    [{ ...shape, queries: 10, causal: true }, 55],
    // A window of 4: every query sees 4.
    [{ ...shape, causal: true, window: 4 }, 12],
    // A window of 4 over a prompt of 10: 1 + 2 + 3 + 7 × 4.
    [{ ...shape, queries: 10, causal: true, window: 4 }, 34],
    // A window that bites half-way: positions 8, 9, 10 see 8, 9, 9.
    [{ ...shape, causal: true, window: 9 }, 26],
    [{ ...shape, causal: true, window: 100 }, 27],
  ])('scores the pairs that %j sees', (asked, pairs) => {
    expect(visiblePairs(asked)).toBe(pairs);
    expect(attentionWork(asked, 'fp16').macs).toBe(4 * pairs * 16);
  });

  it('reads keys and values as inputs without a cache', () => {
    const work = attentionWork({ ...shape, causal: false }, 'fp16');
    expect(work.inputBytes).toBe(2 * (3 * 4 * 8 + 10 * 2 * 16));
    expect(work.kvReadBytes + work.kvWriteBytes).toBe(0);
    expect(work.outputBytes).toBe(2 * 3 * 4 * 8);
  });

  it('reads earlier tokens from the cache and adds its own', () => {
    const work = attentionWork({ ...shape, causal: true }, 'fp16', cache);
    expect(work.kvReadBytes).toBe(7 * 64);
    expect(work.kvWriteBytes).toBe(3 * 64);
    expect(work.inputBytes).toBe(2 * (3 * 4 * 8 + 3 * 2 * 16));
  });

  it('writes nothing into a cache that belongs to another layer', () => {
    const work = attentionWork({ ...shape, causal: true }, 'fp16', { ...cache, writes: false });
    expect(work.kvWriteBytes).toBe(0);
  });

  it('reads a quantised cache at its own width', () => {
    const q8 = { ...cache, format: format('q8_0') };
    const work = attentionWork({ ...shape, causal: true }, 'fp16', q8);
    expect(work.kvReadBytes).toBe((7 * 32 * 8.5) / 8);
  });

  it('reads no more of the cache than a window holds', () => {
    const work = attentionWork({ ...shape, queries: 1, causal: true, window: 4 }, 'fp16', cache);
    expect(work.kvReadBytes).toBe(3 * 64);
    expect(work.form).toMatchObject({ context: 4, causal: false });
  });
});

describe('a convolution', () => {
  it('multiplies its kernel at every output pixel', () => {
    const work = convWork(
      {
        outHeight: 4,
        outWidth: 5,
        inChannels: 6,
        outChannels: 8,
        kernelHeight: 3,
        kernelWidth: 3,
        strideHeight: 2,
        strideWidth: 2,
      },
      fp16,
      'fp16',
    );
    expect(work.macs).toBe(20 * 8 * 6 * 9);
    expect(work.weightBytes).toBe(2 * (8 * 6 * 9 + 8));
    expect(work.inputBytes).toBe(2 * 8 * 10 * 6);
    expect(work.outputBytes).toBe(2 * 20 * 8);
  });

  it('sees its own group of channels only', () => {
    const shape = { outHeight: 4, outWidth: 4, kernelHeight: 3, kernelWidth: 3, bias: false };
    const depthwise = convWork(
      { ...shape, inChannels: 6, outChannels: 6, groups: 6 },
      fp16,
      'fp16',
    );
    expect(depthwise.macs).toBe(16 * 6 * 9);
    expect(depthwise.weightBytes).toBe(2 * 6 * 9);
  });
});

describe('element-wise operators', () => {
  it('norms read their weights, and a fused sum reads and writes two tensors', () => {
    const shape = { rows: 2, width: 8, kind: 'rms' } as const;
    const plain = normWork(shape, fp16, 'fp16');
    expect(plain).toMatchObject({ operator: 'SimplifiedLayerNormalization', weightBytes: 16 });
    expect([plain.inputBytes, plain.outputBytes]).toEqual([32, 32]);
    const skip = normWork({ ...shape, skip: true }, fp16, 'fp16');
    expect(skip.operator).toBe('SkipSimplifiedLayerNormalization');
    expect([skip.inputBytes, skip.outputBytes]).toEqual([64, 64]);
    expect(skip.vectorOps - plain.vectorOps).toBe(16);
    const layer = normWork({ rows: 2, width: 8, kind: 'layer' }, fp16, 'fp16');
    expect(layer).toMatchObject({ operator: 'LayerNormalization', weightBytes: 32 });
    expect(normWork({ ...shape, plain: true }, fp16, 'fp16').weightBytes).toBe(0);
  });

  it('a gate reads two tensors and multiplies them', () => {
    const gated = activationWork(10, 'silu', true, 'fp16');
    const plain = activationWork(10, 'silu', false, 'fp16');
    expect(gated.inputBytes).toBe(2 * plain.inputBytes);
    expect(gated.vectorOps - plain.vectorOps).toBe(10);
    expect(activationWork(10, 'gelu', false, 'fp16').operator).toBe('Gelu');
  });

  it('partial rotary positions touch a part', () => {
    const whole = rotaryWork(100, 1, 'fp16');
    const part = rotaryWork(100, 0.4, 'fp16');
    expect(part.vectorOps).toBeCloseTo(0.4 * whole.vectorOps, 12);
    expect(part.outputBytes).toBe(whole.outputBytes);
  });

  it('sums, softmax and copies move what they must', () => {
    expect(addWork(10, 'fp16')).toMatchObject({ vectorOps: 10, inputBytes: 40, outputBytes: 20 });
    expect(softmaxWork(10, 'fp16')).toMatchObject({ vectorOps: 50, macs: 0 });
    expect(moveWork('Resize', 10, 40, 'fp16')).toMatchObject({
      form: { kind: 'move' },
      inputBytes: 20,
      outputBytes: 80,
      macs: 0,
      vectorOps: 0,
    });
  });

  it('a look-up reads the rows it needs', () => {
    const work = gatherWork(3, 64, format('int8-per-channel'), 'fp16');
    expect(work.weightBytes).toBe(3 * (64 + 2));
    expect(work.outputBytes).toBe(3 * 64 * 2);
  });
});
