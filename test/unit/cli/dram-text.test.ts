/** What `probe dram` prints and writes as JSON of a run that is given here. */
import { describe, expect, it } from 'vitest';
import { renderRun, runJson } from '../../../src/cli/dram-text.ts';
import type { TrafficRun } from '../../../src/hardware/dram/simulate.ts';

const latency = { mean: 100e-9, p50: 90e-9, p95: 150e-9, p99: 200e-9, max: 300e-9 };
/** 8 MB in a millisecond of which the measured part had 9 GB/s, for 4 mJ. */
const run = {
  peak: 12e9,
  bandwidth: 9e9,
  completed: 9e9,
  readLatency: latency,
  requesters: [],
  hits: 700,
  misses: 200,
  conflicts: 100,
  activates: 300,
  refreshShare: 0.0525,
  lowPower: { powerDownShare: 0, selfRefreshShare: 0, powerDowns: 0, selfRefreshes: 0 },
  energy: { background: 1e-3, activate: 2e-3, read: 1e-3, lowPower: 0 },
  energyPerByte: 5e-10,
  bytes: 8e6,
  accesses: 125_000,
  seconds: 1e-3,
  cycles: 800_000,
} as unknown as TrafficRun;

const shown = (more: object = {}, offered?: number) =>
  renderRun({ run: { ...run, ...more }, wallSeconds: 0.05 }, offered);
const row = (text: string, name: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim();

describe('a run of DRAM', () => {
  it('has shares in percent of what they are shares of', () => {
    const text = shown();
    expect(row(text, 'bandwidth')).toBe('9 GB/s, 75.0 % of 12 GB/s');
    expect(row(text, 'read latency')).toBe('mean 100 ns, p50 90 ns, p95 150 ns, p99 200 ns');
    expect(row(text, 'rows')).toBe('hit 70.0 %, miss 20.0 %, conflict 10.0 % of 1000 bursts');
    expect(row(text, 'refresh')).toMatch(/^5\.[23] % of the banks' time$/);
  });

  it('draws its energy over the whole run, part by part', () => {
    // 4 mJ in 1 ms, and 8 MB in it.
    const energy = row(shown(), 'energy');
    expect(energy).toContain('4 W at the 8 GB/s of the whole run');
    expect(energy).toMatch(/: background 25 %, activate 50 %, read 25 %$/);
  });

  it('counts accesses per second of wall time', () => {
    // 125 000 in 0.05 s.
    expect(row(shown(), 'simulated')).toBe(
      '125000 accesses in 1 ms; 2.50 million per second of wall time',
    );
  });

  it('says no latency without reads, and of low power only where a rank went there', () => {
    expect(row(shown({ readLatency: { ...latency, mean: 0 } }), 'read latency')).toBe('no reads');
    expect(row(shown(), 'low power')).toBeUndefined();
    const lowPower = {
      powerDownShare: 0.25,
      selfRefreshShare: 0.5,
      powerDowns: 3,
      selfRefreshes: 0,
    };
    expect(row(shown({ lowPower }), 'low power')).toBe(
      "power-down 25.0 % of the ranks' time (3 times), self-refresh 50.0 % (0 times)",
    );
  });

  it('is past saturation when it carried less than 97 % of what was asked', () => {
    // 75 % of peak carried: 77 % asked is within 3 %, 78 % is not.
    expect(shown({}, 0.77)).not.toMatch(/saturation/);
    expect(shown({}, 0.78)).toMatch(/past saturation: 78\.0 % of peak was asked for/);
    expect(shown()).not.toMatch(/saturation/);
  });

  it('as JSON has shares of one and sums', () => {
    const json = runJson({ run, wallSeconds: 0.05 });
    expect(json).toMatchObject({
      peak_share: 0.75,
      row_hit_rate: 0.7,
      accesses_per_wall_second: 2.5e6,
    });
    expect(json['energy_joules']).toBeCloseTo(4e-3, 12);
  });
});
