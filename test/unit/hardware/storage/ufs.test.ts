import { describe, expect, it } from 'vitest';
import { KIBI, MEBI } from '../../../../src/base/units.ts';
import { buildStorage, loadSeconds, randomReadRate } from '../../../../src/hardware/storage/ufs.ts';

/** UFS 4.0 as measured in PowerInfer-2, section 2.3. */
const measured = { sequentialRead: 4e9, randomRead: 1e9, randomReadLarge: 3.5e9 };
const ufs = buildStorage(measured, 0.1, 417e-12);

describe('flash reads', () => {
  it('reach the measured rates at 4 KiB and 512 KiB', () => {
    expect(randomReadRate(ufs, 4 * KIBI) / 1e9).toBeCloseTo(1, 9);
    expect(randomReadRate(ufs, 512 * KIBI) / 1e9).toBeCloseTo(3.5, 9);
  });

  it('take 2.95 µs per block and 3.57 GB/s: both rates solved by hand', () => {
    expect(ufs.blockSeconds * 1e6).toBeCloseTo(2.949, 2);
    expect(ufs.blockRate / 1e9).toBeCloseTo(3.57, 2);
  });

  it('are faster in larger blocks, and never faster than the wire', () => {
    const rates = [4, 16, 64, 256, 1024].map((size) => randomReadRate(ufs, size * KIBI));
    for (const [i, rate] of rates.entries()) {
      expect(rate).toBeLessThan(ufs.blockRate);
      if (i > 0) expect(rate).toBeGreaterThan(rates[i - 1]!);
    }
  });

  it('take the sequential rate for the wire where nothing is known of large blocks', () => {
    const plain = buildStorage({ sequentialRead: 4e9, randomRead: 1e9 }, 0, 0);
    expect(plain.blockRate).toBe(4e9);
    expect(randomReadRate(plain, 4 * KIBI) / 1e9).toBeCloseTo(1, 9);
  });
});

describe('a load', () => {
  it('takes setup and its bytes at the sequential rate: 0.1 s + 4 GB at 4 GB/s', () => {
    expect(loadSeconds(ufs, 4e9)).toBeCloseTo(1.1, 12);
    expect(loadSeconds(ufs, 0)).toBeCloseTo(0.1, 12);
    expect(loadSeconds(ufs, 512 * MEBI)).toBeCloseTo(0.1 + 0.134217728, 9);
  });
});
