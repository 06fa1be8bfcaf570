/** Layouts that hold channels together, images of too few of them, and operators without kernels in half precision. */
import { describe, expect, it } from 'vitest';
import type { Work } from '../../../../src/base/work.ts';
import { buildCpu } from '../../../../src/hardware/units/cpu.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import { common, conv, kryo, vector } from '../../../support/phone-units.ts';

const cycles = (work: Work, kernels: KernelClass = {}) =>
  buildCpu(kryo, common('cpu', ''), { threads: 6, kernels }).estimate(work).matrixCycles;
const lanes = (work: Work, kernels: KernelClass = {}) =>
  buildCpu(kryo, common('cpu', ''), { threads: 6, kernels }).estimate(work).vectorCycles;

describe('blocks of channels', () => {
  const depthwise = conv({ inChannels: 96, outChannels: 96, groups: 96 });

  it('leave no lane empty in depthwise convolutions, which have one channel each without', () => {
    const share = kryo.matrixShare.is;
    const busy = (padded: number) => depthwise.macs * (1 + 0.5 * (padded / share - 1));
    // A lane of four is filled without, and half of what misses the peak draws as products do.
    expect(cycles(depthwise) / cycles(depthwise, { channelBlocks: true })).toBeCloseTo(
      busy(4) / busy(1),
      9,
    );
  });

  it('say nothing of other convolutions', () => {
    const plain = conv({ inChannels: 96, outChannels: 96 });
    expect(cycles(plain, { channelBlocks: true })).toBe(cycles(plain));
  });
});

describe('a share of images of few channels', () => {
  it('slows the first convolution down, and no other', () => {
    const [image, later] = [3, 64].map((inChannels) => conv({ inChannels, outChannels: 64 }));
    expect(cycles(image!, { stemShare: 0.5 })).toBeGreaterThan(cycles(image!));
    expect(cycles(later!, { stemShare: 0.5 })).toBe(cycles(later!));
  });
});

describe('operators in single precision alone', () => {
  const named = (operator: string, dtype: 'fp16' | 'int8'): Work => ({
    ...vector(1e6, 60, 1, dtype),
    operator,
  });
  const kernels = { singlePrecision: { LRN: 115 } };

  it('take four lanes of a vector and their own count, whatever the format of the network', () => {
    // Six cores have 14 pipes of four floats.
    for (const dtype of ['fp16', 'int8'] as const)
      expect(lanes(named('LRN', dtype), kernels)).toBeCloseTo((115 * 1e6) / (14 * 4), 3);
  });

  it('leave others as they are', () => {
    expect(lanes(named('Relu', 'fp16'), kernels)).toBe(lanes(named('Relu', 'fp16')));
  });
});
