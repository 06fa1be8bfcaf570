/** Products of one row whose kernels are known not to keep up with memory. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
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

  it('is never faster than without a share, and other products do not notice', () => {
    expect(build(1).estimate(row).cycles).toBeGreaterThanOrEqual(build().estimate(row).cycles);
    const many = matmulWork({ m: 64, n: 4096, k: 4096 }, int8, 'fp16');
    expect(build(0.001).estimate(many)).toEqual(build().estimate(many));
  });
});
