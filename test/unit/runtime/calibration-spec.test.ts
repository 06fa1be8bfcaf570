import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { listBundled, readBundled } from '../../../src/load.ts';
import {
  type BundleSpec,
  buildCalibration,
  parseBundle,
  parseClasses,
} from '../../../src/runtime/calibration-spec.ts';
import { combineTunings, tuneKernels } from '../../../src/runtime/kernel-tuning.ts';
import { sources } from '../../support/sources.ts';

const factor = (value: number) => ({ factor: value, sigma: 0.1, rows: 3, undetermined: false });
const bundle: BundleSpec = {
  version: 1,
  kind: 'device',
  soc: 'snapdragon-8-gen-3',
  date: '2026-01-01',
  host: 'here',
  inputs: { file: 'f.csv', sha256: '0', rows: 3 },
  classes: { mnn: { cpu: { bandwidth: factor(0.5), matrix: { int8: factor(0.8) } } } },
  bands: [
    {
      quantity: 'decode',
      unit: 'any',
      runtime: 'any',
      calibrated: 0.2,
      uncalibrated: 0.4,
      rows: 9,
    },
    {
      quantity: 'decode',
      unit: 'cpu',
      runtime: 'mnn',
      calibrated: 0.1,
      uncalibrated: 0.3,
      rows: 8,
    },
  ],
  units: { cpu: { bandwidth: factor(1.5) } },
  makers: { Qualcomm: { cpu: { launch: factor(1.2) } } },
  pairs: { mnn: { cpu: { bandwidth: factor(0.9), compute: factor(1.1) } } },
  errors: {},
  residuals: [],
};

describe('a calibration', () => {
  const calibration = buildCalibration(undefined, bundle);

  it('multiplies what class, unit and pair say', () => {
    const tuning = calibration.tuning('mnn', 'cpu');
    expect(tuning.bandwidth).toBeCloseTo(0.5 * 1.5 * 0.9, 12);
    expect(tuning.compute).toBeCloseTo(1.1, 12);
    expect(tuning.matrix).toEqual({ int8: 0.8 });
    expect(tuning.launch).toBe(1);
    expect(calibration.tuning('mnn', 'cpu', 'Qualcomm').launch).toBeCloseTo(1.2, 12);
    expect(calibration.tuning('mnn', 'cpu', 'Apple').launch).toBe(1);
    expect(calibration.tuning('llama-cpp', 'cpu').bandwidth).toBeCloseTo(1.5, 12);
    expect(calibration.tuning('mnn', 'gpu')).toMatchObject({ bandwidth: 1, compute: 1 });
  });

  it('takes a build that nobody measured for the class that it is a build of', () => {
    expect(calibration.engine({ name: 'mnn-own', family: 'mnn' })).toBe('mnn');
    expect(calibration.engine({ name: 'mnn', family: 'llama-cpp' })).toBe('mnn');
    expect(calibration.engine({ name: 'own' })).toBe('own');
    // Measured on one SoC alone is measured.
    const one = { ...bundle, pairs: { 'mnn-own': bundle.pairs['mnn']! } };
    expect(buildCalibration(undefined, one).engine({ name: 'mnn-own', family: 'mnn' })).toBe(
      'mnn-own',
    );
  });

  it('keeps what it says of units that were changed, and knows them less well', () => {
    const copy = buildCalibration(undefined, bundle, new Set(['cpu']));
    expect(copy.tuning('mnn', 'cpu')).toEqual(calibration.tuning('mnn', 'cpu'));
    expect(copy.band('decode', 'mnn', 'cpu')?.factor).toBeCloseTo(Math.exp(0.3), 12);
  });

  it('knows the narrowest band there is, wider where the unit was never measured', () => {
    expect(calibration.band('decode', 'mnn', 'cpu')?.factor).toBeCloseTo(Math.exp(0.1), 12);
    expect(calibration.band('decode', 'llama-cpp', 'gpu')?.factor).toBeCloseTo(Math.exp(0.4), 12);
    expect(calibration.band('prefill', 'mnn', 'cpu')).toBeUndefined();
  });

  it('says what was measured: unit and engine, the unit with other engines, or other SoCs', () => {
    const seen = (runtime: string, unit: string) => calibration.band('decode', runtime, unit)?.seen;
    expect(seen('mnn', 'cpu')).toBe('engine');
    expect(seen('llama-cpp', 'cpu')).toBe('unit');
    expect(seen('mnn', 'gpu')).toBe('others');
    expect(
      buildCalibration({ ...bundle, bands: bundle.bands! } as never, undefined).band(
        'decode',
        'mnn',
        'cpu',
      )?.seen,
    ).toBe('others');
  });
});

