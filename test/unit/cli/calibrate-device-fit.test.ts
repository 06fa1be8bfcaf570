import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { fitDevices } from '../../../src/cli/calibrate-device-fit.ts';
import { templateCsv } from '../../../src/cli/calibrate-templates.ts';
import { readBundled } from '../../../src/load.ts';
import { parseBundle, parseClasses } from '../../../src/runtime/calibration-spec.ts';

const CLASSES = 'socs/calibrations/classes.json';
const folder = mkdtempSync(join(tmpdir(), 'socsim-fit-'));
const HEADER =
  'id,soc,unit,runtime,model,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,energy_j_per_tok,quality';
const row = (id: string, model: string, decode: number, energy = '') =>
  `${id},Snapdragon 8 Gen 3,cpu,MNN,${model},4,,256,512,100,,${decode},${energy},A`;
const text = (...rows: string[]) => `${[HEADER, ...rows].join('\n')}\n`;
const one = { file: 'one.csv', text: text(row('a', 'Llama-3.2-1B', 60, '0.2')) };
const other = join(folder, 'other.csv');
writeFileSync(other, text(row('b', 'Llama-3.2-3B', 24), row('c', 'Qwen2.5-1.5B', 46)));

const printed = () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => log.mock.calls.map(([line]) => String(line)).join('\n');
};
afterEach(() => vi.restoreAllMocks());

describe('fitting phones', () => {
  const both = mkdtempSync(join(tmpdir(), 'socsim-fit-'));
  let told = '';
  beforeAll(() => {
    const read = printed();
    fitDevices(one, { also: other, out: both });
    told = read();
    vi.restoreAllMocks();
  });

  it('takes a second file together with the first, and says so in what it writes', () => {
    const classes = parseClasses(
      parseSpecFile(readFileSync(join(both, 'classes.json'), 'utf8'), 'classes.json'),
    );
    expect(classes.inputs).toMatchObject({ file: 'one.csv and other.csv', rows: 3 });
    const bundle = parseBundle(
      parseSpecFile(readFileSync(join(both, 'snapdragon-8-gen-3.json'), 'utf8'), 'bundle'),
    );
    expect(bundle.residuals.map(({ id }) => id)).toContain('b');
    expect(told).toContain('leave-one-model-out');
  });

  it('gives energy per token and power a band of their own, from rows with a meter', () => {
    const { bands, makers } = JSON.parse(readFileSync(join(both, 'classes.json'), 'utf8'));
    const of = (quantity: string) =>
      bands.filter((band: { quantity: string }) => band.quantity === quantity);
    expect(of('energy_per_token')[0]).toMatchObject({ unit: 'any', runtime: 'any', rows: 1 });
    expect(of('power')[0].calibrated).toBe(of('power')[0].uncalibrated);
    expect(Object.keys(makers)).toEqual(['Qualcomm']);
  });

  it('makes the bands of energy again without a fit, and leaves all else as it is shipped', () => {
    const read = printed();
    const out = join(folder, 'energy.json');
    fitDevices(one, { energy: true, out });
    const made = parseClasses(parseSpecFile(readFileSync(out, 'utf8'), out));
    const shipped = parseClasses(parseSpecFile(readBundled(CLASSES).text, CLASSES));
    expect(made.energy.map(({ id, quantity }) => [id, quantity])).toEqual([
      ['a', 'energy_per_token'],
      ['a', 'power'],
    ]);
    expect(made.classes).toEqual(shipped.classes);
    expect(made.bands.find(({ quantity }) => quantity === 'power')).toMatchObject({ rows: 1 });
    expect(read()).toContain('before');
    const rates = { file: 'rates.csv', text: text(row('a', 'Llama-3.2-1B', 60)) };
    expect(() => fitDevices(rates, { energy: true })).toThrow(/no row .* tells energy/);
  });

  it('refuses a row that is in both files, and a place it cannot write to, before it fits', () => {
    const read = printed();
    writeFileSync(join(folder, 'again.csv'), text(row('a', 'Llama-3.2-3B', 24)));
    const before = readdirSync(folder).length;
    expect(() => fitDevices(one, { also: join(folder, 'again.csv') })).toThrow(SpecError);
    expect(() => fitDevices(one, { also: join(folder, 'again.csv') })).toThrow(
      /has rows of the first file again/,
    );
    const inFile = join(folder, 'again.csv', 'none');
    expect(() => fitDevices(one, { out: inFile })).toThrow(/cannot be made/);
    const soc = 'snapdragon-8-gen-3';
    expect(() => fitDevices(one, { soc, out: folder })).toThrow(/a file for the one SoC/);
    expect(() => fitDevices(one, { out: 'mine.json' })).toThrow(/a fit of several SoCs/);
    expect(readdirSync(folder)).toHaveLength(before);
    expect(read()).toBe('');
  });

  it.each([
    ['vision', /columns are those of networks.*--graphs DIR/],
    ['diffusion', /parts of image generators.*nothing is fitted/],
    ['bandwidth', /rates of memory.*port: bandwidth/],
    ['sustained', /runs over time.*--phone NAME/],
  ])('says how a file of another kind is fitted: %s', (kind, message) => {
    const file = { file: `${kind}.csv`, text: templateCsv(kind) };
    expect(() => fitDevices(file, {})).toThrow(message);
  });
});
