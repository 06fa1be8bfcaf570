/** Extents of random tensors, small enough that one trial takes a millisecond. */
import fc from 'fast-check';

export const size = fc.integer({ min: 1, max: 9 });
export const small = fc.integer({ min: 1, max: 3 });
export const flag = fc.integer({ min: 0, max: 1 });
export const shape = (min: number, max: number) =>
  fc.array(size, { minLength: min, maxLength: max });
