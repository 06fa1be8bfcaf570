import { describe, expect, it } from 'vitest';
import { type Accounting, accountingRules } from '../../../../src/hardware/npu/accounting.ts';
import { ruleLimit } from '../../../../src/hardware/npu/bench-limits.ts';
import { runBench, type Testbench } from '../../../../src/hardware/npu/testbench.ts';

const bench: Testbench = {
  array: {
    engines: 1,
    rows: 64,
    columns: 64,
    dataflow: 'weight-stationary',
    overlapFolds: true,
    doubleBufferPreload: true,
  },
  elementBytes: 1,
  memory: { bytes: 1024 * 1024, accumulatorBytes: 0, granule: 64 },
  sramBytesPerCycle: 256,
  bytesPerCycle: 64,
  accounting: accountingRules.phone,
};
const shape = { products: 1, m: 128, n: 512, k: 512 };
const ruled = (changes: Partial<Accounting>): Testbench => ({
  ...bench,
  accounting: { ...bench.accounting, ...changes },
});

describe('testbench', () => {
  it('counts multiply–accumulates and utilisation', () => {
    const result = runBench(bench, shape);
    expect(result.macs).toBe(128 * 512 * 512);
    // 64 folds of 128 rows, one load and one skew.
    expect(result.computeCycles).toBe(64 * 128 + 64 + 126);
    expect(result.utilisation).toBeCloseTo(8192 / 8382, 12);
    expect(result.stallCycles).toBe(0);
  });

  it('is bound by memory where that takes longer', () => {
    const result = runBench({ ...bench, bytesPerCycle: 8 }, shape);
    const bytes = 128 * 512 + 512 * 512 + 128 * 512;
    expect(result.totalCycles).toBe(bytes / 8);
    expect(result.stallCycles).toBe(result.totalCycles - result.computeCycles);
    expect([result.dramReadBytes, result.dramWriteBytes]).toEqual([
      128 * 512 + 512 * 512,
      128 * 512,
    ]);
  });

  it('waits for the busiest of separate ports only', () => {
    const result = runBench({ ...ruled({ ports: 'separate' }), bytesPerCycle: 8 }, shape);
    expect(result.totalCycles).toBe((512 * 512) / 8);
  });

  it('adds the first fill and the last write-back when they count', () => {
    const plain = runBench(bench, shape).totalCycles;
    // Two tiles of 64 × 64 bytes in, one out, 64 bytes per cycle.
    expect(runBench(ruled({ countFill: true }), shape).totalCycles).toBe(plain + 2 * 64);
    expect(runBench(ruled({ countWriteBack: true }), shape).totalCycles).toBe(plain + 64);
  });

  it('reads inputs for every tile across when told to', () => {
    const result = runBench(ruled({ inputReads: 'per-tile' }), shape);
    expect(result.dramReadBytes).toBe(8 * 128 * 512 + 512 * 512);
  });

  it('drains between folds and waits for weights when told to', () => {
    const serial = runBench(ruled({ overlapFolds: false, hidePreload: false }), shape);
    expect(serial.computeCycles).toBe(64 * (64 + 128 + 126));
    const hidden = runBench(ruled({ overlapFolds: false }), shape);
    expect(hidden.computeCycles).toBe(64 * (128 + 126) + 64);
  });

  it('reports the index of the last cycle where a tool does', () => {
    const plain = runBench(bench, shape).totalCycles;
    expect(runBench(ruled({ lastCycleIndex: true }), shape).totalCycles).toBe(plain - 1);
  });

  it('runs at the rate of a number format', () => {
    const at = (rate: number) =>
      runBench({ ...bench, array: { ...bench.array, rate }, bytesPerCycle: undefined }, shape);
    // Twice the stream, the same load and skew; half the folds, the same load and skew.
    expect(at(0.5).computeCycles).toBe(2 * 64 * 128 + 64 + 126);
    expect(at(2).computeCycles).toBe(32 * 128 + 64 + 126);
    expect(at(2).utilisation).toBeCloseTo(4096 / 4286, 12);
    // A reduction that fills half of a fold twice as deep gains nothing.
    const shallow = { ...shape, k: 64 };
    const one = runBench({ ...bench, bytesPerCycle: undefined }, shallow);
    const deep = { ...bench, array: { ...bench.array, rate: 2 }, bytesPerCycle: undefined };
    expect(runBench(deep, shallow).computeCycles).toBe(one.computeCycles);
  });

  it('knows no DRAM bytes of serial streams without buffer sizes', () => {
    const streams = { ...bench, accounting: accountingRules['scale-sim'] };
    expect(runBench(streams, shape).dramReadBytes).toBeUndefined();
    const buffers = { input: 65536, weight: 65536, output: 65536 };
    expect(runBench({ ...streams, buffers }, shape).dramReadBytes).toBeGreaterThan(0);
  });

  it('falls back to the port bound where following every read would take minutes', () => {
    const buffers = { input: 65536, weight: 65536, output: 65536 };
    const streams = { ...bench, buffers, accounting: accountingRules['scale-sim'] };
    const result = runBench(streams, { products: 1, m: 8192, n: 8192, k: 8192 });
    expect(result.stallCycles).toBe(0);
    expect(result.dramReadBytes).toBe(2 * 8192 * 8192);
  });

  it('counts loop iterations alone in the temporal rule', () => {
    const temporal = { ...bench, accounting: accountingRules.zigzag };
    const result = runBench(temporal, shape);
    expect(result.computeCycles).toBe(8192);
    // Inputs reach the array through 256 bytes per cycle first.
    expect(result.totalCycles).toBe(8192 + (128 * 512) / 256);
  });

  it('runs independent products one after another where a tool knows one at a time', () => {
    const buffers = { input: 65536, weight: 65536, output: 65536 };
    const streams = { ...bench, buffers, accounting: accountingRules['scale-sim'] };
    const one = runBench(streams, shape);
    const three = runBench(streams, { ...shape, products: 3 });
    expect(three.dramReadBytes).toBe(3 * (one.dramReadBytes ?? 0));
    expect(three.stallCycles).toBe(3 * one.stallCycles);
    // The index of the last cycle is one less than their number, once.
    expect(three.totalCycles + 1).toBe(3 * (one.totalCycles + 1));
  });

  it('reads every channel of a grouped convolution', () => {
    const form = {
      kind: 'conv',
      batch: 1,
      outHeight: 56,
      outWidth: 56,
      inChannels: 64,
      outChannels: 64,
      kernelHeight: 3,
      kernelWidth: 3,
      strideHeight: 1,
      strideWidth: 1,
      groups: 64,
    } as const;
    const conv = { form, inputHeight: 58, inputWidth: 58, padding: 1 };
    const depthwise = { products: 64, m: 56 * 56, n: 1, k: 9, conv };
    const buffers = { input: 1 << 20, weight: 1 << 20, output: 1 << 20 };
    const streams = {
      ...bench,
      buffers,
      bytesPerCycle: undefined,
      accounting: accountingRules['scale-sim'],
    };
    const { dramReadBytes, dramWriteBytes } = runBench(streams, depthwise);
    expect(dramReadBytes).toBe(58 * 58 * 64 + 9 * 64);
    expect(dramWriteBytes).toBe(56 * 56 * 64);
  });

  it('says which arrays a rule of tiles does not cover', () => {
    const tiles = { ...bench, accounting: accountingRules.onnxim };
    const array = { ...bench.array, dataflow: 'weight-stationary', rows: 64, columns: 64 } as const;
    expect(ruleLimit({ ...tiles, array }, shape)).toBeUndefined();
    expect(ruleLimit({ ...tiles, array: { ...array, columns: 32 } }, shape)).toContain('square');
    const outputs = { ...array, dataflow: 'output-stationary' } as const;
    expect(ruleLimit({ ...tiles, array: outputs }, shape)).toContain('stationary weights');
    const huge = { products: 1, m: 1 << 20, n: 1 << 20, k: 1 << 20 };
    expect(ruleLimit({ ...tiles, array }, huge)).toContain('too many to follow');
    expect(ruleLimit({ ...bench, array: { ...array, columns: 32 } }, huge)).toBeUndefined();
  });
});
