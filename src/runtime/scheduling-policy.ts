/** Contract of the policies that decide which unit runs an operator, and which request a unit serves next. */
import type { Seconds } from '../base/units.ts';

/** One graph to place, in numbers a policy may rank by. */
export interface PlacementView {
  readonly phase: string;
  /** Unit names, in the order of the SoC description. */
  readonly units: readonly string[];
  /** Predicted seconds of operator `operator` on unit `unit`, alone on the machine; Infinity where unsupported. */
  seconds(operator: number, unit: number): Seconds;
  readonly operatorCount: number;
  /** Operators whose results `operator` reads. */
  inputs(operator: number): readonly number[];
  /** Seconds to hand the result of `operator` from one unit to another. */
  transferSeconds(operator: number, from: number, to: number): Seconds;
}

/**
 * Chooses a unit for every operator of one phase.
 * Called once per distinct phase, before simulated time starts; pure.
 */
export interface SchedulingPolicy {
  /** @returns one unit index per operator; every chosen unit must have finite `seconds`. */
  place(view: PlacementView): Int32Array;
  /**
   * Ranks the requests that have operators ready for a unit; the smallest is served next.
   * Called at every operator boundary of a unit that several requests want, so it must be cheap; pure.
   * Priority with aging (`policies/urgency.ts`) unless given.
   */
  urgency?(request: RequestView): Seconds;
}

/** One request that wants a unit. */
export interface RequestView {
  /** Smaller is more urgent. */
  readonly priority: number;
  /** When it has to be done; Infinity where nobody says. */
  readonly deadline: Seconds;
  /** When its present step became ready, plus what units have worked for it since: now less the time it waited. */
  readonly waitingSince: Seconds;
}
