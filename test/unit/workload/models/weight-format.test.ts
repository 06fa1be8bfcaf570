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

/**
 * Blocks of GGUF by their fields in ggml/src/ggml-common.h of ggml-org/llama.cpp: weights, bytes of elements, how many
 * scales and minima and bits of each, bytes of factors on them; and the whole block by gguf-py/gguf/constants.py.
 */
const BLOCKS: readonly (readonly [
  string,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
])[] = [
  // name, weights, elements, scales, minima, bits, factors, whole
  ['q4_0', 32, 16, 1, 0, 16, 0, 18],
  ['q4_1', 32, 16, 1, 1, 16, 0, 20],
  ['q5_0', 32, 20, 1, 0, 16, 0, 22],
  ['q5_1', 32, 20, 1, 1, 16, 0, 24],
  ['q8_0', 32, 32, 1, 0, 16, 0, 34],
  ['q2_k', 256, 64, 16, 16, 4, 4, 84],
  ['q3_k', 256, 96, 16, 0, 6, 2, 110],
  ['q4_k', 256, 128, 8, 8, 6, 4, 144],
  ['q5_k', 256, 160, 8, 8, 6, 4, 176],
  ['q6_k', 256, 192, 16, 0, 8, 2, 210],
  ['iq4_nl', 32, 16, 1, 0, 16, 0, 18],
  ['iq4_xs', 256, 128, 8, 0, 6, 2, 136],
  ['mxfp4', 32, 16, 1, 0, 8, 0, 17],
  ['nvfp4', 64, 32, 4, 0, 8, 0, 36],
  ['tq2_0', 256, 64, 1, 0, 16, 0, 66],
];

describe('blocks of GGUF', () => {
  it.each(BLOCKS)('%s hold %i weights', (...block) => {
    const [name, weights, elements, scales, minima, bits, factors, whole] = block;
    expect(elements + ((scales + minima) * bits) / 8 + factors).toBe(whole);
    const known = format(name);
    expect(storedBytes(known, weights, weights)).toBe(whole);
    expect(storedBytes(known, 1024 * weights, 1024 * weights)).toBe(1024 * whole);
    expect(known.packing).toEqual({
      scales: scales / weights,
      minima: minima / weights,
      widths: [{ bits: (8 * elements) / weights, share: 1 }],
    });
  });

  it('are mixed in files in the proportion that their average tells', () => {
    // Q4_K_M of Llama 3.1 8B: output, half of the value and down projections in Q6_K (src/llama-quant.cpp).
    const { widths, scales } = format('q4_k_m-file').packing!;
    expect(widths.map(({ bits }) => bits)).toEqual([4, 6]);
    const [low, high] = widths.map(({ share }) => share) as [number, number];
    const wide = 128_256 * 4096 + 16 * (4096 * 14_336 + 4096 * 1024);
    expect(high / (wide / 8.03e9)).toBeGreaterThan(0.85);
    expect(high / (wide / 8.03e9)).toBeLessThan(1.15);
    expect(low * 4.5 + high * 6.5625).toBeCloseTo(4.8944, 10);
    expect(scales).toBeCloseTo(low / 32 + high / 16, 12);
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

  it('refuses mixtures of what it does not know, or cannot weigh', () => {
    const mixing = (mix: string) =>
      parseWeightFormats(
        [
          'format,scope,dtype,weight_bits,group,scale_bits,block_bytes,effective_bits,source,mix',
          'a,tensor,int4,4,32,16,18,,me,',
          'plain,tensor,int4,4,,,,,me,',
          `file,model,int4,4,,,,4.7,me,${mix}`,
          '',
        ].join('\n'),
        'f.csv',
      );
    expect(mixing('a').file?.packing?.widths).toEqual([
      { bits: 4, share: 1 },
      { bits: 4, share: 0 },
    ]);
    for (const mix of ['a b', 'plain', 'a a a'])
      expect(() => mixing(mix)).toThrow(/f\.csv:4: mix: not one or two packed formats/);
  });
});
