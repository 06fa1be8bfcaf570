/**
 * Leakage that grows with temperature, inside the heat loop: steady states, runaway, transients.
 *
 * Model    P_leak = P₀·e^(b·(T − T₀)) per node. Steady state: Newton from below on T = T_dyn + R·P_leak(T),
 *          which climbs monotonically to the lower fixed point. Loop gain: largest eigenvalue of
 *          R·diag(dP/dT); it is below 1 on the way to a fixed point, so gain ≥ 1 proves runaway.
 *          Transient: exponential second-order Runge–Kutta with the step chosen by its own error
 * Ignores  voltage (the caller scales P₀), the upper (unstable) fixed point
 * Valid    any positive exponent; temperatures below `DESTROYED`
 * Source   exponential form and HotSpot's constants: HotSpot 7, temperature.c; exponential scheme:
 *          Cox and Matthews 2002
 * Checked  test/validation/thermal.test.ts (≤ 0.01 K against exact fixed points, fold of closed form)
 */
import { InfeasibleError } from '../../base/errors.ts';
import type { Celsius, Seconds, Watts } from '../../base/units.ts';
import { type ModalNetwork, solveDense } from './modal.ts';

/** One leaking node. */
export interface LeakyNode {
  readonly node: number;
  /** Leakage at `reference`. */
  readonly power: Watts;
  readonly reference: Celsius;
  /** Growth per kelvin; ln 2 over the rise that doubles it. */
  readonly exponent: number;
}

export type LeakageState =
  | {
      readonly stable: true;
      readonly temperatures: Float64Array;
      /** In the order of the leaky nodes. */
      readonly leakage: Float64Array;
      readonly loopGain: number;
    }
  | {
      readonly stable: false;
      /** Loop gain and hottest temperature where the search stopped: beyond the last possible fixed point. */
      readonly loopGain: number;
      readonly hottest: Celsius;
    };

/** Above this no phone works and no exponential holds. */
const DESTROYED: Celsius = 400;
const NEWTON_ROUNDS = 100;

export function leakageAt(leak: LeakyNode, temperature: Celsius): Watts {
  return leak.power * Math.exp(leak.exponent * (temperature - leak.reference));
}

/** Lower fixed point of heat and leakage for `watts` held for ever, or proof that there is none. */
export function leakageSteadyState(
  network: ModalNetwork,
  watts: Float64Array,
  leaks: readonly LeakyNode[],
): LeakageState {
  const start = network.steadyState(watts);
  const resistance = leakyResistances(network, leaks);
  const floor = leaks.map(({ node }) => start[node] as number);
  let at = [...floor];
  for (let round = 0; round < NEWTON_ROUNDS && leaks.length > 0; round++) {
    const slopes = leaks.map((leak, i) => leak.exponent * leakageAt(leak, at[i] as number));
    const gain = loopGain(resistance, slopes);
    if (gain >= 1 || at.some((t) => t > DESTROYED)) {
      return { stable: false, loopGain: gain, hottest: Math.max(...at) };
    }
    const step = newtonStep(resistance, floor, at, leaks, slopes);
    at = at.map((t, i) => t + (step[i] as number));
    if (Math.max(...step.map(Math.abs)) < 1e-9) break;
  }
  const leakage = Float64Array.from(leaks, (leak, i) => leakageAt(leak, at[i] as number));
  const heat = Float64Array.from(watts);
  for (const [i, { node }] of leaks.entries()) {
    heat[node] = (heat[node] as number) + (leakage[i] as number);
  }
  const slopes = leaks.map((leak, i) => leak.exponent * (leakage[i] as number));
  return {
    stable: true,
    temperatures: network.steadyState(heat),
    leakage,
    loopGain: loopGain(resistance, slopes),
  };
}

/** Largest factor on `watts` that still has a fixed point; 0 where leakage alone runs away. */
export function runawayFactor(
  network: ModalNetwork,
  watts: Float64Array,
  leaks: readonly LeakyNode[],
): number {
  const stable = (factor: number) =>
    leakageSteadyState(
      network,
      watts.map((w) => w * factor),
      leaks,
    ).stable;
  if (!stable(0)) return 0;
  let low = 0;
  let high = 1;
  while (stable(high)) {
    low = high;
    high *= 2;
    if (high > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  }
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (stable(middle)) low = middle;
    else high = middle;
    if (middle === low && middle === high) break;
  }
  return low;
}

/**
 * Moves `network` on by `seconds` with leakage on top of `watts`.
 * @param tolerance error per step, K.
 * @throws InfeasibleError when a node runs away beyond any usable temperature.
 */
