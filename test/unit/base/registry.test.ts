import { describe, expect, it } from 'vitest';
import { formatFault, SpecError } from '../../../src/base/errors.ts';
import { nearestHint, pick } from '../../../src/base/registry.ts';

const NAMES = ['dimensity-9300', 'snapdragon-8-gen-3', 'host'];

describe('nearestHint', () => {
  it.each([
    ['dimensity-9030', 'dimensity-9300'],
    ['Dimensity-9300', 'dimensity-9300'],
    ['9300', 'dimensity-9300'],
    ['snapdragon8gen3', 'snapdragon-8-gen-3'],
    ['hots', 'host'],
    ['ohts', 'host'],
  ])('finds what %s means', (typed, meant) => {
    expect(nearestHint(typed, NAMES)).toBe(`did you mean "${meant}"?`);
  });

  it('lists what there is where nothing is near', () => {
    expect(nearestHint('exynos', NAMES)).toBe(`known: ${NAMES.join(', ')}`);
    expect(nearestHint('x', [])).toBe('none is defined');
  });

  it('keeps a long list short', () => {
    const many = Array.from({ length: 40 }, (_, index) => `workload-number-${index}`);
    expect(nearestHint('zzz', many)).toMatch(/, … \(40\)$/);
  });
});

describe('pick', () => {
  it('gives the entry', () => {
    expect(pick({ a: 1 }, 'a', 'thing')).toBe(1);
  });

  it('refuses an unknown name, and names every object has', () => {
    expect(() => pick({ heft: 1 }, 'hefd', 'policy')).toThrow(
      'unknown policy "hefd"; did you mean "heft"?',
    );
    expect(() => pick({ heft: 1 }, 'constructor', 'policy')).toThrow(SpecError);
  });
});

describe('formatFault', () => {
  it('prints place, path, expectation and hint in one line', () => {
    expect(
      formatFault({
        file: 'a.yaml',
        line: 3,
        column: 7,
        path: 'memory.rate',
        message: 'wrong unit',
        expected: 'MT/s',
        got: '"1 GB"',
        hint: 'did you mean "GT/s"?',
      }),
    ).toBe('a.yaml:3:7: memory.rate: wrong unit (expected MT/s, got "1 GB"); did you mean "GT/s"?');
  });

  it('leaves out what is not known', () => {
    expect(formatFault({ message: 'no such file' })).toBe('no such file');
    expect(formatFault({ file: 'a.csv', line: 2, message: 'empty' })).toBe('a.csv:2: empty');
  });

  it('carries every fault of an error, one per line', () => {
    const error = new SpecError([{ message: 'one' }, { message: 'two' }]);
    expect(error.message).toBe('one\ntwo');
    expect(new SpecError('one').faults).toEqual([{ message: 'one' }]);
  });
});
