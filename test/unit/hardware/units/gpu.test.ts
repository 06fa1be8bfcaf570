import { describe, expect, it } from 'vitest';
import { buildGpu } from '../../../../src/hardware/units/gpu.ts';
import type { UnitOptions } from '../../../../src/hardware/units/unit-options.ts';
import {
  adreno,
  attention,
  common,
  conv,
  matmul,
  move,
  vector,
} from '../../../support/phone-units.ts';

const build = (options: UnitOptions = {}) => buildGpu(adreno, common('gpu', 'gpu'), options);
const fp16 = { weight: 'fp16', activation: 'fp16' } as const;
/** Multiply–accumulates per clock in half precision. */
const PEAK = 6 * 256 * 2;

describe('GPU', () => {
  it('reaches its achievable share on a large product', () => {
    const cost = build().estimate(matmul(1024, 4096, 4096, fp16));
    expect(cost.utilisation).toBeGreaterThan(0.28);
    expect(cost.utilisation).toBeLessThanOrEqual(0.3);
  });

  it('runs formats at their rates', () => {
    const gpu = build();
    const wide = gpu.estimate(matmul(1024, 2048, 2048, { weight: 'fp32', activation: 'fp32' }));
    const half = gpu.estimate(matmul(1024, 2048, 2048, fp16));
    const dot = gpu.estimate(matmul(1024, 2048, 2048));
    expect(wide.matrixCycles / half.matrixCycles).toBeCloseTo(2, 9);
    expect(half.matrixCycles / dot.matrixCycles).toBeCloseTo(2, 9);
  });

  it('leaves cores idle when there are fewer tiles than cores', () => {
    const few = build().estimate(matmul(64, 64, 4096, fp16));
    const many = build().estimate(matmul(64, 64 * 6 * 16, 4096, fp16));
    expect(few.utilisation).toBeLessThan(many.utilisation / 4);
  });

  it('pads to whole tiles', () => {
    const whole = build().estimate(matmul(1024, 6144, 512, fp16));
    const over = build().estimate(matmul(1025, 6144, 512, fp16));
    expect(over.cycles / whole.cycles).toBeCloseTo(17 / 16, 9);
  });

  it('does not pay for a full tile on a single row', () => {
    const row = build().estimate(matmul(1, 4096, 4096, fp16));
    const tile = build().estimate(matmul(64, 4096, 4096, fp16));
    expect(row.cycles).toBeLessThan(tile.cycles / 20);
    // Bound by memory: the weights at 45 GB/s against 903 MHz.
    expect(row.readBytes / 45e9).toBeGreaterThan(row.cycles / 903e6);
  });

  it('unpacks packed weights once per row of tiles', () => {
    const packed = { weight: 'int4', activation: 'fp16' } as const;
    const one = build().estimate(matmul(64, 4096, 4096, packed));
    const four = build().estimate(matmul(256, 4096, 4096, packed));
    expect(one.vectorCycles).toBe((2 * 4096 * 4096) / PEAK);
    expect(four.vectorCycles).toBe(4 * one.vectorCycles);
  });

  it('is bound by its cache on thin products', () => {
    const cost = build().estimate(matmul(1024, 1024, 8, fp16));
    expect(cost.cycles).toBeGreaterThanOrEqual(cost.sramBytes / 512);
  });

  it('hides latency only with enough waves', () => {
    const small = build().estimate(vector(1024, 100));
    const large = build().estimate(vector(1024 * 1024, 100));
    // 1024 elements are eight per item, 128 items, one wave of 96.
    expect(small.vectorCycles).toBeCloseTo((100 * 1024) / PEAK / (1 / 96), 6);
    expect(large.vectorCycles).toBeCloseTo((100 * 1024 * 1024) / PEAK, 6);
  });

  it('writes scores out unless attention is fused', () => {
    const work = attention({ queries: 256, context: 256 });
    const apart = build().estimate(work);
    const fused = build({ fusedAttention: true }).estimate(work);
    expect(apart.writeBytes - fused.writeBytes).toBe(2 * 32 * 256 * 256 * 2);
  });

  it('runs convolutions without an im2col copy', () => {
    const work = conv({}, 'fp16');
    expect(build().estimate(work).readBytes).toBe(work.inputBytes + work.weightBytes);
  });

  it('charges copies to the cache and launches to the queue', () => {
    const cost = build({ kernels: { dispatchSeconds: 5e-6 } }).estimate(move(512));
    expect(cost.cycles).toBe(2);
    expect(cost.launchSeconds).toBe(5e-6);
  });

  it('says what it cannot run', () => {
    expect(build().supports(matmul(1, 1, 1, { weight: 'fp64', activation: 'fp64' })).ok).toBe(
      false,
    );
    expect(build().supports(matmul(1, 1, 1, { weight: 'int4', activation: 'fp16' })).ok).toBe(true);
  });
});