export function advanceWithLeakage(
  network: ModalNetwork,
  seconds: Seconds,
  watts: Float64Array,
  leaks: readonly LeakyNode[],
  tolerance = 1e-4,
): void {
  const count = network.nodes.length;
  const heat = new Float64Array(count);
  const change = new Float64Array(count);
  const weights = new Float64Array(count);
  const saved = new Float64Array(count);
  const before = new Float64Array(count);
  const predicted = new Float64Array(count);
  let left = seconds;
  let step = seconds;
  while (left > 0) {
    const h = Math.min(step, left);
    network.saveState(saved);
    before.set(network.temperatures);
    heat.set(watts);
    addLeakage(heat, leaks, before, 1);
    network.advance(h, heat);
    predicted.set(network.temperatures);
    change.fill(0);
    addLeakage(change, leaks, predicted, 1);
    addLeakage(change, leaks, before, -1);
    network.rampWeights(h, weights);
    network.correct(change, weights);
    const error = largestDifference(network.temperatures, predicted);
    const grow = 0.9 * Math.sqrt(tolerance / Math.max(error, tolerance * 1e-3));
    if (error > tolerance && h > seconds * 1e-9) {
      network.restoreState(saved);
    } else {
      left = h === left ? 0 : left - h;
      refuseRunaway(network, leaks);
    }
    step = h * Math.min(Math.max(grow, 0.1), 4);
  }
}

/** The leakage option of HotSpot 7: 1.5e4 W/m² at 110 °C, growing by 3.6 % per kelvin. */
export function hotspotLeakage(areas: readonly number[]): LeakyNode[] {
  return areas.map((area, node) => ({
    node,
    power: 1.5e4 * area,
    reference: 110,
    exponent: 0.036,
  }));
}

function addLeakage(
  heat: Float64Array,
  leaks: readonly LeakyNode[],
  temperatures: Float64Array,
  sign: number,
): void {
  for (const leak of leaks) {
    heat[leak.node] = heat[leak.node]! + sign * leakageAt(leak, temperatures[leak.node]!);
  }
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

function refuseRunaway(network: ModalNetwork, leaks: readonly LeakyNode[]): void {
  for (const leak of leaks) {
    const temperature = network.temperatures[leak.node] as number;
    if (temperature <= DESTROYED) continue;
    throw new InfeasibleError(`thermal runaway at node "${network.nodes[leak.node]}"`, {
      demand: temperature,
      bound: DESTROYED,
      unit: '°C',
      most: DESTROYED,
      breakdown: { leakage_watts: leakageAt(leak, temperature) },
      levers: ['lower voltage or frequency', 'better path to the body', 'less leaky process'],
    });
  }
}

function leakyResistances(network: ModalNetwork, leaks: readonly LeakyNode[]): number[][] {
  const { resistances, count } = network.modes;
  return leaks.map((a) => leaks.map((b) => resistances[a.node * count + b.node] as number));
}

/** (I − R·L′)·δ = T_dyn + R·L(T) − T */
function newtonStep(
  resistance: readonly (readonly number[])[],
  floor: readonly number[],
  at: readonly number[],
  leaks: readonly LeakyNode[],
  slopes: readonly number[],
): number[] {
  const leakage = leaks.map((leak, i) => leakageAt(leak, at[i] as number));
  const residual = at.map((t, i) => {
    const row = resistance[i] as readonly number[];
    return row.reduce((sum, r, j) => sum + r * (leakage[j] as number), (floor[i] as number) - t);
  });
  const jacobian = resistance.map((row, i) =>
    row.map((r, j) => (i === j ? 1 : 0) - r * (slopes[j] as number)),
  );
  return solveDense(jacobian, residual);
}

/** Spectral radius of R·diag(slopes): power iteration, whose bounds close from both sides on a positive matrix. */
function loopGain(resistance: readonly (readonly number[])[], slopes: readonly number[]): number {
  let vector = slopes.map(() => 1);
  let upper = 0;
  for (let round = 0; round < 1000; round++) {
    const image = resistance.map((row) =>
      row.reduce((sum, r, j) => sum + r * (slopes[j] as number) * (vector[j] as number), 0),
    );
    const scale = Math.max(0, ...image);
    if (scale === 0) return 0;
    const ratios = image.map((value, i) => value / (vector[i] as number));
    upper = Math.max(...ratios);
    if (upper - Math.min(...ratios) <= 1e-13 * upper) break;
    vector = image.map((value) => value / scale);
  }
  return upper;
}
