/**
 * One sample of the skin controller that phone vendors run in user space, as Pixel phones publish it.
 *
 * Model    budget = s_power + k·e + Σ k_i·e + k_d·Δe of e = target − skin (K), integral clamped, budget clamped;
 *          on above the trigger, off below trigger less hysteresis, integral cleared when off
 * Source   public Pixel thermal HAL (formula) and Pixel 8 Pro thermal configuration (values)
 * Checked  test/validation/governors.test.ts (≤ 1e-3 mW)
 */
export interface SkinLoop {
  /** °C: goal, temperature at which the loop wakes, and how far below that it sleeps again. */
  readonly target: number;
  readonly trigger: number;
  readonly hysteresis: number;
  /** mW per K above and below the target, and per K and sample. */
  readonly gainOver: number;
  readonly gainUnder: number;
  readonly gainIntegral: number;
  readonly gainDerivative: number;
  readonly integralMaximum: number;
  /** K: only errors below are accumulated. */
  readonly integralCutoff: number;
  /** mW: power at the target, and the range of the budget. */
  readonly basePower: number;
  readonly minimum: number;
  readonly maximum: number;
}

export interface SkinLoopState {
  active: boolean;
  integral: number;
  previousError: number;
}

export function newSkinLoopState(): SkinLoopState {
  return { active: false, integral: 0, previousError: Number.NaN };
}

/** @returns whether the loop is awake at `temperature`; one that sleeps forgets its errors. */
export function wakeSkinLoop(state: SkinLoopState, temperature: number, loop: SkinLoop): boolean {
  const threshold = state.active ? loop.trigger - loop.hysteresis : loop.trigger;
  state.active = temperature >= threshold;
  if (!state.active) {
    state.integral = 0;
    state.previousError = Number.NaN;
  }
  return state.active;
}

/** @returns the budget in mW, or Infinity while the loop sleeps; `state` is updated. */
export function skinBudget(state: SkinLoopState, temperature: number, loop: SkinLoop): number {
  if (!wakeSkinLoop(state, temperature, loop)) return Number.POSITIVE_INFINITY;
  const error = loop.target - temperature;
  const proportional = error * (error < 0 ? loop.gainOver : loop.gainUnder);
  if (error < loop.integralCutoff) {
    const sum = state.integral + error * loop.gainIntegral;
    state.integral = Math.min(Math.max(sum, -loop.integralMaximum), loop.integralMaximum);
  }
  const slope = Number.isNaN(state.previousError) ? 0 : error - state.previousError;
  state.previousError = error;
  const budget = loop.basePower + proportional + state.integral + slope * loop.gainDerivative;
  return Math.min(Math.max(budget, loop.minimum), loop.maximum);
}
