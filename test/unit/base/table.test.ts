import { describe, expect, it } from 'vitest';
import { FloatColumn, IntColumn } from '../../../src/base/table.ts';

describe('columns', () => {
  it('grow beyond their capacity', () => {
    const floats = new FloatColumn(2);
    const ints = new IntColumn(1);
    for (let i = 0; i < 10; i++) {
      floats.push(i / 2);
      ints.push(i);
    }
    expect([...floats.toArray()]).toEqual(Array.from({ length: 10 }, (_, i) => i / 2));
    expect(ints.toArray()).toEqual(Int32Array.from({ length: 10 }, (_, i) => i));
  });

  it('hand out copies', () => {
    const column = new FloatColumn();
    column.push(1);
    const copy = column.toArray();
    column.push(2);
    expect([...copy]).toEqual([1]);
  });
});
