import { describe, expect, it } from 'vitest';
import {
  arrivalRuns,
  CLOCKS,
  checkArrivals,
  LOADS,
  measureArrivals,
} from '../../../src/calibration/dram-arrivals.ts';
import { presetAtShare } from '../../../src/hardware/dram/device.ts';
import { simulateMix } from '../../../src/hardware/dram/mix-traffic.ts';
import { loadPreset } from '../../support/dram.ts';

const preset = loadPreset('lpddr5x-8533');
const quick = { accesses: 1_000, leastChunks: 1, seed: 1, addressSets: 1 };

describe('latency of accesses that come by themselves', () => {
  it('is one run per ranks, clock and load, all counted', () => {
    let runs = 0;
    const count = <T>(run: T) => {
      runs++;
      return run;
    };
    const { oneRank, twoRanks } = measureArrivals(preset, quick, count);
    for (const rows of [oneRank, twoRanks]) {
      expect(rows.map((row) => row.length)).toEqual(CLOCKS.map(() => LOADS.length));
    }
    const { points } = checkArrivals(preset, quick, count);
    // One more of each load and with full windows, for the scale of streams.
    expect(runs + LOADS.length + 1).toBe(arrivalRuns(quick));
    expect(points).toBe(2 * 4 * 4);
    expect(arrivalRuns({ addressSets: 3 }) - arrivalRuns({ addressSets: 2 })).toBe(runs);
  });

  it('holds at least what the array takes, and more where the bus is slower', () => {
    const { oneRank, twoRanks } = measureArrivals(preset, quick, (run) => run);
    for (const rows of [oneRank, twoRanks]) {
      for (const latency of rows.flat()) expect(latency).toBeGreaterThan(preset.times.tRCD.is);
      const [slowest, , , top] = rows.map((row) => row[LOADS.indexOf(0.5)]!);
      expect(slowest).toBeGreaterThan(top!);
    }
  });

  it('was taken for the bundled bin with the ranks and the clock that it names', () => {
    // One cell anew, with the defaults of the command.
    const table = preset.fluid!;
    const mix = { readShare: 0.75, streams: 4, granularityBytes: 512, temperature: 45 };
    const slow = presetAtShare(preset, 0.25);
    const latencies = [0, 1, 2, 3, 4, 5].map((set) => {
      const options = { channels: 4, ranks: 2, accesses: 24_000, seed: 1 + 7919 * set };
      const most = simulateMix(slow, mix, options);
      const openRate = (0.65 * most.completed) / most.peak;
      return simulateMix(slow, mix, { ...options, openRate }).readLatency.mean;
    });
    const mean = latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length;
    const row = table.latency.is.twoRanks[table.clocks.indexOf(0.25)]!;
    expect(row[table.loads.indexOf(0.65)]! / mean).toBeCloseTo(1, 2);
  });
});
