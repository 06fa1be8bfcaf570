import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../src/kernel/event-queue.ts';
import { Fluid } from '../../src/kernel/fluid.ts';

describe('event queue against a sorted list', () => {
  const action = fc.oneof(
    fc.record({
      do: fc.constant('add' as const),
      time: fc.integer({ min: 0, max: 5 }),
      precedence: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({ do: fc.constant('cancel' as const), which: fc.nat(40) }),
    fc.record({ do: fc.constant('pop' as const) }),
  );

  it('agrees after any sequence of schedule, cancel and pop', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const queue = new EventQueue(2);
        const handles: number[] = [];
        let reference: { time: number; precedence: number; id: number }[] = [];
        for (const step of actions) {
          if (step.do === 'add') {
            reference.push({ time: step.time, precedence: step.precedence, id: handles.length });
            handles.push(queue.schedule(step.time, step.precedence, 0, handles.length));
          } else if (step.do === 'cancel') {
            const handle = handles[step.which];
            if (handle === undefined) continue;
            const pending = reference.some((event) => event.id === step.which);
            expect(queue.cancel(handle)).toBe(pending);
            reference = reference.filter((event) => event.id !== step.which);
          } else {
            reference.sort((a, b) => a.time - b.time || a.precedence - b.precedence || a.id - b.id);
            const expected = reference.shift();
            expect(queue.pop()).toBe(expected !== undefined);
            if (expected) expect([queue.time, queue.subject]).toEqual([expected.time, expected.id]);
          }
          expect(queue.length).toBe(reference.length);
        }
      }),
    );
  });
});

/** Raises every unsatisfied flow of a class by small equal (weighted) steps: slow, and obviously max–min fair. */
function naiveShare(flows: Flow[], capacity: number): number[] {
  const rate = flows.map(() => 0);
  let left = capacity;
  for (const priority of [...new Set(flows.map((flow) => flow.priority))].sort()) {
    const members = flows.map((_, i) => i).filter((i) => flows[i]!.priority === priority);
    let growing = members.filter((i) => flows[i]!.limit > 0);
    while (growing.length > 0 && left > 1e-12) {
      const weights = growing.reduce((sum, i) => sum + flows[i]!.weight, 0);
      const level = Math.min(
        left / weights,
        ...growing.map((i) => (flows[i]!.limit - rate[i]!) / flows[i]!.weight),
      );
      for (const i of growing) rate[i]! += level * flows[i]!.weight;
      left -= level * weights;
      growing = growing.filter((i) => flows[i]!.limit - rate[i]! > 1e-9);
    }
  }
  return rate;
}

interface Flow {
  limit: number;
  weight: number;
  priority: number;
}

describe('fluid sharing', () => {
  const flow = fc.record({
    limit: fc.double({ min: 0, max: 100, noNaN: true }),
    weight: fc.integer({ min: 1, max: 5 }),
    priority: fc.integer({ min: 0, max: 2 }),
  });
  const flows = fc.array(flow, { minLength: 1, maxLength: 8 });
  const capacity = fc.double({ min: 0.1, max: 200, noNaN: true });

  function shared(list: Flow[], total: number): number[] {
    const fluid = new Fluid(list.length);
    for (const [i, { limit, weight, priority }] of list.entries())
      fluid.open(i, limit, weight, priority);
    fluid.share(total);
    return [...fluid.rate];
  }

  it('equals progressive filling', () => {
    fc.assert(
      fc.property(flows, capacity, (list, total) => {
        const expected = naiveShare(list, total);
        for (const [i, rate] of shared(list, total).entries())
          expect(rate).toBeCloseTo(expected[i]!, 6);
      }),
    );
  });

  it('never exceeds capacity or a limit, and leaves nothing idle while a flow waits', () => {
    fc.assert(
      fc.property(flows, capacity, (list, total) => {
        const rates = shared(list, total);
        const sum = rates.reduce((a, b) => a + b, 0);
        expect(sum).toBeLessThanOrEqual(total * (1 + 1e-12));
        for (const [i, rate] of rates.entries()) expect(rate).toBeLessThanOrEqual(list[i]!.limit);
        const waits = rates.some((rate, i) => rate < list[i]!.limit - 1e-9);
        if (waits) expect(sum).toBeGreaterThanOrEqual(total * (1 - 1e-12));
      }),
    );
  });

  it('does not depend on the order of opening', () => {
    fc.assert(
      fc.property(flows, capacity, (list, total) => {
        const forward = shared(list, total);
        const backward = shared([...list].reverse(), total).reverse();
        for (const [i, rate] of forward.entries()) expect(rate).toBeCloseTo(backward[i]!, 9);
      }),
    );
  });
});
