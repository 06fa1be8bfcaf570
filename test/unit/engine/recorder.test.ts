import { expect, it } from 'vitest';
import { largestCause } from '../../../src/engine/recorder.ts';

it('the largest cause is named', () => {
  expect(largestCause([1, 3, 2, 0, 0, 0])).toBe(1);
  expect(largestCause([9, 0, 0, 0, 0, 0, 1, 3, 2, 0, 0, 0], 6)).toBe(1);
});
