import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MemoryParts,
  memoryAtShare,
  memoryClockDomain,
} from '../../../../src/hardware/memory/memory-points.ts';
import type { MemorySystem } from '../../../../src/hardware/memory-system.ts';

const full: MemorySystem = {
  name: 'toy',
  capacity: 1e9,
  peak: 64e9,
  efficiency: () => 0.8,
  latency: (load, clock = 1) => 80e-9 + (20e-9 + 50e-9 * load) / clock,
  streamLatency: (load, reads) => 100e-9 + (2 - reads) * 50e-9 * load,
  energyPerReadByte: 30e-12,
  energyPerWriteByte: 35e-12,
  backgroundPower: () => 0.3,
};

/** The way to the memory and back takes 60 ns, or no time. */
const FAR: MemoryParts = { interconnectLatency: 60e-9, ranks: 2 };
const NEAR: MemoryParts = { interconnectLatency: 0, ranks: 2 };

describe('memory at a lower clock', () => {
  it('is itself at its top rate', () => expect(memoryAtShare(full, 1, FAR)).toBe(full));

  it('at half: half the peak, waiting half as long again, the DRAM as slow as its array', () => {
    const half = memoryAtShare(full, 0.5, FAR);
    expect(half.peak).toBe(32e9);
    // 60 of 100 ns are the way there and back; of the other 40, a tenth is clocked and doubles.
    expect(half.streamLatency?.(0, 0.3)).toBeCloseTo(104e-9, 15);
    expect(half.streamLatency?.(1, 0)).toBeCloseTo(104e-9 + 100e-9 * 2 ** 0.6, 15);
    expect(half.backgroundPower(30, 1e9)).toBeCloseTo(0.3 * 0.7, 12);
    expect(half.energyPerReadByte).toBe(full.energyPerReadByte);
  });

  it('answers single accesses as the memory does at that clock, also a step below a step', () => {
    const half = memoryAtShare(full, 0.5, FAR);
    expect(half.latency(0)).toBeCloseTo(120e-9, 15);
    expect(half.latency(0.8)).toBe(full.latency(0.8, 0.5));
    expect(memoryAtShare(half, 0.5, FAR).latency(0.8)).toBe(full.latency(0.8, 0.25));
    expect(half.latency(0.8, 0.5)).toBe(full.latency(0.8, 0.25));
  });

  it('with one rank waits for rows rather than for the bus', () => {
    const one = memoryAtShare(full, 0.5, { ...FAR, ranks: 1 });
    expect(one.streamLatency?.(1, 0)).toBeCloseTo(104e-9 + 100e-9 * 2 ** 0.2, 15);
    const byDefault = memoryAtShare(full, 0.5, { interconnectLatency: 60e-9 });
    expect(byDefault.streamLatency?.(0.7, 1)).toBe(one.streamLatency?.(0.7, 1));
  });

  it('above its top rate, as parts sold before their data sheet: a little quicker, rows weigh more', () => {
    const above = memoryAtShare(full, 1.1, FAR);
    expect(above.peak).toBeCloseTo(70.4e9, 0);
    expect(above.streamLatency?.(0, 1)).toBeCloseTo(100e-9 - 4e-9 / 11, 15);
    expect(above.streamLatency?.(1, 1)).toBeLessThan(full.streamLatency?.(1, 1) ?? 0);
    expect(above.latency(1)).toBeLessThan(full.latency(1));
    const memory: MemorySystem = { ...full, efficiency: ({ readShare }) => 0.4 + 0.4 * readShare };
    const mix = { readShare: 0.5, streams: 4, granularityBytes: 2048, temperature: 40 };
    expect(memoryAtShare(memory, 1.1, NEAR).efficiency(mix)).toBeLessThan(0.6);
  });

  it('what rows and turning cost stays in nanoseconds, so it weighs less on a slower bus', () => {
    const memory: MemorySystem = { ...full, efficiency: ({ readShare }) => 0.4 + 0.4 * readShare };
    const mix = { readShare: 0, streams: 4, granularityBytes: 2048, temperature: 40 };
    // A byte took 2.5 times as long as on a free bus, 1.25 of that for reasons that writes share with long reads.
    expect(memoryAtShare(memory, 0.5, NEAR).efficiency(mix)).toBeCloseTo(1 / (1.25 + 1.25 / 2), 12);
    expect(memoryAtShare(memory, 0.01, NEAR).efficiency(mix)).toBeGreaterThan(0.79);
    expect(memoryAtShare(memory, 0.5, NEAR).efficiency({ ...mix, readShare: 1 })).toBeCloseTo(
      0.8,
      12,
    );
  });

  it('never gets faster, nor hungrier at rest, as the clock falls', () => {
    const share = fc.double({ min: 0.1, max: 1.2, noNaN: true });
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const memory: MemorySystem = { ...full, efficiency: ({ readShare }) => 0.3 + 0.5 * readShare };
    fc.assert(
      fc.property(
        share,
        share,
        unit,
        unit,
        fc.constantFrom(1, 2),
        (a, b, load, readShare, ranks) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map((s) =>
            memoryAtShare(memory, s, { ...FAR, ranks }),
          );
          const mix = { readShare, streams: 4, granularityBytes: 2048, temperature: 40 };
          const [slow, fast] = [low!, high!].map(({ streamLatency }) =>
            streamLatency!(load, readShare),
          );
          expect(slow).toBeGreaterThanOrEqual(fast! - 1e-18);
          expect(low!.latency(load)).toBeGreaterThanOrEqual(high!.latency(load) - 1e-18);
          const rates = [low!, high!].map(({ peak, efficiency }) => peak * efficiency(mix));
          expect(rates[0]).toBeLessThanOrEqual(rates[1]! * (1 + 1e-12));
          expect(low!.efficiency(mix)).toBeLessThanOrEqual(1);
          expect(low!.backgroundPower(40, 1e9)).toBeLessThanOrEqual(
            high!.backgroundPower(40, 1e9) + 1e-15,
          );
        },
      ),
    );
  });

  it('counts strobe cycles, two transfers each, and ends at the rate of the description', () => {
    const { points } = memoryClockDomain([1600e6, 6400e6, 9600e6], 8533e6);
    expect(points.map(({ frequency }) => frequency / 1e6)).toEqual([800, 3200, 4266.5]);
  });
});
