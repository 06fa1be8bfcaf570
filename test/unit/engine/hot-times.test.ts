import { describe, expect, it } from 'vitest';
import { HotTimes } from '../../../src/engine/hot-times.ts';
import type { ThermalGovernor } from '../../../src/runtime/governor.ts';
import { thermalGovernors } from '../../../src/runtime/governors/index.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

const machine = {
  ...toyMachine(),
  limits: { ...toyMachine().limits, skin: 41, junction: 95 },
};
const HELD = { holds: { skin: 41, junction: 95 } };
const BUSY = Float64Array.of(1, 0);
/** The idle domain is at a fast clock, which heats nothing. */
const slowest = Int32Array.of(0, 5);
const faster = Int32Array.of(2, 5);

describe('what is told of heat above what it is held at', () => {
  it('is nothing within a kelvin, or for less than a hundredth of the run', () => {
    const hot = new HotTimes(machine, HELD);
    hot.note({ junction: 96, skin: 42 }, 90, true, BUSY, faster);
    hot.note({ junction: 97, skin: 43 }, 0.9, true, BUSY, faster);
    expect(hot.notes(100)).toEqual([]);
  });

  it('is how long, how far and what was left to lower', () => {
    const of = (held: boolean, points: Int32Array, busy = BUSY) => {
      const hot = new HotTimes(machine, HELD);
      hot.see(80, 44.64);
      hot.note({ junction: 80, skin: 44.6 }, 30, held, busy, points);
      hot.note({ junction: 80, skin: 40 }, 70, false, BUSY, faster);
      return hot.notes(100).join();
    };
    expect(of(true, faster)).toBe(
      'skin stood more than 1 K above the 41 °C that it is held at for 30 % of the time, at 44.6 °C at most: clocks were held meanwhile, and what holds them lets them draw that much',
    );
    expect(of(true, slowest)).toMatch(/every clock at work was at its slowest/);
    expect(of(false, faster)).toMatch(/no clock at work was held back/);
    expect(of(false, slowest, Float64Array.of(0, 0))).toMatch(
      /nothing was at work for most of it$/,
    );
  });

  it('goes by what the governor in force holds, not by what is usual', () => {
    const of = (holds: ThermalGovernor['holds']) => {
      const hot = new HotTimes(machine, holds ? { holds } : {});
      hot.see(80, 44.6);
      hot.note({ junction: 80, skin: 44.6 }, 30, true, BUSY, faster);
      return hot.notes(100).join();
    };
    expect(of({ skin: 44, junction: 95 })).toBe('');
    expect(of({ skin: 43 })).toMatch(/above the 43 °C that it is held at/);
    expect(of({ junction: 95 })).toBe(
      'skin stood more than 1 K above the comfort limit of 41 °C, which nothing here holds, for 30 % of the time, at 44.6 °C at most',
    );
    expect(of(undefined)).toMatch(/which nothing here holds/);
  });

  it('tells of the die apart from the skin', () => {
    const hot = new HotTimes(machine, HELD);
    hot.see(99, 43);
    hot.note({ junction: 99, skin: 43 }, 50, true, BUSY, slowest);
    expect(hot.notes(100).map((note) => note.slice(0, 18))).toEqual([
      'skin stood more th',
      'a block of the die',
    ]);
    expect([hot.maxSkin, hot.maxJunction]).toEqual([43, 99]);
  });

  it('comes with the notes of a run', () => {
    const plan = toyPlan([toyPhase('prefill', chain([toyWork(200e9)]))]);
    const cool = { ...machine, limits: { ...machine.limits, skin: 26, junction: 28 } };
    const none = thermalGovernors.none.create();
    const notes = (given: typeof machine, thermalGovernor: ThermalGovernor = none) =>
      runToy([plan], { machine: given, controlPeriod: 0.1, thermalGovernor }).notes.filter((note) =>
        /stood more than/.test(note),
      );
    expect(notes(machine)).toEqual([]);
    // Its one clock has a single point.
    const holding = { ...none, holds: { skin: 26, junction: 28 } };
    expect(notes(cool, holding).join()).toMatch(/every clock at work was at its slowest/);
    expect(notes(cool).join()).toMatch(/comfort limit of 26 °C, which nothing here holds/);
  });
});
