/**
 * One period of the power_allocator thermal governor (IPA), in the kernel's own fixed-point integers.
 *
 * Model    budget = P_sust + P + I + D of the distance to the control temperature (10 fraction bits, m°C, mW),
 *          shared by weighted request; what exceeds an actor's maximum goes to the others by their headroom
 * Ignores  32-bit overflow (values stay below 2^53, where the kernel's 64-bit products are exact too)
 * Source   drivers/thermal/gov_power_allocator.c of Linux 6.x; weighted sharing as documented
 *          (one 6.x series shared by unweighted request, a bug that was fixed)
 * Checked  test/validation/governors.test.ts (exact vectors)
 */

/** 10 fraction bits. */
const FRACTION = 1024;

export interface PidGains {
  /** Proportional, over and under the control temperature, then integral and derivative; ×1024 mW per m°C. */
  readonly overshoot: number;
  readonly undershoot: number;
  readonly integral: number;
  readonly derivative: number;
  /** Errors below this (m°C) are accumulated. */
  readonly integralCutoff: number;
}

export interface PowerAllocatorParameters {
  readonly sustainablePower: number;
  /** m°C; undefined where the zone has a single passive trip: then it is always on. */
  readonly switchOn: number | undefined;
  readonly control: number;
  readonly gains: PidGains;
  readonly passiveDelayMilliseconds: number;
}

export interface PidState {
  integral: number;
  previousError: number;
}

/** The gains that the kernel estimates when none are given. */
export function estimateGains(
  sustainablePower: number,
  switchOn: number | undefined,
  control: number,
): PidGains {
  const range = control - (switchOn ?? 0);
  const undershoot = Math.trunc((2 * sustainablePower * FRACTION) / range);
  return {
    overshoot: Math.trunc((sustainablePower * FRACTION) / range),
    undershoot,
    integral: Math.max(Math.trunc(undershoot / 10), 1),
    derivative: 0,
    integralCutoff: 0,
  };
}

/** @returns the power budget of the next period, mW; `state` is updated. */
export function pidBudget(
  state: PidState,
  temperature: number,
  maximumPower: number,
  parameters: PowerAllocatorParameters,
): number {
  const { gains, control, sustainablePower, passiveDelayMilliseconds } = parameters;
  const error = (control - temperature) * FRACTION;
  const p = shift((error < 0 ? gains.overshoot : gains.undershoot) * error);
  let i = shift(gains.integral * state.integral);
  if (error < gains.integralCutoff * FRACTION) {
    const next = i + shift(gains.integral * error);
    if (Math.abs(next) < maximumPower * FRACTION) {
      i = next;
      state.integral += error;
    }
  }
  const slope = shift(gains.derivative * (error - state.previousError));
  const d = Math.trunc((slope * FRACTION) / passiveDelayMilliseconds);
  state.previousError = error;
  const budget = sustainablePower + shift(p + i + d);
  return Math.min(Math.max(budget, 0), maximumPower);
}

/** A zone below switch-on forgets its history. */
export function resetPid(state: PidState): void {
  state.integral = 0;
  state.previousError = 0;
}

/**
 * Splits `budget` among actors.
 * @param requests mW each actor would draw; `weights` all zero means equal.
 * @param granted receives one value per actor, mW.
 */
export function divideBudget(
  requests: ArrayLike<number>,
  weights: ArrayLike<number>,
  maxima: ArrayLike<number>,
  budget: number,
  granted: Float64Array | number[],
): void {
  const count = requests.length;
  let weightSum = 0;
  for (let a = 0; a < count; a++) weightSum += weights[a] as number;
  const weighted = (a: number) =>
    shift((weightSum === 0 ? FRACTION : (weights[a] as number)) * (requests[a] as number));
  let total = 0;
  for (let a = 0; a < count; a++) total += weighted(a);
  let extra = 0;
  let headroom = 0;
  for (let a = 0; a < count; a++) {
    const maximum = maxima[a] as number;
    const share = divideRounded(weighted(a) * budget, total === 0 ? 1 : total);
    if (share > maximum) extra += share - maximum;
    granted[a] = Math.min(share, maximum);
    headroom += maximum - (granted[a] as number);
  }
  if (extra === 0 || headroom === 0) return;
  extra = Math.min(extra, headroom);
  for (let a = 0; a < count; a++) {
    const room = (maxima[a] as number) - (granted[a] as number);
    granted[a] = (granted[a] as number) + divideRounded(room * extra, headroom);
  }
}

/** First cooling state whose power fits into `granted`; the deepest where none does. `powers[0]` is state 0. */
export function stateForPower(powers: ArrayLike<number>, granted: number): number {
  for (let state = 0; state < powers.length; state++) {
    if ((powers[state] as number) <= granted) return state;
  }
  return powers.length - 1;
}

/** Arithmetic shift right by the fraction bits. */
function shift(value: number): number {
  return Math.floor(value / FRACTION);
}

function divideRounded(value: number, divisor: number): number {
  return Math.floor((value + Math.floor(divisor / 2)) / divisor);
}
