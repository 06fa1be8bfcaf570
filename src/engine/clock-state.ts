/**
 * Points in force: clock and voltage of every domain, and the switches on their way.
 *
 * Model    a switch asked for at t is in force at t + transition; until then the old clock runs, and in the last `halt`
 *          of it none. Asked for another point, a switch starts anew; asked for the present one, it is dropped.
 *          Domains on one rail share the highest voltage that any of their points needs; each pays C·f·V² at it
 * Ignores  a voltage that leads a rising clock and lags a falling one: both change at the end of the switch
 * Valid    transitions shorter than a control period, or governors ask again before the first is through
 * Source   cpufreq and devfreq: transition latency of the driver; regulators with several consumers take the highest
 *          request (Linux regulator core, voltage constraints of consumers)
 * Checked  test/unit/engine/clock-state.test.ts, test/property/rails.test.ts
 */
import type { Hertz, Seconds, Volts } from '../base/units.ts';
import type { OperatingPoint } from '../hardware/clock-domain.ts';
import { onGrid } from '../kernel/clock.ts';
import { topPoint } from './domain-views.ts';
import type { Machine } from './machine.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** A clock that stands still, so slow that no work ends while it does; zero would divide by it. */
const STILL: Hertz = 1;

export class ClockState {
  /** By domain: index of the point in force. */
  readonly point: Int32Array;
  /** By domain: clock and voltage now, rewritten in place. */
  readonly now: readonly OperatingPoint[];
  private readonly machine: Machine;
  /** Where the last request leads. */
  private readonly target: Int32Array;
  /** When a switch is through and when its clock stops; never where none is on its way. */
  private readonly throughAt: Float64Array;
  private readonly haltAt: Float64Array;
  private readonly halted: Uint8Array;
  private moving = false;

  constructor(machine: Machine) {
    const { domains } = machine;
    const column = () => new Float64Array(domains.length);
    this.machine = machine;
    this.point = Int32Array.from(domains, topPoint);
    this.target = this.point.slice();
    this.now = domains.map(() => ({ frequency: 0, voltage: 0 }));
    this.throughAt = column().fill(NEVER);
    this.haltAt = column().fill(NEVER);
    this.halted = new Uint8Array(domains.length);
    this.refresh();
  }

  /** Point of a domain once its switch is through. */
  targetOf(d: number): number {
    return this.target[d]!;
  }

  /** When something happens next; Infinity when no switch is on its way. */
  get next(): Seconds {
    let soonest = NEVER;
    if (!this.moving) return soonest;
    for (let d = 0; d < this.point.length; d++) {
      soonest = Math.min(soonest, this.haltAt[d]!, this.throughAt[d]!);
    }
    return soonest;
  }

  /** Puts every domain at a point at once, as before a run begins. */
  put(points: ArrayLike<number>): void {
    for (let d = 0; d < this.point.length; d++) {
      this.point[d] = points[d]!;
      this.aim(d, points[d]!);
    }
    this.refresh();
  }

  /** Asks for a point at `now`. @returns whether that is news. */
  ask(d: number, point: number, now: Seconds): boolean {
    if (point === this.target[d]) return false;
    this.aim(d, point);
    if (point === this.point[d]) {
      this.refresh();
      return true;
    }
    const { transitionSeconds, haltSeconds = 0 } = this.machine.domains[d]!.clock;
    this.moving = true;
    this.throughAt[d] = onGrid(now + transitionSeconds);
    if (haltSeconds > 0) this.haltAt[d] = onGrid(now + transitionSeconds - haltSeconds);
    return true;
  }

  /** Does what is due at `now`; `through` hears of every domain at another point. @returns whether a clock changed. */
  settle(now: Seconds, through: (domain: number) => void): boolean {
    let changed = false;
    if (!this.moving) return changed;
    for (let d = 0; d < this.point.length; d++) {
      if (this.throughAt[d]! <= now) {
        this.point[d] = this.target[d]!;
        this.aim(d, this.point[d]!);
        this.refresh();
        through(d);
      } else if (this.haltAt[d]! <= now) {
        this.haltAt[d] = NEVER;
        this.halted[d] = 1;
        this.refresh();
      } else continue;
      changed = true;
    }
    if (changed) this.moving = this.next < NEVER;
    return changed;
  }

  /** Drops the switch that a domain is in, if any. */
  private aim(d: number, point: number): void {
    this.target[d] = point;
    this.throughAt[d] = NEVER;
    this.haltAt[d] = NEVER;
    this.halted[d] = 0;
  }

  private refresh(): void {
    const { domains } = this.machine;
    const pointOf = (d: number) => domains[d]!.clock.points[this.point[d]!]!;
    for (let d = 0; d < domains.length; d++) {
      const now = this.now[d] as { -readonly [key in keyof OperatingPoint]: OperatingPoint[key] };
      now.frequency = this.halted[d] ? STILL : pointOf(d).frequency;
      now.voltage = railVolts(this.machine, d, pointOf);
    }
  }
}

/** What a domain is fed with: the most that any domain on its rail needs at its point. */
export function railVolts(
  { domains }: Machine,
  d: number,
  pointOf: (domain: number) => OperatingPoint,
): Volts {
  const { rail } = domains[d]!;
  let volts = pointOf(d).voltage;
  if (rail === undefined) return volts;
  for (let e = 0; e < domains.length; e++) {
    if (domains[e]!.rail === rail) volts = Math.max(volts, pointOf(e).voltage);
  }
  return volts;
}
