import { describe, expect, it } from 'vitest';
import { frozen } from '../../../src/base/frozen.ts';

describe('frozen data', () => {
  it('refuses changes at every depth', () => {
    const data = frozen({ memory: { rates: [{ value: 1 }] } });
    expect(() => data.memory.rates.push({ value: 2 })).toThrow(TypeError);
    expect(() => Object.assign(data.memory.rates[0]!, { value: 3 })).toThrow(TypeError);
    expect(data).toEqual({ memory: { rates: [{ value: 1 }] } });
  });

  it('takes parts that are frozen or shared already, and values that are no data', () => {
    const part = Object.freeze({ a: 1 });
    const data = { one: part, two: part, none: null, text: 'x' };
    expect(frozen(data)).toBe(data);
    expect(frozen(undefined)).toBeUndefined();
  });
});
