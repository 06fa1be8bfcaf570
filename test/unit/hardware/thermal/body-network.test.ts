import { describe, expect, it } from 'vitest';
import { BodyNetwork } from '../../../../src/hardware/thermal/body-network.ts';
import { type Face, faceConductance, faceHeat } from '../../../../src/hardware/thermal/exchange.ts';
import { buildModalNetwork } from '../../../../src/hardware/thermal/modal.ts';
import { chain } from '../../../support/thermal.ts';

const face: Face = {
  area: 0.026,
  length: 0.079,
  emissivity: 0.9,
  forcedCoefficient: 0,
  coverResistance: 0,
};
const CAPACITY = [4, 150] as const;
const BETWEEN = 0.5;

function build(ambient = 25) {
  const linearConductance = faceConductance(face, ambient, 15);
  const linear = buildModalNetwork(chain(CAPACITY, [BETWEEN], linearConductance, ambient));
  return new BodyNetwork(linear, [{ ...face, node: 1, linearConductance }]);
}

/** The same two nodes by a fourth-order integration in steps far below every time constant. */
function integrate(seconds: number, watts: number, ambient = 25): [number, number] {
  const slope = ([a, b]: readonly [number, number]): [number, number] => {
    const across = BETWEEN * (a - b);
    return [(watts - across) / CAPACITY[0], (across - faceHeat(face, b, ambient)) / CAPACITY[1]];
  };
  let state: [number, number] = [ambient, ambient];
  const steps = Math.round(seconds / 0.05);
  const h = seconds / steps;
  const move = (s: [number, number], d: [number, number], k: number): [number, number] => [
    s[0] + d[0] * k,
    s[1] + d[1] * k,
  ];
  for (let i = 0; i < steps; i++) {
    const k1 = slope(state);
    const k2 = slope(move(state, k1, h / 2));
    const k3 = slope(move(state, k2, h / 2));
    const k4 = slope(move(state, k3, h));
    state = [0, 1].map(
      (n) => state[n]! + (h / 6) * (k1[n]! + 2 * k2[n]! + 2 * k3[n]! + k4[n]!),
    ) as [number, number];
  }
  return state;
}

describe('body with radiating faces', () => {
  it.each([0.1, 1, 7, 300, 1800])('follows the true law at steps of %d s', (step) => {
    const network = build();
    for (let i = 0; i < Math.round(1800 / step); i++) network.advance(step, Float64Array.of(6, 0));
    const [, expected] = integrate(Math.round(1800 / step) * step, 6);
    expect(network.temperatures[1]).toBeCloseTo(expected, 2.5);
  });

  it('settles where the faces shed exactly what comes in', () => {
    const network = build();
    const steady = network.steadyState(Float64Array.of(5, 1));
    expect(faceHeat(face, steady[1]!, 25)).toBeCloseTo(6, 9);
    network.setTemperatures(steady);
    expect(network.shedWatts()).toBeCloseTo(6, 9);
    network.advance(100, Float64Array.of(5, 1));
    expect(network.temperatures[1]).toBeCloseTo(steady[1]!, 6);
  });

  it('differs from a linear body by what is said of it: a tenth over 5 to 25 K', () => {
    const network = build();
    const rise = (watts: number) => network.steadyState(Float64Array.of(0, watts))[1]! - 25;
    const perWatt = [rise(1.4), rise(4.2), rise(7.5)].map((r, i) => r / [1.4, 4.2, 7.5][i]!);
    expect(perWatt[0]! / perWatt[1]!).toBeGreaterThan(1.05);
    expect(perWatt[2]! / perWatt[1]!).toBeLessThan(0.96);
    expect(perWatt[0]! / perWatt[1]!).toBeLessThan(1.2);
  });

  it('warms up in hotter air without power', () => {
    const network = build();
    network.setAmbient(40);
    network.advance(20_000, new Float64Array(2));
    expect(network.temperatures[0]).toBeCloseTo(40, 3);
  });
});
