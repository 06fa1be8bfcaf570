import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../src/base/errors.ts';
import { Kernel, PRECEDENCE } from '../../../src/kernel/kernel.ts';

describe('kernel', () => {
  it('moves time to each event and counts them', () => {
    const kernel = new Kernel();
    const seen: [number, number][] = [];
    kernel.at(2, PRECEDENCE.arrival, 1, 20);
    kernel.at(1, PRECEDENCE.arrival, 1, 10);
    kernel.run((_, subject) => seen.push([kernel.now, subject]));
    expect(seen).toEqual([
      [1, 10],
      [2, 20],
    ]);
    expect(kernel.eventCount).toBe(2);
  });

  it('lets a completion be seen by an arrival of the same instant, and control see both', () => {
    const kernel = new Kernel();
    const seen: number[] = [];
    kernel.at(1, PRECEDENCE.control, 0, 3);
    kernel.at(1, PRECEDENCE.arrival, 0, 2);
    kernel.at(1, PRECEDENCE.completion, 0, 1);
    kernel.run((_, subject) => seen.push(subject));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('refuses the past', () => {
    const kernel = new Kernel();
    kernel.at(1, 0, 0, 0);
    kernel.run(() => {});
    expect(() => kernel.at(0.5, 0, 0, 0)).toThrow(InvariantError);
    expect(() => kernel.at(Number.NaN, 0, 0, 0)).toThrow(InvariantError);
  });

  it('advances past nothing: a pending event at or before the target blocks', () => {
    const kernel = new Kernel();
    kernel.at(2, 0, 0, 0);
    expect(kernel.advance(2)).toBe(false);
    expect(kernel.advance(3)).toBe(false);
    expect(kernel.advance(1.5)).toBe(true);
    expect(kernel.now).toBe(1.5);
    expect(kernel.eventCount).toBe(1);
  });

  it('stops after the present event', () => {
    const kernel = new Kernel();
    for (const time of [1, 2, 3]) kernel.at(time, 0, 0, time);
    kernel.run((_, subject) => subject === 2 && kernel.stop());
    expect(kernel.now).toBe(2);
    expect(kernel.nextTime).toBe(3);
  });
});
