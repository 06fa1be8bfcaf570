/** What was measured laid over what a run predicts: which curve belongs to which, and how far apart they are. */
import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { Seconds } from '../base/units.ts';
import type { Run } from '../engine/run.ts';
import type { Counter } from '../engine/timeline.ts';
import { isCap, runExtent } from './charts/series.ts';

/** A predicted curve; the power of the whole phone is the sum of its parts. */
export interface PredictedCurve {
  readonly name: string;
  readonly quantity: Counter['quantity'];
  readonly unit: string;
  readonly subject: string;
  readonly parts: readonly Counter[];
}

/** Differences are predicted less measured, in the unit of the curve, each over the time since the sample before. */
export interface OverlayPair {
  readonly measured: Counter;
  readonly predicted: PredictedCurve;
  readonly samples: number;
  /** Both are known between these two. */
  readonly from: Seconds;
  readonly to: Seconds;
  readonly mean: number;
  readonly rms: number;
  /** The largest by size, with its sign. */
  readonly worst: number;
}

export interface Overlay {
  readonly pairs: readonly OverlayPair[];
  /** Measured curves without a partner, and why. */
  readonly unmatched: readonly { readonly name: string; readonly reason: string }[];
  /** Operators of one request on common time, where a profile was given. */
  readonly operators?: MeasuredOperators | undefined;
}

export interface OverlayOptions {
  /** Name of the predicted curve by name of the measured one, where names do not tell it. */
  readonly match?: Readonly<Record<string, string>>;
  /** The measured clock starts so long after the run's. */
  readonly shift?: Seconds;
}

/** Words by which logs mean the whole phone. */
const WHOLE = new Set(['', 'phone', 'device', 'total', 'system', 'battery']);

/** Logs tell how fast answers come while they do, and the last such rate in between. */
function whileSome(counter: Counter): Counter {
  if (counter.quantity !== 'rate') return counter;
  const some = [...counter.value.keys()].filter((i) => counter.value[i]! > 0);
  const taken = (column: Float64Array) => Float64Array.from(some, (i) => column[i]!);
  return { ...counter, time: taken(counter.time), value: taken(counter.value) };
}

/** Every curve of a run that a measurement can be laid over. */
export function predictedCurves(run: Run): readonly PredictedCurve[] {
  const own = run.timeline.counters.map(whileSome).filter((c) => c.time.length > 0 && !isCap(c));
  const single = own.map((counter): PredictedCurve => ({ ...counter, parts: [counter] }));
  const watts = own.filter(({ quantity }) => quantity === 'power');
  if (watts.length === 0) return single;
  const total = { name: 'phone power', quantity: 'power', unit: 'W', subject: 'phone' } as const;
  return [...single, { ...total, parts: watts }];
}

/**
 * Pairs measured curves with predicted ones and measures the gap where both exist.
 * @throws SpecError for a name in `match` that is no curve.
 */
export function overlayRun(
  run: Run,
  measured: readonly Counter[],
  options: OverlayOptions = {},
): Overlay {
  const curves = predictedCurves(run);
  const { match = {}, shift = 0 } = options;
  checkNames(Object.keys(match), measured, '--match: no measured column');
  checkNames(Object.values(match), curves, '--match: no predicted curve');
  const end = runExtent(run).to;
  const pairs: OverlayPair[] = [];
  const unmatched: { name: string; reason: string }[] = [];
  for (const counter of measured) {
    const found = partnerOf(counter, curves, match[counter.name]);
    if (typeof found === 'string') {
      unmatched.push({ name: counter.name, reason: found });
      continue;
    }
    const pair = compare(counter, found, shift, end);
    if (pair) pairs.push(pair);
    else unmatched.push({ name: counter.name, reason: 'no sample falls into the run' });
  }
  return { pairs, unmatched };
}

function checkNames(
  names: readonly string[],
  known: readonly { readonly name: string }[],
  what: string,
): void {
  const all = known.map(({ name }) => name);
  const faults = names
    .filter((name) => !all.includes(name))
    .map((name) => ({ message: `${what} "${name}"`, hint: nearestHint(name, all) }));
  if (faults.length > 0) throw new SpecError(faults);
}

