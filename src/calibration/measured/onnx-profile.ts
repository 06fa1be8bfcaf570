/** ONNX Runtime's profile as one measured run: its operators in order, with their times. */
import { SpecError } from '../../base/errors.ts';
import { MICRO, type Seconds } from '../../base/units.ts';
import { KERNEL_SUFFIX, type ProfileEvent, plainName } from '../profile.ts';
import { medianOf } from '../statistics.ts';

export interface MeasuredSpan {
  readonly name: string;
  readonly operator: string;
  /** From the start of the run. */
  readonly start: Seconds;
  readonly end: Seconds;
}

export interface MeasuredRun {
  readonly file: string;
  /** Runs in the profile; the one shown is that of median length. */
  readonly runs: number;
  readonly seconds: Seconds;
  readonly spans: readonly MeasuredSpan[];
}

interface Interval {
  readonly start: number;
  readonly end: number;
}

/** @throws SpecError when it is no profile, or holds no complete run with operators. */
export function parseOnnxProfile(text: string, file: string): MeasuredRun {
  const events = parseEvents(text, file);
  const nodes = events.filter(
    ({ cat, name, ts, dur }) =>
      cat === 'Node' && name?.endsWith(KERNEL_SUFFIX) && ts !== undefined && dur !== undefined,
  );
  const runs = events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .map(({ ts = 0, dur = 0 }) => ({ start: ts, end: ts + dur }))
    .filter(({ start, end }) => nodes.some(({ ts = 0 }) => ts >= start && ts <= end));
  if (runs.length === 0) {
    const message = 'holds no run with operators';
    const expected = 'a profile of at least one run (session option enable_profiling)';
    throw new SpecError([{ file, message, expected }]);
  }
  const shown = nearestToMedian(runs);
  const spans = nodes
    .filter(({ ts = 0 }) => ts >= shown.start && ts <= shown.end)
    .map(({ name = '', ts = 0, dur = 0, args }) => ({
      name: plainName(name.slice(0, -KERNEL_SUFFIX.length)),
      operator: args?.op_name ?? '',
      start: (ts - shown.start) * MICRO,
      end: (ts - shown.start + dur) * MICRO,
    }))
    .sort((a, b) => a.start - b.start);
  return { file, runs: runs.length, seconds: (shown.end - shown.start) * MICRO, spans };
}

function parseEvents(text: string, file: string): ProfileEvent[] {
  try {
    const data = JSON.parse(text) as ProfileEvent[] | { traceEvents?: ProfileEvent[] };
    return Array.isArray(data) ? data : (data.traceEvents ?? []);
  } catch (error) {
    throw new SpecError([{ file, message: `no JSON: ${(error as Error).message}` }]);
  }
}

/** The run whose length is the median of all, or next to it; the earliest of equals. */
function nearestToMedian(runs: readonly Interval[]): Interval {
  const median = medianOf(runs.map(({ start, end }) => end - start));
  const away = ({ start, end }: Interval) => Math.abs(end - start - median);
  return runs.reduce((best, run) => (away(run) < away(best) ? run : best));
}
