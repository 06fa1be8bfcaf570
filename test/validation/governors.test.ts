/** Governor arithmetic against recorded vectors: exact integers, and microwatts for the skin controller. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { checkVectors } from '../../src/cli/governor-vectors.ts';
import {
  divideBudget,
  type PowerAllocatorParameters,
  pidBudget,
} from '../../src/runtime/governors/power-allocator-arithmetic.ts';
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
      order: 51,
      title: 'Governor arithmetic',
      text: 'Every output of every tick: exact integers for the kernel governors, a microwatt for the skin controller. Vectors were worked out from the Linux sources and the public Pixel configuration. Beside them stands a trace of a Linux kernel on an Arm board (67 ticks): power_allocator budgets agree to the milliwatt, grants within the 3 mW of that older kernel’s rounding.',
      lines,
    });
  });

  it('a wrong row is found', () => {
    const text = read('stepwise_vectors.csv').replace(/^(SW1,20,.*),2,2$/m, '$1,2,3');
    const wrong = checkVectors('step-wise', text, 'edited').filter(({ error }) => error !== 0);
    expect(wrong).toMatchObject([{ id: 'SW1:20', quantity: 'cooling_state', reference: 3 }]);
  });
});

describe('a kernel at work', () => {
  // Control temperature, gain and sustainable power of the zone follow from any unclamped row:
  // temperature + error, p / error and output − p.
  const zone: PowerAllocatorParameters = {
    sustainablePower: 2500,
    switchOn: undefined,
    control: 72_000,
    gains: { overshoot: 512, undershoot: 512, integral: 51, derivative: 0, integralCutoff: 0 },
    passiveDelayMilliseconds: 100,
  };
  const name = 'arm_ipa_thermal_samples.csv';
  const ticks = parseCsv(read(name), name).rows.map(
    ({ values }) =>
      (column: string) =>
        Number(values[column]),
  );

  it('budgets what the kernel budgeted, to the milliwatt, on every tick of its trace', () => {
    const state = { integral: 0, previousError: 0 };
    expect(ticks).toHaveLength(67);
    for (const tick of ticks) {
      const temperature = zone.control - tick('pid_err_mC');
      const budget = pidBudget(state, temperature, tick('max_allocatable_mW'), zone);
      expect(budget).toBe(tick('pid_output_mW'));
    }
    expect(ticks.some((tick) => tick('pid_output_mW') < tick('max_allocatable_mW'))).toBe(true);
  });

  it('grants what that older kernel granted, within 3 mW of its rounding', () => {
    const granted: number[] = [];
    for (const tick of ticks) {
      const power = (unit: string) => tick(`${unit}_dyn_mW`) + tick(`${unit}_static_mW`);
      // The trace shows little CPUs at twice their power: they have a weight of two.
      const weights = [1024, 1024, 2048];
      const requests = ['gpu', 'big', 'little'].map(power);
      const top = tick('max_allocatable_mW') === 3888 ? [1937, 1344, 607] : [1944, 1351, 613];
      divideBudget(requests, weights, top, tick('pid_output_mW'), granted);
      for (const [i, unit] of ['gpu', 'big', 'little'].entries()) {
        const difference = Math.abs((granted[i] as number) - tick(`${unit}_limit_mW`));
        expect(difference, unit).toBeLessThanOrEqual(3);
      }
    }
  });
});
