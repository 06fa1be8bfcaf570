import { describe, expect, it } from 'vitest';
import { simulateTiles } from '../../../../src/hardware/npu/tile-pipeline.ts';
import {
  buildTilePort,
  type TilePort,
  tileMemories,
} from '../../../../src/hardware/npu/tile-port.ts';

const array = {
  size: 64,
  cores: 1,
  scratchpadBytes: 1024 * 1024,
  accumulatorBytes: 256 * 1024,
  elementBytes: 1,
};
const fast: TilePort = {
  bytesPerCycle: 1e6,
  latency: 0,
  requestBytes: 32,
  pageBytes: 4096,
  openCycles: 0,
};

describe('tile pipeline', () => {
  it('is bound by the array when memory is fast', () => {
    const run = simulateTiles(array, fast, 128, 512, 512);
    // 2 × 8 × 8 blocks of 64 rows; weights of the next block load behind them.
    expect(run.computeCycles).toBe(2 * 8 * 8 * 64);
    expect(run.totalCycles).toBeGreaterThan(run.computeCycles);
    expect(run.totalCycles).toBeLessThan(run.computeCycles + 6 * 64);
  });

  it('charges a whole weight load for a single row', () => {
    expect(simulateTiles(array, fast, 1, 512, 512).computeCycles).toBe(8 * 8 * 64);
  });

  it('is bound by memory when that is slow', () => {
    const slow = { ...fast, bytesPerCycle: 4 };
    const run = simulateTiles(array, slow, 1, 2048, 2048);
    const bytes = run.readBytes + run.writeBytes;
    expect(run.totalCycles / (bytes / 4)).toBeGreaterThan(1);
    expect(run.totalCycles / (bytes / 4)).toBeLessThan(1.05);
  });

  it('reads inputs again for every tile across', () => {
    const run = simulateTiles(array, fast, 128, 512, 512);
    expect(run.readBytes).toBe(512 * 512 + 4 * 128 * 512);
    expect(run.writeBytes).toBe(128 * 512);
  });

  it('moves whole requests', () => {
    // 77 columns in blocks of 64 and 13: three requests per row of results.
    const run = simulateTiles(array, fast, 64, 77, 64);
    expect(run.writeBytes).toBe(64 * 3 * 32);
  });

  it('halves the array time on two cores, and shares the memory', () => {
    const one = simulateTiles(array, fast, 256, 512, 512);
    const two = simulateTiles({ ...array, cores: 2 }, fast, 256, 512, 512);
    expect(two.computeCycles).toBe(one.computeCycles / 2);
    expect(two.totalCycles).toBeLessThan(0.6 * one.totalCycles);
    const slow = { ...fast, bytesPerCycle: 2 };
    const bound = simulateTiles({ ...array, cores: 2 }, slow, 256, 512, 512);
    expect(bound.totalCycles).toBeGreaterThanOrEqual((bound.readBytes + bound.writeBytes) / 2);
  });

  it('pays for pages when rows of results lie far apart', () => {
    const paged = { ...fast, openCycles: 6 };
    const near = simulateTiles(array, paged, 512, 512, 64);
    const far = simulateTiles(array, paged, 512, 4096, 64);
    expect(near.totalCycles).toBe(simulateTiles(array, fast, 512, 512, 64).totalCycles);
    // 512 rows in 64 pieces, each opening a page.
    expect(far.totalCycles).toBeGreaterThan(512 * 64 * 6);
  });

  it('turns a memory into a port at the core clock', () => {
    const port = buildTilePort(tileMemories.hbm, 76.8e9, 1e9, 2, 32);
    expect(port.bytesPerCycle).toBeCloseTo(76.8 * 0.785, 9);
    expect(port.latency).toBeCloseTo(40, 9);
    expect(port.openCycles).toBeCloseTo(6, 9);
    expect(port.pageBytes).toBe(4096);
  });
});
