import { describe, expect, it } from 'vitest';
import { parseSize } from '../../../src/calibration/host.ts';
import { cacheLevels, probeCopies } from '../../../src/calibration/memory-probe.ts';
import { initialValues } from '../../../src/calibration/parameters.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A curve with edges at 64 KiB, 1 MiB and 16 MiB. */
const points = [32 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB].map(
  (workingSet) => ({
    workingSet,
    bandwidth:
      workingSet <= 64 * KIB
        ? 100e9
        : workingSet <= MIB
          ? 60e9
          : workingSet <= 16 * MIB
            ? 30e9
            : 9e9,
  }),
);

describe('cacheLevels', () => {
  it('finds the edges of a clean curve', () => {
    expect(cacheLevels(points)).toEqual([
      { size: 64 * KIB, bandwidth: 100e9 },
      { size: MIB, bandwidth: 60e9 },
      { size: 16 * MIB, bandwidth: 30e9 },
      { size: 256 * MIB, bandwidth: 9e9 },
    ]);
  });

  it('does not split a level over a tenth of noise', () => {
    const noisy = points.map((point, i) => ({
      ...point,
      bandwidth: point.bandwidth * (i % 2 === 0 ? 0.95 : 1.05),
    }));
    expect(cacheLevels(noisy).map(({ size }) => size)).toEqual([
      64 * KIB,
      MIB,
      16 * MIB,
      256 * MIB,
    ]);
  });

  it('has nothing to say about nothing', () => {
    expect(cacheLevels([])).toEqual([]);
  });
});

describe('probeCopies', () => {
  it('measures every size up to the largest', () => {
    const probed = probeCopies(MIB, 0.001);
    expect(probed.map(({ workingSet }) => workingSet / KIB)).toEqual([
      16, 32, 64, 128, 256, 512, 1024,
    ]);
    // No machine copies slower than an SD card or faster than a thousand DRAM channels.
    for (const { bandwidth } of probed) {
      expect(bandwidth).toBeGreaterThan(50e6);
      expect(bandwidth).toBeLessThan(50e12);
    }
  });
});

describe('initialValues', () => {
  it('believes the system about the size of the cache, and the probe about DRAM', () => {
    const values = initialValues({ levels: cacheLevels(points), lastLevelBytes: 32 * MIB });
    expect(values).toMatchObject({ lastLevel: 32 * MIB, coreBandwidth: 9e9, bandwidth: 13.5e9 });
  });

  it('falls back to the probe where the system is silent', () => {
    const values = initialValues({ levels: cacheLevels(points), lastLevelBytes: 0 });
    expect(values.lastLevel).toBe(16 * MIB);
  });
});

describe('parseSize', () => {
  it.each([
    ['1024K', MIB],
    ['32M', 32 * MIB],
    ['512', 512],
    ['', 0],
    ['32 MiB', 0],
  ])('reads %s as the kernel means it', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});
