/** How hot skin and die became, and for how long they stood above what they are held at, with which levers left. */
import type { Celsius, Seconds } from '../base/units.ts';
import type { Machine } from './machine.ts';

/** Control swings about what it holds; more than this above it is worth telling. */
const MARGIN: Celsius = 1;
const WORTH_TELLING = 0.01;

class Above {
  readonly limit: Celsius;
  most: Celsius = Number.NEGATIVE_INFINITY;
  seconds: Seconds = 0;
  held: Seconds = 0;
  slowest: Seconds = 0;

  constructor(limit: Celsius) {
    this.limit = limit;
  }

  note(now: Celsius, dt: Seconds, held: boolean, slowest: boolean): void {
    if (now <= this.limit + MARGIN) return;
    this.seconds += dt;
    if (held) this.held += dt;
    if (slowest) this.slowest += dt;
  }

  /** What there was left to lower, most of that time. */
  why(): string {
    if (this.slowest > this.seconds / 2) return 'every clock at work was at its slowest by then';
    if (this.held > this.seconds / 2)
      return 'clocks were held meanwhile, and what holds them lets them draw that much';
    return 'no clock at work was held back for most of it';
  }
}

export class HotTimes {
  private readonly skin: Above;
  private readonly junction: Above;

  constructor({ limits }: Machine) {
    this.skin = new Above(limits.skin);
    this.junction = new Above(limits.junction);
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
    let slowest = true;
    for (let d = 0; d < busy.length; d++) if (busy[d]! > 0 && point[d]! > 0) slowest = false;
    this.skin.note(skin, dt, held, slowest);
    this.junction.note(junction, dt, held, slowest);
  }

  /** One line for each that stood above for a hundredth of the run or more. */
  notes(seconds: Seconds): string[] {
    const line = (above: Above, what: string) => {
      const share = above.seconds / seconds;
      if (!(share >= WORTH_TELLING)) return [];
      return [
        `${what} stood more than ${MARGIN} K above the ${above.limit} °C that it is held at for ${Math.round(100 * share)} % of the time, at ${above.most.toFixed(1)} °C at most: ${above.why()}`,
      ];
    };
    return [...line(this.skin, 'skin'), ...line(this.junction, 'a block of the die')];
  }
}
