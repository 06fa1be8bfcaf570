import { describe, expect, it } from 'vitest';
import { ClockState } from '../../../src/engine/clock-state.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import type { Governor } from '../../../src/runtime/governor.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;
const POINTS = [
  { frequency: 0.5e9, voltage: 0.5 },
  { frequency: 1e9, voltage: 1 },
];

/** Two domains of two points, both on the supply `rail` where it is given. */
function machineOf(clock: { transition?: number; halt?: number }, rail?: string): Machine {
  const toy = toyMachine({ units: [toyUnit('a'), toyUnit('b')], points: POINTS });
  const domains = toy.domains.map((domain) => ({
    ...domain,
    rail,
    clock: {
      ...domain.clock,
      transitionSeconds: clock.transition ?? 0,
      haltSeconds: clock.halt ?? 0,
    },
  }));
  return { ...toy, domains };
}

const silent = () => {};

describe('a switch of clocks', () => {
  it('leaves the old clock in force until its latency has passed', () => {
    const clocks = new ClockState(machineOf({ transition: 1e-3 }));
    expect(clocks.ask(0, 0, 2)).toBe(true);
    expect([clocks.point[0], clocks.targetOf(0)]).toEqual([1, 0]);
    expect(clocks.next).toBeCloseTo(2.001, 9);
    expect(clocks.settle(2.0009, silent)).toBe(false);
    expect(clocks.now[0]).toEqual(POINTS[1]);
    const through: number[] = [];
    expect(clocks.settle(clocks.next, (d) => through.push(d))).toBe(true);
    expect([through, clocks.now[0], clocks.next]).toEqual([
      [0],
      POINTS[0],
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('is no news when asked for again, starts anew for another point, and can be called off', () => {
    const clocks = new ClockState(machineOf({ transition: 1e-3 }));
    clocks.ask(0, 0, 0);
    expect(clocks.ask(0, 0, 0.0005)).toBe(false);
    expect(clocks.next).toBeCloseTo(0.001, 9);
    expect(clocks.ask(0, 1, 0.0005)).toBe(true);
    expect(clocks.next).toBe(Number.POSITIVE_INFINITY);
    expect(clocks.settle(1, silent)).toBe(false);
    expect(clocks.point[0]).toBe(1);
  });

  it('stops the clock in the last part of it where the description says so', () => {
    const clocks = new ClockState(machineOf({ transition: 1e-3, halt: 0.25e-3 }));
    clocks.ask(1, 0, 0);
    expect(clocks.next).toBeCloseTo(0.75e-3, 9);
    clocks.settle(clocks.next, silent);
    // Next to nothing: no work ends within the quarter of a millisecond.
    expect(clocks.now[1]!.frequency).toBe(1);
    expect(clocks.now[0]!.frequency).toBe(1e9);
    clocks.settle(clocks.next, silent);
    expect(clocks.now[1]).toEqual(POINTS[0]);
  });
});

describe('a rail', () => {
  it('takes the highest voltage that its domains need; clocks stay their own', () => {
    const clocks = new ClockState(machineOf({}, 'shared'));
    clocks.put([0, 1]);
    expect(clocks.now.map(({ frequency }) => frequency)).toEqual([0.5e9, 1e9]);
    expect(clocks.now.map(({ voltage }) => voltage)).toEqual([1, 1]);
    clocks.put([0, 0]);
    expect(clocks.now.map(({ voltage }) => voltage)).toEqual([0.5, 0.5]);
    const apart = new ClockState(machineOf({}));
    apart.put([0, 1]);
    expect(apart.now.map(({ voltage }) => voltage)).toEqual([0.5, 1]);
  });
});

describe('in a run', () => {
  /** Slow at first, fast from the first look on. */
  const rising = (): Governor => {
    let looks = 0;
    return { choose: () => (looks++ === 0 ? 0 : 1) };
  };
  const secondsWith = (clock: { transition?: number; halt?: number }) => {
    const machine = machineOf(clock);
    const run = runToy([toyPlan([toyPhase('prefill', chain([toyWork(0.1 * G)]))])], {
      machine,
      governors: [rising(), rising()],
    });
    const [mark] = run.timeline.marks;
    return { end: run.requests[0]!.endSeconds, mark: mark!, joules: run.energy['a']! };
  };

  it('costs the time that the old clock loses, and the timeline says when the new one holds', () => {
    // 10 ms at half the clock, then full: 5 + 95 Mcycles.
    const swift = secondsWith({});
    expect(swift.end).toBeCloseTo(0.105, 9);
    expect(swift.mark.time).toBeCloseTo(0.01, 9);
    const slow = secondsWith({ transition: 2e-3 });
    expect(slow.end).toBeCloseTo(0.106, 9);
    expect(slow.mark.time).toBeCloseTo(0.012, 9);
  });

  it('costs all of it while the clock stands still, and no switching energy', () => {
    const halted = secondsWith({ transition: 2e-3, halt: 1e-3 });
    // Half speed for 11 ms, nothing for 1 ms, then 94.5 Mcycles.
    expect(halted.end).toBeCloseTo(0.1065, 8);
    // 1 nJ per cycle at 1 V, a quarter of it at half a volt.
    expect(halted.joules).toBeCloseTo(0.0055 * 0.25 + 0.0945, 6);
  });
});
