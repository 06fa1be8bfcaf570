/** A trace as Chrome “Trace Event Format” JSON, read by Perfetto and chrome://tracing. */
import { KILO } from '../../base/units.ts';
import { causeOf, type Group, type TraceLane, type TraceModel } from './model.ts';

/** One object of `traceEvents`; times in microseconds, as the format asks. */
interface TraceEvent {
  readonly ph: 'M' | 'X' | 'C' | 'i' | 's' | 't' | 'f';
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: number;
  /** Flow ends bind to the slice around them, not to the next one. */
  readonly bp?: 'e';
  /** Instants: thread or global. */
  readonly s?: 't' | 'g';
  readonly args?: Readonly<Record<string, string | number>>;
}

const GROUP_PIDS: Readonly<Record<Group, number>> = {
  Units: 1,
  Requests: 2,
  Memory: 3,
  Control: 4,
};
/** Counters of one quantity share a “process”, so that viewers fold them together. */
const FIRST_COUNTER_PID = 10;

/** @returns the text of the file. */
export function renderChromeJson(trace: TraceModel): string {
  const lines: string[] = [];
  for (const event of listEvents(trace)) lines.push(JSON.stringify(event));
  const other = JSON.stringify(trace.metadata);
  return `{"displayTimeUnit":"ns","otherData":${other},"traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function* listEvents(trace: TraceModel): Generator<TraceEvent> {
  yield* nameProcesses(trace);
  for (const [index, lane] of trace.lanes.entries()) {
    const pid = GROUP_PIDS[lane.group];
    const tid = index + 1;
    yield { ph: 'M', name: 'thread_name', pid, tid, args: { name: lane.name } };
    yield { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: index } };
    yield* listSlices(trace, lane, pid, tid);
  }
  yield* listFlows(trace);
  yield* listCounters(trace);
  for (const { name, reason, nanoseconds, lane } of trace.instants) {
    const place = lane === undefined ? undefined : trace.lanes[lane];
    const where = place
      ? { pid: GROUP_PIDS[place.group], tid: (lane as number) + 1, s: 't' as const }
      : { pid: GROUP_PIDS.Control, tid: 0, s: 'g' as const };
    yield { ph: 'i', name, cat: 'change', ts: nanoseconds / KILO, ...where, args: { reason } };
  }
}

function* listSlices(
  trace: TraceModel,
  { group, slices }: TraceLane,
  pid: number,
  tid: number,
): Generator<TraceEvent> {
  for (const slice of slices) {
    // What held a request up differs from operator to operator, so only those say it.
    const cause = group === 'Requests' ? undefined : causeOf(slice);
    const request = trace.requests[slice.request];
    const args = {
      ...(cause === undefined ? {} : { cause }),
      ...(request === undefined ? {} : { request }),
      ...(slice.count > 1 ? { spans: slice.count } : {}),
    };
    const ts = slice.start / KILO;
    const dur = (slice.end - slice.start) / KILO;
    yield { ph: 'X', name: slice.name, cat: cause ?? 'request', pid, tid, ts, dur, args };
  }
}

function* nameProcesses(trace: TraceModel): Generator<TraceEvent> {
  const groups = new Set(trace.lanes.map(({ group }) => group));
  if (trace.instants.some(({ lane }) => lane === undefined)) groups.add('Control');
  const named = [
    ...[...groups].map((group) => [GROUP_PIDS[group], group] as const),
    ...quantities(trace).map((quantity, index) => [FIRST_COUNTER_PID + index, quantity] as const),
  ];
  for (const [pid, name] of named) {
    yield { ph: 'M', name: 'process_name', pid, args: { name } };
    yield { ph: 'M', name: 'process_sort_index', pid, args: { sort_index: pid } };
  }
}

function quantities({ counters }: TraceModel): readonly string[] {
  return [...new Set(counters.map(({ quantity }) => quantity))];
}

function* listFlows({ flows, lanes }: TraceModel): Generator<TraceEvent> {
  for (const { id, name, steps } of flows) {
    for (const [index, step] of steps.entries()) {
      const lane = lanes[step.lane];
      const slice = lane?.slices[step.slice];
      if (!lane || !slice) continue;
      const place = { pid: GROUP_PIDS[lane.group], tid: step.lane + 1, ts: slice.start / KILO };
      const common = { name, cat: 'request', id, ...place };
      if (index === 0) yield { ph: 's', ...common };
      else if (index < steps.length - 1) yield { ph: 't', ...common, bp: 'e' };
      else yield { ph: 'f', ...common, bp: 'e' };
    }
  }
}

function* listCounters(trace: TraceModel): Generator<TraceEvent> {
  const order = quantities(trace);
  for (const { name, quantity, unit, time, value } of trace.counters) {
    const pid = FIRST_COUNTER_PID + order.indexOf(quantity);
    for (const [index, nanoseconds] of time.entries()) {
      const args = { [unit]: value[index] as number };
      yield { ph: 'C', name, pid, ts: nanoseconds / KILO, args };
    }
  }
}
