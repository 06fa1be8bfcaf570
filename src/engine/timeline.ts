/** The record of a run on typed columns: intervals on tracks, sampled values, and marked changes. */

export interface Track {
  /** `npu`, `gpu`, `request 1`, … */
  readonly name: string;
  readonly kind: 'unit' | 'request' | 'memory' | 'control';
}

/** Interval i ran on `track[i]` from `start[i]` to `end[i]` (seconds); names are indices into `Timeline.strings`. */
export interface Spans {
  readonly length: number;
  readonly track: Int32Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly name: Int32Array;
  /** Index of the request, or −1. */
  readonly request: Int32Array;
  /** Index into `CAUSES` of what held it longest. */
  readonly cause: Uint8Array;
}

/** A sampled value: `value[i]` holds from `time[i]` (seconds) to the next sample. */
export interface Counter {
  /** `npu frequency`, `skin temperature`, `npu bandwidth`, …; `npu frequency cap` for what is allowed at most. */
  readonly name: string;
  readonly quantity:
    | 'frequency'
    | 'power'
    | 'temperature'
    | 'bandwidth'
    | 'rate'
    | 'voltage'
    | 'share';
  /** `Hz`, `W`, `°C`, `B/s`, `1/s`, … */
  readonly unit: string;
  /** What it belongs to: a unit, `dram`, a thermal node, a request. */
  readonly subject: string;
  readonly time: Float64Array;
  readonly value: Float64Array;
}

/** An instant at which something changed, and why. */
export interface Mark {
  readonly time: number;
  readonly track: string;
  readonly name: string;
  readonly reason: string;
}

/** A fixed line that the counters of one subject are read against: DRAM peak, trip point, skin limit, rated clock. */
export interface Limit {
  readonly quantity: Counter['quantity'];
  /** As in `Counter.subject`; `all` holds for every subject of the quantity. */
  readonly subject: string;
  /** `peak`, `junction trip`, `skin limit`, … */
  readonly label: string;
  readonly value: number;
}

export interface Timeline {
  readonly limits?: readonly Limit[];
  readonly tracks: readonly Track[];
  readonly strings: readonly string[];
  readonly spans: Spans;
  readonly counters: readonly Counter[];
  readonly marks: readonly Mark[];
}
