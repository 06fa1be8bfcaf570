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

  it('are told of work where they are wider than half precision, and only there', () => {
    const told = Object.values(formats).filter(
      (format) => 'scaleBits' in matmulWork({ m: 1, n: 64, k: 256 }, format, 'fp16'),
    );
    expect(told.map(({ name }) => name)).toEqual(['int4-g32-fp32scale']);
  });
});
