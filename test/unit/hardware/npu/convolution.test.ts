import { describe, expect, it } from 'vitest';
import { convCycles, convLoad } from '../../../../src/hardware/npu/convolution.ts';
import type { MatrixArray } from '../../../../src/hardware/npu/folds.ts';
import { convGemm } from '../../../../src/hardware/npu/gemm-view.ts';
import { conv } from '../../../support/phone-units.ts';

const array: MatrixArray = {
  engines: 1,
  rows: 32,
  columns: 32,
  dataflow: 'weight-stationary',
  overlapFolds: true,
  doubleBufferPreload: true,
};
const memory = (bytes: number) => ({ bytes, accumulatorBytes: 0, granule: 32 });
const formOf = (work: ReturnType<typeof conv>) => {
  if (work.form.kind !== 'conv') throw new Error('not a convolution');
  return work.form;
};

describe('convolution', () => {
  it('is a product over taps and channels', () => {
    const form = formOf(conv({ batch: 2, outHeight: 8, outWidth: 4, inChannels: 16 }));
    expect(convGemm(form)).toEqual({ products: 1, m: 2 * 8 * 4, n: 64, k: 3 * 3 * 16 });
  });

  it('reads its input once, not once per tap', () => {
    const work = conv({});
    const load = convLoad(array, memory(1024 * 1024), work, formOf(work));
    expect(load.otherReadBytes).toBe(32 * 32 * 64);
    expect(load.weightReadBytes).toBe(3 * 3 * 64 * 64);
    expect(load.writeBytes).toBe(32 * 32 * 64);
  });

  it('reads overlapping rows again where inputs come in blocks', () => {
    const work = conv({ outHeight: 256, outWidth: 256, inChannels: 256, outChannels: 512 });
    const load = convLoad(array, memory(256 * 1024), work, formOf(work));
    const compulsory = work.inputBytes + work.weightBytes;
    expect(load.otherReadBytes + load.weightReadBytes).toBeGreaterThan(compulsory);
  });

  it('shares an array between groups along the diagonal', () => {
    // Nine taps each: three groups fit 32 rows, so 64 groups take 22 folds of 1024 pixels.
    const form = formOf(conv({ groups: 64 }));
    expect(convCycles(array, form, convGemm(form))).toBe(22 * 1024 + 32 + 62);
  });

  it('leaves most of the array idle when it is depthwise', () => {
    const work = conv({ groups: 64 });
    const form = formOf(work);
    const utilisation = work.macs / (convCycles(array, form, convGemm(form)) * 32 * 32);
    expect(utilisation).toBeGreaterThan(0.01);
    expect(utilisation).toBeLessThan(0.04);
  });

  it('runs groups one by one where nothing stays that could be shared', () => {
    const outputs = { ...array, dataflow: 'output-stationary' as const };
    const form = formOf(conv({ groups: 64 }));
    // 32 tiles of 32 pixels per channel, nine taps each; results take 32 cycles to leave.
    expect(convCycles(outputs, form, convGemm(form))).toBe((64 * 32 - 1) * 32 + 9 + 62);
  });
});
