/** Promises that every governor of both registries keeps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import type { CoolingDevice, ThermalView } from '../../src/runtime/governor.ts';
import { governors, thermalGovernors } from '../../src/runtime/governors/index.ts';
import { CLOCKS, device, domain, view } from '../support/governors.ts';

const load = fc.record({
  busyShare: fc.double({ min: 0, max: 1, noNaN: true }),
  period: fc.double({ min: 0, max: 2, noNaN: true }),
});

describe.each(Object.entries(governors))('governor %s', (_name, entry) => {
  it('says in a line what it does, and works without options', () => {
    expect(entry.summary).toMatch(/^.{10,90}$/);
    expect(() => entry.create()).not.toThrow();
    expect(() => entry.create({ nonsense: 1 })).toThrow(SpecError);
  });

  it('always names a point of the table', () => {
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 60 }), (loads) => {
        const governor = entry.create();
        let current = 0;
        for (const { busyShare, period } of loads) {
          current = governor.choose(domain({ current, busyShare, period }));
          expect(CLOCKS[current]).toBeDefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  it('answers alike to like histories, and copes with a table of one', () => {
    const run = () => {
      const governor = entry.create();
      let current = 0;
      return Array.from({ length: 50 }, (_, i) => {
        current = governor.choose(domain({ current, busyShare: (i % 7) / 6 }));
        return current;
      });
    };
    expect(run()).toEqual(run());
    expect(entry.create().choose(domain({ frequencies: [1], current: 0 }))).toBe(0);
  });
});

const reading = fc.record({
  junction: fc.double({ min: 20, max: 125, noNaN: true }),
  skin: fc.double({ min: 15, max: 60, noNaN: true }),
  period: fc.double({ min: 0, max: 10, noNaN: true }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe.each(Object.entries(thermalGovernors))('thermal governor %s', (name, entry) => {
  const cold: Partial<ThermalView> = { junction: 30, skin: 26, period: 20 };
  const hot: Partial<ThermalView> = { junction: 120, skin: 56, period: 20 };

  it('says in a line what it does, and works without options', () => {
    expect(entry.summary).toMatch(/^.{10,90}$/);
    expect(() => entry.create()).not.toThrow();
    expect(() => entry.create({ nonsense: 1 })).toThrow(SpecError);
  });

  it('gives one cap per device, each a point of its table, with a reason when it binds', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 40 }), (readings) => {
        const governor = entry.create();
        for (const { share, ...edit } of readings) {
          const devices = [
            device('npu', 5, { requested: 5 * share, busyShare: share }),
            device('gpu', 8),
          ];
          const caps = governor.limit(view({ ...edit, devices }));
          expect(caps).toHaveLength(2);
          for (const [i, { point, reason }] of caps.entries()) {
            const top = (devices[i] as CoolingDevice).powers.length - 1;
            expect(Number.isInteger(point) && point >= 0 && point <= top).toBe(true);
            expect(reason === '').toBe(point === top);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('leaves a cold phone alone', () => {
    const governor = entry.create();
    for (let i = 0; i < 5; i++) {
      expect(governor.limit(view(cold)).map(({ point }) => point)).toEqual([5, 5]);
    }
  });

  it('opens up again after the heat', () => {
    const governor = entry.create();
    for (let i = 0; i < 5; i++) governor.limit(view(hot));
    let caps = governor.limit(view(hot));
    // Falling readings: step_wise only releases while the temperature drops.
    for (let i = 0; i < 40; i++) {
      const fall = { junction: 40 - i / 10, skin: 30 - i / 10, period: 20 };
      caps = governor.limit(view(fall));
    }
    expect(caps.map(({ point }) => point)).toEqual([5, 5]);
  });

  it.skipIf(name === 'none')('cuts an overheated die to its slowest points', () => {
    const governor = entry.create();
    const caps = governor.limit(view(hot));
    expect(caps.map(({ point }) => point)).toEqual([0, 0]);
  });

  it('copes with units that draw nothing, have one point, or are idle', () => {
    const devices = [
      device('idle', 5, { requested: 0, busyShare: 0 }),
      { name: 'single', powers: [1], requested: 1, busyShare: 1, current: 0 },
      { name: 'free', powers: [0, 0], requested: 0, busyShare: 0, current: 1 },
    ];
    const governor = entry.create();
    for (const edit of [cold, { skin: 44, period: 20 }, hot, cold]) {
      for (const { point } of governor.limit(view({ ...edit, devices }))) {
        expect(Number.isInteger(point)).toBe(true);
      }
    }
  });
});
