/**
 * The devfreq governor of GPUs, NPUs and memory in Linux: fastest above 90 % busy, else scaled by the load.
 *
 * Model    busy > 90 %: fastest; busy > 85 %: keep; else f = busy · f_current / 0.88, slowest point at or above
 * Ignores  sampling jitter, vendor extensions
 * Valid    polling intervals of a few milliseconds to a second
 * Source   drivers/devfreq/governor_simpleondemand.c of Linux: the 88 is 90 less an integer half of 5
 * Checked  test/unit/runtime/governors/frequency.test.ts
 */
import { quantity, z } from '../../base/schema.ts';
import type { Hertz, Seconds } from '../../base/units.ts';
import type { DomainView, Governor } from '../governor.ts';
import { factory } from './entry.ts';
import { pointAtLeast } from './fixed.ts';

const options = z.strictObject({
  /** Percent busy above which the fastest point is taken. */
  upThreshold: z.number().int().min(1).max(100).default(90),
  /** Percent below that within which the frequency stays. */
  downDifferential: z.number().int().min(0).max(100).default(5),
  /** Time between two looks at the load. */
  polling: quantity('time', { min: 0 }).default(0.01),
});
export type SimpleOndemandOptions = z.output<typeof options>;

export const simpleOndemand = factory(
  'simple-ondemand',
  'devfreq: fastest above 90 % busy, else scaled to 88 % busy',
  options,
  (given): Governor => new SimpleOndemand(given),
);

/** Frequency that the governor asks for; Infinity stands for the fastest there is. */
export function simpleOndemandFrequency(
  busyShare: number,
  current: Hertz,
  {
    upThreshold,
    downDifferential,
  }: Pick<SimpleOndemandOptions, 'upThreshold' | 'downDifferential'>,
): Hertz {
  const percent = busyShare * 100;
  if (percent > upThreshold) return Number.POSITIVE_INFINITY;
  if (percent > upThreshold - downDifferential) return current;
  return (percent * current) / (upThreshold - Math.floor(downDifferential / 2));
}

/** Averages the load over each polling interval, then decides. */
export class SimpleOndemand implements Governor {
  readonly #options: SimpleOndemandOptions;
  #busy: Seconds = 0;
  #total: Seconds = 0;
  /** Last choice; −1 before the first. */
  #next = -1;

  constructor(given: SimpleOndemandOptions) {
    this.#options = given;
  }

  choose(view: DomainView): number {
    const { frequencies, current, busyShare, period } = view;
    this.#busy += busyShare * period;
    this.#total += period;
    // devfreq starts at the fastest point: with no time observed there is no load to scale by.
    if (this.#next < 0) this.#next = frequencies.length - 1;
    if (this.#total === 0 || this.#total < this.#options.polling * (1 - 1e-9)) return this.#next;
    const share = this.#busy / this.#total;
    this.#busy = 0;
    this.#total = 0;
    const wanted = simpleOndemandFrequency(share, frequencies[current] as number, this.#options);
    this.#next = pointAtLeast(frequencies, wanted);
    return this.#next;
  }
}
