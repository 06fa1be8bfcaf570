import { describe, expect, it } from 'vitest';
import { agedPriority, byDeadline } from '../../../src/runtime/policies/urgency.ts';

const never = Number.POSITIVE_INFINITY;
const request = (priority: number, waitingSince: number, deadline = never) => ({
  priority,
  waitingSince,
  deadline,
});

describe('priority with aging', () => {
  it('serves the smaller priority first, and the one that waits longer among equals', () => {
    expect(agedPriority(request(0, 5))).toBeLessThan(agedPriority(request(1, 5)));
    expect(agedPriority(request(1, 4))).toBeLessThan(agedPriority(request(1, 5)));
  });

  it('lets a second of waiting outweigh one level', () => {
    expect(agedPriority(request(2, 2.9))).toBeLessThan(agedPriority(request(0, 5)));
    expect(agedPriority(request(2, 3.1))).toBeGreaterThan(agedPriority(request(0, 5)));
  });
});

describe('earliest deadline first', () => {
  it('ignores priority among those with a deadline', () => {
    expect(byDeadline(request(9, 0, 3))).toBeLessThan(byDeadline(request(0, 0, 4)));
  });

  it('puts the rest behind, but not for ever', () => {
    expect(byDeadline(request(0, 0))).toBeGreaterThan(byDeadline(request(0, 9, 9.5)));
    expect(byDeadline(request(0, 0))).toBeLessThan(byDeadline(request(0, 11, 11.5)));
  });
});
