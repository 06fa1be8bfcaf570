/** Engines whose products are dot products of one row at a time: reading a prompt gains nothing from its many rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const { formats } = sources.tables;
const work = (m: number, format: string) =>
  matmulWork({ m, n: 4096, k: 4096 }, formats[format]!, 'fp16');

/** One SoC whose cores have matrix instructions, one whose cores have dot products only. */
describe.each(['snapdragon-8-gen-3', 'tensor-g1'])('dot products per row on %s', (name) => {
  const spec = parseSoc(sources.soc(name)).units['cpu']!;
  const build = (kernels: KernelClass) =>
    buildUnit(
      spec,
      { name: 'cpu', domains: [], port: { bandwidth: 60e9, outstandingBytes: 5000 } },
      { kernels },
    );
  const alike = build({ matrixShare: { int8: 0.1 }, unpackPerRow: true, dotPerRow: true });
  const blocked = build({ matrixShare: { int8: 0.1 }, unpackPerRow: true });

  it('cost as many times more as there are rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom('q4_0', 'q8_0', 'q6_k', 'q2_k'),
        (m, format) => {
          const ratio =
            alike.estimate(work(m, format)).cycles / alike.estimate(work(1, format)).cycles;
          expect(ratio).toBeCloseTo(m, 6);
        },
      ),
    );
  });

  it('hold one row by arithmetic where blocked kernels are held by memory', () => {
    const one = work(1, 'q4_0');
    expect(alike.estimate(one).cycles).toBeGreaterThan(4 * blocked.estimate(one).cycles);
    expect(alike.estimate(one).readBytes).toBe(blocked.estimate(one).readBytes);
  });

  it('take twice as long with dot products as with matrix ones, and again without either', () => {
    const cycles = (integerProducts?: 'dot' | 'widening') =>
      build({
        matrixShare: { int8: 0.1 },
        dotPerRow: true,
        ...(integerProducts && { integerProducts }),
      }).estimate(matmulWork({ m: 64, n: 4096, k: 4096 }, formats['int8-per-channel']!, 'fp16'))
        .cycles;
    // Cores without matrix instructions have dot products at best.
    const paired = name === 'snapdragon-8-gen-3' ? 2 : 1;
    expect(cycles('dot') / cycles()).toBeCloseTo(paired, 1);
    expect(cycles('widening') / cycles('dot')).toBeCloseTo(2, 1);
  });

  it('say nothing of weights in floating point', () => {
    expect(alike.estimate(work(1, 'fp16'))).toEqual(blocked.estimate(work(1, 'fp16')));
  });
});
