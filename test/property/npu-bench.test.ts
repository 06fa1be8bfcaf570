/** Arrays of any size on products of any size, by the rule of every tool: nothing breaks, nothing is faster than possible. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccountingRuleName, accountingRules } from '../../src/hardware/npu/accounting.ts';
import { type BenchShape, runBench, type Testbench } from '../../src/hardware/npu/testbench.ts';
import { buildTilePort, tileMemories } from '../../src/hardware/npu/tile-port.ts';
import { DATAFLOWS } from '../../src/hardware/units/unit-spec.ts';

const size = (max: number) => fc.integer({ min: 1, max });
const KIBI = 1024;
const setting = fc.record({
  rule: fc.constantFrom(...(Object.keys(accountingRules) as AccountingRuleName[])),
  dataflow: fc.constantFrom(...DATAFLOWS),
  rows: fc.constantFrom(1, 3, 8, 32, 100, 128),
  columns: fc.constantFrom<number>(1, 5, 16, 32, 96, 128),
  engines: size(4),
  kib: fc.constantFrom(1, 16, 64, 513, 4096),
  bytesPerCycle: fc.option(fc.constantFrom<number>(0.5, 1, 7, 64, 512), { nil: undefined }),
  elementBytes: fc.constantFrom(1, 2),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;
const shapes = fc.record({ products: size(3), m: size(300), n: size(300), k: size(300) });

function benchOf(given: Setting): Testbench {
  const { rule, rows, columns, kib, bytesPerCycle } = given;
  const accounting = accountingRules[rule];
  const tiles = accounting.timeline === 'tiles';
  const third = Math.max(1, Math.floor((kib * KIBI) / 3));
  const port = tiles
    ? buildTilePort(tileMemories.narrow, (bytesPerCycle ?? 64) * 1e9, 1e9, 2, 32)
    : undefined;
  return {
    array: {
      engines: given.engines,
      rows: tiles ? columns : rows,
      columns,
      // Tiles and loop iterations are those of stationary weights.
      dataflow: tiles ? 'weight-stationary' : given.dataflow,
      overlapFolds: accounting.overlapFolds,
      doubleBufferPreload: accounting.hidePreload,
    },
    elementBytes: given.elementBytes,
    memory: {
      bytes: kib * KIBI,
      accumulatorBytes: tiles ? kib * KIBI : 0,
      granule: Math.max(rows, columns),
    },
    sramBytesPerCycle: 4 * columns,
    bytesPerCycle,
    accounting,
    buffers: { input: third, weight: third, output: third },
    ...(port ? { tilePort: port } : {}),
  };
}

const run = (given: Setting, shape: BenchShape) => runBench(benchOf(given), shape);

describe('a systolic array', () => {
  it('counts every multiply–accumulate, never more than its multipliers can do', () => {
    fc.assert(
      fc.property(setting, shapes, (given, shape) => {
        const result = run(given, shape);
        expect(result.macs).toBe(shape.products * shape.m * shape.n * shape.k);
        for (const value of Object.values(result))
          if (value !== undefined) {
            expect(Number.isFinite(value)).toBe(true);
            expect(value).toBeGreaterThanOrEqual(0);
          }
        expect(result.utilisation).toBeLessThanOrEqual(1);
        expect(result.totalCycles).toBeGreaterThanOrEqual(result.computeCycles);
      }),
      { numRuns: 120 },
    );
  });

  it('moves every operand at least once, and results exactly once where one port serves all', () => {
    fc.assert(
      fc.property(setting, shapes, (given, { products, m, n, k }) => {
        const { dramReadBytes, dramWriteBytes } = run(given, { products, m, n, k });
        if (dramReadBytes === undefined || dramWriteBytes === undefined) return;
        const bytes = products * given.elementBytes;
        expect(dramReadBytes).toBeGreaterThanOrEqual(bytes * (m * k + n * k));
        expect(dramWriteBytes).toBeGreaterThanOrEqual(bytes * m * n);
      }),
      { numRuns: 120 },
    );
  });

  it('is never slower with more bandwidth or more engines', () => {
    fc.assert(
      fc.property(setting, shapes, fc.constantFrom(2, 3, 8), (given, shape, factor) => {
        // Prefetch in operand order may miss by chance with other timing: bounds alone are monotone there.
        fc.pre(accountingRules[given.rule].timeline === 'overlapped' || given.rule === 'zigzag');
        const slow = run(given, shape).totalCycles;
        const wide = given.bytesPerCycle === undefined ? undefined : given.bytesPerCycle * factor;
        expect(run({ ...given, bytesPerCycle: wide }, shape).totalCycles).toBeLessThanOrEqual(slow);
        const more = { ...given, engines: given.engines * factor };
        expect(run(more, shape).totalCycles).toBeLessThanOrEqual(slow);
      }),
      { numRuns: 200 },
    );
  });

  it('takes no longer for whole tiles on an array of twice the columns', () => {
    fc.assert(
      fc.property(setting, size(6), size(6), size(300), (given, across, along, m) => {
        fc.pre(given.rule === 'zigzag' || given.rule === 'phone');
        // The input-stationary array holds inputs: features stream, tokens lie across.
        fc.pre(given.dataflow === 'weight-stationary');
        const shape = { products: 1, m, n: 2 * across * given.columns, k: along * given.rows };
        const narrow = { ...given, bytesPerCycle: undefined, engines: 1 };
        const twice = run({ ...narrow, columns: 2 * given.columns }, shape).computeCycles;
        const drain = given.rule === 'phone' ? given.columns : 0;
        expect(twice).toBeLessThanOrEqual(run(narrow, shape).computeCycles + drain);
      }),
      { numRuns: 200 },
    );
  });
});
