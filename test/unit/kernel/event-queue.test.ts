import { describe, expect, it } from 'vitest';
import { EventQueue, NO_EVENT } from '../../../src/kernel/event-queue.ts';

function drain(queue: EventQueue): number[] {
  const order: number[] = [];
  while (queue.pop()) order.push(queue.subject);
  return order;
}

describe('event queue', () => {
  it('pops by time, then precedence, then the order of scheduling', () => {
    const queue = new EventQueue(2);
    queue.schedule(2, 0, 0, 5);
    queue.schedule(1, 1, 0, 3);
    queue.schedule(1, 0, 0, 1);
    queue.schedule(1, 1, 0, 4);
    queue.schedule(1, 0, 0, 2);
    expect(drain(queue)).toEqual([1, 2, 3, 4, 5]);
    expect(queue.pop()).toBe(false);
  });

  it('hands back time, kind and subject', () => {
    const queue = new EventQueue();
    queue.schedule(0.5, 2, 7, 9);
    queue.pop();
    expect([queue.time, queue.kind, queue.subject]).toEqual([0.5, 7, 9]);
  });

  it('cancels a pending event wherever it sits', () => {
    const queue = new EventQueue();
    const handles = [5, 3, 8, 1, 9, 2].map((time) => queue.schedule(time, 0, 0, time));
    expect(queue.cancel(handles[1]!)).toBe(true);
    expect(queue.cancel(handles[3]!)).toBe(true);
    expect(drain(queue)).toEqual([2, 5, 8, 9]);
  });

  it('ignores handles of events that fired, were cancelled or never were', () => {
    const queue = new EventQueue();
    const fired = queue.schedule(1, 0, 0, 1);
    queue.pop();
    const reused = queue.schedule(2, 0, 0, 2);
    expect(queue.cancel(fired)).toBe(false);
    expect(queue.cancel(NO_EVENT)).toBe(false);
    expect(queue.cancel(reused)).toBe(true);
    expect(queue.cancel(reused)).toBe(false);
    expect(queue.length).toBe(0);
  });

  it('says when the next event is due', () => {
    const queue = new EventQueue();
    expect(queue.nextTime).toBe(Number.POSITIVE_INFINITY);
    queue.schedule(4, 0, 0, 0);
    queue.schedule(3, 0, 0, 0);
    expect(queue.nextTime).toBe(3);
  });
});
