import { describe, expect, it } from 'vitest';
import type { MatrixArray } from '../../../../src/hardware/npu/folds.ts';
import { operandsOf, sideBytes } from '../../../../src/hardware/npu/gemm-view.ts';
import { productLoad, streamCycles } from '../../../../src/hardware/npu/matrix-load.ts';
import { matmul } from '../../../support/phone-units.ts';

const array: MatrixArray = {
  engines: 1,
  rows: 32,
  columns: 32,
  dataflow: 'weight-stationary',
  overlapFolds: true,
  doubleBufferPreload: true,
};
const memory = { bytes: 2 ** 20, accumulatorBytes: 0, granule: 32 };
const gemm = { products: 1, m: 64, n: 96, k: 128 };

describe('operands of a product', () => {
  it('are inputs, weights and results of one product each', () => {
    const work = matmul(64, 96, 128, { weight: 'int4', activation: 'fp16', batch: 3 });
    expect(operandsOf(work, { ...gemm, products: 3 })).toMatchObject({
      inputBytes: 64 * 128 * 2,
      weightBytes: (96 * 128) / 2,
      outputBytes: 64 * 96 * 2,
    });
  });

  it('take the second activation for weights where there are none', () => {
    const work = { ...matmul(64, 96, 128), weightBytes: 0, inputBytes: 64 * 128 + 96 * 128 };
    expect(operandsOf(work, gemm).weightBytes).toBe(96 * 128);
    expect(sideBytes(work, gemm)).toBe(0);
  });

  it('leave a residual aside', () => {
    const work = matmul(64, 96, 128);
    const residual = { ...work, inputBytes: work.inputBytes + 64 * 96 };
    expect(operandsOf(residual, gemm).inputBytes).toBe(64 * 128);
    expect(sideBytes(residual, gemm)).toBe(64 * 96);
    const load = productLoad(array, memory, residual, gemm);
    expect(load.otherReadBytes).toBe(64 * 128 + 64 * 96);
  });
});

describe('load of a product', () => {
  it('counts each weight element per fetch', () => {
    const work = matmul(64, 96, 128, { weight: 'int4', activation: 'fp16' });
    const load = productLoad(array, memory, work, gemm);
    expect(load.weightFetches).toBe(96 * 128);
    expect(load.weightReadBytes).toBe((96 * 128) / 2);
  });

  it('has no weights to expand in a product of activations', () => {
    const work = { ...matmul(64, 96, 128), weightBytes: 0, inputBytes: 64 * 128 + 96 * 128 };
    const load = productLoad(array, memory, work, gemm);
    expect([load.weightFetches, load.weightReadBytes]).toEqual([0, 0]);
    expect(load.otherReadBytes).toBe(64 * 128 + 96 * 128);
  });

  it('streams every fold past the array', () => {
    // Four folds deep, three wide, 64 rows each.
    expect(streamCycles(array, gemm)).toBe(12 * 64);
    const load = productLoad(array, memory, matmul(64, 96, 128), gemm);
    expect(load.activeCycles).toBe(12 * 64);
    expect(load.arrayCycles).toBe(12 * 64 + 32 + 62);
  });

  it('feeds inputs again for every fold across, and partial sums without accumulators', () => {
    const work = matmul(64, 96, 128);
    const beside = { ...memory, accumulatorBytes: 2 ** 18 };
    const without = productLoad(array, memory, work, gemm).sramBytes;
    const accumulated = productLoad(array, beside, work, gemm).sramBytes;
    // Three of four folds along k leave and fetch 32-bit sums.
    expect(without - accumulated).toBe(2 * 4 * 64 * 96 * 3);
    // In: both operands once; out: inputs three times, weights once, results twice.
    expect(accumulated).toBe(64 * 128 + 96 * 128 + 3 * 64 * 128 + 96 * 128 + 2 * 64 * 96);
  });

  it('feeds what an output- or input-stationary array asks for', () => {
    const work = matmul(64, 96, 128);
    const beside = { ...memory, accumulatorBytes: 2 ** 18 };
    const outputs = { ...array, dataflow: 'output-stationary' as const };
    const inputs = { ...array, dataflow: 'input-stationary' as const };
    const once = 64 * 128 + 96 * 128 + 2 * 64 * 96;
    expect(productLoad(outputs, beside, work, gemm).sramBytes).toBe(
      once + 3 * 64 * 128 + 2 * 96 * 128,
    );
    expect(productLoad(inputs, beside, work, gemm).sramBytes).toBe(once + 64 * 128 + 2 * 96 * 128);
  });
});
