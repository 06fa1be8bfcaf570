import { describe, expect, it } from 'vitest';
import { clearColumn, copyColumn } from '../../../src/base/columns.ts';

describe('columns', () => {
  it('are cleared and copied as the built-ins would, signed zeros and NaN included', () => {
    const from = Float64Array.of(1, -0, Number.NaN, Number.NEGATIVE_INFINITY);
    const [own, builtIn] = [new Float64Array(7).fill(5), new Float64Array(7).fill(5)];
    copyColumn(from, own, 2);
    builtIn.set(from, 2);
    expect([...own].map((value) => Object.is(value, -0))).toEqual(
      [...builtIn].map((value) => Object.is(value, -0)),
    );
    expect(own).toEqual(builtIn);
    clearColumn(own);
    expect(own).toEqual(new Float64Array(7));
    copyColumn(new Float64Array(0), own);
    expect(own).toEqual(new Float64Array(7));
  });
});
