import { describe, expect, it } from 'vitest';
import { charts } from '../../src/analysis/charts/index.ts';
import { chartSummaries } from '../../src/analysis/charts/summaries.ts';
import { CAPTIONS } from '../../src/analysis/report/captions.ts';
import { SAMPLES } from '../support/sample-run.ts';
import { readSvg, type SvgDocument } from '../support/svg-document.ts';

/** What each shape of run has data for; a chart that draws nothing here would pass every other test. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  'two seconds, one request': [],
  'ten requests': [],
  'thirty minutes': [],
  'no counters': ['bandwidth', 'power', 'temperature', 'heatmap', 'frequency'],
  'one token': ['rate'],
  empty: [
    'ledger',
    'timeline',
    'rate',
    'roofline',
    'bandwidth',
    'power',
    'temperature',
    'heatmap',
    'frequency',
    'energy',
  ],
};

/** Drawn from more than a run; their own tests draw them. */
const NEEDS_MORE = ['overlay', 'security'];

const runs = Object.entries(SAMPLES).map(([shape, build]) => ({ shape, run: build() }));

describe.each(Object.entries(charts))('chart %s', (name, chart) => {
  it('has a summary and a caption', () => {
    expect(chart.summary).toBe(chartSummaries[name as keyof typeof chartSummaries]);
    expect(chart.summary.length).toBeGreaterThan(10);
    expect(CAPTIONS[name as keyof typeof CAPTIONS]).toMatch(/\.$/);
  });

  describe.each(runs)('of a run with $shape', ({ shape, run }) => {
    const svg = chart.render(run);
    const document = svg === undefined ? undefined : readSvg(svg);

    it('is drawn exactly where there is something to draw', () => {
      const nothing = ABSENT[shape]?.includes(name) || NEEDS_MORE.includes(name);
      expect(svg === undefined).toBe(nothing);
    });

    it.skipIf(svg === undefined)('is well-formed and tells its story in words', () => {
      expect(document?.title).not.toBe('');
      expect(document?.description.length).toBeGreaterThan(20);
      expect(document?.ids).toEqual([`${name}-title`, `${name}-desc`]);
    });

    it.skipIf(svg === undefined)('prints no broken number', () => {
      expect(svg).not.toMatch(/NaN|Infinity|undefined|null|\[object/);
    });

    it.skipIf(svg === undefined)('keeps all text inside the picture', () => {
      const { width, height, texts } = document as SvgDocument;
      const outside = texts.filter(
        (box) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height,
      );
      expect(outside).toEqual([]);
      expect(texts.filter(({ text }) => text.trim() === '')).toEqual([]);
    });

    it.runIf(shape === 'ten requests')('is the same every time', () => {
      expect(chart.render(run) === svg).toBe(true);
    });

    it.skipIf(svg === undefined)('stays small', () => {
      expect((svg as string).length).toBeLessThan(120_000);
    });
  });
});
