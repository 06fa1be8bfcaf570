/**
 * Power of a clock domain and of the parts around it, from operating point, activity and temperature.
 *
 * Model    P = share·(c_stalled + m·c_matrix + v·c_vector)·f·V² + (1 − share)·P_idle, where cores that wait draw a
 *          part of what they draw at work: c_stalled holds the share `waiting` of c_matrix, which m and v then lack
 *              + P_leak·(V/V₀)²·2^((T − T₀)/doubling), leakage times the gated share while idle and gated; the
 *          engine adds the switching parts up operator by operator;
 *          a rail measured per frequency is P = base + C_eff·f·V²
 * Ignores  data-dependent switching, short-circuit current, the small change of regulator loss with load
 * Valid    between the slowest and fastest operating point, 0…110 °C
 * Source   watts at one reference point from socs/*.yaml; exponential leakage over 20–85 °C: De Vogeleer
 *          et al., arXiv 1404.3381; leakage power falling with V² to V³: engineering rule, the lower taken
 * Checked  test/validation/power.test.ts (eight measured CPU and GPU tables), test/unit/hardware/power.test.ts
 */
import type { Celsius, Hertz, Volts, Watts } from '../base/units.ts';
import type { OperatingPoint } from './clock-domain.ts';
import { type DomainSpec, referencePoint } from './spec/domain-spec.ts';

/**
 * Power of everything on one clock domain; the parts add up.
 * Coefficients are W per (Hz·V²), effective switched capacitance in farads: times f·V² they give watts.
 */
export interface PowerModel {
  /** Without work, clocks gated. */
  readonly idle: Watts;
  /** With work open and the clock running, whether or not anything moves. */
  readonly stalled: number;
  /** Added while the matrix engine (or the multiply–accumulate pipes) is busy. */
  readonly matrix: number;
  /** Added while vector lanes are busy. */
  readonly vector: number;
  /** While powered, at the block's temperature. */
  leakage(voltage: Volts, temperature: Celsius): Watts;
  /** Share of leakage that remains while nothing runs and the power switch is open. */
  readonly gatedShare: number;
}

/** Builds the model of one domain; made once, evaluated without allocation. */
export function buildPowerModel(spec: DomainSpec): PowerModel {
  const { idle, stalled, matrix, vector, waiting, leakage } = spec.power;
  const { frequency, voltage } = referencePoint(spec);
  const scale = 1 / (frequency * voltage * voltage);
  const spun = (waiting?.is ?? 0) * matrix.is;
  const leakageScale = leakage.power.is / (voltage * voltage);
  const warm = leakage.temperature.is;
  const exponent = Math.LN2 / leakage.doubling.is;
  return {
    idle: idle.is,
    stalled: (stalled.is + spun) * scale,
    matrix: (matrix.is - spun) * scale,
    vector: Math.max(0, vector.is - spun) * scale,
    leakage: (volts, celsius) =>
      leakageScale * volts * volts * Math.exp(exponent * (celsius - warm)),
    gatedShare: leakage.gated.is,
  };
}

/** What a part of this capacitance draws while it switches. */
export function switchedWatts(capacitance: number, { frequency, voltage }: OperatingPoint): Watts {
  return capacitance * frequency * voltage * voltage;
}

/** A thread that keeps `share` of one of `cores` cores busy with waiting. */
export function threadWatts(
  { stalled }: PowerModel,
  point: OperatingPoint,
  share: number,
  cores: number,
): Watts {
  return (share / cores) * switchedWatts(stalled, point);
}

/** Everything at work at once but vector lanes: what thermal governors take for full load. */
export function fullLoadWatts(model: PowerModel, point: OperatingPoint): Watts {
  return switchedWatts(model.stalled + model.matrix, point);
}

/** Mean leakage over a period of which the share `busy` had work: the rest is gated. */
export function leakageWatts(
  model: PowerModel,
  voltage: Volts,
  temperature: Celsius,
  busy: number,
): Watts {
  return (busy + (1 - busy) * model.gatedShare) * model.leakage(voltage, temperature);
}

/** Panel at a brightness between its lowest (0) and full (1). */
export function screenWatts(minimum: Watts, maximum: Watts, brightness: number): Watts {
  return minimum + (maximum - minimum) * brightness;
}

/** What the regulators turn into heat on the board while `watts` reach the rails. */
export function regulatorLoss(watts: Watts, efficiency: number): Watts {
  return watts * (1 / efficiency - 1);
}

/** One measured step of a rail. */
export interface PowerStep {
  readonly frequency: Hertz;
  readonly voltage: Volts;
  readonly watts: Watts;
}

/** `base` flows whenever the rail is on; `capacitance` is C_eff in farads. */
export interface RailFit {
  readonly base: Watts;
  readonly capacitance: number;
}

export function railWatts(fit: RailFit, frequency: Hertz, voltage: Volts): Watts {
  return fit.base + switchedWatts(fit.capacitance, { frequency, voltage });
}

/** Least squares of the relative error, so that slow points count as much as fast ones; base never negative. */
export function fitRail(steps: readonly PowerStep[]): RailFit {
  let [oo, ox, xx, oy, xy] = [0, 0, 0, 0, 0];
  for (const { frequency, voltage, watts } of steps) {
    const one = 1 / watts;
    const x = (frequency * voltage * voltage) / watts;
    oo += one * one;
    ox += one * x;
    xx += x * x;
    oy += one;
    xy += x;
  }
  const base = (oy * xx - xy * ox) / (oo * xx - ox * ox);
  if (!(base > 0)) return { base: 0, capacitance: xy / xx };
  return { base, capacitance: (xy - base * ox) / xx };
}
