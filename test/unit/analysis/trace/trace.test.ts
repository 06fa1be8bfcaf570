import { describe, expect, it } from 'vitest';
import { renderTrace } from '../../../../src/analysis/trace.ts';
import { sampleRun } from '../../../support/sample-run.ts';
import { readChromeJson, readTrackEvents } from '../../../support/trace-reader.ts';

const run = sampleRun({ requests: 2, generatedTokens: 4 });
const json = renderTrace(run, { format: 'json' });
const proto = renderTrace(run, { format: 'protobuf' });

interface Event {
  readonly ph: string;
  readonly [key: string]: unknown;
}

describe('Chrome JSON', () => {
  const events = (JSON.parse(Buffer.from(json.bytes).toString()) as { traceEvents: Event[] })
    .traceEvents;

  it('gives every event the fields that the format requires of its phase', () => {
    const required: Readonly<Record<string, readonly string[]>> = {
      M: ['name', 'pid', 'args'],
      X: ['name', 'pid', 'tid', 'ts', 'dur', 'cat'],
      C: ['name', 'pid', 'ts', 'args'],
      i: ['name', 'pid', 'tid', 'ts', 's'],
      s: ['name', 'pid', 'tid', 'ts', 'id', 'cat'],
      t: ['name', 'pid', 'tid', 'ts', 'id', 'cat', 'bp'],
      f: ['name', 'pid', 'tid', 'ts', 'id', 'cat', 'bp'],
    };
    const lacking = events.filter(
      (event) => required[event.ph]?.some((key) => event[key] === undefined) ?? true,
    );
    expect(lacking).toEqual([]);
  });

  it('names and orders its processes and threads', () => {
    const names = events
      .filter(({ name }) => name === 'process_name')
      .map(({ args }) => (args as { name: string }).name);
    expect(names).toEqual([
      'Units',
      'Requests',
      'power',
      'bandwidth',
      'temperature',
      'frequency',
      'rate',
    ]);
  });

  it('starts and ends every arrow inside a slice of its thread', () => {
    const flows = events.filter(({ ph }) => 'stf'.includes(ph));
    const slices = events.filter(({ ph }) => ph === 'X');
    const loose = flows.filter(
      (flow) =>
        !slices.some(
          (slice) =>
            slice['pid'] === flow['pid'] &&
            slice['tid'] === flow['tid'] &&
            (slice['ts'] as number) <= (flow['ts'] as number) &&
            (flow['ts'] as number) <= (slice['ts'] as number) + (slice['dur'] as number),
        ),
    );
    expect(loose).toEqual([]);
  });
});

describe('a run as a trace', () => {
  it('chains each request through its phases', () => {
    const { flows } = readChromeJson(json.bytes);
    // The request's own slice, the first operator of prefill, the first of decode.
    expect(flows).toEqual([
      { id: 1, ends: false },
      { id: 1, ends: false },
      { id: 1, ends: true },
      { id: 2, ends: false },
      { id: 2, ends: false },
      { id: 2, ends: true },
    ]);
  });

  it('tells the same in both formats', () => {
    const a = readChromeJson(json.bytes);
    const b = readTrackEvents(proto.bytes);
    const order = (x: { track: string; start: number; end: number; name: string }) =>
      `${x.track} ${x.start} ${x.end} ${x.name}`;
    expect(b.slices.map(order).sort()).toEqual(a.slices.map(order).sort());
    expect([...b.counters].sort()).toEqual([...a.counters].sort());
    expect(proto.bytes.length).toBeLessThan(json.bytes.length / 2);
  });

  it('keeps counter values exactly', () => {
    const { counters } = readTrackEvents(proto.bytes);
    const given = run.timeline.counters.find(({ name }) => name === 'skin temperature')!;
    expect(counters.get('skin temperature')!.map(([, value]) => value)).toEqual([...given.value]);
  });

  it('says what it is and where it came from', () => {
    const { other } = readChromeJson(json.bytes);
    expect(other).toMatchObject({
      producer: 'socsim 0.1.0',
      soc: 'dimensity-9300',
      workload: 'llama-2-7b-chat',
      seed: 1,
      spans_recorded: run.timeline.spans.length,
      spans_written: run.timeline.spans.length,
    });
    expect(other).not.toHaveProperty('merged');
    expect(readTrackEvents(proto.bytes).instants).toContain('producer');
  });

  it('turns to protobuf above the size for JSON, and is the same every time', () => {
    expect(renderTrace(run).name).toBe('trace.json');
    const large = renderTrace(run, { jsonBytes: 10_000 });
    expect(large.name).toBe('trace.pftrace');
    expect(Buffer.compare(large.bytes, proto.bytes)).toBe(0);
  });

  it('marks changes where they happened', () => {
    const marked = {
      ...run,
      timeline: {
        ...run.timeline,
        marks: [
          { time: 0.5, track: 'npu', name: 'cap 0.9 GHz', reason: 'skin limit' },
          { time: 1, track: 'nowhere', name: 'lost', reason: 'test' },
        ],
      },
    };
    expect(readChromeJson(renderTrace(marked, { format: 'json' }).bytes).instants).toEqual([
      'cap 0.9 GHz',
      'lost',
    ]);
    expect(readTrackEvents(renderTrace(marked, { format: 'protobuf' }).bytes).instants).toEqual(
      expect.arrayContaining(['cap 0.9 GHz', 'lost']),
    );
  });

  it('reads back empty from an empty run', () => {
    const empty = sampleRun({ requests: 0 });
    expect(readChromeJson(renderTrace(empty, { format: 'json' }).bytes).slices).toEqual([]);
    expect(readTrackEvents(renderTrace(empty, { format: 'protobuf' }).bytes).slices).toEqual([]);
  });
});
