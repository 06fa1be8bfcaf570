/** One run as a trace file that Perfetto opens: JSON while small, protobuf above that, never above a cap. */
import { MEGA } from '../base/units.ts';
import type { Run } from '../engine/run.ts';
import { renderChromeJson } from './trace/chrome-json.ts';
import { buildTrace, type TraceModel } from './trace/model.ts';
import { renderTrackEvents } from './trace/track-event.ts';

export interface TraceOptions {
  /** `auto` takes JSON up to `jsonBytes`, protobuf beyond. */
  readonly format?: 'auto' | 'json' | 'protobuf';
  readonly jsonBytes?: number;
  /** No file is larger: neighbours are merged and counters thinned until it fits, and the metadata say so. */
  readonly capBytes?: number;
}

export interface TraceFile {
  /** `trace.json` or `trace.pftrace`. */
  readonly name: string;
  readonly format: 'json' | 'protobuf';
  readonly bytes: Uint8Array;
  readonly metadata: TraceModel['metadata'];
}

/** Every name a trace file may have. */
export const TRACE_NAMES = ['trace.json', 'trace.pftrace'] as const;

const JSON_BYTES = 4 * MEGA;
const CAP_BYTES = 24 * MEGA;
/** Bytes of one slice and one counter sample, as measured on chat runs; only a first guess, the result is weighed. */
const COST = { json: { slice: 150, sample: 75 }, protobuf: { slice: 62, sample: 33 } } as const;
/** Counters may take this share of a capped file. */
const SAMPLE_SHARE = 0.4;
const TRIES = 8;

/** @returns the file; deterministic. */
export function renderTrace(run: Run, options: TraceOptions = {}): TraceFile {
  const cap = options.capBytes ?? CAP_BYTES;
  const small = Math.min(cap, options.jsonBytes ?? JSON_BYTES);
  const format = options.format ?? 'auto';
  if (format === 'json') return fitUnder(run, 'json', cap);
  if (format === 'auto' && weigh(run, 'json') <= 2 * small) {
    const file = write(run, 'json', 1, cap);
    if (file.bytes.length <= small) return file;
  }
  return fitUnder(run, 'protobuf', cap);
}

function weigh(run: Run, format: 'json' | 'protobuf'): number {
  return COST[format].slice * run.timeline.spans.length + COST[format].sample * sampleCount(run);
}

function sampleCount({ timeline }: Run): number {
  return timeline.counters.reduce((all, { time }) => all + time.length, 0);
}

/** Shrinks the budget by what the file is too large, until it fits. */
function fitUnder(run: Run, format: 'json' | 'protobuf', cap: number): TraceFile {
  let share = 1;
  let file = write(run, format, share, cap);
  for (let tries = 0; tries < TRIES && file.bytes.length > cap; tries += 1) {
    share *= (0.95 * cap) / file.bytes.length;
    file = write(run, format, share, cap);
  }
  return file;
}

function write(run: Run, format: 'json' | 'protobuf', share: number, cap: number): TraceFile {
  const all = { slices: Number.POSITIVE_INFINITY, samples: Number.POSITIVE_INFINITY };
  const cost = COST[format];
  const whole = share === 1 && weigh(run, format) <= cap;
  const samples = Math.min(SAMPLE_SHARE * cap, sampleCount(run) * cost.sample);
  const budget = {
    slices: (share * (cap - samples)) / cost.slice,
    samples: (share * samples) / cost.sample,
  };
  const model = buildTrace(run, whole ? all : budget);
  const { metadata } = model;
  if (format === 'json') {
    const bytes = new TextEncoder().encode(renderChromeJson(model));
    return { name: 'trace.json', format, bytes, metadata };
  }
  return { name: 'trace.pftrace', format, bytes: renderTrackEvents(model), metadata };
}
