import { describe, expect, it } from 'vitest';
import { CounterGroup } from '../../../src/engine/counter-group.ts';

const about = (name: string) => ({ name, quantity: 'power', unit: 'W', subject: name }) as const;

/** ∫ value dt of a step function that ends at `end`. */
function integral(time: Float64Array, value: Float64Array, end: number): number {
  return value.reduce((sum, v, i) => sum + v * ((time[i + 1] ?? end) - time[i]!), 0);
}

describe('flows', () => {
  it('are means from their time to the next', () => {
    const group = new CounterGroup('flow', [about('a'), about('b')]);
    group.add(0, 2);
    group.offer(1);
    group.add(0, 9);
    group.add(1, 3);
    group.offer(4);
    const [a, b] = group.finish(4);
    expect([...a!.time]).toEqual([0, 1]);
    expect([...a!.value]).toEqual([2, 3]);
    expect([...b!.value]).toEqual([0, 1]);
  });

  it('lose nothing when 50,000 samples of uneven length are thinned', () => {
    const group = new CounterGroup('flow', [about('a')]);
    let now = 0;
    let sum = 0;
    for (let i = 0; i < 50_000; i++) {
      const amount = (i * 7) % 11;
      now += 0.01 * (1 + (i % 3));
      sum += amount;
      group.add(0, amount);
      group.offer(now);
    }
    const [a] = group.finish(now);
    expect(a!.time.length).toBeLessThanOrEqual(4096);
    expect(a!.time.length).toBeGreaterThan(2000);
    expect(integral(a!.time, a!.value, now)).toBeCloseTo(sum, 6);
  });

  it('close the last interval where the run ends', () => {
    const group = new CounterGroup('flow', [about('a')]);
    for (let i = 1; i <= 4096 + 3; i++) {
      group.add(0, 1);
      group.offer(i);
    }
    const [a] = group.finish(4099);
    expect(integral(a!.time, a!.value, 4099)).toBeCloseTo(4099, 9);
  });
});

describe('states', () => {
  it('are what held at their time; thinning keeps every second one and the first', () => {
    const group = new CounterGroup('state', [about('a')]);
    for (let i = 0; i < 10_000; i++) {
      if (i > 0 && !group.offer(i)) continue;
      group.set(0, i);
      group.keep(i);
    }
    const [a] = group.finish(10_000);
    expect(a!.time[0]).toBe(0);
    expect([...a!.value]).toEqual([...a!.time]);
    expect(a!.time.at(-1)).toBeGreaterThan(9_990);
  });
});
