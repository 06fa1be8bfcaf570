import { describe, expect, it } from 'vitest';
import { simulateConvTiles } from '../../../../src/hardware/npu/conv-pipeline.ts';

const array = {
  size: 64,
  cores: 1,
  scratchpadBytes: 1024 * 1024,
  accumulatorBytes: 256 * 1024,
  elementBytes: 1,
};
const fast = { bytesPerCycle: 1e6, latency: 0, requestBytes: 16, pageBytes: 4096, openCycles: 0 };
const conv = (out: number, channels: number, kernel = 3) => ({
  form: {
    kind: 'conv' as const,
    batch: 1,
    outHeight: out,
    outWidth: out,
    outChannels: channels,
    inChannels: channels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: 1,
    strideWidth: 1,
    groups: 1,
  },
  inputHeight: out,
  inputWidth: out,
  padding: (kernel - 1) / 2,
});

describe('convolution pipeline', () => {
  it('cuts weights per tap, channel block and filter block', () => {
    // Nine taps, two by two blocks of up to 64 channels, 1024 pixels; strips of 16 rows.
    const run = simulateConvTiles(array, fast, conv(32, 80));
    expect(run.computeCycles).toBe(9 * 4 * 1024);
    expect(run.totalCycles - run.computeCycles).toBeLessThan(600);
  });

  it('needs at least the load of the next weights per block', () => {
    // A 4 × 4 output has fewer pixels than the array has rows.
    const run = simulateConvTiles(array, fast, conv(4, 64));
    expect(run.computeCycles).toBe(9 * 64);
  });

  it('moves inputs, weights and results once where the layer is one tile', () => {
    const run = simulateConvTiles(array, fast, conv(16, 64));
    expect(run.readBytes).toBe(16 * 16 * 64 + 9 * 64 * 64);
    expect(run.writeBytes).toBe(16 * 16 * 64);
  });

  it('reads the rows around a tile again, but no padding', () => {
    const run = simulateConvTiles(array, fast, conv(64, 64));
    // Half the accumulators hold 512 pixels: eight tiles of eight rows, which read nine rows at an edge and ten inside.
    const rows = 2 * 9 + 6 * 10;
    expect(run.readBytes).toBe(rows * 64 * 64 + 8 * 9 * 64 * 64);
  });

  it('is bound by memory when that is slow', () => {
    const run = simulateConvTiles(array, { ...fast, bytesPerCycle: 1 }, conv(8, 256));
    const bytes = run.readBytes + run.writeBytes;
    expect(run.totalCycles).toBeGreaterThanOrEqual(bytes);
    expect(run.totalCycles).toBeLessThan(1.1 * bytes);
  });

  it('gives its tiles to several cores in turn', () => {
    const one = simulateConvTiles(array, fast, conv(32, 256));
    const two = simulateConvTiles({ ...array, cores: 2 }, fast, conv(32, 256));
    expect(two.computeCycles).toBe(one.computeCycles / 2);
  });
});
