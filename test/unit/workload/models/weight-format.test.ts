/** Effective bits of weight formats against their published layouts. */
import { describe, expect, it } from 'vitest';
import {
  effectiveBits,
  parseWeightFormats,
  storedBytes,
} from '../../../../src/workload/models/weight-format.ts';
import { format, tables } from '../../../support/workload-tables.ts';

describe('effective bits per weight', () => {
  it.each([
    ['fp16', 16],
    ['q4_0', 4.5],
    ['q4_1', 5],
    ['q8_0', 8.5],
    ['q4_k', 4.5],
    ['q6_k', 6.5625],
    ['q2_k', 2.625],
    ['iq4_xs', 4.25],
    ['mxfp4', 4.25],
    ['tq1_0', 1.6875],
    ['int4-g32-fp16scale', 4.5],
    ['int4-g128-fp16scale', 4.125],
    ['int4-g128-awq-gptq', 4.15625],
    ['int4-g64-asym-fp16zp', 4.5],
    ['int4-g32-fp32scale', 5],
    ['int3-g128-fp16scale', 3.125],
    ['int2-g64-fp16scale', 2.25],
    ['q4_k_m-file', 4.8944],
  ])('%s: %d', (name, bits) => {
    expect(effectiveBits(format(name), 4096)).toBeCloseTo(bits, 10);
  });

  it('depend on the reduction where there is one scale per row', () => {
    expect(effectiveBits(format('int4-per-channel'), 4096)).toBeCloseTo(4.00390625, 10);
    expect(effectiveBits(format('int4-per-channel'), 64)).toBe(4.25);
  });

  it('never fall below the bits of the elements', () => {
    for (const entry of Object.values(tables.formats))
      expect(effectiveBits(entry, 4096)).toBeGreaterThanOrEqual(Math.floor(entry.elementBits));
  });

  it('give bytes', () => {
    expect(storedBytes(format('q4_0'), 32, 32)).toBe(18);
  });
});

describe('the table of formats', () => {
  const HEAD =
    'format,scope,dtype,weight_bits,group,scale_bits,zero_point_bits,block_bytes,effective_bits,source,notes';
  const parse = (...rows: string[]) => parseWeightFormats([HEAD, ...rows, ''].join('\n'), 'f.csv');

  it('takes a row that a user adds', () => {
    const mine = parse('mine,tensor,int4,4,16,8,8,,,me,').mine;
    expect(effectiveBits(mine as NonNullable<typeof mine>, 4096)).toBe(5);
  });

  it('refuses bad cells, all at once, with their lines', () => {
    const bad = () =>
      parse(
        'a,tensor,int5,4,16,8,,,,me,',
        'a,whole,int4,4,16,8,,,,me,',
        'b,tensor,int4,x,,,,,,me,',
      );
    expect(bad).toThrow(/f\.csv:2: dtype: not one of the allowed values/);
    expect(bad).toThrow(/f\.csv:3: format: this name is given twice/);
    expect(bad).toThrow(/f\.csv:3: scope/);
    expect(bad).toThrow(/f\.csv:4: weight_bits: not a usable number/);
  });
});
