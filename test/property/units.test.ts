import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { totalBytes, type Work } from '../../src/base/work.ts';
import { foldCycles, type MatrixArray } from '../../src/hardware/npu/folds.ts';
import { planTiling } from '../../src/hardware/npu/tiling.ts';
import { buildCpu } from '../../src/hardware/units/cpu.ts';
import { buildGpu } from '../../src/hardware/units/gpu.ts';
import { buildNpu } from '../../src/hardware/units/npu.ts';
import { DATAFLOWS } from '../../src/hardware/units/unit-spec.ts';
import {
  adreno,
  attention,
  common,
  conv,
  hexagon,
  kryo,
  matmul,
  vector,
} from '../support/phone-units.ts';

const units = [
  buildNpu(hexagon, common('npu', 'npu')),
  buildGpu(adreno, common('gpu', 'gpu')),
  buildCpu(kryo, common('cpu', '')),
];
const size = (max: number) => fc.integer({ min: 1, max });
const formats = fc.constantFrom(
  { weight: 'int8', activation: 'int8' } as const,
  { weight: 'int4', activation: 'fp16' } as const,
  { weight: 'fp16', activation: 'fp16' } as const,
);
const product = fc
  .record({ m: size(3000), n: size(6000), k: size(6000), batch: size(4), formats })
  .map(({ m, n, k, batch, formats: pair }) => matmul(m, n, k, { ...pair, batch }));
const convolution = fc
  .record({
    outHeight: size(100),
    outWidth: size(100),
    channels: size(40),
    groups: fc.constantFrom(1, 2, 4),
    kernel: fc.constantFrom(1, 3, 5),
  })
  .map(({ channels, groups, kernel, outHeight, outWidth }) =>
    conv(
      {
        outHeight,
        outWidth,
        inChannels: 4 * channels,
        outChannels: 8 * channels,
        groups,
        kernelHeight: kernel,
        kernelWidth: kernel,
      },
      'fp16',
    ),
  );
const scores = fc
  .record({
    queries: size(600),
    past: fc.integer({ min: 0, max: 4000 }),
    kvHeads: fc.constantFrom(1, 4, 8),
    causal: fc.boolean(),
  })
  .map(({ queries, past, kvHeads, causal }) =>
    attention({ heads: 8, kvHeads, queries, context: past + queries, causal }),
  );
const elementwise = fc
  .record({ elements: size(2_000_000), ops: size(30), passes: size(4) })
  .map(({ elements, ops, passes }) => vector(elements, ops, passes));
const works: fc.Arbitrary<Work> = fc.oneof(product, convolution, scores, elementwise);

describe('units', () => {
  it('move at least every byte once, and stay within their peak', () => {
    fc.assert(
      fc.property(works, (work) => {
        for (const unit of units) {
          const cost = unit.estimate(work);
          const moved = cost.readBytes + cost.writeBytes;
          expect(moved).toBeGreaterThanOrEqual(totalBytes(work) * (1 - 1e-12));
          expect(cost.utilisation).toBeGreaterThanOrEqual(0);
          expect(cost.utilisation).toBeLessThanOrEqual(1);
          expect(cost.cycles).toBeGreaterThan(0);
          expect(Math.max(cost.matrixCycles, cost.vectorCycles)).toBeLessThanOrEqual(
            cost.cycles * (1 + 1e-12),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never need fewer cycles for more of the same work', () => {
    fc.assert(
      fc.property(
        fc.record({ m: size(2000), n: size(3000), k: size(3000), formats }),
        fc.constantFrom('m', 'n', 'k'),
        size(1000),
        (shape, axis, more) => {
          // Below a cycle or two, rounding to whole vectors decides.
          fc.pre(shape.m * shape.n * shape.k >= 1024);
          const larger = { ...shape, [axis]: shape[axis as 'm'] + more };
          for (const unit of units) {
            const small = unit.estimate(matmul(shape.m, shape.n, shape.k, shape.formats));
            const large = unit.estimate(matmul(larger.m, larger.n, larger.k, shape.formats));
            // Tiles and waves are dealt whole: a fuller last round may cost a little less per piece.
            const slack = unit.kind === 'gpu' ? gpuSlack(axis) : 1;
            expect(large.cycles * slack).toBeGreaterThanOrEqual(small.cycles * (1 - 1e-9));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('take time in inverse proportion to the clock', () => {
    for (const unit of units) {
      const base = unit.domains.map((_, i) => 1e9 + i * 1e8);
      const doubled = base.map((frequency) => 2 * frequency);
      expect(unit.speed(doubled)).toBeCloseTo(2 * unit.speed(base), 3);
    }
  });

  it('are pure', () => {
    fc.assert(
      fc.property(works, (work) => {
        for (const unit of units) expect(unit.estimate(work)).toEqual(unit.estimate(work));
      }),
      { numRuns: 50 },
    );
  });
});

/** A wider product may fill waves that a narrow one left empty, at most to full occupancy. */
function gpuSlack(axis: string): number {
  return axis === 'k' ? 1 : 16;
}

const arrays = fc.record({
  engines: fc.constantFrom(1, 2, 4, 16),
  rows: fc.constantFrom(8, 32, 128),
  columns: fc.constantFrom(8, 32, 128),
  dataflow: fc.constantFrom(...DATAFLOWS),
  overlapFolds: fc.boolean(),
  doubleBufferPreload: fc.boolean(),
});
const gemms = fc.record({ products: size(8), m: size(2000), n: size(2000), k: size(2000) });

describe('folds', () => {
  it('never beat the number of multipliers', () => {
    fc.assert(
      fc.property(arrays, gemms, (array: MatrixArray, gemm) => {
        const macs = gemm.products * gemm.m * gemm.n * gemm.k;
        const peak = array.engines * array.rows * array.columns;
        expect(foldCycles(array, gemm)).toBeGreaterThanOrEqual(macs / peak);
      }),
    );
  });

  it('are no slower for overlapping, hiding or more engines', () => {
    fc.assert(
      fc.property(arrays, gemms, (array: MatrixArray, gemm) => {
        const cycles = foldCycles(array, gemm);
        const serial = { ...array, overlapFolds: false };
        const loading = { ...array, doubleBufferPreload: false };
        expect(foldCycles(serial, gemm)).toBeGreaterThanOrEqual(cycles);
        expect(foldCycles(loading, gemm)).toBeGreaterThanOrEqual(cycles);
        expect(foldCycles({ ...array, engines: 2 * array.engines }, gemm)).toBeLessThanOrEqual(
          cycles,
        );
      }),
    );
  });
});

describe('tiling', () => {
  it('reads at least each operand once and at most per granule', () => {
    fc.assert(
      fc.property(
        size(3000),
        size(3000),
        size(3000),
        fc.integer({ min: 14, max: 24 }),
        (m, n, k, bits) => {
          const operands = { m, n, k, inputBytes: m * k, weightBytes: k * n, outputBytes: m * n };
          const memory = { bytes: 2 ** bits, accumulatorBytes: 0, granule: 32 };
          const { readBytes } = planTiling(operands, memory);
          expect(readBytes).toBeGreaterThanOrEqual(m * k + k * n);
          const most = m * k * Math.ceil(n / 32) + k * n * Math.ceil(m / 32);
          expect(readBytes).toBeLessThanOrEqual(most);
        },
      ),
    );
  });
});
