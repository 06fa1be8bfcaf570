/** Fills a timeline while the run goes on, within fixed bounds of memory. */
import { FloatColumn, IntColumn } from '../base/table.ts';
import type { CounterGroup } from './counter-group.ts';
import { CAUSES } from './run.ts';
import type { Limit, Mark, Spans, Timeline, Track } from './timeline.ts';

/** Operator spans kept; beyond it only steps, phases and requests are recorded (told in the run's notes). */
const MAX_OPERATOR_SPANS = 150_000;
const MAX_MARKS = 5000;

export class Recorder {
  private readonly tracks: Track[] = [];
  private readonly strings: string[] = [];
  private readonly stringIndex = new Map<string, number>();
  private readonly track = new IntColumn();
  private readonly start = new FloatColumn();
  private readonly end = new FloatColumn();
  private readonly name = new IntColumn();
  private readonly request = new IntColumn();
  private readonly cause = new IntColumn();
  private readonly groups: CounterGroup[] = [];
  private readonly marks: Mark[] = [];
  operatorSpans = 0;

  addTrack(track: Track): number {
    return this.tracks.push(track) - 1;
  }

  /** Counters that are sampled together. */
  addGroup(group: CounterGroup): CounterGroup {
    this.groups.push(group);
    return group;
  }

  /** @returns a stable index for `text`, for use as a span name. */
  intern(text: string): number {
    const known = this.stringIndex.get(text);
    if (known !== undefined) return known;
    const index = this.strings.push(text) - 1;
    this.stringIndex.set(text, index);
    return index;
  }

  get keepsOperators(): boolean {
    return this.operatorSpans < MAX_OPERATOR_SPANS;
  }

  span(
    track: number,
    start: number,
    end: number,
    name: number,
    request: number,
    cause: number,
  ): void {
    this.track.push(track);
    this.start.push(start);
    this.end.push(end);
    this.name.push(name);
    this.request.push(request);
    this.cause.push(cause);
  }

  mark(mark: Mark): void {
    if (this.marks.length < MAX_MARKS) this.marks.push(mark);
  }

  /** Everything up to `now`, at which flows end. */
  finish(limits: readonly Limit[] = [], now = 0): Timeline {
    const spans: Spans = {
      length: this.track.length,
      track: this.track.toArray(),
      start: this.start.toArray(),
      end: this.end.toArray(),
      name: this.name.toArray(),
      request: this.request.toArray(),
      cause: Uint8Array.from(this.cause.toArray()),
    };
    return {
      limits,
      tracks: this.tracks,
      strings: this.strings,
      spans,
      counters: this.groups.flatMap((group) => group.finish(now)),
      marks: this.marks,
    };
  }
}

/** Index of the largest part, as `CAUSES` orders them. */
export function largestCause(parts: ArrayLike<number>, offset = 0): number {
  let best = 0;
  for (let i = 1; i < CAUSES.length; i++) {
    if (parts[offset + i]! > parts[offset + best]!) best = i;
  }
  return best;
}
