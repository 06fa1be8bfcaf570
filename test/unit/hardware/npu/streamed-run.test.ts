import { describe, expect, it } from 'vitest';
import { foldCycles, type MatrixArray } from '../../../../src/hardware/npu/folds.ts';
import {
  plainView,
  type StreamedArray,
  simulateStreams,
  windowView,
} from '../../../../src/hardware/npu/streamed-run.ts';
import { DATAFLOWS } from '../../../../src/hardware/units/unit-spec.ts';

const array: StreamedArray = {
  rows: 8,
  columns: 8,
  dataflow: 'output-stationary',
  inputWords: 4096,
  weightWords: 4096,
  outputWords: 4096,
  wordsPerCycle: 16,
};

function closedForm(dataflow: StreamedArray['dataflow'], m: number, n: number, k: number): number {
  const serial: MatrixArray = {
    engines: 1,
    rows: array.rows,
    columns: array.columns,
    dataflow,
    overlapFolds: false,
    doubleBufferPreload: false,
  };
  return foldCycles(serial, { products: 1, m, n, k }) - 1;
}

describe('streamed run', () => {
  it('takes the closed form when everything fits', () => {
    for (const dataflow of DATAFLOWS) {
      for (const [m, n, k] of [
        [8, 8, 8],
        [20, 13, 31],
        [1, 40, 24],
      ] as const) {
        const run = simulateStreams({ ...array, dataflow }, plainView(m, k), plainView(n, k));
        expect(run.stallCycles).toBe(0);
        expect(run.totalCycles).toBe(closedForm(dataflow, m, n, k));
      }
    }
  });

  it('stalls when an operand outgrows half its buffer', () => {
    const small = { ...array, weightWords: 512, wordsPerCycle: 2 };
    const run = simulateStreams(small, plainView(8, 64), plainView(64, 64));
    expect(run.stallCycles).toBeGreaterThan(0);
    expect(run.totalCycles).toBe(closedForm('output-stationary', 8, 64, 64) + run.stallCycles);
    // All weights pass at least once, at two words per cycle.
    expect(run.totalCycles).toBeGreaterThan((64 * 64 - 256) / 2);
  });

  it('never stalls when memory is as fast as it needs to be, but fetches again', () => {
    const free = { ...array, inputWords: 256, weightWords: 8192, wordsPerCycle: undefined };
    const run = simulateStreams(free, plainView(32, 64), plainView(32, 64));
    expect(run.stallCycles).toBe(0);
    // 2048 input words, four column folds, far more than the buffer holds.
    expect(run.inputWords).toBe(4 * 32 * 64);
    expect(run.weightWords).toBe(64 * 32);
    expect(run.outputWords).toBe(32 * 32);
  });

  it('is the weight-stationary run of the exchanged product when inputs stay', () => {
    const small = { ...array, inputWords: 512, weightWords: 256, wordsPerCycle: 4 };
    const run = simulateStreams(
      { ...small, dataflow: 'input-stationary' },
      plainView(24, 40),
      plainView(56, 40),
    );
    const other = simulateStreams(
      { ...small, inputWords: 256, weightWords: 512, dataflow: 'weight-stationary' },
      plainView(56, 40),
      plainView(24, 40),
    );
    expect(run.stallCycles).toBeGreaterThan(0);
    expect(run.totalCycles).toBe(other.totalCycles);
    expect([run.inputWords, run.weightWords]).toEqual([other.weightWords, other.inputWords]);
  });

  it('writes partial sums out once per fold along the reduction', () => {
    const stationary = { ...array, dataflow: 'weight-stationary' as const };
    const run = simulateStreams(stationary, plainView(16, 24), plainView(8, 24));
    expect(run.outputWords).toBe(16 * 8 * 3);
  });

  it('addresses the pixels under a convolution window', () => {
    const view = windowView(
      {
        kind: 'conv',
        batch: 1,
        outHeight: 2,
        outWidth: 2,
        outChannels: 1,
        inChannels: 2,
        kernelHeight: 2,
        kernelWidth: 2,
        strideHeight: 1,
        strideWidth: 1,
        groups: 1,
      },
      3,
      3,
    );
    expect([view.rows, view.k, view.addresses]).toEqual([4, 8, 18]);
    // Second output pixel of the first row: input columns 1 and 2 of rows 0 and 1, two channels each.
    const window = Array.from({ length: 8 }, (_, column) => view.address(1, column));
    expect(window).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
    // Last output pixel starts at row 1, column 1.
    expect(view.address(3, 0)).toBe((1 * 3 + 1) * 2);
  });
});
