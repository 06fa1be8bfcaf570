/** Fills a timeline while the run goes on, within fixed bounds of memory. */
import { FloatColumn, IntColumn } from '../base/table.ts';
import type { CounterGroup } from './counter-group.ts';
import { CAUSES } from './run.ts';
import type { Counter, Limit, Mark, Spans, Timeline, Track } from './timeline.ts';

/** Operator spans kept; beyond it only steps, phases and requests are recorded (told in the run's notes). */
const MAX_OPERATOR_SPANS = 150_000;
/** Samples kept per counter; when it is full, every second one is dropped and the stride doubles. */
const MAX_SAMPLES = 4096;
const MAX_MARKS = 5000;

interface CounterColumns {
  readonly about: Omit<Counter, 'time' | 'value'>;
  readonly time: FloatColumn;
  readonly value: FloatColumn;
  /** Every how many offered samples one is kept; what flows is averaged over them, what stands is not. */
  stride: number;
  offered: number;
  sum: number;
}

/** Quantities whose samples are means over the time before them: thinned by averaging, so that no byte or joule is lost. */
const FLOWING: ReadonlySet<Counter['quantity']> = new Set(['bandwidth', 'power', 'rate']);

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
  private readonly counters: CounterColumns[] = [];
  private readonly groups: CounterGroup[] = [];
  private readonly marks: Mark[] = [];
  operatorSpans = 0;

  addTrack(track: Track): number {
    return this.tracks.push(track) - 1;
  }

  addCounter(about: Omit<Counter, 'time' | 'value'>): number {
    return (
      this.counters.push({
        about,
        time: new FloatColumn(),
        value: new FloatColumn(),
        stride: 1,
        offered: 0,
        sum: 0,
      }) - 1
    );
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

  sample(counter: number, time: number, value: number): void {
    const columns = this.counters[counter]!;
    columns.sum += value;
    if (++columns.offered < columns.stride) return;
    const mean = columns.sum / columns.offered;
    columns.offered = 0;
    columns.sum = 0;
    if (columns.time.length === MAX_SAMPLES) {
      thin(columns);
      columns.stride *= 2;
    }
    columns.time.push(time);
    columns.value.push(FLOWING.has(columns.about.quantity) ? mean : value);
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
      counters: [
        ...this.groups.flatMap((group) => group.finish(now)),
        ...this.counters.map(({ about, time, value }) => ({
          ...about,
          time: time.toArray(),
          value: value.toArray(),
        })),
      ],
      marks: this.marks,
    };
  }
}

/** Makes one sample of two: the later time, and the mean of what flows. */
function thin({ about, time, value }: CounterColumns): void {
  time.pair((_, later) => later);
  value.pair(FLOWING.has(about.quantity) ? (a, b) => (a + b) / 2 : (_, later) => later);
}

/** Index of the largest part, as `CAUSES` orders them. */
export function largestCause(parts: ArrayLike<number>, offset = 0): number {
  let best = 0;
  for (let i = 1; i < CAUSES.length; i++) {
    if (parts[offset + i]! > parts[offset + best]!) best = i;
  }
  return best;
}
