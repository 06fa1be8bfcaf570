/** Scales of groups on CPUs: what their instructions cost follows how many there are, not how many bits each one has. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const { formats } = sources.tables;
const cpu = buildUnit(
  parseSoc(sources.soc('snapdragon-8-gen-3')).units['cpu']!,
  { name: 'cpu', domains: [], port: { bandwidth: 60e9, outstandingBytes: 5000 } },
  {},
);
const cost = (format: string, m: number) =>
  cpu.estimate(matmulWork({ m, n: 4096, k: 4096 }, formats[format]!, 'fp16'));

describe('scales of groups', () => {
  it('are as many in single precision as in half, and take twice the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1024 }), (m) => {
        const [single, half] = [cost('int4-g32-fp32scale', m), cost('int4-g32-fp16scale', m)];
        expect(single.matrixCycles).toBeCloseTo(half.matrixCycles, 6);
        expect(single.readBytes).toBeGreaterThan(half.readBytes);
      }),
      { numRuns: 20 },
    );
  });

  it('cost less the larger their groups', () => {
    const cycles = ['int4-per-channel', 'int4-g128-fp16scale', 'int4-g64-fp16scale'].map(
      (format) => cost(format, 256).matrixCycles,
    );
    expect(cycles).toEqual([...cycles].sort((a, b) => a - b));
    // Three vector operations for every group and four outputs: half as many groups, half the extra.
    const extra = (format: string) => cost(format, 256).matrixCycles - cycles[0]!;
    expect(extra('int4-g32-fp32scale') / extra('int4-g64-fp16scale')).toBeCloseTo(2, 3);
    expect(extra('int4-g64-fp16scale') / extra('int4-g128-fp16scale')).toBeCloseTo(2, 3);
  });

  it('cost what their number does, whatever bits they have and however many lie in a block', () => {
    const extra = (format: string) =>
      cost(format, 256).matrixCycles / cost('int4-per-channel', 256).matrixCycles - 1;
    // One of eight bits for 32 weights as one of sixteen; two to a block of 32 with a minimum; four to a block of 64.
    expect(extra('mxfp4')).toBeCloseTo(extra('q4_0'), 9);
    expect(extra('nvfp4') / extra('q4_0')).toBeCloseTo(2, 6);
    expect(extra('q4_1') / extra('q4_0')).toBeCloseTo(4 / 3, 6);
    expect(extra('q5_1')).toBeCloseTo(extra('q4_1'), 9);
    expect(extra('q5_0')).toBeCloseTo(extra('q4_0'), 9);
  });

  it('of K-quants are counted by their own groups, not by what a block has beside its elements', () => {
    const extra = (format: string) =>
      cost(format, 256).matrixCycles / cost('int4-per-channel', 256).matrixCycles - 1;
    const perOp = extra('q4_0') / (3 / 32);
    expect(extra('q6_k') / perOp).toBeCloseTo(3 / 16, 9);
    expect(extra('q4_k') / perOp).toBeCloseTo(3 / 32 + 1 / 32, 9);
    expect(extra('iq4_xs') / perOp).toBeCloseTo(3 / 32, 9);
  });

  it('of a file that mixes formats cost between the two', () => {
    for (const [file, low, high] of [
      ['q4_k_m-file', 'q4_k', 'q6_k'],
      ['q3_k_m-file', 'q3_k', 'q4_k'],
      ['q2_k-file', 'q3_k', 'q2_k'],
    ] as const) {
      const [own, one, other] = [file, low, high].map((name) => cost(name, 256).matrixCycles);
      expect(own).toBeGreaterThanOrEqual(Math.min(one!, other!));
      expect(own).toBeLessThanOrEqual(Math.max(one!, other!));
    }
  });
});