function partnerOf(
  counter: Counter,
  curves: readonly PredictedCurve[],
  wanted: string | undefined,
): PredictedCurve | string {
  const kin = curves.filter(({ quantity }) => quantity === counter.quantity);
  if (wanted !== undefined) {
    return kin.find(({ name }) => name === wanted) ?? `"${wanted}" is no ${counter.quantity}`;
  }
  const subject = wordsOf(counter.subject);
  const same = kin.find((curve) => wordsOf(curve.subject) === subject);
  if (same && !(counter.quantity === 'power' && WHOLE.has(subject))) return same;
  if (counter.quantity === 'power' && WHOLE.has(subject)) {
    const whole = kin.find(({ name }) => name === 'phone power');
    if (whole) return whole;
  }
  if (counter.quantity === 'rate' && kin.length === 1) return kin[0] as PredictedCurve;
  if (kin.length === 0) return `the run has no ${counter.quantity}`;
  const hint = nearestHint(
    counter.subject,
    kin.map((curve) => curve.name),
  );
  return `the run has no ${counter.quantity} of "${counter.subject}"; ${hint} (--match COLUMN=CURVE)`;
}

/** `skin-back` and `back skin` are one thing. */
function wordsOf(subject: string): string {
  return subject
    .toLowerCase()
    .split(/[\s_-]+/)
    .sort()
    .join(' ');
}

function compare(
  measured: Counter,
  predicted: PredictedCurve,
  shift: Seconds,
  end: Seconds,
): OverlayPair | undefined {
  const gaps: number[] = [];
  const times = measured.time.map((time) => time + shift);
  let before: number | undefined;
  for (const [i, time] of times.entries()) {
    const inside = time >= 0 && time <= end;
    if (inside)
      gaps.push(meanOver(predicted, before ?? time, time) - (measured.value[i] as number));
    before = inside ? time : undefined;
  }
  if (gaps.length === 0) return undefined;
  const sum = (of: (gap: number) => number) => gaps.reduce((total, gap) => total + of(gap), 0);
  return {
    measured: { ...measured, time: times },
    predicted,
    samples: gaps.length,
    from: Math.max(times[0] as number, 0),
    to: Math.min(times.at(-1) as number, end),
    mean: sum((gap) => gap) / gaps.length,
    rms: Math.sqrt(sum((gap) => gap ** 2) / gaps.length),
    worst: gaps.reduce((most, gap) => (Math.abs(gap) > Math.abs(most) ? gap : most), 0),
  };
}

/** Mean of a predicted curve over an interval, or its value at an instant. */
export function meanOver({ parts }: PredictedCurve, from: Seconds, to: Seconds): number {
  return parts.reduce((total, part) => total + stepMean(part, from, to), 0);
}

/** Each value of a counter holds from its time to the next; the first also before. */
function stepMean({ time, value }: Counter, from: Seconds, to: Seconds): number {
  let i = Math.max(lastAtOrBefore(time, from), 0);
  if (to <= from) return value[i] as number;
  let area = 0;
  let start = from;
  while (start < to) {
    const next = Math.min(to, time[i + 1] ?? Number.POSITIVE_INFINITY);
    area += (value[i] as number) * Math.max(next - start, 0);
    start = Math.max(next, start);
    i++;
  }
  return area / (to - from);
}

/** Index of the last time not after `at`; −1 where all are. */
function lastAtOrBefore(time: Float64Array, at: Seconds): number {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((time[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** One operator of a run, from the run's start. */
export interface OperatorSpan {
  readonly name: string;
  readonly operator: string;
  readonly start: Seconds;
  readonly end: Seconds;
}

/** The operators of one predicted request beside those of one measured run. */
export interface MeasuredOperators {
  readonly predicted: readonly OperatorSpan[];
  readonly measured: readonly OperatorSpan[];
}

/** Operators of the first request as the timeline kept them: names and times, without types. */
export function predictedOperators(run: Run): readonly Omit<OperatorSpan, 'operator'>[] {
  const { spans, tracks, strings } = run.timeline;
  const first = run.requests[0]?.startSeconds ?? 0;
  const found: Omit<OperatorSpan, 'operator'>[] = [];
  for (let i = 0; i < spans.length; i++) {
    if (tracks[spans.track[i] as number]?.kind !== 'unit' || spans.request[i] !== 0) continue;
    found.push({
      name: strings[spans.name[i] as number] as string,
      start: (spans.start[i] as number) - first,
      end: (spans.end[i] as number) - first,
    });
  }
  return found.sort((a, b) => a.start - b.start);
}
