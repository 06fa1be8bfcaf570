import { describe, expect, it } from 'vitest';
import {
  collectLanes,
  fillColumns,
  type Lane,
  medianWidth,
} from '../../../../src/analysis/charts/lanes.ts';
import { CAUSES } from '../../../../src/engine/run.ts';
import { sampleRun } from '../../../support/sample-run.ts';

function lane(spans: readonly (readonly [number, number, number])[], depth = 1): Lane {
  const column = (pick: (span: readonly [number, number, number]) => number) => spans.map(pick);
  return {
    name: 'npu',
    kind: 'unit',
    strings: [''],
    spans: [...spans.keys()],
    depth,
    table: {
      length: spans.length,
      track: new Int32Array(spans.length),
      start: Float64Array.from(column(([start]) => start)),
      end: Float64Array.from(column(([, end]) => end)),
      name: new Int32Array(spans.length),
      request: new Int32Array(spans.length),
      cause: Uint8Array.from(column(([, , cause]) => cause)),
    },
  };
}

describe('fillColumns', () => {
  it('splits a span over the columns it covers', () => {
    const [compute, bandwidth] = fillColumns(
      lane([
        [0.5, 1.5, 0],
        [1.5, 1.75, 1],
      ]),
      { from: 0, to: 2 },
      2,
    );
    expect([...compute!]).toEqual([0.5, 0.5]);
    expect([...bandwidth!]).toEqual([0, 0.25]);
  });

  it('cuts at the edges of the window', () => {
    const [compute] = fillColumns(lane([[0, 10, 0]]), { from: 4, to: 6 }, 4);
    expect([...compute!]).toEqual([1, 1, 1, 1]);
  });

  it('keeps the busy time of every cause', () => {
    const run = sampleRun({ requests: 3 });
    const npu = collectLanes(run).find(({ name }) => name === 'npu')!;
    const to = Math.max(...run.phases.map(({ endSeconds }) => endSeconds));
    const filled = fillColumns(npu, { from: 0, to }, 97);
    CAUSES.forEach((_, cause) => {
      const drawn = filled[cause]!.reduce((all, share) => all + share, 0) * (to / 97);
      const real = npu.spans
        .filter((i) => npu.table.cause[i] === cause)
        .reduce((all, i) => all + npu.table.end[i]! - npu.table.start[i]!, 0);
      expect(drawn).toBeCloseTo(real, 9);
    });
  });
});

describe('collectLanes', () => {
  it('names requests by number and colours their phases by what limited them', () => {
    const lanes = collectLanes(sampleRun({ requests: 2 }));
    expect(lanes.map(({ name }) => name)).toEqual(['npu', 'gpu', 'cpu', 'Request 1', 'Request 2']);
    const second = lanes.at(-1)!;
    const told = second.spans.map((i) => [
      second.strings[second.table.name[i]!],
      CAUSES[second.table.cause[i]!],
    ]);
    expect(told).toEqual([
      ['queue', 'queue'],
      ['prefill', 'compute'],
      ['decode', 'bandwidth'],
    ]);
  });

  it('puts many requests on one lane', () => {
    const lanes = collectLanes(
      sampleRun({ requests: 14, promptTokens: 8, generatedTokens: 2, detail: 'step' }),
    );
    expect(lanes.at(-1)!.name).toBe('14 requests');
  });
});

describe('medianWidth', () => {
  it('is in columns, and infinite without spans', () => {
    const window = { from: 0, to: 10 };
    expect(
      medianWidth(
        [
          lane([
            [0, 1, 0],
            [1, 3, 0],
            [3, 9, 0],
          ]),
        ],
        window,
        100,
      ),
    ).toBeCloseTo(20);
    expect(medianWidth([], window, 100)).toBe(Number.POSITIVE_INFINITY);
  });
});
