import { describe, expect, it } from 'vitest';
import { charts } from '../../../src/analysis/charts/index.ts';
import { overlayRun, predictedOperators } from '../../../src/analysis/overlay.ts';
import type { Run } from '../../../src/engine/run.ts';
import type { Counter } from '../../../src/engine/timeline.ts';
import { SAMPLES } from '../../support/sample-run.ts';
import { readSvg } from '../../support/svg-document.ts';

const sample = (SAMPLES['ten requests'] as () => Run)();

const counter = (
  name: string,
  quantity: Counter['quantity'],
  subject: string,
  points: readonly (readonly [number, number])[],
): Counter => ({
  name,
  quantity,
  unit: '',
  subject,
  time: Float64Array.from(points, ([time]) => time),
  value: Float64Array.from(points, ([, value]) => value),
});

const withCounters = (...counters: Counter[]): Run => ({
  ...sample,
  timeline: { ...sample.timeline, counters },
});

const ramp = counter('skin-back temperature', 'temperature', 'skin-back', [
  [0, 20],
  [10, 30],
  [20, 40],
]);

describe('overlayRun', () => {
  it('compares each sample with the mean of the prediction since the sample before', () => {
    const measured = counter('back_skin_c', 'temperature', 'back skin', [
      [0, 21],
      [10, 21],
      [15, 29],
    ]);
    const { pairs } = overlayRun(withCounters(ramp), [measured]);
    // Predicted: 20 at once, 20 over the first ten seconds, 30 over the next five.
    expect(pairs).toMatchObject([{ samples: 3, worst: -1 }]);
    expect(pairs[0]?.mean).toBeCloseTo((-1 - 1 + 1) / 3);
    expect(pairs[0]?.rms).toBeCloseTo(1);
  });

  it('adds up the parts for the power of the phone', () => {
    const run = withCounters(
      counter('npu power', 'power', 'npu', [[0, 2]]),
      counter('dram power', 'power', 'dram', [[0, 1.5]]),
    );
    const { pairs } = overlayRun(run, [counter('phone_w', 'power', 'phone', [[1, 4]])]);
    expect(pairs).toMatchObject([{ predicted: { name: 'phone power' }, mean: -0.5 }]);
  });

  it('moves the measured clock by the shift and leaves out what lies outside the run', () => {
    const measured = counter('skin_c', 'temperature', 'skin-back', [
      [0, 30],
      [1e6, 30],
    ]);
    const { pairs } = overlayRun(withCounters(ramp), [measured], { shift: 10 });
    expect(pairs).toMatchObject([{ samples: 1, mean: 0, from: 10 }]);
    const late = overlayRun(withCounters(ramp), [measured], { shift: 1e7 });
    expect(late.unmatched).toEqual([{ name: 'skin_c', reason: 'no sample falls into the run' }]);
  });

  it('takes the curve that the user names, and says what there is otherwise', () => {
    const measured = counter('soc_c', 'temperature', 'soc', [[0, 30]]);
    const run = withCounters(ramp);
    expect(overlayRun(run, [measured]).unmatched[0]?.reason).toMatch(/skin-back temperature/);
    const match = { soc_c: 'skin-back temperature' };
    expect(overlayRun(run, [measured], { match }).pairs).toHaveLength(1);
    expect(() => overlayRun(run, [measured], { match: { soc_c: 'skin-bak temperature' } })).toThrow(
      /did you mean "skin-back temperature"/,
    );
    expect(() => overlayRun(run, [measured], { match: { sock: ramp.name } })).toThrow(/sock/);
  });
});

describe('overlay chart', () => {
  const measured = counter('skin_c', 'temperature', 'skin-back', [
    [0, 21],
    [10, 33],
  ]);
  const operators = {
    predicted: [{ name: 'a', operator: 'Conv', start: 0, end: 1e-3 }],
    measured: [
      { name: 'a', operator: 'Conv', start: 0, end: 2e-3 },
      { name: 'b', operator: '', start: 2e-3, end: 3e-3 },
    ],
  };

  it('draws a line and a mark per sample, text inside', () => {
    const run = withCounters(ramp);
    const svg = charts.overlay.render(run, { overlay: overlayRun(run, [measured]) }) as string;
    const { width, height, texts } = readSvg(svg);
    expect(svg.match(/, measured: /g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(texts.every((t) => t.left >= 0 && t.right <= width && t.bottom <= height)).toBe(true);
  });

  it('draws operators of a profile in two rows', () => {
    const overlay = { pairs: [], unmatched: [], operators };
    const svg = charts.overlay.render(sample, { overlay }) as string;
    expect(svg).toContain('a (Conv) 2 ms');
    expect(readSvg(svg).description).toContain('predicted above measured');
  });

  it('is not drawn where nothing matched', () => {
    expect(
      charts.overlay.render(sample, { overlay: { pairs: [], unmatched: [] } }),
    ).toBeUndefined();
  });
});

describe('predictedOperators', () => {
  it('gives the first request’s operators in order, from its start', () => {
    const spans = predictedOperators(sample);
    expect(spans.length).toBeGreaterThan(0);
    expect(spans[0]?.start).toBeGreaterThanOrEqual(0);
    expect(spans.every((span, i) => span.start >= (spans[i - 1]?.start ?? 0))).toBe(true);
    const last = sample.requests[0];
    expect(spans.at(-1)?.end).toBeLessThanOrEqual(
      (last?.endSeconds ?? 0) - (last?.startSeconds ?? 0) + 1e-9,
    );
  });
});
