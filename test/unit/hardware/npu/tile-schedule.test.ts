import { describe, expect, it } from 'vitest';
import { scheduleTiles } from '../../../../src/hardware/npu/tile-schedule.ts';

const KIB = 1024;
const array = (size: number, scratchpad: number, accumulator: number, cores = 1) => ({
  size,
  cores,
  scratchpadBytes: scratchpad * KIB,
  accumulatorBytes: accumulator * KIB,
  elementBytes: 1,
});

describe('tile schedule', () => {
  it('takes the tiles that ONNXim printed', () => {
    // Its "mapping" column: inner sizes and outer counts, of runs a1e86296e0.
    const small = array(64, 1024, 256);
    expect(scheduleTiles(small, 128, 512, 512)).toEqual({
      inner: { m: 128, n: 128, k: 512 },
      outer: { m: 1, n: 4, k: 1 },
    });
    expect(scheduleTiles(small, 1, 4096, 11008).outer).toEqual({ m: 1, n: 32, k: 7 });
    const large = array(128, 4096, 1024);
    expect(scheduleTiles(large, 128, 4096, 11008).outer).toEqual({ m: 1, n: 16, k: 4 });
    expect(scheduleTiles(array(32, 512, 128), 1, 512, 1376).outer).toEqual({ m: 1, n: 4, k: 3 });
  });

  it('gives every core a tile', () => {
    const { outer } = scheduleTiles(array(64, 1024, 256, 4), 64, 128, 64);
    expect(outer.m * outer.n).toBeGreaterThanOrEqual(2);
    const { outer: even } = scheduleTiles(array(128, 4096, 1024, 2), 128, 512, 512);
    expect((even.m * even.n) % 2).toBe(0);
  });

  it('covers the product with whole blocks', () => {
    for (const [m, n, k] of [
      [77, 1024, 80],
      [1, 1, 1],
      [4096, 40, 4096],
    ] as const) {
      const { inner, outer } = scheduleTiles(array(32, 512, 128), m, n, k);
      expect(inner.m * outer.m).toBeGreaterThanOrEqual(m);
      expect(inner.n * outer.n).toBeGreaterThanOrEqual(n);
      expect(inner.k * outer.k).toBeGreaterThanOrEqual(k);
      for (const edge of Object.values(inner)) expect(edge % 32).toBe(0);
    }
  });
});
