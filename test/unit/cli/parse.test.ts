import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import type { Command } from '../../../src/cli/command.ts';
import { checkArgs, usageOf } from '../../../src/cli/parse.ts';

const command: Command = {
  name: 'probe thing',
  summary: 'a thing',
  examples: [],
  positionals: {
    name: { usage: 'NAME', summary: 'which' },
    files: { usage: '[FILE..]', summary: 'more' },
  },
  options: {
    soc: { type: 'string', summary: 'a SoC', alias: 's', required: true },
    kind: { type: 'string', summary: 'a kind', choices: ['fluid', 'analytic'] },
    seed: { type: 'number', summary: 'a seed', bareWith: 'kind' },
    set: { type: 'array', summary: 'overrides' },
    json: { type: 'boolean', summary: 'machines' },
    size: { type: 'number', summary: 'of it', default: 4, idleWith: ['json', 'kind'] },
  },
  run: async () => undefined,
};

function faults(raw: Record<string, unknown>): string[] {
  try {
    checkArgs(command, raw);
  } catch (error) {
    if (error instanceof SpecError) return error.message.split('\n');
    throw error;
  }
  return [];
}
const good = { _: [], $0: 'socsim', name: 'x', soc: 'd' };

describe('checkArgs', () => {
  it('lets an option stand bare beside the one that it repeats, and there alone', () => {
    const raw = { ...good, seed: undefined };
    expect(checkArgs(command, { ...raw, kind: 'fluid' })).toEqual({
      size: 4,
      name: 'x',
      soc: 'd',
      kind: 'fluid',
    });
    expect(faults(raw)).toEqual([expect.stringMatching(/--seed needs a value.*--kind/)]);
  });

  it('passes what the command knows and drops what belongs to the parser', () => {
    const raw = { ...good, set: ['a=1', 'b=2'], seed: 3, help: false };
    const known = { name: 'x', soc: 'd', set: ['a=1', 'b=2'], seed: 3 };
    expect(checkArgs(command, raw)).toEqual({ size: 4, ...known });
  });

  it('fills in defaults, and tells one given at its default from one not given', () => {
    expect(checkArgs(command, good)['size']).toBe(4);
    expect(checkArgs(command, { ...good, size: 9 })['size']).toBe(9);
    expect(faults({ ...good, json: true })).toEqual([]);
    expect(faults({ ...good, json: false, size: 4 })).toEqual([]);
    expect(faults({ ...good, json: true, size: 4, kind: 'fluid' })).toEqual([
      '--size has no effect with --json',
      '--size has no effect with --kind',
    ]);
  });

  it.each([
    [{ sde: 1 }, 'unknown option --sde; did you mean "--seed"?'],
    [{ v: true }, 'unknown option -v'],
    [{ kind: 'fluids' }, '--kind: unknown value "fluids"; did you mean "fluid"?'],
    [{ seed: Number.NaN }, '--seed must be a number'],
    [{ kind: ['fluid', 'fluid'] }, '--kind is given 2 times'],
    [{ soc: '' }, '--soc needs a value'],
    [{ soc: undefined }, '--soc is missing'],
    [{ _: ['stray'] }, 'unexpected "stray"; usage: socsim probe thing NAME [FILE..] [options]'],
    [{ name: undefined }, 'NAME is missing; usage: socsim probe thing NAME [FILE..] [options]'],
  ])('refuses %j', (change, message) => {
    const found = faults({ ...good, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('reports everything at once', () => {
    expect(faults({ _: ['a', 'b'], nope: 1, seed: Number.NaN })).toHaveLength(6);
  });

  it('takes an option by its alias', () => {
    expect(faults({ ...good, s: 'd' })).toEqual([]);
  });

  it('writes usage as the help does', () => {
    expect(usageOf(command)).toBe('socsim probe thing NAME [FILE..] [options]');
  });
});