describe('a band', () => {
  const band = (quantity: string, place: string, width: number, rows: number) => {
    const [unit = '', runtime = ''] = place.split('/');
    return { quantity, unit, runtime, calibrated: width, uncalibrated: 2 * width, rows };
  };
  const known = (...bands: BundleSpec['bands'] & object) =>
    buildCalibration(undefined, { ...bundle, bands });
  const wide = band('decode', 'cpu/any', 0.4, 200);
  const all = band('decode', 'any/any', 0.5, 300);

  it('of few rows is that of the group around it, and says so', () => {
    const of = (rows: number, width = 0.1) =>
      known(band('decode', 'cpu/mnn', width, rows), wide, all).band('decode', 'mnn', 'cpu')!;
    expect(of(8).factor).toBeCloseTo(Math.exp(0.1), 12);
    expect(of(8).basis).toMatch(/^8 measured rows, /);
    expect(of(7).factor).toBeCloseTo(Math.exp(0.4), 12);
    expect(of(7).basis).toMatch(/^200 measured rows of all engines on the cpu, predicted without/);
    // Few rows that were further off are not made to look better.
    expect(of(7, 0.6).factor).toBeCloseTo(Math.exp(0.6), 12);
  });

  it('of a unit with few rows is that of all units; where all are few, nothing is left out', () => {
    const few = band('decode', 'cpu/any', 0.4, 5);
    const one = known(band('decode', 'cpu/mnn', 0.1, 2), few, all).band('decode', 'mnn', 'cpu')!;
    expect(one.factor).toBeCloseTo(Math.exp(0.5), 12);
    expect(one.basis).toMatch(/^300 measured rows of all engines and units/);
    const least = known(few, band('decode', 'any/any', 0.2, 6)).band('decode', 'mnn', 'cpu')!;
    expect(least.factor).toBeCloseTo(Math.exp(0.4), 12);
  });

  it('is the same of rate and time of one prompt: the nearer group has it, then the one of more rows', () => {
    const factors = (...bands: BundleSpec['bands'] & object) =>
      ['prefill', 'time_to_first_token'].map((q) => known(...bands).band(q, 'mnn', 'cpu')!.factor);
    const rate = band('prefill', 'cpu/mnn', 0.9, 23);
    const rates = band('prefill', 'cpu/any', 0.6, 80);
    const times = band('time_to_first_token', 'cpu/any', 0.3, 90);
    const same = (width: number) => [
      expect.closeTo(Math.exp(width)),
      expect.closeTo(Math.exp(width)),
    ];
    // However wide: what was measured of this engine counts, not what others make look better.
    expect(factors(rate, rates, times)).toEqual(same(0.9));
    expect(factors(rates, times)).toEqual(same(0.3));
    expect(factors(rates, { ...times, rows: 70 })).toEqual(same(0.6));
    expect(known(rate, times).band('time_to_first_token', 'mnn', 'cpu')!.basis).toMatch(
      /^23 measured prefill rates, predicted without/,
    );
    expect(known(rate, times).band('prefill', 'mnn', 'cpu')!.basis).toMatch(/^23 measured rows, /);
  });
});

