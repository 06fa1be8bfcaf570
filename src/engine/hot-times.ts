/** How hot skin and die became, and for how long they stood above what they are held at, with which levers left. */
import type { Celsius, Seconds } from '../base/units.ts';
import type { ThermalGovernor } from '../runtime/governor.ts';
import type { Machine } from './machine.ts';

/** Control swings about what it holds; more than this above it is worth telling. */
const MARGIN: Celsius = 1;
const WORTH_TELLING = 0.01;

/** Clocks with work. */
type Work = 'none' | 'slowest' | 'faster';

class Above {
  readonly limit: Celsius;
  /** Whether anything holds it there. */
  readonly kept: boolean;
  most: Celsius = Number.NEGATIVE_INFINITY;
  seconds: Seconds = 0;
  held: Seconds = 0;
  slowest: Seconds = 0;
  idle: Seconds = 0;

  /** @param target what the governor in force holds; @param usual what a description names, where it holds none. */
  constructor(target: Celsius | undefined, usual: Celsius) {
    this.limit = target ?? usual;
    this.kept = target !== undefined;
  }

  note(now: Celsius, dt: Seconds, held: boolean, work: Work): void {
    if (now <= this.limit + MARGIN) return;
    this.seconds += dt;
    if (work === 'none') this.idle += dt;
    if (held) this.held += dt;
    if (work === 'slowest') this.slowest += dt;
  }

  /** What there was left to lower, most of that time. */
  why(): string {
    if (this.idle > this.seconds / 2) return 'nothing was at work for most of it';
    if (this.slowest > this.seconds / 2) return 'every clock at work was at its slowest by then';
    if (this.held > this.seconds / 2)
      return 'clocks were held meanwhile, and what holds them lets them draw that much';
    return 'no clock at work was held back for most of it';
  }
}

export class HotTimes {
  private readonly skin: Above;
  private readonly junction: Above;

  constructor({ limits }: Machine, { holds }: Pick<ThermalGovernor, 'holds'>) {
    this.skin = new Above(holds?.skin, limits.skin);
    this.junction = new Above(holds?.junction, limits.junction);
  }

  get maxSkin(): Celsius {
    return this.skin.most;
  }

  get maxJunction(): Celsius {
    return this.junction.most;
  }

  see(junction: Celsius, skin: Celsius): void {
    this.junction.most = Math.max(this.junction.most, junction);
    this.skin.most = Math.max(this.skin.most, skin);
  }

  /**
   * `dt` seconds at these temperatures.
   * @param held whether heat or the battery held a clock that had work.
   * @param busy by domain; @param point by domain, the slowest is 0.
   */
  note(
    { junction, skin }: { readonly junction: Celsius; readonly skin: Celsius },
    dt: Seconds,
    held: boolean,
    busy: Float64Array,
    point: Int32Array,
  ): void {
    let work: Work = 'none';
    for (let d = 0; d < busy.length; d++) {
      if (!(busy[d]! > 0)) continue;
      if (point[d]! > 0) work = 'faster';
      else if (work === 'none') work = 'slowest';
    }
    this.skin.note(skin, dt, held, work);
    this.junction.note(junction, dt, held, work);
  }

  /** One line for each that stood above for a hundredth of the run or more. */
  notes(seconds: Seconds): string[] {
    const line = (above: Above, what: string, usual: string) => {
      const share = above.seconds / seconds;
      if (!(share >= WORTH_TELLING)) return [];
      const { limit, most, kept } = above;
      const where = kept
        ? `the ${limit} °C that it is held at`
        : `the ${usual} of ${limit} °C, which nothing here holds,`;
      const times = `for ${Math.round(100 * share)} % of the time, at ${most.toFixed(1)} °C at most`;
      return [
        `${what} stood more than ${MARGIN} K above ${where} ${times}${kept ? `: ${above.why()}` : ''}`,
      ];
    };
    return [
      ...line(this.skin, 'skin', 'comfort limit'),
      ...line(this.junction, 'a block of the die', 'soft limit'),
    ];
  }
}
