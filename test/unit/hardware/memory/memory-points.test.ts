import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryAtShare, memoryClockDomain } from '../../../../src/hardware/memory/memory-points.ts';
import type { MemorySystem } from '../../../../src/hardware/memory-system.ts';

const full: MemorySystem = {
  name: 'toy',
  capacity: 1e9,
  peak: 64e9,
  efficiency: () => 0.8,
  latency: (load) => 100e-9 + 50e-9 * load,
  streamLatency: (load, reads) => 100e-9 + (2 - reads) * 50e-9 * load,
  energyPerReadByte: 30e-12,
  energyPerWriteByte: 35e-12,
  backgroundPower: () => 0.3,
};

describe('memory at a lower clock', () => {
  it('is itself at its top rate', () => expect(memoryAtShare(full, 1)).toBe(full));

  it('at half: half the peak, waiting doubled, idle latency up by a fifth', () => {
    const half = memoryAtShare(full, 0.5);
    expect(half.peak).toBe(32e9);
    // 100 ns of which 20 are clocked and double; 50 ns of waiting become 100.
    expect(half.latency(0)).toBeCloseTo(120e-9, 15);
    expect(half.latency(1)).toBeCloseTo(220e-9, 15);
    expect(half.streamLatency?.(1, 0)).toBeCloseTo(320e-9, 15);
    expect(half.backgroundPower(30)).toBeCloseTo(0.3 * 0.7, 12);
    expect(half.energyPerReadByte).toBe(full.energyPerReadByte);
  });

  it('never gets faster, nor hungrier at rest, as the clock falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b, load) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map((s) => memoryAtShare(full, s));
          expect(low!.latency(load)).toBeGreaterThanOrEqual(high!.latency(load) - 1e-18);
          expect(low!.peak).toBeLessThanOrEqual(high!.peak);
          expect(low!.backgroundPower(40)).toBeLessThanOrEqual(high!.backgroundPower(40) + 1e-15);
        },
      ),
    );
  });

  it('counts strobe cycles, two transfers each, and ends at the rate of the description', () => {
    const { points } = memoryClockDomain([1600e6, 6400e6, 9600e6], 8533e6);
    expect(points.map(({ frequency }) => frequency / 1e6)).toEqual([800, 3200, 4266.5]);
  });
});
