import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { fitFluid, fitLatency, runsOf } from '../../../src/calibration/dram-efficiency.ts';
import { runMix } from '../../../src/calibration/dram-mix.ts';
import { withFluidSection } from '../../../src/calibration/fluid-section.ts';
import { loadPressure } from '../../../src/hardware/dram/fluid-memory.ts';
import { parseLpddrPreset } from '../../../src/hardware/dram/preset.ts';
import { loadPreset, presetText } from '../../support/dram.ts';

const preset = loadPreset('lpddr5-6400');

describe('fit of the fluid memory', () => {
  it('finds the latency curve it was given', () => {
    const curve = [0.1, 0.4, 0.7, 0.9].map((load) => ({
      load,
      latency: 60e-9 + 25e-9 * loadPressure(load),
    }));
    const { idle, waiting } = fitLatency(curve);
    expect(idle).toBeCloseTo(60e-9, 15);
    expect(waiting).toBeCloseTo(25e-9, 15);
  });

  it('is what the bundled table was made with', () => {
    // One cell anew, with the defaults of the command.
    const table = preset.fluid;
    const mix = { visit: 256, readShare: 0.75, streams: 4, temperature: 45 };
    const run = runMix(preset, mix, { accesses: 24_000, seed: 1 });
    const cell = table?.efficiency.is[1]?.[table.readShares.indexOf(0.75)]?.[2];
    expect(cell).toBeCloseTo(run.completed / run.peak, 3);
  });

  it('writes a section that reads back as the same table, once', () => {
    let runs = 0;
    const options = {
      accesses: 200,
      leastChunks: 1,
      checks: 2,
      seed: 1,
      addressSets: 1,
      onRun: () => runs++,
    };
    const table = fitFluid(preset, options);
    expect(runs).toBe(runsOf(options));
    const once = withFluidSection(presetText('lpddr5-6400'), table);
    expect(withFluidSection(once, table)).toBe(once);
    const again = parseLpddrPreset(parseSpecFile(once, 'x.yaml')).fluid;
    expect(again?.efficiency).toEqual(table.efficiency);
    expect(again?.refreshFactor).toEqual(table.refreshFactor);
    for (const ranks of ['oneRank', 'twoRanks'] as const) {
      const written = again?.latency.is[ranks].flat() ?? [];
      const fitted = table.latency.is[ranks].flat();
      // Written with four digits.
      expect(written.map((latency, i) => latency / fitted[i]!)).toEqual(
        fitted.map(() => expect.closeTo(1, 3)),
      );
    }
    expect(again?.idleLatency.is).toBeCloseTo(table.idleLatency.is, 11);
    expect(again?.fullWindows).toEqual(table.fullWindows);
    expect(again?.residuals).toEqual(table.residuals);
  });
});
