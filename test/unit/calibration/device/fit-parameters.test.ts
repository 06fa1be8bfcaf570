/** Which numbers a row depends on, and how builds of a class share what is known of it. */
import { describe, expect, it } from 'vitest';
import { classesOf } from '../../../../src/calibration/device/bundle.ts';
import {
  anchored,
  heldByFew,
  keyOf,
  type Parameter,
  pairOf,
  parametersOf,
  unitOf,
} from '../../../../src/calibration/device/fit-parameters.ts';
import { knownByFew } from '../../../../src/calibration/device/fit-rows.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { fileSources } from '../../../../src/load.ts';

const { runtimes } = mappingTables(fileSources({ calibration: 'none' }));
const use = (runtime: string, unit: string) => ({
  soc: 'snapdragon-8-gen-3',
  maker: 'Qualcomm',
  runtime,
  units: [unit],
});
const keys = (runtime: string, unit: string) =>
  parametersOf([use(runtime, unit)], runtimes).map(keyOf);
const origin = { date: '2026-01-01', host: 'none', file: 'rows.csv', sha256: '0' };

describe('builds of a class', () => {
  it('depend on the class and on how far they are from it', () => {
    const found = keys('llama-cpp-app', 'cpu');
    expect(found).toContain('class/llama-cpp/cpu/bandwidth');
    expect(found).toContain('build/llama-cpp-app/cpu/bandwidth');
    expect(found).not.toContain('class/llama-cpp-app/cpu/bandwidth');
    expect(found).toContain('class/llama-cpp/cpu/matrix/int8');
  });

  it('may be builds of builds', () => {
    const found = keys('llama-cpp-app-2026-04', 'cpu').filter((key) => key.endsWith('/bandwidth'));
    expect(found.sort()).toEqual([
      'build/llama-cpp-app-2026-04/cpu/bandwidth',
      'build/llama-cpp-app/cpu/bandwidth',
      'class/llama-cpp/cpu/bandwidth',
      'maker/Qualcomm/cpu/bandwidth',
      'pair/snapdragon-8-gen-3/llama-cpp-app-2026-04/cpu/bandwidth',
      'unit/snapdragon-8-gen-3/cpu/bandwidth',
    ]);
  });

  it('name a class that is there', () => {
    for (const { name, family } of Object.values(runtimes))
      if (family !== undefined)
        expect([name, Object.keys(runtimes)]).toEqual([name, expect.arrayContaining([family])]);
  });

  it('are written whole, so that a run looks up its own class only', () => {
    const fitted = (runtime: string, factor: number) => {
      const parameter = parametersOf([use(runtime, 'cpu')], runtimes).find(
        (one) => one.runtime === runtime && one.field === 'bandwidth' && one.layer !== 'pair',
      ) as Parameter;
      return { parameter, factor, sigma: 0.1, undetermined: false, rows: 5 };
    };
    const parameters = [
      fitted('llama-cpp', 0.9),
      fitted('llama-cpp-app', 0.8),
      fitted('llama-cpp-app-2026-04', 0.5),
    ];
    const fit = { parameters, predicted: [] };
    const { classes } = classesOf({ fit, rows: [], energy: [], skipped: [] }, origin);
    const factor = (name: string) => classes[name]?.['cpu']?.bandwidth?.factor;
    expect(factor('llama-cpp')).toBeCloseTo(0.9, 6);
    expect(factor('llama-cpp-app')).toBeCloseTo(0.72, 6);
    expect(factor('llama-cpp-app-2026-04')).toBeCloseTo(0.36, 6);
    expect(classes['llama-cpp-app']?.['cpu']?.bandwidth?.sigma).toBeCloseTo(
      Math.hypot(0.1, 0.1),
      4,
    );
  });

  it('start at what was written of them, what they share with their class taken out', () => {
    const known = (factor: number) => ({ factor, sigma: 0.1, rows: 9, undetermined: false });
    const shared = {
      classes: {
        'llama-cpp': { cpu: { bandwidth: known(0.9) } },
        'llama-cpp-app': { cpu: { bandwidth: known(0.72) } },
      },
      makers: {},
    };
    const found = parametersOf([use('llama-cpp-app', 'cpu')], runtimes).map((one) =>
      anchored(one, shared),
    );
    const centre = (key: string) => Math.exp(found.find((one) => keyOf(one) === key)!.centre);
    expect(centre('class/llama-cpp/cpu/bandwidth')).toBeCloseTo(0.9, 6);
    expect(centre('build/llama-cpp-app/cpu/bandwidth')).toBeCloseTo(0.8, 6);
    expect(centre('unit/snapdragon-8-gen-3/cpu/bandwidth')).toBe(1);
  });
});

describe('pairs that one source has measured', () => {
  const all = parametersOf([use('llama-cpp', 'cpu'), use('mnn', 'cpu')], runtimes);
  const mnn = pairOf({ soc: 'snapdragon-8-gen-3', runtime: 'mnn', unit: 'cpu' });

  it('are held nearer to their class and unit, and nothing else is', () => {
    const held = all.map((one) => heldByFew(one, new Set([mnn])));
    const changed = held.flatMap((one, i) =>
      one.prior < all[i]!.prior ? [`${one.layer} ${one.runtime} ${one.field}`] : [],
    );
    expect(changed).toEqual(['pair mnn bandwidth', 'pair mnn compute']);
    for (const [i, one] of held.entries()) {
      expect(one.limit / one.prior).toBeCloseTo(all[i]!.limit / all[i]!.prior, 9);
      expect(one.centre).toBe(all[i]!.centre);
    }
    expect(all.map((one) => heldByFew(one, new Set()))).toEqual(all);
  });

  it('are units too that one or two sources have measured', () => {
    const all = parametersOf([use('mnn', 'cpu'), use('llama-cpp', 'gpu')], runtimes);
    const held = all.map((one) =>
      heldByFew(one, new Set([unitOf({ ...use('mnn', 'cpu'), unit: 'cpu' })])),
    );
    const changed = held.flatMap((one, i) =>
      one.prior < all[i]!.prior ? [`${one.layer} ${one.unit} ${one.field}`] : [],
    );
    expect(changed).toEqual(['unit cpu bandwidth', 'unit cpu compute', 'unit cpu launch']);
  });

  it('are told by the sources of rows, and none where all are of one', () => {
    const row = (runtime: string, source: string, unit = 'cpu') => ({
      row: { use: use(runtime, unit), source },
    });
    const ours = [row('mnn', 'a'), row('mnn', 'a'), row('llama-cpp', 'a')];
    const cpu = unitOf({ ...use('mnn', 'cpu'), unit: 'cpu' });
    expect([...knownByFew([...ours, row('llama-cpp', 'b')])]).toEqual([mnn, cpu]);
    expect([...knownByFew([...ours, row('llama-cpp', 'b'), row('mnn', 'c')])]).toEqual([]);
    expect(knownByFew(ours).size).toBe(0);
  });
});
