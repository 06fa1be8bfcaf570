import { describe, expect, it } from 'vitest';
import { type Accounting, accountingRules } from '../../../../src/hardware/npu/accounting.ts';
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
  rate: 1,
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
    const half = runBench({ ...bench, rate: 0.5, bytesPerCycle: undefined }, shape);
    expect(half.computeCycles).toBe(2 * 8382);
    expect(half.utilisation).toBeCloseTo(8192 / 8382, 12);
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
});
