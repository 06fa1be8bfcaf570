import { describe, expect, it } from 'vitest';
import { fitDram } from '../../../src/cli/fit-dram.ts';
import { checkArgs } from '../../../src/cli/parse.ts';

const run = async (args: Record<string, unknown>) => fitDram.run(checkArgs(fitDram, args));

describe('fit dram', () => {
  it.each([
    [{ checks: 0 }, '--checks must be a whole number above zero (got 0)'],
    [{ checks: -1 }, '--checks must be a whole number above zero (got -1)'],
    [{ accesses: 24_000.5 }, '--accesses must be a whole number above zero (got 24000.5)'],
    [{ seed: 0 }, '--seed must be a whole number above zero (got 0)'],
    [{ accesses: 19 }, '--accesses: too few to measure (expected at least 20, got 19)'],
    [{ preset: 'LPDDR5-6401' }, 'lpddr5-6400'],
  ])('refuses %o before it runs anything', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });
});
