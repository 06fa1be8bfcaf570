/** Supplies that domains share: never less power than apart, and every joule in each view. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/engine/run.ts';
import type { Governor } from '../../src/runtime/governor.ts';
import { runToy, toyMachine, toyPhase, toyPlan, toyUnit, toyWork } from '../support/toy-machine.ts';

const POINTS = [
  { frequency: 0.25e9, voltage: 0.5 },
  { frequency: 0.5e9, voltage: 0.7 },
  { frequency: 1e9, voltage: 1 },
];
const fixed = (point: number): Governor => ({ choose: () => point });

interface Setting {
  readonly points: readonly number[];
  readonly macs: readonly number[];
  readonly leak: number;
}
const settings: fc.Arbitrary<Setting> = fc.record({
  points: fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
  macs: fc.array(fc.integer({ min: 1e6, max: 2e8 }), { minLength: 3, maxLength: 3 }),
  leak: fc.double({ min: 0, max: 0.5, noNaN: true }),
});

/** Three units at fixed points, one operator each; the first two on one rail, or none. */
function run({ points, macs, leak }: Setting, rail: string | undefined): Run {
  const toy = toyMachine({ units: ['a', 'b', 'c'].map((name) => toyUnit(name)), points: POINTS });
  const domains = toy.domains.map((domain, d) => ({
    ...domain,
    rail: d < 2 ? rail : undefined,
    power: { ...domain.power, gatedShare: 0.1, leakage: (volts: number) => leak * volts * volts },
  }));
  const graph = {
    name: 'apart',
    works: macs.map((count) => toyWork(count)),
    operators: macs.map((_, work) => ({ name: `op${work}`, work, inputs: [] })),
  };
  return runToy([toyPlan([toyPhase('prefill', graph)])], {
    machine: { ...toy, domains },
    governors: points.map(fixed),
    policy: { place: () => Int32Array.from([0, 1, 2]) },
  });
}

describe('a shared rail', () => {
  it('never lowers power, changes no time, and its energy adds up', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        const apart = run(setting, undefined);
        const shared = run(setting, 'rail');
        expect(shared.requests[0]!.endSeconds).toBe(apart.requests[0]!.endSeconds);
        const total = shared.metrics['energy_joules']!;
        expect(total).toBeGreaterThanOrEqual(apart.metrics['energy_joules']! * (1 - 1e-12));
        const rails = Object.values(shared.energy).reduce((sum, joules) => sum + joules, 0);
        const rows = shared.ledger.reduce((sum, { joules }) => sum + joules, 0);
        expect(rails).toBeCloseTo(total, 9);
        expect(rows).toBeCloseTo(total, 9);
        // Domains at one point need one voltage: sharing changes nothing.
        if (setting.points[0] === setting.points[1])
          expect(total).toBe(apart.metrics['energy_joules']);
      }),
      { numRuns: 60 },
    );
  });

  it('charges the slower domain C·f·V² at the voltage of the faster', () => {
    const setting = { points: [0, 2, 0], macs: [25e6, 1e6, 1e6], leak: 0 };
    // 1 nJ per cycle at 1 V, a quarter at half a volt.
    expect(run(setting, undefined).energy['a']).toBeCloseTo(0.25 * 0.025, 9);
    expect(run(setting, 'rail').energy['a']).toBeCloseTo(0.025, 9);
    expect(run(setting, 'rail').energy['c']).toBeCloseTo(0.25 * 0.001, 9);
  });
});
