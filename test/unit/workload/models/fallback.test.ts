import { describe, expect, it } from 'vitest';
import { readBundled } from '../../../../src/load.ts';
import {
  formatFor,
  parseWeightFormats,
  storedBytes,
} from '../../../../src/workload/models/weight-format.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';

const { text, file } = readBundled('workloads/models/weight-formats.csv');
const formats = parseWeightFormats(text, file);
const whole = formats['int4-g128-whole']!;

describe('a format whose groups must divide the reduction', () => {
  it('is used where they do', () => {
    expect(formatFor(whole, 896).name).toBe('int4-g128-whole');
    // 4 bits and a 16-bit scale for 128 elements
    expect(storedBytes(whole, 1024, 1024)).toBe((1024 * (4 + 16 / 128)) / 8);
  });

  it('leaves the tensor as it was where they do not', () => {
    expect(formatFor(whole, 960).name).toBe('fp32');
    expect(storedBytes(whole, 960, 960)).toBe(4 * 960);
    const work = matmulWork({ m: 1, n: 64, k: 960 }, whole, 'fp16');
    expect(work).toMatchObject({ weightDType: 'fp32', weightBytes: 4 * 64 * 960 });
  });

  it('may only fall back on a format above it in the table', () => {
    const [header] = text.split('\n');
    const row = 'odd,tensor,int4,4,128,16,0,,,here,,fp32,,';
    expect(() => parseWeightFormats(`${header}\n${row}\n`, 'f.csv')).toThrow(
      /no such format above/,
    );
  });
});
