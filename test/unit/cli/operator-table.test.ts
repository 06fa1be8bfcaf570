import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  arrangeRows,
  meanRun,
  type OperatorRow,
  rowsText,
} from '../../../src/cli/operator-table.ts';
import { probeGraph } from '../../../src/cli/probe-graph.ts';
import { attention, matmul, vector } from '../../support/phone-units.ts';

const row = (name: string, work: OperatorRow['work'], count = 1): OperatorRow => ({
  phase: 'net',
  name,
  work,
  count,
  growth: 1,
  prediction: { unit: 'npu', seconds: 1e-3, dramBytes: 64, bound: 'compute' },
});
const wide = matmul(8, 64, 64);
const narrow = matmul(8, 16, 64);

describe('lines of operators', () => {
  it('stand for all that are alike, in the order of the first', () => {
    const rows = [row('a', wide, 5), row('b', narrow), row('c', wide, 2)];
    const merged = arrangeRows(rows, { by: 'shape', sort: 'execution' });
    expect(merged.map(({ name, count, work }) => [name, count, work.macs])).toEqual([
      ['a', 7, 8 * 64 * 64],
      ['b', 1, 8 * 16 * 64],
    ]);
  });

  it('sum all runs of a type, time too', () => {
    const rows = [row('a', wide, 5), row('b', vector(10, 1)), row('c', narrow, 2)];
    const [products, others] = arrangeRows(rows, { by: 'type', sort: 'execution' });
    expect(products).toMatchObject({ count: 7, name: '' });
    expect(products?.work.macs).toBe(5 * 8 * 64 * 64 + 2 * 8 * 16 * 64);
    expect(products?.prediction?.seconds).toBeCloseTo(7e-3, 12);
    expect(products?.prediction?.dramBytes).toBe(7 * 64);
    expect(others?.count).toBe(1);
  });

  it('go by what all their runs come to when sorted', () => {
    const rows = [row('once', wide), row('often', narrow, 5)];
    for (const sort of ['macs', 'bytes', 'time'])
      expect(arrangeRows(rows, { by: 'operator', sort })[0]?.name).toBe('often');
  });

  it('show the mean of runs that see more context each, and by how much they grow', () => {
    const at = (context: number) => attention({ queries: 1, context });
    const runs = [100, 150, 200].map(
      (context) =>
        [
          at(context),
          { unit: 'npu', seconds: context * 1e-6, dramBytes: 4 * context, bound: 'bandwidth' },
        ] as const,
    );
    const mean = meanRun(runs);
    // The middle one, as work is linear in the context.
    expect(mean.work).toEqual(at(150));
    expect(mean.prediction?.seconds).toBeCloseTo(150e-6, 12);
    expect(mean.prediction?.dramBytes).toBeCloseTo(600, 9);
    expect(mean.growth).toBeGreaterThan(1.5);
    expect(mean.growth).toBeLessThanOrEqual(2);
    const other = meanRun([
      ...runs.slice(1),
      [at(100), { unit: 'cpu', seconds: 1, dramBytes: 0, bound: 'launch' }],
    ]);
    expect(other.prediction).toMatchObject({ unit: 'several', bound: 'mixed' });
    expect(meanRun([[at(100), undefined]]).prediction).toBeUndefined();
    const text = rowsText([{ ...row('scores', mean.work, 3), growth: mean.growth }], 10);
    expect(text).toContain('last/first');
    expect(text).toContain(mean.growth.toFixed(2));
  });
});

describe('probe graph of a request with many steps', () => {
  let printed: string[] = [];
  beforeEach(() => {
    printed = [];
    vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(String(text)));
  });
  afterEach(() => vi.restoreAllMocks());

  const report = async (by: string, more: Record<string, unknown> = {}) => {
    printed = [];
    await probeGraph.run({ target: 'llama-3.2-1b-chat', by, sort: 'execution', ...more });
    return printed.join('\n');
  };

  it('has lines that sum to the totals, however they are grouped', async () => {
    for (const by of ['operator', 'shape', 'type']) {
      const { operators, totals } = JSON.parse(await report(by, { json: true }));
      const runs = (line: { count: number }) => (by === 'type' ? 1 : line.count);
      const sum = (value: (line: Record<string, number>) => number) =>
        operators.reduce(
          (all: number, line: Record<string, number> & { count: number }) =>
            all + runs(line) * value(line),
          0,
        );
      const bytes = ['weight', 'input', 'output', 'kv_read', 'kv_write'];
      expect(sum((line) => line['macs'] ?? 0) / totals.macs).toBeCloseTo(1, 9);
      const moved = sum((line) => bytes.reduce((all, b) => all + (line[`${b}_bytes`] ?? 0), 0));
      expect(moved / totals.bytes).toBeCloseTo(1, 9);
      const counted = operators.reduce(
        (all: number, line: { count: number }) => all + line.count,
        0,
      );
      expect(counted).toBe(totals.operators);
    }
  });

  it('says how often each line runs', async () => {
    const text = await report('shape');
    expect(text).toMatch(/decode +head +MatMul +\d+/);
    expect(text).toContain('note: a line is one run, of as many as count says; their mean where');
    expect(await report('type')).toContain('note: a line is all that operators of the type do');
  });
});
