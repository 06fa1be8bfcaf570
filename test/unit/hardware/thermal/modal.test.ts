import { describe, expect, it } from 'vitest';
import { buildModalNetwork, solveDense } from '../../../../src/hardware/thermal/modal.ts';
import { chain } from '../../../support/thermal.ts';

describe('modal solver', () => {
  it('starts at ambient and stays there without heat', () => {
    const network = buildModalNetwork(chain([1, 2, 3], [1, 1], 0.5, 31));
    network.advance(1000, new Float64Array(3));
    for (const t of network.temperatures) expect(t).toBeCloseTo(31, 12);
  });

  it('warms one node as a single exponential', () => {
    const network = buildModalNetwork(chain([20], [], 0.25));
    network.advance(40, Float64Array.of(3));
    expect(network.temperatures[0]).toBeCloseTo(25 + 12 * (1 - Math.exp(-40 / 80)), 12);
  });

  it('adds resistances in series in the steady state', () => {
    const network = buildModalNetwork(chain([1, 1, 1], [1 / 2, 1 / 3], 1 / 4));
    const steady = network.steadyState(Float64Array.of(2, 0, 0));
    expect([...steady].map((t) => Number(t.toFixed(9)))).toEqual([43, 39, 33]);
  });

  it('reaches the steady state it predicts', () => {
    const network = buildModalNetwork(chain([1e-4, 1, 300], [10, 0.5], 0.2));
    const watts = Float64Array.of(3, 0.5, 0);
    const steady = network.steadyState(watts);
    network.advance(1e6, watts);
    for (const [i, t] of network.temperatures.entries()) expect(t).toBeCloseTo(steady[i]!, 7);
  });

  it('adds up heat from any number of nodes', () => {
    const spec = chain([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5], 0.5);
    for (let sources = 0; sources <= 6; sources++) {
      const watts = Float64Array.from({ length: 6 }, (_, i) => (i < sources ? 1 + i : 0));
      const whole = buildModalNetwork(spec);
      whole.advance(7, watts);
      const rises = [...watts].map((heat, i) => {
        const alone = buildModalNetwork(spec);
        alone.advance(
          7,
          Float64Array.from({ length: 6 }, (_, j) => (j === i ? heat : 0)),
        );
        return alone.temperatures.map((t) => t - 25);
      });
      for (const [n, t] of whole.temperatures.entries()) {
        expect(t).toBeCloseTo(25 + rises.reduce((sum, rise) => sum + rise[n]!, 0), 11);
      }
    }
  });

  it('keeps the slowest rate exact beside one ten billion times faster', () => {
    // Two nodes that are one for all slow purposes: τ = (C1 + C2)/G to first order in C/g.
    const network = buildModalNetwork(chain([1e-5, 100], [1e4], 0.1));
    const slow = Math.min(...network.modes.rates);
    expect(slow * (100 + 1e-5)).toBeCloseTo(0.1, 10);
  });

  it('forgets no temperature when the air changes', () => {
    const network = buildModalNetwork(chain([1, 5], [1], 0.5));
    network.advance(3, Float64Array.of(2, 0));
    const before = [...network.temperatures];
    network.setAmbient(10);
    expect([...network.temperatures]).toEqual(before);
    network.advance(1e5, new Float64Array(2));
    for (const t of network.temperatures) expect(t).toBeCloseTo(10, 9);
  });

  it('gives the same result from more step sizes than it remembers', () => {
    const watts = Float64Array.of(1, 0.2);
    const many = buildModalNetwork(chain([1, 5], [1], 0.5));
    const once = buildModalNetwork(chain([1, 5], [1], 0.5));
    let total = 0;
    for (let round = 0; round < 3; round++) {
      for (let k = 1; k <= 20; k++) {
        many.advance(k / 7, watts);
        total += k / 7;
      }
    }
    once.advance(total, watts);
    for (const [i, t] of many.temperatures.entries())
      expect(t).toBeCloseTo(once.temperatures[i]!, 9);
  });

  it('takes a step back', () => {
    const network = buildModalNetwork(chain([1, 5], [1], 0.5));
    const state = new Float64Array(2);
    network.advance(1, Float64Array.of(1, 1));
    network.saveState(state);
    const before = [...network.temperatures];
    network.advance(9, Float64Array.of(5, 1));
    network.restoreState(state);
    expect([...network.temperatures]).toEqual(before);
  });

  it('corrects a step for heat that rose within it', () => {
    // dT/dt = (t − T/R)/C from 0: T = R·t − R²C·(1 − e^(−t/RC)), here R = C = 1.
    const network = buildModalNetwork(chain([1], [], 1, 0));
    const weights = new Float64Array(1);
    network.advance(2, Float64Array.of(0));
    network.rampWeights(2, weights);
    network.correct(Float64Array.of(2), weights);
    expect(network.temperatures[0]).toBeCloseTo(2 - (1 - Math.exp(-2)), 12);
  });

  it('solves small systems', () => {
    const x = solveDense(
      [
        [2, 1],
        [1, 3],
      ],
      [5, 10],
    );
    expect(x[0]).toBeCloseTo(1, 12);
    expect(x[1]).toBeCloseTo(3, 12);
  });
});
