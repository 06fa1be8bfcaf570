/** Spans of a timeline prepared for drawing: which lanes there are, and what each pixel column of a lane holds. */
import { CAUSES, type Cause, type Run } from '../../engine/run.ts';
import type { Spans, Track } from '../../engine/timeline.ts';
import type { Extent } from './series.ts';

export interface Lane {
  readonly name: string;
  readonly kind: Track['kind'];
  readonly table: Spans;
  /** What the name indices of `table` mean. */
  readonly strings: readonly string[];
  /** Indices into `table`, by start. */
  readonly spans: readonly number[];
  /** Most spans at one instant; 1 for a lane without overlap. */
  readonly depth: number;
}

/** With more requests than this they share one lane. */
const MAX_REQUEST_LANES = 12;

/** Lanes that hold spans: units in the order of the timeline, then requests. */
export function collectLanes(run: Run): readonly Lane[] {
  return [...unitLanes(run), ...requestLanes(run)];
}

function unitLanes(run: Run): readonly Lane[] {
  const { tracks, spans, strings } = run.timeline;
  const byTrack = tracks.map((): number[] => []);
  for (let i = 0; i < spans.length; i += 1) byTrack[spans.track[i] as number]?.push(i);
  return tracks.flatMap((track, index): Lane[] => {
    const list = byTrack[index] ?? [];
    if (list.length === 0 || track.kind === 'request') return [];
    return [buildLane(track.name, track.kind, list, spans, strings)];
  });
}

/** Requests by their phases, which a run holds completely even where it recorded only part of the spans. */
function requestLanes(run: Run): readonly Lane[] {
  const { requests, phases } = run;
  const apart = requests.length <= MAX_REQUEST_LANES;
  const tables = (apart ? requests.map((request) => [request]) : [requests]).map((group) => {
    const names = new Set(group.map(({ name }) => name));
    const waits = group
      .filter(({ arrivalSeconds, startSeconds }) => startSeconds > arrivalSeconds)
      .map((r) => ({
        from: r.arrivalSeconds,
        to: r.startSeconds,
        text: 'queue',
        cause: 'queue' as Cause,
      }));
    const own = phases
      .filter(({ request }) => names.has(request))
      .map((p) => ({ from: p.startSeconds, to: p.endSeconds, text: p.phase, cause: p.limit }));
    // In a shared lane the many that wait would hide the one that runs.
    return apart ? [...waits, ...own] : own;
  });
  return tables.flatMap((rows, index): Lane[] => {
    if (rows.length === 0) return [];
    const strings = [...new Set(rows.map(({ text }) => text))];
    const table: Spans = {
      length: rows.length,
      track: new Int32Array(rows.length),
      start: Float64Array.from(rows, ({ from }) => from),
      end: Float64Array.from(rows, ({ to }) => to),
      name: Int32Array.from(rows, ({ text }) => strings.indexOf(text)),
      request: Int32Array.from(rows, () => index),
      cause: Uint8Array.from(rows, ({ cause }) => CAUSES.indexOf(cause)),
    };
    const alone = requests.length === 1 ? 'Request' : `Request ${index + 1}`;
    const name = apart ? alone : `${requests.length} requests`;
    return [buildLane(name, 'request', [...rows.keys()], table, strings)];
  });
}

function buildLane(
  name: string,
  kind: Track['kind'],
  list: number[],
  spans: Spans,
  strings: readonly string[],
): Lane {
  const start = (i: number): number => spans.start[i] as number;
  list.sort((a, b) => start(a) - start(b) || a - b);
  const ends: number[] = [];
  let depth = 1;
  for (const index of list) {
    const open = ends.filter((end) => end > start(index) + EPSILON);
    open.push(spans.end[index] as number);
    ends.splice(0, ends.length, ...open);
    depth = Math.max(depth, open.length);
  }
  return { name, kind, table: spans, strings, spans: list, depth };
}

/** Ends and starts that meet differ by rounding only. */
const EPSILON = 1e-9;

/** Spans of `lane` that touch `window`. */
export function spansWithin(lane: Lane, window: Extent): readonly number[] {
  const spans = lane.table;
  return lane.spans.filter(
    (i) => (spans.start[i] as number) < window.to && (spans.end[i] as number) > window.from,
  );
}

/**
 * Share of each of `count` columns that spans of each cause fill, 0…1 over all causes together.
 * Costs one visit per span and column it covers.
 */
export function fillColumns(lane: Lane, window: Extent, count: number): readonly Float64Array[] {
  const spans = lane.table;
  const filled = CAUSES.map(() => new Float64Array(count));
  const width = (window.to - window.from) / count;
  for (const index of spansWithin(lane, window)) {
    const column = filled[spans.cause[index] as number];
    if (!column) continue;
    const start = Math.max(0, ((spans.start[index] as number) - window.from) / width);
    const end = Math.min(count, ((spans.end[index] as number) - window.from) / width);
    for (let i = Math.floor(start); i < end; i += 1) {
      const share = (Math.min(end, i + 1) - Math.max(start, i)) / lane.depth;
      column[i] = (column[i] as number) + share;
    }
  }
  return filled;
}

/** Middle width, in columns, of the spans that a window shows on unit lanes; infinite when it shows none. */
export function medianWidth(lanes: readonly Lane[], window: Extent, columns: number): number {
  const scale = columns / (window.to - window.from);
  const widths = lanes
    .filter(({ kind }) => kind === 'unit')
    .flatMap((lane) => spansWithin(lane, window).map((i) => lengthOf(lane.table, i) * scale));
  widths.sort((a, b) => a - b);
  return widths[Math.floor(widths.length / 2)] ?? Number.POSITIVE_INFINITY;
}

function lengthOf(spans: Spans, i: number): number {
  return (spans.end[i] as number) - (spans.start[i] as number);
}
