/** Spans as nested slices: lanes without partial overlap, and neighbours joined until there are few enough. */

import { NANO } from '../../base/units.ts';
import type { Spans, Timeline } from '../../engine/timeline.ts';

export interface Slice {
  /** Whole nanoseconds. */
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** Index of the request, or −1. */
  readonly request: number;
  readonly cause: number;
  /** Spans it stands for. */
  readonly count: number;
}

/**
 * Divides the spans of one track into lanes in which any two are apart or one inside the other,
 * as trace viewers require. Each lane is ordered by start, the outer before the inner.
 */
export function laneIndices(spans: Spans, track: number): readonly (readonly number[])[] {
  const own: number[] = [];
  for (let i = 0; i < spans.length; i += 1) if (spans.track[i] === track) own.push(i);
  own.sort((a, b) => start(spans, a) - start(spans, b) || end(spans, b) - end(spans, a) || a - b);
  const lanes: { indices: number[]; open: number[] }[] = [];
  for (const index of own) {
    const lane = lanes.find((candidate) => fits(candidate.open, spans, index)) ?? newLane(lanes);
    lane.indices.push(index);
    lane.open.push(end(spans, index));
  }
  return lanes.map(({ indices }) => indices);
}

function newLane(lanes: { indices: number[]; open: number[] }[]) {
  const lane = { indices: [], open: [] };
  lanes.push(lane);
  return lane;
}

/** Closes what has ended; true where the span then stands alone or inside the innermost open one. */
function fits(open: number[], spans: Spans, index: number): boolean {
  while (open.length > 0 && (open.at(-1) as number) <= start(spans, index)) open.pop();
  const innermost = open.at(-1);
  return innermost === undefined || end(spans, index) <= innermost;
}

export interface MergedLanes {
  readonly lanes: readonly (readonly Slice[])[];
  /** Nanoseconds below which neighbours were joined; 0 when nothing was. */
  readonly threshold: number;
}

/**
 * Joins neighbours shorter than a threshold, with gaps below it, until at most `most` slices are left;
 * what lies inside a joined slice goes with it. The threshold doubles, so a few passes suffice.
 */
export function mergeShort(
  timeline: Timeline,
  lanes: readonly (readonly number[])[],
  most: number,
): MergedLanes {
  const total = lanes.reduce((all, lane) => all + lane.length, 0);
  let threshold = total <= most ? 0 : firstThreshold(timeline.spans, lanes, most / total);
  const reach = lanes.reduce((all, lane) => Math.max(all, span(timeline.spans, lane)), 0);
  for (;;) {
    const limit = threshold;
    const merged = lanes.map((lane) => mergeLane(timeline, lane, limit));
    const count = merged.reduce((all, lane) => all + lane.length, 0);
    if (count <= most || threshold > 2 * reach + 1) return { lanes: merged, threshold };
    threshold = Math.max(1, 2 * threshold);
  }
}

/** Duration below which all but the share `kept` of the spans lie: no smaller threshold can suffice. */
function firstThreshold(spans: Spans, lanes: readonly (readonly number[])[], kept: number): number {
  const durations = lanes
    .flatMap((lane) => lane.map((i) => end(spans, i) - start(spans, i)))
    .sort((a, b) => a - b);
  const place = Math.floor(durations.length * Math.max(0, 1 - 2 * kept));
  return Math.max(1, durations[Math.min(place, durations.length - 1)] ?? 1);
}

function span(spans: Spans, lane: readonly number[]): number {
  const first = lane[0];
  if (first === undefined) return 0;
  return lane.reduce((most, i) => Math.max(most, end(spans, i)), 0) - start(spans, first);
}

/** A joined slice lasts at most this many thresholds, so that a file keeps an even resolution. */
const LONGEST_RUN = 4;

/** Walks siblings; what is long enough stays and is entered, what is short joins the run before it. */
function mergeLane(timeline: Timeline, lane: readonly number[], threshold: number): Slice[] {
  const { spans } = timeline;
  const out: Slice[] = [];
  const walk = (from: number, to: number): void => {
    let run: { first: number; last: number; start: number; end: number } | undefined;
    const flush = (): void => {
      if (run) out.push(joinSlices(timeline, lane.slice(run.first, run.last)));
      run = undefined;
    };
    for (let i = from; i < to; ) {
      const index = lane[i] as number;
      const next = afterInner(spans, lane, i, to);
      const short = end(spans, index) - start(spans, index) < threshold;
      const joins = short && run !== undefined && start(spans, index) - run.end < threshold;
      if (!joins || end(spans, index) - (run?.start ?? 0) > LONGEST_RUN * threshold) flush();
      if (short) {
        const opened = run ?? { first: i, start: start(spans, index) };
        run = { ...opened, last: next, end: end(spans, index) };
      } else {
        out.push(joinSlices(timeline, [index]));
        walk(i + 1, next);
      }
      i = next;
    }
    flush();
  };
  walk(0, lane.length);
  return out;
}

/** Position of the first span after `i` that does not lie inside it. */
function afterInner(spans: Spans, lane: readonly number[], i: number, to: number): number {
  const close = end(spans, lane[i] as number);
  let next = i + 1;
  while (next < to && start(spans, lane[next] as number) < close) next += 1;
  return next;
}

/** One slice over a run of spans: their common name, or how many there are; the cause with the most time. */
function joinSlices({ spans, strings }: Timeline, indices: readonly number[]): Slice {
  const first = indices[0] as number;
  const seconds = new Map<number, number>();
  let close = end(spans, first);
  let oneName = true;
  let oneRequest = true;
  for (const index of indices) {
    const cause = spans.cause[index] as number;
    close = Math.max(close, end(spans, index));
    oneName &&= spans.name[index] === spans.name[first];
    oneRequest &&= spans.request[index] === spans.request[first];
    seconds.set(cause, (seconds.get(cause) ?? 0) + end(spans, index) - start(spans, index));
  }
  const [longest] = [...seconds].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const name = strings[spans.name[first] as number] ?? '';
  const count = indices.length;
  const joined = oneName ? `${name} × ${count}` : `${count} operators`;
  return {
    start: start(spans, first),
    end: close,
    name: count === 1 ? name : joined,
    request: oneRequest ? (spans.request[first] as number) : -1,
    cause: longest?.[0] ?? 0,
    count,
  };
}

function start(spans: Spans, index: number): number {
  return Math.round((spans.start[index] as number) / NANO);
}

function end(spans: Spans, index: number): number {
  return Math.round((spans.end[index] as number) / NANO);
}
