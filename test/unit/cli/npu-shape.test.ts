import { describe, expect, it } from 'vitest';
import { parseConv, parseGemm } from '../../../src/cli/npu-shape.ts';

describe('probe npu shapes', () => {
  it('read a product', () => {
    expect(parseGemm('128, 4096,512')).toEqual({ products: 1, m: 128, n: 4096, k: 512 });
  });

  it('read a convolution with padding and stride', () => {
    const shape = parseConv('33,33,80,40,3,2');
    expect([shape.m, shape.n, shape.k]).toEqual([16 * 16, 40, 9 * 80]);
    const padded = parseConv('32,32,80,80,3,1,1');
    expect(padded.m).toBe(32 * 32);
    expect(padded.conv).toMatchObject({ inputHeight: 34, inputWidth: 34 });
  });

  it('read groups', () => {
    const shape = parseConv('14,14,32,32,3,1,1,32');
    expect([shape.products, shape.n, shape.k]).toEqual([32, 1, 9]);
  });

  it('name what is wrong', () => {
    expect(() => parseGemm('128,4096')).toThrow(/--gemm: not a shape \(expected M,N,K/);
    expect(() => parseGemm('128,x,1')).toThrow(/not a shape/);
    expect(() => parseGemm('0,1,1')).toThrow(/not a shape/);
    expect(() => parseConv('4,4,1,1,7')).toThrow(/kernel does not fit/);
    expect(() => parseConv('8,8,6,6,3,1,0,4')).toThrow(/multiples of groups/);
    expect(() => parseConv('8,8,16,16,3,1,4')).toThrow(
      /--conv: padding wider than the kernel.*at most 3, got 4/,
    );
  });

  it('take padding as wide as the kernel, which frameworks do', () => {
    expect(parseConv('8,8,16,16,3,1,2').m).toBe(10 * 10);
    expect(parseConv('14,14,64,32,1,1,1').m).toBe(16 * 16);
  });
});
