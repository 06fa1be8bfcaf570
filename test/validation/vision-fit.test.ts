/** Numbers of compiled networks as they are shipped: what a turn of the fit on the shipped rows leaves of them. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fitClass } from '../../src/calibration/device/class-fit.ts';
import { visionFitting } from '../../src/calibration/device/predict-file.ts';
import {
  chipTrials,
  classTrials,
  type Trials,
  unitTrials,
  visionProblem,
} from '../../src/calibration/device/vision-fit.ts';
import type { MappedVisionRow } from '../../src/calibration/device/vision-mapping.ts';
import { fileSources, openModelFile } from '../../src/load.ts';

const data = (name: string) => fileURLToPath(new URL(`data/${name}`, import.meta.url));
const graphs = (name: string) => {
  const path = data(`graphs/${name}.onnx`);
  return existsSync(path) ? openModelFile(path) : undefined;
};
const text = readFileSync(data('phones/vision.csv'), 'utf8');
const { rows, written, sketchOf } = visionFitting(text, 'vision.csv', fileSources(), graphs);

/**
 * The rows leave the numbers this much room: the command ends after two turns from the middle of its priors, and another turn of one
 * chip or engine, with all others as they ended, may move its numbers so far.
 */
const ROOM = 0.2;

/** Numbers that a turn moves further, one chip or engine at a time with all others as shipped. */
function moved(of: string, trials: Trials, some: readonly MappedVisionRow[]): string[] {
  const { parameters } = trials;
  const begin = parameters.map((one) => one.written);
  const found = fitClass(visionProblem(trials, some, sketchOf), begin);
  return parameters.flatMap((one, i) =>
    Math.abs(Math.log((found[i] as number) / one.written)) > ROOM
      ? [`${of} ${one.path}: ${one.written}, now ${(found[i] as number).toPrecision(3)}`]
      : [],
  );
}
const groups = (keyOf: (row: MappedVisionRow) => string) =>
  [...new Set(rows.map(keyOf))].map((key) => [key, rows.filter((r) => keyOf(r) === key)] as const);
const chips = groups(({ soc, unit }) => (unit === 'npu' ? soc : '')).filter(([soc]) => soc !== '');
const engines = groups(({ runtime, unit }) => `${runtime} ${unit}`);

describe('numbers of compiled networks', () => {
  it.each(chips)('of %s stay where the shipped rows put them', (soc, some) => {
    const spec = written.units(some[0]!);
    expect(moved(soc, unitTrials(spec, written), some)).toEqual([]);
  });

  it.each(engines)('of %s stay where the shipped rows put them', (name, some) => {
    const { runtime, unit } = some[0]!;
    const spec = written.runtimes[runtime]!;
    expect(moved(name, classTrials(spec, unit, written), some)).toEqual([]);
    const chipsDiffer = chipTrials(spec, unit, written);
    if (chipsDiffer.parameters.length > 0) expect(moved(name, chipsDiffer, some)).toEqual([]);
  });

  it('would move if rows were slower than they are', () => {
    const [soc, some] = chips.sort(([, a], [, b]) => a.length - b.length)[0]!;
    const slower = some.map((one) => ({
      ...one,
      row: { ...one.row, milliseconds: 2 * one.row.milliseconds! },
    }));
    expect(moved(soc, unitTrials(written.units(some[0]!), written), slower)).not.toEqual([]);
  });
});
