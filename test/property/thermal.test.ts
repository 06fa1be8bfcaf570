/** What every heat network obeys: energy is kept, nothing cools below the air, more power is never cooler. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LeakyNode, leakageSteadyState } from '../../src/hardware/thermal/leakage.ts';
import { buildModalNetwork } from '../../src/hardware/thermal/modal.ts';
import type { NetworkSpec } from '../../src/hardware/thermal/network.ts';
import { buildPhoneNetwork } from '../../src/hardware/thermal/phone-network.ts';
import { DIE, loadPhone } from '../support/thermal.ts';

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });

/** Connected networks of 2 to 12 nodes: a random tree to ambient, some extra links, five decades of capacity. */
const network: fc.Arbitrary<NetworkSpec> = fc.integer({ min: 2, max: 12 }).chain((n) =>
  fc
    .record({
      logCapacity: fc.array(between(-3, 2), { minLength: n, maxLength: n }),
      parents: fc.array(fc.nat(), { minLength: n, maxLength: n }),
      conductances: fc.array(between(0.01, 50), { minLength: 2 * n, maxLength: 2 * n }),
      extra: fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: n }),
      ambient: between(0, 45),
      toAmbient: between(0.05, 2),
    })
    .map(({ logCapacity, parents, conductances, extra, ambient, toAmbient }) => {
      const tree = Array.from({ length: n - 1 }, (_, i) => ({
        a: i + 1,
        b: (parents[i] as number) % (i + 1),
        conductance: conductances[i] as number,
      }));
      const more = extra
        .filter(([a, b]) => a !== b)
        .map(([a, b], i) => ({ a, b, conductance: conductances[n + i] as number }));
      return {
        name: 'random',
        ambient,
        nodes: logCapacity.map((_, i) => `n${i}`),
        capacities: logCapacity.map((power) => 10 ** power),
        links: [...tree, ...more],
        ambientLinks: [{ node: 0, conductance: toAmbient }],
      };
    }),
);

const powers = fc.array(fc.array(between(0, 6), { minLength: 12, maxLength: 12 }), {
  minLength: 1,
  maxLength: 6,
});
const steps = fc.array(between(1e-3, 500), { minLength: 6, maxLength: 6 });

const wattsFor = (spec: NetworkSpec, values: readonly number[]) =>
  Float64Array.from(spec.nodes, (_, i) => values[i] as number);

