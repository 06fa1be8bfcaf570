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
import { fileSources, readBundled } from '../../../../src/load.ts';
import { buildCalibration, parseClasses } from '../../../../src/runtime/calibration-spec.ts';
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
    const now = unseenEnergy(rows, sources, fileSources({ calibration: 'none' }));
    expect(now).toHaveLength(4);
    for (const { id, quantity, withoutModel, withoutSoc } of now) {
      const then = kept.find((row) => row.id === id && row.quantity === quantity)!;
      const place = `${id} ${quantity}: ${AGAIN}`;
      // Bands are ten times as wide.
      expect(Math.abs(withoutModel! / then.withoutModel! - 1), place).toBeLessThan(0.03);
      expect(Math.abs(withoutSoc / then.withoutSoc - 1), place).toBeLessThan(0.03);
    }
    // The Galaxy S23 has a calibration of its own, whose fit holds the rates of that row.
    const own = now.find(({ id, quantity }) => id === 's23rep-08' && quantity !== 'power')!;
    expect(Math.abs(own.withoutSoc / own.withoutModel! - 1)).toBeGreaterThan(0.03);
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

  it('of phones that nobody measured come from predictions without a calibration', () => {
    const off = kept.map((row) => ({ ...row, withoutSoc: 4 * row.reference }));
    for (const band of bandsOf(off)) expect(band.uncalibrated).toBeGreaterThan(band.calibrated);
    for (const { quantity } of shipped.bands.filter(isEnergy)) {
      const rows = kept.filter((row) => row.quantity === quantity);
      const same = rows.filter((row) => row.withoutSoc === row.withoutModel);
      expect(same.length).toBeLessThan(rows.length / 2);
    }
    expect(kept.every(({ source }) => source)).toBe(true);
  });

  it('say what the predictions knew', () => {
    const phone = buildCalibration(shipped, undefined);
    const basis = (quantity: string) => phone.band(quantity, 'llama-cpp', 'cpu')!.basis;
    expect(basis('power')).toMatch(/predicted without any calibration$/);
    expect(basis('energy_per_token')).toMatch(/predicted without any calibration$/);
    expect(basis('decode')).toMatch(/predicted without their SoC$/);
  });
});
