import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { parseLpddrPreset } from '../../../../src/hardware/dram/preset.ts';
import { loadPreset, presetText } from '../../../support/dram.ts';

const NAMES = [
  'lpddr5-3200',
  'lpddr5-5500',
  'lpddr5-6400',
  'lpddr5x-7500',
  'lpddr5x-8533',
  'lpddr5x-9600',
  'lpddr5t-9600',
  'lpddr6-10667',
];

function faultsOf(from: string, to: string): string[] {
  const text = presetText('lpddr5-6400');
  expect(text).toContain(from);
  try {
    parseLpddrPreset(parseSpecFile(text.replace(from, to), 'x.yaml'));
  } catch (error) {
    if (error instanceof SpecError) {
      return error.faults.map(({ path, line, message }) => `${path}:${line && 'line'}: ${message}`);
    }
    throw error;
  }
  return [];
}

describe('presets', () => {
  it.each(NAMES)('%s passes its own checks', (name) => {
    expect(loadPreset(name).name.toLowerCase()).toBe(name);
  });

  it.each([
    ['is: "60 ns"', 'is: "59 ns"', 'times.tRC:line: tRC is below tRAS + tRPpb'],
    ['is: "42 ns"', 'is: "17 ns"', 'times.tRAS:line: tRAS is below tRCD'],
    ['is: "20 ns"', 'is: "4 ns"', 'modes.bank-group.tFAW:line: tFAW is below tRRD'],
    ['is: "21 ns"', 'is: "17 ns"', 'times.tRPab:line: tRPab is below tRPpb'],
    ['is: "3906 ns"', 'is: "300 ns"', 'times.tREFI:line: tREFI is below tREFIpb'],
    ['RL: { is: 17', 'RL: { is: 8', 'cycles.RL:line: RL is below WL'],
    ['CCD_L: { is: 4', 'CCD_L: { is: 1', 'modes.bank-group.CCD_L:line: CCD_L is below CCD_S'],
    [
      'BLmin: { is: 2',
      'BLmin: { is: 1',
      'modes.bank-group.BLmin:line: the burst does not fit into BLmin',
    ],
    [
      'bankGroups: { is: 4',
      'bankGroups: { is: 1',
      'modes.bank-group.bankGroups:line: BL16 without bank groups is only allowed up to 3200 MT/s',
    ],
    ['from: three-sources', 'from: hearsay', 'cycles.PPD.from:line: unknown reference "hearsay"'],
  ])('finds %s → %s', (from, to, fault) => {
    expect(faultsOf(from, to)).toContain(fault);
  });

  it('tells every fault at once', () => {
    const text = presetText('lpddr5-6400')
      .replace('is: "60 ns"', 'is: "50 ns"')
      .replace('RL: { is: 17', 'RL: { is: 7');
    expect(() => parseLpddrPreset(parseSpecFile(text, 'x.yaml'))).toThrow(
      /tRC is below[\s\S]*RL is below/,
    );
  });
});
