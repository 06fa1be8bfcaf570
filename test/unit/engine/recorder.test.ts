import { describe, expect, it } from 'vitest';
import { largestCause, Recorder } from '../../../src/engine/recorder.ts';

function record(quantity: 'bandwidth' | 'temperature', count: number) {
  const recorder = new Recorder();
  const counter = recorder.addCounter({ name: 'x', quantity, unit: '', subject: 'x' });
  for (let i = 1; i <= count; i++) recorder.sample(counter, i, i % 2 === 0 ? 10 : 0);
  return recorder.finish().counters[0]!;
}

describe('recorder', () => {
  it('keeps every sample while there is room', () => {
    const { time, value } = record('bandwidth', 100);
    expect(time).toHaveLength(100);
    expect([value[0], value[1]]).toEqual([0, 10]);
  });

  it('bounds memory, and loses nothing of what flows', () => {
    const { time, value } = record('bandwidth', 50_000);
    expect(time.length).toBeLessThanOrEqual(4096);
    const mean = value.reduce((a, b) => a + b, 0) / value.length;
    // The last, unfinished average is dropped.
    expect(mean).toBeCloseTo(5, 2);
    for (let i = 1; i < time.length; i++) expect(time[i]!).toBeGreaterThan(time[i - 1]!);
  });

  it('does not average what stands', () => {
    const { value } = record('temperature', 50_000);
    expect(new Set(value).size).toBeLessThanOrEqual(2);
    expect([...value].every((v) => v === 0 || v === 10)).toBe(true);
  });

  it('names the largest cause', () => {
    expect(largestCause([1, 3, 2, 0, 0, 0])).toBe(1);
    expect(largestCause([9, 0, 0, 0, 0, 0, 1, 3, 2, 0, 0, 0], 6)).toBe(1);
  });
});
