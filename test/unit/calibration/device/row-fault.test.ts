import { describe, expect, it } from 'vitest';
import { InfeasibleError, SpecError } from '../../../../src/base/errors.ts';
import { reasonOf } from '../../../../src/calibration/device/row-fault.ts';

describe('the reason why one row cannot be predicted', () => {
  it('is what is wrong with its values, without the place where they were put together', () => {
    const error = new SpecError([
      { file: 'row a', path: 'promptTokens', message: 'too small', got: '-3' },
      { file: '--set', message: 'no such unit' },
    ]);
    expect(reasonOf(error)).toBe('promptTokens: too small (got -3); no such unit');
  });

  it('is what does not fit', () => {
    const detail = { demand: 2, bound: 1, unit: 'B', breakdown: {}, levers: [] };
    expect(reasonOf(new InfeasibleError('the weights do not fit', detail))).toBe(
      'the weights do not fit',
    );
  });

  it('is none where a description is at fault: that is told once, with file and line', () => {
    const error = new SpecError([{ file: 'own.yaml', line: 3, message: 'a clock is missing' }]);
    expect(() => reasonOf(error)).toThrow(error);
  });
});
