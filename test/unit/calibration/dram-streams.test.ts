import { describe, expect, it } from 'vitest';
import {
  fitStreams,
  predictRate,
  STREAM_RUNS,
  type StreamBasis,
  solveStreams,
} from '../../../src/calibration/dram-streams.ts';
import { buildFluidMemory } from '../../../src/hardware/dram/fluid-memory.ts';
import { loadPreset } from '../../support/dram.ts';

const preset = loadPreset('lpddr5x-8533');
const basis: StreamBasis = {
  memory: buildFluidMemory({
    preset,
    channels: 4,
    ranks: 2,
    density: '16Gb',
    interconnectLatency: 65e-9,
  }),
  idle: 57e-9,
  waiting: 90e-9,
};
const truth = {
  idleReads: 0.9,
  idleWrites: 0.4,
  evenReads: 0,
  evenWrites: 0,
  waitingReads: 0.25,
  waitingWrites: 0.5,
  turning: 0.3,
};

describe('fit of streams with full windows', () => {
  it('finds the coefficients that made the rates', () => {
    const found = solveStreams(basis, (reads, lines) => predictRate(basis, truth, reads, lines));
    for (const [name, value] of Object.entries(truth)) {
      expect(found[name as keyof typeof truth]).toBeCloseTo(value, 2);
    }
  });

  it('takes the terms that rise evenly where they are there', () => {
    const even = { ...truth, evenReads: 0.6, evenWrites: 0.9, waitingReads: 0.08 };
    const found = solveStreams(basis, (reads, lines) => predictRate(basis, even, reads, lines));
    expect(found.evenReads).toBeCloseTo(0.6, 1);
    expect(found.waitingReads).toBeCloseTo(0.08, 1);
  });

  it('moves a coefficient by little when every rate is off by a percent', () => {
    let sign = 0.01;
    const found = solveStreams(basis, (reads, lines) => {
      sign = -sign;
      return predictRate(basis, truth, reads, lines) * (1 + sign);
    });
    const [reads, lines] = [0.8, 90];
    const moved = predictRate(basis, found, reads, lines) / predictRate(basis, truth, reads, lines);
    expect(Math.abs(moved - 1)).toBeLessThan(0.03);
  });

  it('obeys Little: one line waits the idle latency, many reach what the memory gives', () => {
    const alone = predictRate(basis, truth, 1, 1);
    expect(64 / alone).toBeCloseTo(65e-9 + 0.9 * 57e-9, 10);
    const mix = { readShare: 1, streams: 4, granularityBytes: 2048, temperature: 60 };
    const most = basis.memory.peak * basis.memory.efficiency(mix);
    expect(predictRate(basis, truth, 1, 1000) / most).toBeCloseTo(1, 6);
    const rates = [16, 32, 64, 128].map((lines) => predictRate(basis, truth, 0.75, lines));
    expect(rates).toEqual([...rates].sort((a, b) => a - b));
  });

  it('counts its runs', () => {
    let runs = 0;
    const { idleLatency, waiting } = preset.fluid as NonNullable<typeof preset.fluid>;
    const fit = fitStreams(
      preset,
      { idle: idleLatency.is, waiting: waiting.is },
      { accesses: 200, onRun: () => runs++ },
    );
    expect(runs).toBe(STREAM_RUNS);
    expect(fit.residuals.points).toBe(12);
    expect(Object.keys(fit.fullWindows)).toEqual(['oneRank', 'twoRanks']);
  });
});
