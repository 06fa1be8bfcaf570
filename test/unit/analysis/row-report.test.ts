import { describe, expect, it } from 'vitest';
import { comparedRows, quantityText, reportRows } from '../../../src/analysis/row-report.ts';
import { SpecError } from '../../../src/base/errors.ts';

const row = (id: string, group: string, error: number) => ({
  id,
  quantity: 'bandwidth',
  predicted: 1 + error,
  reference: 1,
  error,
  group,
});

describe('report of rows', () => {
  it('sums up each group, and all of them, by absolute error', () => {
    const { summary } = reportRows([row('a', 'x', -0.1), row('b', 'x', 0.3), row('c', 'y', 0.2)]);
    expect(summary.map(({ group, count, worst }) => [group, count, worst])).toEqual([
      ['x', 2, 0.3],
      ['all', 3, 0.3],
      ['y', 1, 0.2],
    ]);
    expect(summary[0]!.median).toBeCloseTo(0.2, 12);
  });

  it('is a fault of the file where nothing could be compared, with the first reason', () => {
    const some = reportRows([row('a', 'x', 0)], [{ id: 'b', reason: 'unknown bin' }]);
    expect(comparedRows(some, 'rows.csv')).toBe(some);
    const none = reportRows(
      [],
      [
        { id: 'b', reason: 'unknown bin' },
        { id: 'c', reason: 'another' },
      ],
    );
    expect(() => comparedRows(none, 'rows.csv')).toThrow(SpecError);
    expect(() => comparedRows(none, 'rows.csv')).toThrow(
      'rows.csv: none of its 2 rows can be compared; b: unknown bin',
    );
    expect(() => comparedRows(reportRows([]), 'rows.csv')).toThrow('rows.csv: no row to compare');
  });

  it.each([
    ['energy_per_token', 'energy per token (J)'],
    ['time_to_first_token', 'time to first token (s)'],
    ['sustained_rate', 'sustained rate (tok/s)'],
    ['text_encoder', 'text encoder (ms)'],
  ])('shows %s with its unit', (quantity, text) => {
    expect(quantityText(quantity)).toBe(text);
  });
});
