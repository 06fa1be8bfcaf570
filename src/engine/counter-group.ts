/**
 * Counters that are sampled together: one column of times for all, thinned together when it is full.
 *
 * A `state` (temperature, clock) is what holds at the time of its sample. A `flow` (watts, bytes per second) is the
 * exact mean from its time to the next sample's, so that sums over time are kept however much is thinned.
 */
import { clearColumn, copyColumn } from '../base/columns.ts';
import { InvariantError } from '../base/errors.ts';
import type { Seconds } from '../base/units.ts';
import type { Counter } from './timeline.ts';

type About = Omit<Counter, 'time' | 'value'>;

/** Samples kept of each counter; when they are full, two become one. */
const MAX_SAMPLES = 4096;

export class CounterGroup {
  readonly kind: 'state' | 'flow';
  readonly abouts: readonly About[];
  private readonly times = new Float64Array(MAX_SAMPLES);
  /** Row by row: `sample × counters`. */
  private readonly values: Float64Array;
  /** States of the sample in the making, or sums of the flows since `from`. */
  private readonly present: Float64Array;
  private from: Seconds = 0;
  private count = 0;
  private stride = 1;
  private offered = 0;

  constructor(kind: 'state' | 'flow', abouts: readonly About[]) {
    this.kind = kind;
    this.abouts = abouts;
    this.values = new Float64Array(MAX_SAMPLES * abouts.length);
    this.present = new Float64Array(abouts.length);
  }

  /** What flowed since the last `offer`: watts × seconds, bytes. */
  add(counter: number, amount: number): void {
    this.present[counter]! += amount;
  }

  /** As `add`, for the first counters: watts that flowed for `seconds`. */
  addRates(rates: Float64Array, seconds: Seconds): void {
    for (let i = 0; i < rates.length; i++) this.present[i]! += rates[i]! * seconds;
  }

  set(counter: number, value: number): void {
    this.present[counter] = value;
  }

  /**
   * One more moment at which a sample could be taken; flows take theirs.
   * @returns whether it is due: then a caller sets its states and calls `keep`.
   */
  offer(now: Seconds): boolean {
    if (++this.offered < this.stride) return false;
    this.offered = 0;
    if (this.kind === 'flow') this.keepFlow(now);
    return true;
  }

  /** Keeps the states that were set. */
  keep(now: Seconds): void {
    if (this.count === MAX_SAMPLES) this.thin();
    this.times[this.count] = now;
    copyColumn(this.present, this.values, this.count * this.present.length);
    this.count++;
  }

  finish(now: Seconds): Counter[] {
    if (this.kind === 'flow' && now > this.from) this.keepFlow(now);
    const { length } = this.abouts;
    const time = this.times.slice(0, this.count);
    return this.abouts.map((about, c) => {
      const value = new Float64Array(this.count);
      for (let i = 0; i < this.count; i++) value[i] = this.values[i * length + c]!;
      return { ...about, time, value };
    });
  }

  private keepFlow(now: Seconds): void {
    const seconds = now - this.from;
    if (!(seconds > 0)) throw new InvariantError('a flow was sampled twice at one time');
    if (this.count === MAX_SAMPLES) this.thin();
    const row = this.count * this.present.length;
    for (let c = 0; c < this.present.length; c++) {
      this.values[row + c] = this.present[c]! / seconds;
    }
    this.times[this.count++] = this.from;
    clearColumn(this.present);
    this.from = now;
  }

  /** States: every second one stays. Flows: the mean of two neighbours, weighted by how long they held. */
  private thin(): void {
    const width = this.abouts.length;
    const end = (i: number) => (i < this.count ? this.times[i]! : this.from);
    for (let i = 0; i < this.count; i += 2) {
      const first = end(i + 1) - end(i);
      const share = this.kind === 'flow' ? first / (end(i + 2) - end(i)) : 1;
      for (let c = 0; c < width; c++) {
        const a = this.values[i * width + c]!;
        const b = this.values[(i + 1) * width + c]!;
        this.values[(i / 2) * width + c] = share * a + (1 - share) * b;
      }
      this.times[i / 2] = this.times[i]!;
    }
    this.count /= 2;
    this.stride *= 2;
  }
}
