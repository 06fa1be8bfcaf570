import { describe, expect, it } from 'vitest';
import { scheduleConv } from '../../../../src/hardware/npu/conv-schedule.ts';
import type { ConvForm } from '../../../../src/hardware/npu/gemm-view.ts';

const KIB = 1024;
const array = (size: number, scratchpad: number, accumulator: number) => ({
  size,
  cores: 1,
  scratchpadBytes: scratchpad * KIB,
  accumulatorBytes: accumulator * KIB,
  elementBytes: 1,
});
const form = (
  out: number,
  channels: number,
  filters: number,
  kernel: number,
  stride = 1,
): ConvForm => ({
  kind: 'conv',
  batch: 1,
  outHeight: out,
  outWidth: out,
  outChannels: filters,
  inChannels: channels,
  kernelHeight: kernel,
  kernelWidth: kernel,
  strideHeight: stride,
  strideWidth: stride,
  groups: 1,
});
const sizes = (tile: ReturnType<typeof scheduleConv>) => [
  tile.channels,
  tile.filters,
  tile.outRows,
  tile.outColumns,
];

describe('convolution schedule', () => {
  it('takes the tiles that ONNXim printed', () => {
    // Inner C, M, P, Q of its "mapping" column, runs a1e86296e0.
    expect(sizes(scheduleConv(array(32, 512, 128), form(32, 80, 80, 3), 1))).toEqual([
      80, 32, 16, 32,
    ]);
    expect(sizes(scheduleConv(array(64, 1024, 256), form(8, 320, 320, 3), 1))).toEqual([
      256, 192, 8, 8,
    ]);
    expect(sizes(scheduleConv(array(64, 1024, 256), form(16, 1280, 1280, 3), 1))).toEqual([
      237, 128, 16, 16,
    ]);
    expect(sizes(scheduleConv(array(128, 4096, 1024), form(32, 640, 640, 3), 1))).toEqual([
      606, 128, 32, 32,
    ]);
    expect(sizes(scheduleConv(array(32, 512, 128), form(16, 80, 80, 3, 2), 0))).toEqual([
      80, 64, 16, 16,
    ]);
  });

  it('keeps a layer whole that fits', () => {
    const tile = scheduleConv(array(128, 4096, 1024), form(16, 80, 80, 3), 1);
    expect(tile).toEqual({
      outRows: 16,
      outColumns: 16,
      filters: 80,
      kernelRows: 3,
      kernelColumns: 3,
      channels: 80,
    });
  });

  it('ends with something even where nothing fits', () => {
    const tile = scheduleConv(array(64, 1, 1), form(64, 512, 512, 7), 3);
    expect(Math.min(...Object.values(tile))).toBe(1);
  });
});
