/** The LPDDR transaction model against Ramulator 2.1, DRAMsim3 and gem5, row by row, and the fluid model against it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { quantile } from '../../src/analysis/row-report.ts';
import { randomStream } from '../../src/base/random.ts';
import { runMix } from '../../src/calibration/dram-mix.ts';
import { checkRows, type DramCheck, parseRows } from '../../src/calibration/dram-rows.ts';
import { toolBand } from '../../src/cli/dram-text.ts';
import { buildFluidMemory } from '../../src/hardware/dram/fluid-memory.ts';
import { type AccuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { loadPreset } from '../support/dram.ts';

const file = 'test/validation/data/lpddr_reference_runs.csv';
const csv = parseRows(readFileSync(file, 'utf8'), file);
const { checks, unmapped } = checkRows(csv.rows);

type Quantity = DramCheck['quantity'];

function errorsOf(simulator: string, quantity: Quantity): number[] {
  return checks
    .filter((check) => check.simulator === simulator && check.quantity === quantity)
    .map(({ error }) => Math.abs(error))
    .sort((a, b) => a - b);
}

function summary(simulator: string, quantity: Quantity) {
  const errors = errorsOf(simulator, quantity);
  const at = (share: number) => quantile(errors, share);
  return { count: errors.length, median: at(0.5), p90: at(0.9), p95: at(0.95), worst: at(1) };
}

describe('reference runs', () => {
  it('are all run', () => {
    expect(unmapped).toEqual([]);
    expect(csv.rows.length).toBe(883);
  });

  it('agree with Ramulator 2.1 in bandwidth, row hits and read latency', () => {
    const bandwidth = summary('ramulator2.1', 'bandwidth');
    expect(bandwidth.count).toBe(312);
    expect(bandwidth.median).toBeLessThan(0.001);
    expect(bandwidth.p95).toBeLessThan(0.01);
    expect(summary('ramulator2.1', 'row_hit_rate').worst).toBeLessThan(0.03);
    expect(summary('ramulator2.1', 'read_latency_mean').median).toBeLessThan(0.005);
    expect(summary('ramulator2.1', 'read_latency_mean').p95).toBeLessThan(0.05);
  });

  it.each(['dramsim3', 'gem5'])('agree with %s', (simulator) => {
    expect(summary(simulator, 'bandwidth').median).toBeLessThan(0.002);
    expect(summary(simulator, 'bandwidth').p95).toBeLessThan(0.03);
    expect(summary(simulator, 'read_latency_mean').median).toBeLessThan(0.01);
    expect(summary(simulator, 'row_hit_rate').p95).toBeLessThan(0.01);
  });

  it('differ from us by less than the tools from each other', () => {
    const band = toolBand(checks);
    expect(band?.patterns).toBeGreaterThan(150);
    // Pairs of tools: median 4 to 7 %, nine in ten within 13 to 27 %.
    expect(band?.pairMedian).toBeGreaterThan(0.03);
    expect(band?.pairMedian).toBeGreaterThan(10 * summary('gem5', 'bandwidth').median);
    expect(band?.insideShare).toBeGreaterThan(0.9);
  });

  it('are written down', () => {
    const lines = ['ramulator2.1', 'dramsim3', 'gem5'].flatMap((simulator) =>
      (['bandwidth', 'read_latency_mean'] as const).map((quantity): AccuracyLine => {
        const { count, median, p90, worst } = summary(simulator, quantity);
        const name = `${quantity.replaceAll('_', ' ')}, ${simulator}`;
        return { quantity: name, count, median, p90, worst, unit: '%', sample: 'no fit' };
      }),
    );
    recordAccuracy({
      topic: 'dram',
      order: 30,
      title: 'LPDDR5/5X transaction model',
      text: 'Third-party runs on the same traffic, each repeated with that tool’s queues, policy and timing. Several streams that collide in the same banks are chaotic: single rows differ by up to 10 %. Latency past saturation is left out, it has no steady state.',
      lines,
    });
  });
});

describe('fluid model', () => {
  it.each(['lpddr5-6400', 'lpddr5x-8533', 'lpddr5t-9600'])(
    '%s says nearly the same as commands on mixes it has not seen',
    (name) => {
      const preset = loadPreset(name);
      const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
      const draw = randomStream(2024, name);
      const errors = Array.from({ length: 30 }, () => {
        const mix = {
          visit: 64 * 2 ** Math.floor(draw() * 6),
          readShare: Math.round(100 * draw()) / 100,
          streams: 1 + Math.floor(draw() * 8),
          temperature: 45,
        };
        const run = runMix(preset, mix, { accesses: 16_000, seed: 99 });
        const predicted = memory.efficiency({ ...mix, granularityBytes: mix.visit });
        return Math.abs(predicted / (run.completed / run.peak) - 1);
      }).sort((a, b) => a - b);
      expect(quantile(errors, 0.5)).toBeLessThan(0.035);
      expect(quantile(errors, 0.9)).toBeLessThan(0.08);
    },
  );

  it('is at least a thousand times faster on the same phase', () => {
    const preset = loadPreset('lpddr5x-8533');
    const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
    const mix = { visit: 512, readShare: 0.9, streams: 4, temperature: 45 };
    const started = performance.now();
    runMix(preset, mix, { accesses: 20_000, seed: 1 });
    const transaction = performance.now() - started;
    const evaluations = 20_000;
    const before = performance.now();
    let sum = 0;
    for (let i = 0; i < evaluations; i++) {
      sum += memory.efficiency({ ...mix, readShare: (i % 100) / 100, granularityBytes: 512 });
    }
    const fluid = (performance.now() - before) / evaluations;
    expect(sum).toBeGreaterThan(0);
    expect(transaction / fluid).toBeGreaterThan(1000);
  });
});
