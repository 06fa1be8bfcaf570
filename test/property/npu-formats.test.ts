/** Number formats, pruned and compressed weights on a systolic array: what makes operands smaller or multiplies faster never costs time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../src/base/errors.ts';
import { accountingRules } from '../../src/hardware/npu/accounting.ts';
import { checkLocalMemory } from '../../src/hardware/npu/bench-limits.ts';
import { type BenchShape, runBench, type Testbench } from '../../src/hardware/npu/testbench.ts';
import { DATAFLOWS } from '../../src/hardware/units/unit-spec.ts';

const size = (max: number) => fc.integer({ min: 1, max });
const KIBI = 1024;
const benches = fc
  .record({
    dataflow: fc.constantFrom(...DATAFLOWS),
    rows: fc.constantFrom(3, 16, 64),
    columns: fc.constantFrom(5, 16, 96),
    engines: size(3),
    rate: fc.constantFrom(0.25, 0.275, 0.5, 1, 2, 4),
    overlapFolds: fc.boolean(),
    hidePreload: fc.boolean(),
    kib: fc.constantFrom(256, 1000, 8192),
    bytesPerCycle: fc.option(fc.constantFrom(1, 16, 300), { nil: undefined }),
    elementBytes: fc.constantFrom(1, 2),
    weightElementBytes: fc.constantFrom(0.5, 1),
    expandPerClock: fc.option(fc.constantFrom(1, 7, 256), { nil: undefined }),
    compression: fc.option(
      fc.record({ ratio: fc.constantFrom(0.6, 1), bytesPerClock: fc.constantFrom(1, 48) }),
      { nil: undefined },
    ),
  })
  .map((given): Testbench => {
    const { rows, columns, expandPerClock, compression } = given;
    return {
      array: {
        engines: given.engines,
        rows,
        columns,
        dataflow: given.dataflow,
        overlapFolds: given.overlapFolds,
        doubleBufferPreload: given.hidePreload,
        rate: given.rate,
      },
      elementBytes: given.elementBytes,
      weightElementBytes: given.weightElementBytes,
      weights: { expandPerClock, compression },
      memory: { bytes: given.kib * KIBI, accumulatorBytes: 0, granule: Math.max(rows, columns) },
      sramBytesPerCycle: 4 * columns,
      bytesPerCycle: given.bytesPerCycle,
      accounting: {
        ...accountingRules.phone,
        overlapFolds: given.overlapFolds,
        hidePreload: given.hidePreload,
      },
    };
  });
const shapes = fc
  .record({ products: size(3), m: size(400), n: size(700), k: size(700) })
  .map((shape): BenchShape => shape);

describe('formats on a systolic array', () => {
  it('never take longer at a higher rate, nor beat the multipliers', () => {
    fc.assert(
      fc.property(benches, shapes, fc.constantFrom(1.5, 2, 4), (bench, shape, factor) => {
        const { array } = bench;
        const slow = runBench(bench, shape);
        const fast = runBench(
          { ...bench, array: { ...array, rate: (array.rate ?? 1) * factor } },
          shape,
        );
        expect(fast.totalCycles).toBeLessThanOrEqual(slow.totalCycles);
        for (const { utilisation } of [slow, fast]) expect(utilisation).toBeLessThanOrEqual(1);
        // At best the whole time shrinks by the factor.
        expect(fast.arrayCycles * factor).toBeGreaterThanOrEqual(slow.arrayCycles / 2);
      }),
      { numRuns: 300 },
    );
  });

  it('fill and drain the array as long at any rate', () => {
    fc.assert(
      fc.property(benches, size(400), (bench, m) => {
        const { rows, columns } = bench.array;
        const free = { ...bench, bytesPerCycle: undefined, weights: {} };
        const one = { products: 1, m, n: 1, k: 1 };
        const fixed = rows + columns - 2;
        expect(runBench(free, one).arrayCycles).toBeGreaterThanOrEqual(fixed);
      }),
    );
  });

  it('are never slower with pruned weights, and move fewer bytes of them', () => {
    fc.assert(
      fc.property(benches, shapes, (bench, shape) => {
        const { array, weightElementBytes = 1 } = bench;
        const dense = runBench(bench, shape);
        // Half of the elements and two bits for the place of each.
        const stored = 0.5 * weightElementBytes + 1 / 8;
        const pruned = { ...bench, weightElementBytes: stored };
        const skipping = { ...pruned, array: { ...array, rate: 2 * (array.rate ?? 1) } };
        for (const sparse of [pruned, skipping]) {
          const result = runBench(sparse, shape);
          expect(result.totalCycles).toBeLessThanOrEqual(dense.totalCycles);
          expect(result.dramReadBytes).toBeLessThanOrEqual(dense.dramReadBytes ?? 0);
        }
        expect(runBench(skipping, shape).totalCycles).toBeLessThanOrEqual(
          runBench(pruned, shape).totalCycles,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('wait for expansion and unpacking, the less the faster either is', () => {
    fc.assert(
      fc.property(benches, shapes, fc.constantFrom(1, 2, 9), (bench, shape, factor) => {
        const { products, n, k } = shape;
        const expanding = (expandPerClock: number) =>
          runBench({ ...bench, weights: { expandPerClock } }, shape);
        expect(expanding(4 * factor).totalCycles).toBeLessThanOrEqual(expanding(4).totalCycles);
        expect(expanding(4).computeCycles).toBeGreaterThanOrEqual((products * n * k) / 4);
        const unpacking = (ratio: number, bytesPerClock: number) =>
          runBench({ ...bench, weights: { compression: { ratio, bytesPerClock } } }, shape);
        const slow = unpacking(0.8, 4);
        expect(unpacking(0.8, 4 * factor).totalCycles).toBeLessThanOrEqual(slow.totalCycles);
        expect(unpacking(0.4, 4).dramReadBytes).toBeLessThan(slow.dramReadBytes ?? 0);
        expect(unpacking(0.4, 4).totalCycles).toBeLessThanOrEqual(slow.totalCycles);
      }),
      { numRuns: 200 },
    );
  });
});

describe('local memory', () => {
  it('is refused exactly where two tiles of either operand and their results do not fit', () => {
    fc.assert(
      fc.property(benches, shapes, size(2 ** 17), (bench, shape, bytes) => {
        const { rows, columns } = bench.array;
        const { elementBytes, weightElementBytes = elementBytes } = bench;
        const edge = Math.max(rows, columns);
        const [m, n, k] = [shape.m, shape.n, shape.k].map((length) => Math.min(length, edge)) as [
          number,
          number,
          number,
        ];
        const held = 2 * (m * k * elementBytes + k * n * weightElementBytes) + 4 * m * n;
        const check = () =>
          checkLocalMemory({ ...bench, memory: { ...bench.memory, bytes } }, shape);
        if (bytes >= held) expect(check).not.toThrow();
        else expect(check).toThrow(InfeasibleError);
      }),
    );
  });
});
