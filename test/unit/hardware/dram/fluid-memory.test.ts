import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { buildFluidMemory } from '../../../../src/hardware/dram/fluid-memory.ts';
import { parseLpddrPreset } from '../../../../src/hardware/dram/preset.ts';
import { loadPreset, presetText } from '../../../support/dram.ts';

const memory = buildFluidMemory({
  preset: loadPreset('lpddr5x-8533'),
  channels: 4,
  interconnectLatency: 60e-9,
});
const BINS = [
  'lpddr5-3200',
  'lpddr5-5500',
  'lpddr5-6400',
  'lpddr5x-7500',
  'lpddr5x-8533',
  'lpddr5x-9600',
  'lpddr5t-9600',
  'lpddr6-10667',
];
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

  it('answers with the latency of its ranks, its clock and its load, between and beyond the points of the table', () => {
    const preset = loadPreset('lpddr5x-8533');
    const table = preset.fluid!;
    const two = buildFluidMemory({ preset, ranks: 2, channels: 4, interconnectLatency: 60e-9 });
    const { oneRank, twoRanks } = table.latency.is;
    const [half, top] = [0.5, 1].map((clock) => table.clocks.indexOf(clock));
    const at = table.loads.indexOf(0.65);
    expect(memory.latency(0.65)).toBeCloseTo(60e-9 + oneRank[top!]![at]!, 15);
    expect(two.latency(0.65)).toBeCloseTo(60e-9 + twoRanks[top!]![at]!, 15);
    expect(two.latency(0.65, 0.5)).toBeCloseTo(60e-9 + twoRanks[half!]![at]!, 15);
    // Cycles are half as long again at two thirds of the clock, half way from those of the full to those of the half.
    const mean = (two.latency(0.65) + two.latency(0.65, 0.5)) / 2;
    expect(two.latency(0.65, 2 / 3)).toBeCloseTo(mean, 15);
    // What the least load waits, no load waits; the clock beyond the table goes on as its cycles grow.
    expect(two.latency(0)).toBe(two.latency(0.05));
    const [eighth, quarter] = [0.125, 0.25].map((clock) => two.latency(0.5, clock));
    expect(two.latency(0.5, 1 / 12)).toBeCloseTo(2 * eighth! - quarter!, 15);
    expect(two.latency(2)).toBe(two.latency(1));
  });

  it.each(BINS)(
    'waits no less under more load or at a lower clock, and no less in one rank than in two: %s',
    (bin) => {
      const preset = loadPreset(bin);
      const [one, two] = [1, 2].map((ranks) =>
        buildFluidMemory({ preset, ranks, channels: 4, interconnectLatency: 60e-9 }),
      );
      const load = fc.double({ min: 0, max: 1, noNaN: true });
      const clock = fc.double({ min: 0.1, max: 1.1, noNaN: true });
      // Runs scatter by about that.
      const scatter = 1.04;
      fc.assert(
        fc.property(load, load, clock, clock, (a, b, c, d) => {
          const [light, heavy] = [Math.min(a, b), Math.max(a, b)];
          const [slow, fast] = [Math.min(c, d), Math.max(c, d)];
          for (const { latency } of [one!, two!]) {
            expect(latency(light, c)).toBeLessThan(scatter * latency(heavy, c));
            expect(latency(a, fast)).toBeLessThan(scatter * latency(a, slow));
          }
          expect(two!.latency(a, Math.max(c, 0.5))).toBeLessThan(
            scatter * one!.latency(a, Math.max(c, 0.5)),
          );
        }),
      );
    },
  );

  it.each([
    [
      'a load too many',
      'loads: [0.05,',
      'loads: [0.01, 0.05,',
      'fluid.latency: the table does not have',
    ],
    [
      'a clock too few',
      'clocks: [0.125, 0.25,',
      'clocks: [0.25,',
      'fluid.latency: the table does not have',
    ],
    [
      'loads that fall',
      'loads: [0.05, 0.2,',
      'loads: [0.2, 0.05,',
      'fluid.loads: the values must rise',
    ],
    ['no unit', '["62.25 ns"', '[62.25', 'fluid.latency.is.oneRank.3.0'],
  ])('refuses a latency table with %s', (_, good, bad, fault) => {
    const text = presetText('lpddr5x-8533');
    expect(text).toContain(good);
    const broken = parseSpecFile(text.replace(good, bad), 'own.yaml');
    expect(() => parseLpddrPreset(broken)).toThrow(fault);
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