describe('tuned kernels', () => {
  it('keep what the class says, times the factor', () => {
    const tuned = tuneKernels(
      { matrixShare: { int8: 0.5 }, rowShare: { int4: 0.1 }, bandwidthShare: 0.8 },
      { compute: 2, matrix: { int8: 0.5 }, rows: { int4: 3 }, bandwidth: 0.5, launch: 4 },
    );
    expect(tuned.matrixShare?.int8).toBeCloseTo(0.5, 12);
    expect(tuned.matrixShare?.fp16).toBe(2);
    expect(tuned.rowShare?.int4).toBeCloseTo(0.6, 12);
    expect(tuned).toMatchObject({ bandwidthShare: 0.4, launchScale: 4 });
  });

  it('combine in any order', () => {
    const a = { compute: 2, rows: { int8: 3 } };
    const b = { compute: 0.25, rows: { int8: 2, int4: 1 } };
    expect(combineTunings(a, b)).toEqual(combineTunings(b, a));
  });
});

describe('shipped calibrations', () => {
  const parse = (name: string) => {
    const { text, file } = readBundled(`socs/calibrations/${name}.json`);
    return parseSpecFile(text, file);
  };

  it('read, each for a SoC that is described, with residuals and where it came from', () => {
    const names = listBundled('socs/calibrations', '.json').filter((name) => name !== 'classes');
    const socs = listBundled('socs', '.yaml');
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const one = parseBundle(parse(name));
      expect(one.soc).toBe(name);
      expect(socs).toContain(name);
      expect(one.inputs.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(one.residuals.length).toBeGreaterThan(0);
    }
  });

  it('know rate and time of every prompt equally well', () => {
    const calibration = buildCalibration(parseClasses(parse('classes')), undefined);
    for (const unit of ['cpu', 'gpu', 'npu'])
      for (const runtime of listBundled('socs/runtimes', '.yaml')) {
        const of = (quantity: string) => calibration.band(quantity, runtime, unit)!;
        expect(of('prefill').factor).toBe(of('time_to_first_token').factor);
        expect(Number(/^\d+/.exec(of('decode').basis)?.[0])).toBeGreaterThanOrEqual(8);
      }
  });

  it('know bands of every quantity, and how far the naive prediction is off', () => {
    const classes = parseClasses(parse('classes'));
    for (const quantity of ['decode', 'prefill', 'time_to_first_token'])
      expect(classes.bands.some((band) => band.quantity === quantity)).toBe(true);
    const median = (sample: string) =>
      classes.errors[sample]!.find(({ quantity }) => quantity === 'decode')!.median;
    expect(median('leave-one-model-out')).toBeLessThan(median('naive'));
  });
});

describe('a run', () => {
  const scenario = (choice: string) =>
    parseSpecFile(
      `version: 1\nsoc: snapdragon-8-gen-3\nworkload: llama-2-7b-chat\nruntime: mnn\nunit: cpu\ncalibration: ${choice}\n`,
      'scenario',
    );
  const port = (choice: string) => {
    const { machine } = prepare(scenario(choice), [], sources);
    return machine.units.find(({ unit }) => unit.name === 'cpu')!.unit.port.bandwidth;
  };
  const folder = mkdtempSync(join(tmpdir(), 'socsim-'));

  it('takes a bundle of the user instead of the shipped one', () => {
    const file = join(folder, 'mine.json');
    writeFileSync(file, JSON.stringify(bundle));
    expect(port(file) / port('none')).toBeCloseTo(0.5 * 1.5 * 0.9, 6);
    expect(port('auto')).not.toBe(port('none'));
  });

  it('refuses the bundle of another SoC', () => {
    const file = join(folder, 'other.json');
    writeFileSync(file, JSON.stringify({ ...bundle, soc: 'dimensity-9300' }));
    expect(() => port(file)).toThrow(/is the calibration of another SoC.*snapdragon-8-gen-3/);
  });

  it('says where a bundle is broken', () => {
    const file = join(folder, 'broken.json');
    writeFileSync(
      file,
      JSON.stringify({ ...bundle, units: { cpu: { bandwidth: { factor: -1 } } } }),
    );
    expect(() => port(file)).toThrow(/units\.cpu\.bandwidth/);
  });
});
