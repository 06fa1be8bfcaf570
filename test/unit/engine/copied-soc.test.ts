import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { baseOf, changedUnits, nameIn } from '../../../src/engine/copied-soc.ts';
import { fileSources, listBundled } from '../../../src/load.ts';

const base = {
  name: 'one',
  domains: { fast: { clock: 3 }, slow: { clock: 1 }, gpu: { clock: 1 } },
  units: {
    cpu: { clusters: [{ clock: 'fast' }, { clock: 'slow' }], threads: 8 },
    gpu: { domain: 'gpu', cores: 6 },
  },
  memory: { rate: 9600, channels: 4 },
};

describe('units of a copy', () => {
  it('are the same where nothing that feeds or clocks them was changed', () => {
    const copy = { ...base, name: 'two', memory: { channels: 4, rate: 9600 }, floorplan: {} };
    expect(changedUnits(copy, base)).toEqual(new Set());
    expect(changedUnits(base, base)).toEqual(new Set());
  });

  it('differ by their own numbers, or by a clock they name', () => {
    const wide = { ...base, units: { ...base.units, gpu: { domain: 'gpu', cores: 12 } } };
    expect(changedUnits(wide, base)).toEqual(new Set(['gpu']));
    const quick = { ...base, domains: { ...base.domains, slow: { clock: 2 } } };
    expect(changedUnits(quick, base)).toEqual(new Set(['cpu']));
  });

  it('all differ with other memory', () => {
    const fed = { ...base, memory: { ...base.memory, rate: 10667 } };
    expect(changedUnits(fed, base)).toEqual(new Set(['cpu', 'gpu']));
  });

  it('know what they come from', () => {
    expect(baseOf({ like: ['a', 'b'] })).toBe('a');
    expect(baseOf({ like: 'a' })).toBe('a');
    expect(baseOf({ units: {} })).toBeUndefined();
    expect(nameIn(undefined)).toBe('');
  });
});

describe('the calibration of a copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'socsim-copy-'));
  const write = (name: string, rest: string) => {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, `version: 1\nname: ${name}\nsummary: mine\n${rest}\n`);
    return path;
  };
  const calibrationOf = (path: string, choice = 'auto') => {
    const sources = fileSources();
    const { name } = sources.soc(path).data as { name: string };
    return sources.calibration!(choice, name);
  };
  const own = fileSources().calibration!('auto', 'snapdragon-8-gen-3');
  const gpu = 'units: { gpu: { cores: { is: 12, from: estimate, trust: estimated } } }';

  it('is that of the SoC it is a copy of, wider for units that were changed', () => {
    const copy = calibrationOf(write('my-soc', `like: snapdragon-8-gen-3\n${gpu}`));
    expect(copy.name).toBe('snapdragon-8-gen-3');
    expect(copy.tuning('llama-cpp', 'gpu')).toEqual(own.tuning('llama-cpp', 'gpu'));
    const factor = (one: typeof own, unit: string) => one.band('decode', 'llama-cpp', unit)!.factor;
    expect(factor(copy, 'gpu')).toBeGreaterThanOrEqual(factor(own, 'gpu'));
    expect(copy.band('decode', 'llama-cpp', 'gpu')!.basis).toContain('without their SoC');
    expect(factor(copy, 'cpu')).toBe(factor(own, 'cpu'));
  });

  it('reaches through a copy of a copy', () => {
    const first = write('first', 'like: snapdragon-8-gen-3');
    const second = calibrationOf(write('second', `like: ${first}`));
    expect(second.tuning('mnn', 'cpu')).toEqual(own.tuning('mnn', 'cpu'));
  });

  it('may be a bundle of the base, not of another SoC', () => {
    const mine = write('third', 'like: snapdragon-8-gen-3');
    const root = new URL('../../../socs/calibrations/', import.meta.url).pathname;
    expect(listBundled('socs/calibrations', '.json')).toContain('dimensity-9300');
    expect(calibrationOf(mine, `${root}snapdragon-8-gen-3.json`).name).toBe('snapdragon-8-gen-3');
    expect(() => calibrationOf(mine, `${root}dimensity-9300.json`)).toThrow(SpecError);
    expect(() => calibrationOf(mine, `${root}dimensity-9300.json`)).toThrow(
      /third, or what it is a copy of: snapdragon-8-gen-3/,
    );
  });
});
