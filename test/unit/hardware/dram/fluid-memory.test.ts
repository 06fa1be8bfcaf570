import { describe, expect, it } from 'vitest';
import { buildFluidMemory } from '../../../../src/hardware/dram/fluid-memory.ts';
import { loadPreset } from '../../../support/dram.ts';

const memory = buildFluidMemory({
  preset: loadPreset('lpddr5x-8533'),
  channels: 4,
  interconnectLatency: 60e-9,
});
const mix = { readShare: 1, streams: 1, granularityBytes: 4096, temperature: 40 };

describe('fluid memory', () => {
  it('has the peak of its channels', () => {
    // 4 channels x 2 bytes x 8533 MT/s.
    expect(memory.peak).toBeCloseTo(68.264e9, -3);
    expect(memory.capacity).toBe(8 * 2 ** 30);
  });

  it('serves long read streams at 88 to 97 % of peak', () => {
    expect(memory.efficiency(mix)).toBeGreaterThan(0.88);
    expect(memory.efficiency(mix)).toBeLessThan(0.97);
  });

  it('loses to writes, to small visits, to more streams and to heat', () => {
    const best = memory.efficiency(mix);
    expect(memory.efficiency({ ...mix, readShare: 0.67 })).toBeLessThan(0.95 * best);
    expect(memory.efficiency({ ...mix, granularityBytes: 64 })).toBeLessThan(0.8 * best);
    expect(memory.efficiency({ ...mix, streams: 4 })).toBeLessThan(best);
    expect(memory.efficiency({ ...mix, temperature: 90 })).toBeLessThan(best - 0.03);
  });

  it('waits longer the closer the load comes to what is achievable', () => {
    const waits = [0, 0.3, 0.6, 0.9, 1].map((load) => memory.latency(load));
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    // 60 ns of interconnect and a mix of row hits (25 ns) and row conflicts (66 ns), both bursts.
    expect(waits[0]).toBeGreaterThan(85e-9);
    expect(waits[0]).toBeLessThan(126e-9);
  });

  it('agrees with the table at its points and lies between them elsewhere', () => {
    const table = loadPreset('lpddr5x-8533').fluid;
    const at = (visit: number, readShare: number, streams: number) =>
      memory.efficiency({ readShare, streams, granularityBytes: visit, temperature: 40 });
    expect(at(64, 1, 1)).toBe(table?.efficiency.is[0]?.at(-1)?.[0]);
    expect(at(2048, 0.5, 8)).toBe(table?.efficiency.is[2]?.[4]?.at(-1));
    expect(at(128, 0.6, 4)).toBeGreaterThan(at(128, 0.5, 4));
    expect(at(128, 0.6, 4)).toBeLessThan(at(128, 0.75, 4));
    // Beyond its ends the table holds its last values.
    expect(at(1e6, 1, 1)).toBe(at(2048, 1, 1));
    expect(at(64, 1, 100)).toBe(at(64, 1, 8));
  });

  it('pays more for reads than for writes, and for standing by when hot', () => {
    expect(memory.energyPerReadByte).toBeGreaterThan(memory.energyPerWriteByte);
    // 2.44 pJ/bit and 1.75 pJ/bit of the host are 33.5 pJ/B; activates of a stream add little.
    expect(memory.energyPerReadByte).toBeGreaterThan(33e-12);
    expect(memory.energyPerReadByte).toBeLessThan(36e-12);
    const busy = memory.peak / 2;
    expect(memory.backgroundPower(90, busy)).toBeGreaterThan(memory.backgroundPower(40, busy));
    // 4 x (25.2 mW standby + 10.8 mW refresh), as tabulated for typical silicon.
    expect(memory.backgroundPower(40, busy)).toBeCloseTo(0.144, 3);
    // Without traffic: 4 x 1 mW of self-refresh.
    expect(memory.backgroundPower(40, 0)).toBeCloseTo(0.004, 6);
  });
});
