/** Governor arithmetic against recorded vectors: exact integers, and microwatts for the skin controller. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkVectors } from '../../src/cli/governor-vectors.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';

const read = (name: string) =>
  readFileSync(new URL(`./data/thermal/${name}`, import.meta.url), 'utf8');

describe('governor vectors', () => {
  it.each([
    ['power-allocator', 'ipa_vectors.csv', 160, 900],
    ['step-wise', 'stepwise_vectors.csv', 101, 404],
  ] as const)('%s reproduces every integer', (kind, file, ticks, values) => {
    const rows = checkVectors(kind, read(file), file);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(ticks);
    expect(rows.length).toBeGreaterThanOrEqual(values);
    expect(rows.filter(({ error }) => error !== 0)).toEqual([]);
  });

  it('skin-pid reproduces every budget to a microwatt', () => {
    const rows = checkVectors('skin-pid', read('skin_pid_vectors.csv'), 'skin_pid_vectors.csv');
    const budgets = rows.filter(({ quantity }) => quantity === 'budget_mW');
    expect(budgets.length).toBeGreaterThan(100);
    for (const { id, error } of rows) expect(Math.abs(error), id).toBeLessThanOrEqual(1e-3);
  });

  it('are recorded', () => {
    const kinds = [
      ['power-allocator', 'ipa_vectors.csv'],
      ['step-wise', 'stepwise_vectors.csv'],
      ['skin-pid', 'skin_pid_vectors.csv'],
    ] as const;
    const lines = kinds.map(([kind, file]) => {
      const wrong = checkVectors(kind, read(file), file).map(({ error }) =>
        Math.abs(error) > 1e-3 ? 1 : 0,
      );
      return accuracyLine(kind, wrong, { unit: 'mismatches', sample: 'no fit' });
    });
    recordAccuracy({
      topic: 'governors',
      order: 62,
      title: 'Governor arithmetic',
      text: 'Every output of every tick: exact integers for the kernel governors, a microwatt for the skin controller. Vectors were worked out from the Linux sources and the public Pixel configuration.',
      lines,
    });
  });

  it('a wrong row is found', () => {
    const text = read('stepwise_vectors.csv').replace(/^(SW1,20,.*),2,2$/m, '$1,2,3');
    const wrong = checkVectors('step-wise', text, 'edited').filter(({ error }) => error !== 0);
    expect(wrong).toMatchObject([{ id: 'SW1:20', quantity: 'cooling_state', reference: 3 }]);
  });
});
