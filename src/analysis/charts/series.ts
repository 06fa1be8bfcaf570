/** Sampled values as charts draw them: exact means over equal slices of time, and step outlines. */
import type { Run } from '../../engine/run.ts';
import type { Counter } from '../../engine/timeline.ts';

export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** What one slice of time saw of a counter. */
export interface Slices {
  readonly mean: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** First to last instant that anything in the run touches; never empty. */
export function runExtent(run: Run): Extent {
  const { spans, counters } = run.timeline;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const see = (start: number, end: number): void => {
    if (start < from) from = start;
    if (end > to) to = end;
  };
  for (let i = 0; i < spans.length; i += 1) see(spans.start[i] ?? 0, spans.end[i] ?? 0);
  for (const phase of run.phases) see(phase.startSeconds, phase.endSeconds);
  for (const request of run.requests) see(request.arrivalSeconds, request.endSeconds);
  for (const { time } of counters) if (time.length > 0) see(time[0] ?? 0, time.at(-1) ?? 0);
  if (!Number.isFinite(from)) return { from: 0, to: 1 };
  return to > from ? { from, to } : { from, to: from + 1 };
}

/** Value before a counter's first sample: nothing flowed yet, or (temperature, clock) it was already there. */
function valueBefore(counter: Counter): number {
  const flows = ['power', 'bandwidth', 'rate', 'share'].includes(counter.quantity);
  return flows ? 0 : (counter.value[0] ?? 0);
}

/**
 * Cuts `extent` into `count` slices and integrates the step function exactly in each,
 * so that stacked means add up to the mean of the sum and no burst is lost between pixels.
 */
export function sliceCounter(counter: Counter, extent: Extent, count: number): Slices {
  const slices = {
    mean: new Float64Array(count),
    low: new Float64Array(count),
    high: new Float64Array(count),
  };
  const width = (extent.to - extent.from) / count;
  const cursor = { next: 0, value: valueBefore(counter) };
  for (let slice = 0; slice < count; slice += 1) {
    const start = extent.from + width * slice;
    const end = slice === count - 1 ? extent.to : start + width;
    const seen = integrate(counter, cursor, start, end);
    slices.mean[slice] = seen.area / (end - start);
    slices.low[slice] = seen.low;
    slices.high[slice] = seen.high;
  }
  return slices;
}

/** Area and bounds of the step function over [start, end); `cursor` walks the samples once for all slices. */
function integrate(
  { time, value }: Counter,
  cursor: { next: number; value: number },
  start: number,
  end: number,
): { readonly area: number; readonly low: number; readonly high: number } {
  let area = 0;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let from = start;
  while (from < end) {
    while ((time[cursor.next] ?? Number.POSITIVE_INFINITY) <= from) {
      cursor.value = value[cursor.next] as number;
      cursor.next += 1;
    }
    const until = Math.min(end, time[cursor.next] ?? end);
    area += cursor.value * (until - from);
    low = Math.min(low, cursor.value);
    high = Math.max(high, cursor.value);
    from = until;
  }
  return { area, low, high };
}

/** Sum of several counters sampled on the same slices. */
export function sumSlices(all: readonly Float64Array[], count: number): Float64Array {
  const sum = new Float64Array(count);
  for (const values of all) for (let i = 0; i < count; i += 1) sum[i] = at(sum, i) + at(values, i);
  return sum;
}

/** Largest of `values`, at least `least`; charts scale their axes by it. */
export function largest(values: Iterable<number>, least = 0): number {
  let most = least;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** Counters of one quantity that hold samples, caps left out. */
export function countersOf(run: Run, quantity: Counter['quantity']): readonly Counter[] {
  return run.timeline.counters.filter(
    (counter) => counter.quantity === quantity && counter.time.length > 0 && !isCap(counter),
  );
}

/** `npu frequency cap`: what is allowed, not what happened. */
export function isCap(counter: Counter): boolean {
  return /\b(cap|limit|max)$/i.test(counter.name);
}

/** User units with one decimal: a tenth of a pixel is below what a screen shows. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10 || 0);
}

/** Outline of steps over equal slices between `left` and `right`; `y` gives the height of each slice. */
export function stepPath(
  count: number,
  left: number,
  right: number,
  y: (i: number) => number,
): string {
  if (count === 0) return '';
  const x = (i: number): string => px(left + ((right - left) * i) / count);
  let path = `M${x(0)} ${px(y(0))}`;
  let last = px(y(0));
  for (let i = 1; i < count; i += 1) {
    const height = px(y(i));
    if (height === last) continue;
    path += `H${x(i)}V${height}`;
    last = height;
  }
  return `${path}H${x(count)}`;
}

/** Closed area between two step outlines. */
export function stepArea(
  count: number,
  left: number,
  right: number,
  top: (i: number) => number,
  base: (i: number) => number,
): string {
  if (count === 0) return '';
  const x = (i: number): string => px(left + ((right - left) * i) / count);
  let back = `V${px(base(count - 1))}`;
  let last = px(base(count - 1));
  for (let i = count - 2; i >= 0; i -= 1) {
    const height = px(base(i));
    if (height === last) continue;
    back += `H${x(i + 1)}V${height}`;
    last = height;
  }
  return `${stepPath(count, left, right, top)}${back}H${x(0)}Z`;
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
