/** Weights in super-blocks (K-quants), which an engine unpacks at a share of what plain formats reach. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const soc = parseSoc(sources.soc('snapdragon-8-gen-3'));
const { formats } = sources.tables;
const port = { bandwidth: 60e9, outstandingBytes: 5000 };
const work = (m: number, format: string) =>
  matmulWork({ m, n: 4096, k: 4096 }, formats[format]!, 'fp16');

describe('formats with super-blocks', () => {
  it('are the blocks of 256 of GGUF (K-quants and ternary ones) and nothing else', () => {
    const names = Object.values(formats).flatMap(({ name, superblocks }) =>
      superblocks ? [name] : [],
    );
    expect(
      names.filter(
        (name) => !/^(tq\d|i?q\d_(k|xs|xxs|s|m)|i?q\d_k_[sml]-file|q\d_k-file)/.test(name),
      ),
    ).toEqual([]);
    for (const name of [
      'q2_k',
      'q4_k',
      'q6_k',
      'q4_k_m-file',
      'q6_k-file',
      'iq4_xs',
      'iq4_xs-file',
    ])
      expect(names).toContain(name);
    for (const name of [
      'q4_0',
      'q8_0',
      'q8_0-file',
      'iq4_nl',
      'iq4_nl-file',
      'int4-g128-fp16scale',
    ])
      expect(names).not.toContain(name);
  });

  it('mark the work of their products, and move the same bytes as plain ones of equal width', () => {
    expect(work(64, 'q4_k')).toEqual({
      ...work(64, 'q4_0'),
      superblocks: true,
      storage: 'q4_k',
      // As many scales, and a minimum beside each.
      packing: { ...work(64, 'q4_0').packing, minima: 1 / 32 },
    });
    expect(work(64, 'q4_0')).not.toHaveProperty('superblocks');
  });
});

describe.each(['cpu', 'gpu'] as const)('a share for super-blocks on the %s', (name) => {
  const spec = soc.units[name]!;
  const domains = 'domain' in spec ? [spec.domain] : [];
  const build = (superblockShare: number, rowShare?: number) =>
    buildUnit(
      spec,
      { name, domains, port },
      { kernels: { superblockShare, ...(rowShare && { rowShare: { int4: rowShare } }) } },
    );

  it('slows products of many rows by itself', () => {
    const whole = build(1).estimate(work(256, 'q4_k'));
    const half = build(0.5).estimate(work(256, 'q4_k'));
    expect(half.cycles / whole.cycles).toBeGreaterThan(1.7);
    expect(half.cycles / whole.cycles).toBeLessThan(2.01);
    expect(half.readBytes).toBe(whole.readBytes);
  });

  it('slows products of one row where kernels for one row are known', () => {
    const row = work(1, 'q4_k');
    const ratio = build(0.5, 1e-4).estimate(row).cycles / build(1, 1e-4).estimate(row).cycles;
    expect(ratio).toBeGreaterThan(1.9);
    expect(ratio).toBeLessThan(2.01);
  });

  it('leaves plain formats alone', () => {
    expect(build(0.5).estimate(work(256, 'q4_0'))).toEqual(build(1).estimate(work(256, 'q4_0')));
  });
});
