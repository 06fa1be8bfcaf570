import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Work, WorkForm } from '../../../../src/base/work.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import type { UnitSpec } from '../../../../src/hardware/units/unit-spec.ts';
import { transformed } from '../../../../src/hardware/units/winograd.ts';
import { adreno, common, conv, kryo } from '../../../support/phone-units.ts';

type Conv = WorkForm & { kind: 'conv' };
const layer = (parts: Partial<Conv>, dtype: 'fp16' | 'int8' = 'fp16'): Work =>
  conv({ kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1, ...parts }, dtype);
const of = (work: Work) => transformed(work, work.form as Conv);
const cost = (spec: UnitSpec, work: Work, kernels: KernelClass) =>
  buildUnit(spec, common('unit', 'domain'), { kernels }).estimate(work);

describe("Winograd's method", () => {
  it('takes 36 products of a tile where the plain one takes 144', () => {
    const work = layer({ outHeight: 56, outWidth: 56, inChannels: 64, outChannels: 128 });
    const fast = of(work)!;
    expect(work.macs / fast.work.macs).toBe(4);
    expect(fast.gemm).toEqual({ products: 36, m: 14 * 14, n: 128, k: 64 });
    expect(fast.work.weightBytes / work.weightBytes).toBe(4);
    // 156 and 90 operations of Lavin and Gray, per tile and channel.
    expect(fast.transformOps).toBe(196 * (156 * 64 + 90 * 128));
  });

  it('fills tiles at the edge with work that nobody reads', () => {
    const work = layer({ outHeight: 7, outWidth: 7, inChannels: 64, outChannels: 64 });
    // Two by two tiles of four for seven by seven results.
    expect(work.macs / of(work)!.work.macs).toBeCloseTo((4 * 49) / 64, 12);
  });

  it('saves at most four of one, never takes more than whole tiles', () => {
    const size = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(size, size, (outHeight, outWidth) => {
        const work = layer({ outHeight, outWidth, inChannels: 32, outChannels: 32 });
        const saved = work.macs / of(work)!.work.macs;
        expect(saved).toBeLessThanOrEqual(4);
        expect(saved).toBeGreaterThanOrEqual(
          (4 * outHeight * outWidth) / (outHeight + 3) / (outWidth + 3),
        );
      }),
    );
  });

  it.each<[string, Work]>([
    ['kernels of another size', layer({ kernelHeight: 5, kernelWidth: 5 })],
    ['steps of two', layer({ strideHeight: 2, strideWidth: 2 })],
    ['groups', layer({ groups: 32, inChannels: 32, outChannels: 32 })],
    ['taps that are no neighbours', layer({ scattered: true })],
    ['few channels', layer({ inChannels: 3 })],
    ['integers', layer({ inChannels: 64, outChannels: 64 }, 'int8')],
  ])('leaves %s alone', (_, work) => {
    expect(of(work)).toBeUndefined();
  });

  it.each<[string, UnitSpec]>([
    ['CPU', kryo],
    ['GPU', adreno],
  ])('is faster on a %s where products are many, only in runtimes that have it', (_, spec) => {
    const wide = layer({ outHeight: 56, outWidth: 56, inChannels: 256, outChannels: 256 });
    const plain = cost(spec, wide, {});
    const fast = cost(spec, wide, { winograd: true });
    expect(plain.cycles / fast.cycles).toBeGreaterThan(1.5);
    expect(plain.cycles / fast.cycles).toBeLessThan(4);
    // Weights lie transformed: four times their bytes, once at least.
    expect(fast.readBytes).toBeGreaterThan(4 * wide.weightBytes);
    expect(fast.matrixCycles).toBeLessThan(plain.matrixCycles);
    const other = layer({ strideHeight: 2, strideWidth: 2 });
    expect(cost(spec, other, { winograd: true })).toEqual(cost(spec, other, {}));
  });

  it('is three kernels on a GPU, with what they hand on in memory', () => {
    const work = layer({ outHeight: 8, outWidth: 8, inChannels: 32, outChannels: 32 });
    const [plain, fast] = [cost(adreno, work, {}), cost(adreno, work, { winograd: true })];
    expect(fast.launchSeconds).toBe(3 * plain.launchSeconds);
    // Four tiles of 36 points in 32 channels before and 32 behind the product, written and read, two bytes each.
    expect(fast.writeBytes - plain.writeBytes).toBe(4 * 36 * 64 * 2);
  });
});
