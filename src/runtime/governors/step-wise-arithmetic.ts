/**
 * One polling tick of the step_wise thermal governor, in the kernel's own integers.
 *
 * Model    at or above the trip and rising: one state deeper; below it and falling: one state shallower
 * Ignores  trip hysteresis, as the kernel up to 6.10 does
 * Source   drivers/thermal/gov_step_wise.c of Linux 6.x
 * Checked  test/validation/governors.test.ts (exact vectors)
 */

/** No cap wanted; counts as state 0 at the cooling device. */
export const NO_TARGET = -1;
/** What the thermal core takes as the reading before the first one: the first reading rises. */
const INVALID_MILLICELSIUS = -274_000;

/** State of one (trip, cooling device) pair. */
export interface StepWiseState {
  /** Previous reading of the zone, m°C. */
  last: number;
  target: number;
  initialized: boolean;
}

export function newStepWiseState(): StepWiseState {
  return { last: INVALID_MILLICELSIUS, target: NO_TARGET, initialized: false };
}

/**
 * Takes one reading.
 * @param deviceState cooling state in force at the device (the deepest that any trip asks for).
 * @returns the new target of this pair; `state` is updated.
 */
export function stepWiseTick(
  state: StepWiseState,
  temperature: number,
  trip: number,
  deviceState: number,
  limits: { readonly lower: number; readonly upper: number },
): number {
  const trend = Math.sign(temperature - state.last);
  state.last = temperature;
  state.target = nextTarget(state, trend, temperature >= trip, deviceState, limits);
  state.initialized = true;
  return state.target;
}

function nextTarget(
  state: StepWiseState,
  trend: number,
  throttle: boolean,
  deviceState: number,
  { lower, upper }: { readonly lower: number; readonly upper: number },
): number {
  const clamped = (value: number) => Math.min(Math.max(value, lower), upper);
  if (!state.initialized) return throttle ? clamped(deviceState + 1) : NO_TARGET;
  if (throttle) return trend > 0 ? clamped(deviceState + 1) : state.target;
  if (trend >= 0) return state.target;
  return deviceState <= lower ? NO_TARGET : clamped(deviceState - 1);
}
