/** What `probe npu` prints and writes as JSON of results that are given here. */
import { describe, expect, it } from 'vitest';
import { reportRows } from '../../../src/analysis/row-report.ts';
import type { BenchMachine } from '../../../src/cli/npu-machine.ts';
import {
  type RuleResult,
  renderReport,
  renderResults,
  resultJson,
} from '../../../src/cli/npu-text.ts';
import type { BenchResult } from '../../../src/hardware/npu/testbench.ts';

const machine = { clock: 1e9 } as BenchMachine;
const ran = (rule: string, more: Partial<BenchResult> = {}): RuleResult => ({
  rule,
  bench: { array: {} } as RuleResult['bench'],
  result: {
    macs: 4096,
    totalCycles: 2000,
    computeCycles: 2000,
    stallCycles: 0,
    arrayCycles: 2000,
    expandCycles: 0,
    unpackCycles: 0,
    utilisation: 0.125,
    sramReadBytes: 3000,
    sramWriteBytes: 1000,
    dramReadBytes: undefined,
    dramWriteBytes: undefined,
    ...more,
  },
});
const cells = (...results: RuleResult[]) =>
  renderResults(results, machine)
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
const json = (result: RuleResult) =>
  resultJson(result, { m: 4, n: 8, k: 128, products: 2 }, machine) as Record<string, unknown>;

describe('results of rules', () => {
  it('are cycles, percent, seconds at the clock and bytes of both directions', () => {
    const [header, , row] = cells(ran('folds'));
    expect(header).toEqual(
      'rule,total cycles,array,memory stall,utilisation,time,SRAM,DRAM read,DRAM write,limited by'.split(
        ',',
      ),
    );
    // 2000 cycles of 1 ns; an eighth; 3 + 1 kB.
    expect(row).toEqual('folds,2000,2000,0,12.50 %,2 µs,4 kB,–,–,array'.split(','));
  });

  it('of several rules say by what factor each takes longer than the quickest', () => {
    const rows = cells(ran('slow', { totalCycles: 3000 }), ran('quick'));
    expect(rows.map((row) => row.at(-1))).toEqual(['spread', expect.any(String), '1.50', '1.00']);
  });

  it('have a column for what weights go through only where something does', () => {
    const [header, , first, second] = cells(
      ran('a', { expandCycles: 70, unpackCycles: 90 }),
      ran('b'),
    );
    expect(header?.slice(2, 6)).toEqual([
      'array',
      'dequantisation',
      'decompressor',
      'memory stall',
    ]);
    expect(first?.slice(2, 6)).toEqual(['2000', '70', '90', '0']);
    expect(second?.slice(2, 6)).toEqual(['2000', '0', '0', '0']);
  });

  it.each([
    ['array', {}],
    ['array', { expandCycles: 2000, unpackCycles: 2000 }],
    ['dequantisation', { expandCycles: 2001, unpackCycles: 2000 }],
    ['decompressor', { expandCycles: 2001, unpackCycles: 2002 }],
    ['decompressor', { expandCycles: 2002, unpackCycles: 2002 }],
    ['memory', { expandCycles: 2001, stallCycles: 1 }],
  ])('are limited by the longest part, memory before all: %s', (limit, more) => {
    expect(json(ran('a', more))['limited_by']).toBe(limit);
  });

  it('as JSON add up what was read and written, where both are known', () => {
    expect(json(ran('a', { dramReadBytes: 500, dramWriteBytes: 20 }))).toMatchObject({
      products: 2,
      seconds: 2e-6,
      rate: 1,
      utilisation: 0.125,
      sram_bytes: 4000,
      dram_bytes: 520,
    });
    expect(json(ran('a', { dramReadBytes: 500 }))['dram_bytes']).toBeUndefined();
  });
});

describe('rows of other simulators', () => {
  it('have errors in percent, signed in rows and absolute in groups, and say what was left out', () => {
    const row = { group: 'g', quantity: 'cycles', columns: { layer: 'conv1' } };
    const report = reportRows(
      [
        { ...row, id: 'a', predicted: 110, reference: 100, error: 0.1 },
        { ...row, id: 'b', predicted: 150, reference: 200, error: -0.25 },
      ],
      [{ id: 'c', reason: 'no such layer' }],
    );
    const lines = renderReport(report)
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    expect(lines).toContainEqual(['b', 'conv1', 'cycles', '150', '200', '-25.00 %']);
    const group = lines.find(([name]) => name === 'g');
    expect(group?.slice(0, 3)).toEqual(['g', 'cycles', '2']);
    expect(group?.at(-1)).toBe('25.00 %');
    expect(lines.at(-1)).toEqual(['c: not compared: no such layer']);
  });
});
