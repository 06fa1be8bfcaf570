/** Whether the shipped intervals of energy and power are those of what is predicted today. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { bandsOf } from '../../../../src/calibration/device/bands.ts';
import {
  energyRowsOf,
  keptEnergy,
  withEnergyBands,
} from '../../../../src/calibration/device/energy-bands.ts';
import { unseenEnergy } from '../../../../src/calibration/device/energy-rows.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { readBundled } from '../../../../src/load.ts';
import { parseClasses } from '../../../../src/runtime/calibration-spec.ts';
import { sources } from '../../../support/sources.ts';

const { text, file } = readBundled('socs/calibrations/classes.json');
const shipped = parseClasses(parseSpecFile(text, file));
const kept = energyRowsOf(shipped);
const isEnergy = ({ quantity }: { quantity: string }) =>
  quantity === 'energy_per_token' || quantity === 'power';
const AGAIN =
  'socsim calibrate device llm.csv --also llm-more.csv --energy --out socs/calibrations/classes.json makes them again';

describe('bands of energy and power', () => {
  it('are shipped as they follow from the predictions shipped beside them', () => {
    expect(kept.length).toBeGreaterThan(60);
    expect(shipped.bands.filter(isEnergy), AGAIN).toEqual(bandsOf(kept));
  });

  it('follow from what is predicted today, of a CPU and of a GPU', () => {
    const ids = ['cai26-24', 's23rep-08'];
    const table = new URL('../../../validation/data/phones/llm.csv', import.meta.url);
    const [header, ...lines] = readFileSync(table, 'utf8').split('\n');
    const two = lines.filter((line) => ids.some((id) => line.startsWith(`${id},`)));
    const rows = parseLlmRows([header, ...two].join('\n'), 'llm.csv');
    const now = unseenEnergy(rows, sources);
    expect(now).toHaveLength(4);
    for (const { id, quantity, withoutSoc } of now) {
      const then = kept.find((row) => row.id === id && row.quantity === quantity);
      // Bands are ten times as wide.
      expect(
        Math.abs(withoutSoc / then!.withoutSoc - 1),
        `${id} ${quantity}: ${AGAIN}`,
      ).toBeLessThan(0.03);
    }
  });

  it('are replaced alone, and in their place', () => {
    const wider = kept.map((row) => ({ ...row, withoutSource: 3 * row.reference }));
    const made = withEnergyBands(shipped, wider);
    const names = (bands: typeof made.bands) =>
      bands.map(({ quantity, unit, runtime }) => `${quantity} ${unit} ${runtime}`);
    expect(names(made.bands)).toEqual(names(shipped.bands));
    const rest = (bands: typeof made.bands) => bands.filter((band) => !isEnergy(band));
    expect(rest(made.bands)).toEqual(rest(shipped.bands));
    const width = (bands: typeof made.bands) => bands.find(isEnergy)!.calibrated;
    expect(width(made.bands)).toBeGreaterThan(width(shipped.bands));
    expect(withEnergyBands(shipped, kept)).toEqual(shipped);
    expect(keptEnergy(kept)).toEqual(shipped.energy);
  });

  it('know no row by its source or SoC', () => {
    for (const row of kept) {
      expect(row.withoutSource).toBe(row.withoutSoc);
      expect(row.source).toBeTruthy();
    }
  });
});
