import { describe, expect, it } from 'vitest';
import {
  arrayCycles,
  foldCycles,
  type MatrixArray,
  planFolds,
} from '../../../../src/hardware/npu/folds.ts';

const serial: MatrixArray = {
  engines: 1,
  rows: 4,
  columns: 3,
  dataflow: 'weight-stationary',
  overlapFolds: false,
  doubleBufferPreload: false,
};
const overlapped: MatrixArray = { ...serial, overlapFolds: true, doubleBufferPreload: true };
const gemm = { products: 1, m: 10, n: 7, k: 9 };

describe('folds', () => {
  it('cover the two dimensions that stay in the array', () => {
    // 9 deep on 4 rows, 7 wide on 3 columns.
    expect(planFolds(serial, gemm)).toEqual({ folds: 3 * 3, stream: 10 });
    const inputs = { ...serial, dataflow: 'input-stationary' as const };
    expect(planFolds(inputs, gemm)).toEqual({ folds: 3 * 4, stream: 7 });
    const outputs = { ...serial, dataflow: 'output-stationary' as const };
    expect(planFolds(outputs, gemm)).toEqual({ folds: 3 * 3, stream: 9 });
  });

  it('are deeper at rates above one, and stream longer below', () => {
    const at = (rate: number, dataflow: MatrixArray['dataflow']) =>
      planFolds({ ...serial, rate, dataflow }, gemm);
    // 9 deep on 8 rows of pairs; on 6 of one and a half each.
    expect(at(2, 'weight-stationary')).toEqual({ folds: 2 * 3, stream: 10 });
    expect(at(1.5, 'input-stationary')).toEqual({ folds: 2 * 4, stream: 7 });
    expect(at(0.5, 'input-stationary')).toEqual({ folds: 3 * 4, stream: 14 });
    expect(at(2, 'output-stationary')).toEqual({ folds: 3 * 3, stream: 5 });
    expect(at(0.25, 'output-stationary')).toEqual({ folds: 3 * 3, stream: 36 });
  });

  it('run one after another in the serial rule, load and skew included', () => {
    // 4 cycles of weights, 10 rows of inputs, 4 + 3 − 2 of skew.
    expect(foldCycles(serial, gemm)).toBe(9 * (4 + 10 + 5));
    const outputs = { ...serial, dataflow: 'output-stationary' as const };
    expect(foldCycles(outputs, gemm)).toBe(9 * (9 + 5));
  });

  it('pay the load of the first weights only when the next ones load meanwhile', () => {
    expect(foldCycles({ ...serial, doubleBufferPreload: true }, gemm)).toBe(9 * (10 + 5) + 4);
  });

  it('pay the skew once when they overlap', () => {
    expect(foldCycles({ ...serial, overlapFolds: true }, gemm)).toBe(9 * (10 + 4) + 5);
    expect(foldCycles(overlapped, gemm)).toBe(9 * 10 + 4 + 5);
  });

  it('last at least as long as the next weights take to load', () => {
    // A single row streams in one cycle, but four rows of weights have to come in.
    expect(foldCycles(overlapped, { ...gemm, m: 1 })).toBe(8 * 4 + 1 + 4 + 5);
  });

  it('repeat for every product', () => {
    expect(foldCycles(serial, { ...gemm, products: 5 })).toBe(5 * 9 * 19);
  });

  it('spread over engines by whole folds, or by rows of the stream where that is faster', () => {
    const two = { ...overlapped, engines: 2 };
    // Nine folds on two engines: five on the busier one; or nine folds of five rows each.
    expect(arrayCycles(two, 9, 10)).toBe(Math.min(5 * 10, 9 * 5) + 4 + 5);
    // One fold cannot be split, its stream can.
    expect(arrayCycles(two, 1, 10)).toBe(5 + 4 + 5);
  });

  it('keep a reduction on one engine', () => {
    const outputs = { ...overlapped, dataflow: 'output-stationary' as const, engines: 2 };
    expect(arrayCycles(outputs, 1, 10)).toBe(10 + 5);
  });

  it('agree with the field on a published case', () => {
    // SCALE-Sim 2.0.2 on 128 × 128, M = 128, N = K = 4096: 139,199 output-, 522,239 weight-stationary.
    const big = { ...serial, rows: 128, columns: 128 };
    const shape = { products: 1, m: 128, n: 4096, k: 4096 };
    expect(foldCycles({ ...big, dataflow: 'output-stationary' }, shape) - 1).toBe(139_199);
    expect(foldCycles(big, shape) - 1).toBe(522_239);
  });
});
