/** Contract of the policies that decide which unit runs an operator, and which request a unit serves next. */
import type { Joules, Seconds } from '../base/units.ts';

/** What one step takes, tried out with all units sharing memory. */
export interface Trial {
  readonly seconds: Seconds;
  /** Whole device, for as long as the step takes. */
  readonly joules: Joules;
}

/** What one operator takes on one unit alone: it streams while it computes, and ends when both have ended. */
export interface OperatorCost {
  readonly launch: Seconds;
  readonly compute: Seconds;
  readonly stream: Seconds;
}

/** One part of an operator that several units share, by its share of the output columns. */
export interface PartOf {
  readonly unit: number;
  readonly share: number;
}

/** By unit: how far up its list of operating points it may go, 0 (slowest) to 1 (fastest). */
export type Clocks = ReadonlyMap<number, number>;

/** A unit for every operator; or that, with operators split over units, or with clocks that suffice. */
export type Placement = Int32Array | RichPlacement;

export interface RichPlacement {
  readonly unit: Int32Array;
  /** By operator, shares summing to one; its `unit` does not count then. Only operators with `columns` may be split. */
  readonly parts?: ReadonlyMap<number, readonly PartOf[]>;
  readonly clocks?: Clocks;
  /** The unit that was to run everything; what is elsewhere could not run there. */
  readonly home?: number;
}

/** One graph to place, in numbers a policy may rank by. */
export interface PlacementView {
  readonly phase: string;
  /** What `mode` of the policy said. */
  readonly mode: string;
  /** Kinds of the units: `cpu`, `gpu`, `npu`. */
  readonly kinds: readonly string[];
  /** Unit names, in the order of the SoC description. */
  readonly units: readonly string[];
  /** Predicted seconds of operator `operator` on unit `unit`, alone on the machine; Infinity where unsupported or barred. */
  seconds(operator: number, unit: number): Seconds;
  /** Whether a unit could run the operator, and only protection keeps it from the data. */
  barred(operator: number, unit: number): boolean;
  readonly operatorCount: number;
  /** Operators whose results `operator` reads. */
  inputs(operator: number): readonly number[];
  /** Parts of `seconds`; undefined where unsupported or barred. */
  cost(operator: number, unit: number): OperatorCost | undefined;
  /** Output columns by which the operator may be split; 0 where it may not. */
  columns(operator: number): number;
  /** What each of `units` keeps of its bandwidth when all of them stream. */
  shares(units: readonly number[]): readonly number[];
  /** Operating points of a unit above its slowest. */
  clockSteps(unit: number): number;
  /** Seconds to hand the result of `operator` from one unit to another, the call into the other driver included. */
  transferSeconds(operator: number, from: number, to: number): Seconds;
  /** The same between graphs that stay open on both. */
  handOverSeconds(operator: number, from: number, to: number): Seconds;
  /** Tries a placement for one step: milliseconds of work each, so a handful per phase. */
  trial(placement: Placement): Trial;
}

/** The state of one unit, for policies that follow heat. */
export interface UnitState {
  readonly name: string;
  /** Hottest block of it, less the temperature at which its SoC throttles. */
  readonly kelvinsToTrip: number;
  /** Its speed over what it would have without a cap. */
  readonly speedShare: number;
}

/**
 * Chooses a unit for every operator of one phase.
 * Called once per distinct phase and mode; pure.
 */
export interface SchedulingPolicy {
  /** @returns one unit index per operator, or more; every chosen unit must have finite `seconds`. */
  place(view: PlacementView): Placement;
  /**
   * Asked at the start of every step of a phase: it is placed once for each answer, and moves where that changes.
   * May keep state; one mode for ever unless given.
   */
  mode?(units: readonly UnitState[], phase: string): string;
  /** Why it may be slower than the best unit by itself; told with a run in which it is. */
  readonly tradeoff?: string;
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
