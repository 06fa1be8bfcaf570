/** Operating points of units that are scaled together. */
import type { Hertz, Seconds, Volts } from '../base/units.ts';

export interface OperatingPoint {
  readonly frequency: Hertz;
  readonly voltage: Volts;
}

export interface ClockDomain {
  readonly name: string;
  /** Slowest first, strictly rising in frequency, never falling in voltage. */
  readonly points: readonly OperatingPoint[];
  /** From the request to the new clock. */
  readonly transitionSeconds: Seconds;
  /** Of that, how long the clock stands still at the end; it runs on when absent. */
  readonly haltSeconds?: Seconds;
}
