import { describe, expect, it } from 'vitest';
import {
  renderLines,
  renderLoadLatency,
  renderPareto,
} from '../../../../src/analysis/charts/lines.ts';
import { renderScatter, scatterPoints } from '../../../../src/analysis/charts/scatter.ts';
import { reportRows } from '../../../../src/analysis/row-report.ts';
import { readSvg } from '../../../support/svg-document.ts';

const point = (id: string, measured: number, predicted: number, group = 'phone') => ({
  id,
  group,
  measured,
  predicted,
});
const scatter = (points: readonly ReturnType<typeof point>[]) =>
  renderScatter({
    name: 's',
    title: 'Decode rate',
    quantity: 'Decode rate',
    unit: 'tokens/s',
    points,
  });

function texts(svg: string | undefined): string[] {
  const document = readSvg(svg ?? '');
  for (const box of document.texts) {
    expect(box.left).toBeGreaterThanOrEqual(0);
    expect(box.right).toBeLessThanOrEqual(document.width);
  }
  return document.texts.map(({ text }) => text);
}

describe('scatter', () => {
  it('counts what lies within the bands', () => {
    const words = texts(
      scatter([point('a', 10, 10.5), point('b', 10, 12), point('c', 10, 20), point('d', 100, 91)]),
    );
    expect(words.join(' ')).toContain('2 of 4 within ±10 %, 3 of 4 within ±25 %');
  });

  it('names the points furthest out with their signed error', () => {
    const words = texts(
      scatter([point('good', 10, 10), point('high', 10, 20), point('low', 10, 5)]),
    );
    expect(words).toContain('high +100 %');
    expect(words).toContain('low −50 %');
    expect(words.some((word) => word.startsWith('good'))).toBe(false);
  });

  it('leaves out what has no logarithm and draws nothing from nothing', () => {
    expect(scatter([point('zero', 0, 5), point('nan', Number.NaN, 1)])).toBeUndefined();
    expect(scatter([])).toBeUndefined();
  });

  it('draws a single point', () => {
    expect(texts(scatter([point('only', 3, 3)])).join(' ')).toContain('1 of 1 within ±10 %');
  });

  it('takes its points from a check report', () => {
    const row = { predicted: 9, reference: 10, error: -0.1, group: 'g' };
    const report = reportRows([
      { id: 'r1', quantity: 'decode', ...row },
      { id: 'r2', quantity: 'prefill', ...row },
    ]);
    expect(scatterPoints(report, 'decode')).toEqual([
      { id: 'r1', group: 'g', measured: 10, predicted: 9 },
    ]);
  });

  it('keeps long names inside', () => {
    texts(scatter([point('x'.repeat(80), 99, 30), point('y', 1, 1)]));
  });
});

describe('lines', () => {
  const axis = { title: 'Clock', unit: 'Hz' };
  const spec = {
    name: 'l',
    title: 'Sweep',
    subtitle: 'One line.',
    x: axis,
    y: { title: 'Rate', unit: 'tokens/s' },
  };

  it('draws one line per series and a legend where there are several', () => {
    const line = (name: string, k: number) => ({
      name,
      points: [1, 2, 3].map((x) => ({ x: x * 1e9, y: x * k, low: x * k * 0.9, high: x * k * 1.1 })),
    });
    const svg = renderLines({ ...spec, series: [line('INT4', 4), line('INT8', 2)] });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['INT4', 'INT8', 'Clock (GHz) →', '↑ Rate (tokens/s)']),
    );
    expect(svg?.match(/ band"/g)).toHaveLength(2);
    expect(texts(renderLines({ ...spec, series: [line('INT4', 4)] }))).not.toContain('INT4');
  });

  it('survives one point, equal values, and values no axis can show', () => {
    const only = { name: 'a', points: [{ x: 1e9, y: 5 }] };
    expect(renderLines({ ...spec, series: [only] })).not.toMatch(/NaN|Infinity/);
    const zero = {
      name: 'a',
      points: [
        { x: 0, y: 0 },
        { x: 0, y: 0 },
      ],
    };
    expect(renderLines({ ...spec, series: [zero] })).not.toMatch(/NaN|Infinity/);
    const none = {
      name: 'a',
      points: [
        { x: 0, y: 1 },
        { x: Number.NaN, y: 1 },
      ],
    };
    expect(renderLines({ ...spec, x: { ...axis, log: true }, series: [none] })).toBeUndefined();
  });

  it('marks the peak of a load–latency curve', () => {
    const points = [0, 30e9, 60e9].map((x) => ({ x, y: 1e-7 / (1 - x / 70e9) }));
    const svg = renderLoadLatency({
      name: 'll',
      title: 'LPDDR5X',
      series: [{ name: 'reads', points }],
      peak: 68.3e9,
    });
    expect(texts(svg)).toContain('peak 68.3 GB/s');
    expect(texts(svg)).toContain('↑ Read latency (ns)');
  });

  it('tells a front from what it beats', () => {
    const points = [
      { label: 'fast', x: 2, y: 9, front: true },
      { label: 'frugal', x: 1, y: 5, front: true },
      { label: 'poor', x: 2, y: 4, front: false },
    ];
    const words = texts(renderPareto({ ...spec, points }));
    expect(words).toEqual(
      expect.arrayContaining(['fast', 'frugal', 'Pareto front (2)', 'beaten in both (1)']),
    );
    expect(words).not.toContain('poor');
  });
});
