import { describe, expect, it } from 'vitest';
import type { StreamPort, StreamSplit } from '../../../src/engine/stream.ts';
import { buildStreamModel } from '../../../src/engine/transaction.ts';
import { parseLpddrPreset } from '../../../src/hardware/dram/preset.ts';
import { fileSources } from '../../../src/load.ts';

const preset = parseLpddrPreset(fileSources().preset('lpddr5x-8533'));
const peak = 68.264e9;
const options = {
  preset,
  channels: 4,
  density: '16Gb',
  ranks: 2,
  interconnectLatency: 65e-9,
  background: [],
  peak,
  accesses: 4000,
};
const split = (dramReads: number, dramWrites: number, readHits = 0): StreamSplit => ({
  dramReads,
  dramWrites,
  readHits,
  writeHits: 1 - dramReads - dramWrites - readHits,
});
const port = (lines: number, shares = split(1, 0)): StreamPort => ({
  bandwidth: 1e12,
  outstandingBytes: 64 * lines,
  split: shares,
});
const model = buildStreamModel(options);
const rate = (ports: readonly StreamPort[]) => model.rates(ports, 65e-9);

describe('rates by transactions', () => {
  it("obey Little's law: lines in flight ÷ (fabric + what an idle DRAM needs) at least bounds a small window", () => {
    const [one] = rate([port(16)]) as [number];
    // An LPDDR5X read of an open row takes RL + BL/2 and the data strobe's start: about 25 ns; of a closed one 45 ns.
    expect(one).toBeLessThan((16 * 64) / (65e-9 + 20e-9));
    expect(one).toBeGreaterThan((16 * 64) / (65e-9 + 60e-9));
  });

  it('rise with the window and never pass the peak', () => {
    const rates = [32, 64, 128, 400].map((lines) => rate([port(lines)])[0]!);
    for (const [i, one] of rates.entries()) {
      expect(one).toBeLessThanOrEqual(peak);
      if (i > 0) expect(one).toBeGreaterThan(rates[i - 1]! * 0.98);
    }
    expect(rates.at(-1)! / peak).toBeGreaterThan(0.88);
  });

  it('take any number of channels: three give half as much again as two, at as many lines for each', () => {
    const on = (channels: number) => {
      const model = buildStreamModel({ ...options, channels, peak: (peak / 4) * channels });
      return model.rates([port(24 * channels)], 65e-9)[0]!;
    };
    expect(on(3) / on(2)).toBeCloseTo(1.5, 2);
    expect(on(3)).toBeLessThan(on(4));
  });

  it('share memory between units by their windows, together below the peak', () => {
    const [small, large] = rate([port(40), port(120)]) as [number, number];
    expect(small + large).toBeLessThanOrEqual(peak);
    expect(large / small).toBeGreaterThan(2);
    expect(large / small).toBeLessThan(4);
  });

  it('fall with the refresh rate of a hot DRAM', () => {
    const at = (temperature: number) => model.at(temperature).rates([port(120)], 65e-9)[0]!;
    expect(at(60)).toBe(rate([port(120)])[0]);
    expect(at(90)).toBeLessThan(at(60));
    expect(at(100)).toBeLessThan(at(90));
    expect(at(100)).toBeGreaterThan(0.7 * at(60));
  });

  it('leave less beside real-time traffic', () => {
    const camera = [{ name: 'camera', bytesPerSecond: 2e10 }];
    const busy = buildStreamModel({ ...options, background: camera });
    const [beside] = busy.rates([port(200)], 0) as [number];
    expect(beside + 2e10).toBeLessThanOrEqual(peak);
    expect(beside).toBeLessThan(rate([port(200)])[0]! - 1e10);
  });

  it('go at the latency of a hit where nothing misses: 64 lines ÷ 65 ns', () => {
    expect(rate([port(64, split(0, 0, 1))])[0]).toBeCloseTo((64 * 64) / 65e-9, 0);
  });

  it('count hits in the window: half of the reads on chip make more than all of them in DRAM', () => {
    expect(rate([port(48, split(0.5, 0, 0.5))])[0]!).toBeGreaterThan(rate([port(48)])[0]!);
  });

  it('let writes pass beside reads, and fill memory by themselves', () => {
    expect(rate([port(64, split(0.5, 0.5))])[0]!).toBeGreaterThan(rate([port(64)])[0]!);
    const [writes] = rate([port(200, split(0, 1))]) as [number];
    expect(writes / peak).toBeGreaterThan(0.6);
    expect(writes).toBeLessThanOrEqual(peak);
  });

  it('are the same twice', () => {
    const again = buildStreamModel(options).rates([port(64), port(32, split(0.8, 0.2))], 0);
    expect(buildStreamModel(options).rates([port(64), port(32, split(0.8, 0.2))], 0)).toEqual(
      again,
    );
  });
});
