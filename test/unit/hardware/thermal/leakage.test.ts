import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../../src/base/errors.ts';
import {
  advanceWithLeakage,
  type LeakyNode,
  leakageAt,
  leakageSteadyState,
  runawayFactor,
} from '../../../../src/hardware/thermal/leakage.ts';
import { buildModalNetwork } from '../../../../src/hardware/thermal/modal.ts';
import { chain } from '../../../support/thermal.ts';

const leak: LeakyNode = { node: 0, power: 0.3, reference: 60, exponent: Math.LN2 / 25 };
const build = () => buildModalNetwork(chain([0.5, 80], [0.2], 0.25));

describe('leakage', () => {
  it('doubles over its doubling rise', () => {
    expect(leakageAt(leak, 60)).toBeCloseTo(0.3, 12);
    expect(leakageAt(leak, 85)).toBeCloseTo(0.6, 12);
  });

  it('feeds back until heat and leakage agree', () => {
    const network = build();
    const state = leakageSteadyState(network, Float64Array.of(4, 0), [leak]);
    if (!state.stable) throw new Error('expected a fixed point');
    const leakage = leakageAt(leak, state.temperatures[0]!);
    expect(state.leakage[0]).toBeCloseTo(leakage, 9);
    expect(state.temperatures[0]).toBeCloseTo(25 + (4 + leakage) * 9, 8);
    expect(state.loopGain).toBeCloseTo(9 * leak.exponent * leakage, 9);
  });

  it('settles over time at the steady state', () => {
    const network = build();
    advanceWithLeakage(network, 30_000, Float64Array.of(4, 0), [leak]);
    const state = leakageSteadyState(network, Float64Array.of(4, 0), [leak]);
    expect(state.stable && state.temperatures[0]).toBeCloseTo(network.temperatures[0]!, 3);
  });

  it('is as accurate in one long call as in many short ones', () => {
    const [long, short] = [build(), build()];
    advanceWithLeakage(long, 120, Float64Array.of(4, 0), [leak]);
    for (let i = 0; i < 1200; i++) advanceWithLeakage(short, 0.1, Float64Array.of(4, 0), [leak]);
    expect(long.temperatures[0]).toBeCloseTo(short.temperatures[0]!, 2);
  });

  it('runs away where no fixed point is left, steady and over time', () => {
    const network = build();
    const limit = runawayFactor(network, Float64Array.of(1, 0), [leak]);
    expect(leakageSteadyState(network, Float64Array.of(limit * 0.999, 0), [leak]).stable).toBe(
      true,
    );
    const beyond = Float64Array.of(limit * 1.05, 0);
    expect(leakageSteadyState(network, beyond, [leak]).stable).toBe(false);
    expect(() => advanceWithLeakage(network, 1e6, beyond, [leak])).toThrow(InfeasibleError);
  });

  it('runs away on leakage alone where the path is poor enough', () => {
    const fierce = { ...leak, power: 30 };
    expect(runawayFactor(build(), Float64Array.of(1, 0), [fierce])).toBe(0);
  });

  it('is nothing without leaky nodes', () => {
    const state = leakageSteadyState(build(), Float64Array.of(1, 0), []);
    expect(state.stable && state.loopGain).toBe(0);
  });
});
