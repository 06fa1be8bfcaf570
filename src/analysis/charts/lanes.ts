/** Spans of a timeline prepared for drawing: which lanes there are, and what each pixel column of a lane holds. */
import { CAUSES, type Run } from '../../engine/run.ts';
import type { Spans, Track } from '../../engine/timeline.ts';
import type { Extent } from './series.ts';

export interface Lane {
  readonly name: string;
  readonly kind: Track['kind'];
  /** Indices into the spans, by start. */
  readonly spans: readonly number[];
  /** Most spans at one instant; 1 for a lane without overlap. */
  readonly depth: number;
}

/** With more request tracks than this they share one lane. */
const MAX_REQUEST_LANES = 12;

/** Lanes that hold spans: units in the order of the timeline, then requests. */
export function collectLanes(run: Run): readonly Lane[] {
  const { tracks, spans } = run.timeline;
  const byTrack = tracks.map((): number[] => []);
  for (let i = 0; i < spans.length; i += 1) byTrack[spans.track[i] as number]?.push(i);
  const lanes = tracks.flatMap((track, index): Lane[] => {
    const list = byTrack[index] ?? [];
    return list.length === 0 ? [] : [buildLane(track.name, track.kind, list, spans)];
  });
  const requests = lanes.filter(({ kind }) => kind === 'request');
  const units = lanes.filter(({ kind }) => kind !== 'request');
  if (requests.length <= MAX_REQUEST_LANES) return [...units, ...requests];
  const all = requests.flatMap((lane) => lane.spans);
  return [...units, buildLane(`${requests.length} requests`, 'request', all, spans)];
}

function buildLane(name: string, kind: Track['kind'], list: number[], spans: Spans): Lane {
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
  return { name, kind, spans: list, depth };
}

/** Ends and starts that meet differ by rounding only. */
const EPSILON = 1e-9;

/** Spans of `lane` that touch `window`. */
export function spansWithin(lane: Lane, spans: Spans, window: Extent): readonly number[] {
  return lane.spans.filter(
    (i) => (spans.start[i] as number) < window.to && (spans.end[i] as number) > window.from,
  );
}

/**
 * Share of each of `count` columns that spans of each cause fill, 0…1 over all causes together.
 * Costs one visit per span and column it covers.
 */
export function fillColumns(
  lane: Lane,
  spans: Spans,
  window: Extent,
  count: number,
): readonly Float64Array[] {
  const filled = CAUSES.map(() => new Float64Array(count));
  const width = (window.to - window.from) / count;
  for (const index of spansWithin(lane, spans, window)) {
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
export function medianWidth(
  lanes: readonly Lane[],
  spans: Spans,
  window: Extent,
  columns: number,
): number {
  const scale = columns / (window.to - window.from);
  const widths = lanes
    .filter(({ kind }) => kind === 'unit')
    .flatMap((lane) => spansWithin(lane, spans, window))
    .map((i) => ((spans.end[i] as number) - (spans.start[i] as number)) * scale)
    .sort((a, b) => a - b);
  return widths[Math.floor(widths.length / 2)] ?? Number.POSITIVE_INFINITY;
}
