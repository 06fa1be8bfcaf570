import { describe, expect, it } from 'vitest';
import { HORIZON, onGrid } from '../../../src/kernel/clock.ts';

describe('clock', () => {
  it('rounds to multiples of 2^-36 s', () => {
    expect(onGrid(0.1) * 2 ** 36).toBe(Math.round(0.1 * 2 ** 36));
    expect(Number.isInteger(onGrid(1 / 3) * 2 ** 36)).toBe(true);
  });

  it('is exact up to the horizon: one tick before and after still differ', () => {
    const tick = 2 ** -36;
    const late = onGrid(HORIZON - 1);
    expect(late + tick).toBeGreaterThan(late);
    expect(onGrid(late + tick)).toBe(late + tick);
  });

  it('makes sums independent of their order', () => {
    const [a, b, c] = [onGrid(0.1), onGrid(0.2), onGrid(0.3)] as [number, number, number];
    expect(a + b + c).toBe(c + b + a);
    expect(0.1 + 0.2 + 0.3).not.toBe(0.3 + 0.2 + 0.1);
  });
});
