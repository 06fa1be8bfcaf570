import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinSamples } from '../../src/analysis/trace/samples.ts';
import { renderTrace, type TraceOptions } from '../../src/analysis/trace.ts';
import type { Run } from '../../src/engine/run.ts';
import type { Spans } from '../../src/engine/timeline.ts';
import { sampleRun } from '../support/sample-run.ts';
import {
  type ReadSlice,
  type ReadTrace,
  readChromeJson,
  readTrackEvents,
} from '../support/trace-reader.ts';

const base = sampleRun({ requests: 1, generatedTokens: 2, detail: 'step' });

interface RandomSpan {
  readonly track: number;
  readonly start: number;
  readonly length: number;
  readonly cause: number;
}

/** Any spans at all: overlapping, nested, empty, out of order. */
const spans = fc.array(
  fc.record({
    track: fc.nat(2),
    start: fc.double({ min: 0, max: 5, noNaN: true }),
    length: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.constant(1e-9),
    ),
    cause: fc.nat(5),
  }),
  { maxLength: 120 },
);

function runOf(list: readonly RandomSpan[]): Run {
  const table: Spans = {
    length: list.length,
    track: Int32Array.from(list, ({ track }) => track),
    start: Float64Array.from(list, ({ start }) => start),
    end: Float64Array.from(list, ({ start, length }) => start + length),
    name: Int32Array.from(list, ({ cause }) => cause),
    request: new Int32Array(list.length),
    cause: Uint8Array.from(list, ({ cause }) => cause),
  };
  const strings = ['a', 'b', 'c', 'd', 'e', 'f'];
  return { ...base, timeline: { ...base.timeline, strings, spans: table } };
}

function read(run: Run, options: TraceOptions): ReadTrace {
  const file = renderTrace(run, options);
  return file.format === 'json' ? readChromeJson(file.bytes) : readTrackEvents(file.bytes);
}

/** Two slices of one track are apart, or one lies inside the other. */
function crossing(slices: readonly ReadSlice[]): readonly (readonly [ReadSlice, ReadSlice])[] {
  return slices.flatMap((a, i) =>
    slices
      .slice(i + 1)
      .filter((b) => {
        const apart = a.track !== b.track || a.end <= b.start || b.end <= a.start;
        const inside = (x: ReadSlice, y: ReadSlice): boolean =>
          x.start >= y.start && x.end <= y.end;
        return !apart && !inside(a, b) && !inside(b, a);
      })
      .map((b) => [a, b] as const),
  );
}

describe.each(['json', 'protobuf'] as const)('any timeline as %s', (format) => {
  it('keeps every span, to the nanosecond, nested as viewers ask', () => {
    fc.assert(
      fc.property(spans, (list) => {
        const run = runOf(list);
        const trace = read(run, { format });
        expect(crossing(trace.slices)).toEqual([]);
        const told = trace.slices.map(
          ({ track, name, start, end }) =>
            `${track.replace(/ \(\d+\)$/, '')} ${name} ${start} ${end}`,
        );
        const given = list.map(({ track, start, length, cause }) => {
          const ns = (seconds: number): number => Math.round(seconds / 1e-9);
          return `${run.timeline.tracks[track]!.name} ${'abcdef'[cause]} ${ns(start)} ${ns(start + length)}`;
        });
        expect(told.sort()).toEqual(given.sort());
      }),
      { numRuns: 40 },
    );
  });

  it('stays under its cap, still nested, and covers the same stretch of time', () => {
    fc.assert(
      fc.property(
        fc.array(spans, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 12_000, max: 40_000 }),
        (lists, capBytes) => {
          const list = lists.flat();
          const run = runOf(list);
          const file = renderTrace(run, { format, capBytes });
          expect(file.bytes.length).toBeLessThanOrEqual(capBytes);
          const trace =
            format === 'json' ? readChromeJson(file.bytes) : readTrackEvents(file.bytes);
          expect(crossing(trace.slices)).toEqual([]);
          if (list.length === 0) return;
          const starts = trace.slices.map(({ start }) => start);
          const ends = trace.slices.map(({ end }) => end);
          expect(Math.min(...starts)).toBe(
            Math.round(Math.min(...list.map((s) => s.start)) / 1e-9),
          );
          expect(Math.max(...ends)).toBe(
            Math.round(Math.max(...list.map((s) => s.start + s.length)) / 1e-9),
          );
          if (trace.slices.length < list.length)
            expect(file.metadata['merged']).toMatch(/shorter than \d/);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('thinned samples', () => {
  it('keep order, ends, lowest and highest, and stay near the budget', () => {
    const values = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 100 }), (list, most) => {
        const value = Float64Array.from(list);
        const kept = thinSamples({ value }, most);
        expect([...kept].sort((a, b) => a - b)).toEqual(kept);
        expect(new Set(kept).size).toBe(kept.length);
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(list.length - 1);
        expect(kept.length).toBeLessThanOrEqual(Math.max(most, 4));
        const told = kept.map((i) => value[i]!);
        expect(Math.min(...told)).toBe(Math.min(...list));
        expect(Math.max(...told)).toBe(Math.max(...list));
      }),
    );
  });

  it('drop only repeats while there is room', () => {
    expect(thinSamples({ value: Float64Array.from([5, 5, 5, 7, 7, 5]) }, 100)).toEqual([0, 3, 5]);
  });
});