describe('heat networks', () => {
  it('keep energy: heat in = stored + shed, the shed part integrated from temperatures', () => {
    fc.assert(
      fc.property(
        network,
        between(1, 300),
        fc.array(between(0, 6), { minLength: 12, maxLength: 12 }),
        (spec, seconds, values) => {
          const solver = buildModalNetwork(spec);
          const watts = wattsFor(spec, values);
          const { node, conductance } = spec.ambientLinks[0]!;
          // Simpson over steps that start tiny and grow: fast modes die at once, slow ones are smooth.
          let shed = 0;
          let now = 0;
          const rate = () => conductance * (solver.temperatures[node]! - spec.ambient);
          const count = 4000;
          for (let i = 1; i <= count; i++) {
            const next = seconds * (i / count) ** 4;
            const h = next - now;
            const first = rate();
            solver.advance(h / 2, watts);
            const middle = rate();
            solver.advance(h / 2, watts);
            shed += (h / 6) * (first + 4 * middle + rate());
            now = next;
          }
          const stored = spec.capacities.reduce(
            (sum, c, i) => sum + c * (solver.temperatures[i]! - spec.ambient),
            0,
          );
          const given = watts.reduce((sum, w) => sum + w, 0) * seconds;
          expect(Math.abs(given - stored - shed)).toBeLessThanOrEqual(1e-5 * given + 1e-9);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('never cool below the air while heat flows in', () => {
    fc.assert(
      fc.property(network, powers, steps, (spec, pieces, times) => {
        const solver = buildModalNetwork(spec);
        for (const [i, values] of pieces.entries()) {
          solver.advance(times[i] as number, wattsFor(spec, values));
          for (const t of solver.temperatures)
            expect(t).toBeGreaterThanOrEqual(spec.ambient - 1e-8);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are nowhere cooler with more power', () => {
    fc.assert(
      fc.property(
        network,
        powers,
        steps,
        fc.nat(11),
        between(0, 5),
        (spec, pieces, times, where, extra) => {
          const [less, more] = [buildModalNetwork(spec), buildModalNetwork(spec)];
          for (const [i, values] of pieces.entries()) {
            const watts = wattsFor(spec, values);
            less.advance(times[i] as number, watts);
            watts[where % watts.length]! += extra;
            more.advance(times[i] as number, watts);
            for (const [j, t] of more.temperatures.entries()) {
              expect(t).toBeGreaterThanOrEqual(less.temperatures[j]! - 1e-8);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('do not care how an interval of constant power is cut', () => {
    fc.assert(
      fc.property(
        network,
        powers,
        between(0.01, 300),
        fc.integer({ min: 2, max: 9 }),
        (spec, [values], seconds, cuts) => {
          const [once, often] = [buildModalNetwork(spec), buildModalNetwork(spec)];
          const watts = wattsFor(spec, values as number[]);
          once.advance(seconds, watts);
          for (let i = 0; i < cuts; i++) often.advance(seconds / cuts, watts);
          for (const [i, t] of once.temperatures.entries()) {
            expect(Math.abs(t - often.temperatures[i]!)).toBeLessThan(1e-9 * (1 + Math.abs(t)));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('answer linearly: twice the power, twice the rise', () => {
    fc.assert(
      fc.property(network, powers, (spec, [values]) => {
        const solver = buildModalNetwork(spec);
        const watts = wattsFor(spec, values as number[]);
        const one = solver.steadyState(watts);
        const two = solver.steadyState(watts.map((w) => 2 * w));
        for (const [i, t] of one.entries()) {
          expect(two[i]! - spec.ambient).toBeCloseTo(2 * (t - spec.ambient), 6);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('with leakage sit above the leak-free state, at a loop gain below one, or run away', () => {
    fc.assert(
      fc.property(
        network,
        powers,
        between(0, 2),
        between(0.005, 0.04),
        (spec, [values], power, exponent) => {
          const solver = buildModalNetwork(spec);
          const watts = wattsFor(spec, values as number[]);
          const leaks: LeakyNode[] = spec.nodes.map((_, node) => ({
            node,
            power: power / spec.nodes.length,
            reference: 60,
            exponent,
          }));
          const state = leakageSteadyState(solver, watts, leaks);
          if (!state.stable) return;
          expect(state.loopGain).toBeLessThan(1 + 1e-9);
          const bare = solver.steadyState(watts);
          const loaded = Float64Array.from(watts, (w, i) => w + state.leakage[i]!);
          for (const [i, t] of state.temperatures.entries()) {
            expect(t).toBeGreaterThanOrEqual(bare[i]! - 1e-9);
            expect(t).toBeCloseTo(solver.steadyState(loaded)[i]!, 6);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('phones', () => {
  const phone = loadPhone('vivo-x100');

  it('keep energy through faces that radiate', () => {
    fc.assert(
      fc.property(
        fc.array(between(0, 3), { minLength: 6, maxLength: 6 }),
        between(10, 38),
        (blocks, ambient) => {
          const solver = buildPhoneNetwork(DIE, phone, { ambient });
          const watts = new Float64Array(solver.nodes.length);
          watts.set(blocks);
          const steady = solver.steadyState(watts);
          solver.setTemperatures(steady);
          const given = blocks.reduce((sum, w) => sum + w, 0);
          expect(solver.shedWatts()).toBeCloseTo(given, 7);
          for (const t of steady) expect(t).toBeGreaterThanOrEqual(ambient - 1e-9);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are nowhere cooler in hotter air', () => {
    fc.assert(
      fc.property(
        fc.array(between(0, 3), { minLength: 6, maxLength: 6 }),
        between(5, 35),
        between(0, 10),
        (blocks, ambient, warmer) => {
          const at = (air: number) => {
            const solver = buildPhoneNetwork(DIE, phone, { ambient: air });
            const watts = new Float64Array(solver.nodes.length);
            watts.set(blocks);
            return solver.steadyState(watts);
          };
          const [cool, warm] = [at(ambient), at(ambient + warmer)];
          for (const [i, t] of warm.entries()) expect(t).toBeGreaterThanOrEqual(cool[i]! - 1e-9);
        },
      ),
      { numRuns: 25 },
    );
  });
});
