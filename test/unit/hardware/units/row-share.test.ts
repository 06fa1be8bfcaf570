/** Products of one row whose kernels are known not to keep up with memory. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import { tuneKernels } from '../../../../src/runtime/kernel-tuning.ts';
import { matmulWork, productWork } from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const soc = parseSoc(sources.soc('snapdragon-8-gen-3'));
const int8 = sources.tables.formats['int8-per-channel']!;
const port = { bandwidth: 60e9, outstandingBytes: 5000 };

describe.each(['cpu', 'gpu', 'npu'] as const)('one row on the %s', (name) => {
  const spec = soc.units[name]!;
  const domains = 'domain' in spec ? [spec.domain] : [];
  const build = (share?: number) =>
    buildUnit(
      spec,
      { name, domains, port },
      { kernels: share === undefined ? {} : { rowShare: { int8: share } } },
    );
  const row = matmulWork({ m: 1, n: 4096, k: 4096 }, int8, 'fp16');

  it('takes as long as its share of the peak says', () => {
    const slow = build(0.001).estimate(row).cycles;
    const slower = build(0.0005).estimate(row).cycles;
    expect(slower / slow).toBeGreaterThan(1.9);
    expect(slower / slow).toBeLessThan(2.1);
  });

  it('is never faster than without a share, and many rows do not notice', () => {
    expect(build(1).estimate(row).cycles).toBeGreaterThanOrEqual(build().estimate(row).cycles);
    const many = matmulWork({ m: 64, n: 4096, k: 4096 }, int8, 'fp16');
    expect(build(0.1).estimate(many)).toEqual(build().estimate(many));
  });

  it('is no slower than a few rows', () => {
    const times = [1, 2, 3, 4, 8].map(
      (m) => build(0.001).estimate(matmulWork({ m, n: 4096, k: 4096 }, int8, 'fp16')).cycles,
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});

describe('products with weights of floating point on the cpu', () => {
  const spec = soc.units['cpu']!;
  const build = (kernels: object) =>
    buildUnit(spec, { name: 'cpu', domains: [], port }, { kernels });
  const fp16 = (m: number) =>
    matmulWork({ m, n: 4096, k: 4096 }, sources.tables.formats['fp16']!, 'fp16');
  const scores = productWork({ batch: 8, m: 64, n: 512, k: 128 }, 'fp16');
  const cycles = (kernels: object, m: number) => build(kernels).estimate(fp16(m)).cycles;

  it('have a share of their own, which products of activations do not see', () => {
    const shared = { matrixShare: { fp16: 0.1 } };
    const own = { ...shared, weightShare: { fp16: 0.4 } };
    expect(cycles(shared, 64) / cycles(own, 64)).toBeCloseTo(4, 1);
    expect(build(own).estimate(scores)).toEqual(build(shared).estimate(scores));
  });

  it('leave one row, and weights that are unpacked to int8, as they are', () => {
    const own = { weightShare: { fp16: 0.4 } };
    expect(cycles(own, 1)).toBe(cycles({}, 1));
    const packed = matmulWork({ m: 64, n: 4096, k: 4096 }, sources.tables.formats['q2_k']!, 'fp16');
    expect(build(own).estimate(packed)).toEqual(build({}).estimate(packed));
  });

  it('follow a calibration of all that the unit computes, not one of attention alone', () => {
    const kernels = { matrixShare: { fp16: 0.1 }, weightShare: { fp16: 0.4 } };
    expect(tuneKernels(kernels, { compute: 0.5 }).weightShare).toEqual({ fp16: 0.2 });
    expect(tuneKernels(kernels, { matrix: { fp16: 0.5 } }).weightShare).toEqual({ fp16: 0.4 });
  });
});
