/** Governor arithmetic against recorded vectors: exact integers, and microwatts for the skin controller. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkVectors } from '../../src/cli/governor-vectors.ts';

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

  it('a wrong row is found', () => {
    const text = read('stepwise_vectors.csv').replace(/^(SW1,20,.*),2,2$/m, '$1,2,3');
    const wrong = checkVectors('step-wise', text, 'edited').filter(({ error }) => error !== 0);
    expect(wrong).toMatchObject([{ id: 'SW1:20', quantity: 'cooling_state', reference: 3 }]);
  });
});
