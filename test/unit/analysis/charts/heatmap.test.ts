import { describe, expect, it } from 'vitest';
import { renderHeatmap } from '../../../../src/analysis/charts/heatmap.ts';
import type { Run } from '../../../../src/engine/run.ts';
import { sampleRun } from '../../../support/sample-run.ts';
import { readSvg } from '../../../support/svg-document.ts';

/** Two blocks side by side: the left warms to 80 °C at 2 s and cools, the right stays at 30 °C. */
function twoBlocks(): Run {
  const counter = (subject: string, value: readonly number[]) => ({
    name: `${subject} temperature`,
    quantity: 'temperature' as const,
    unit: '°C',
    subject,
    time: Float64Array.from([0, 1, 2, 3]),
    value: Float64Array.from(value),
  });
  const run = sampleRun({ requests: 0 });
  return {
    ...run,
    floorplan: [
      { name: 'left', x: 0, y: 0, width: 0.004, height: 0.002 },
      { name: 'right', x: 0.004, y: 0, width: 0.004, height: 0.004 },
      { name: 'unknown', x: 0, y: 0.002, width: 0.004, height: 0.002 },
    ],
    timeline: {
      ...run.timeline,
      counters: [
        counter('left', [25, 50, 80, 60]),
        counter('right', [25, 30, 30, 30]),
        counter('skin-back', [25, 25, 26, 27]),
      ],
    },
  };
}

const rectangles = (svg: string) =>
  [
    ...svg.matchAll(
      /<rect class="(lane )?ring" x="([\d.]+)" y="([\d.]+)"[^>]*?(?:fill="([^"]+)")?>/g,
    ),
  ].map(([, , x, y, fill]) => ({ x: Number(x), y: Number(y), fill }));

describe('heat map', () => {
  it('shows the instant at which the hottest block is hottest', () => {
    const document = readSvg(renderHeatmap(twoBlocks()) as string);
    expect(document.description).toMatch(
      /at 2 s\. Left 80 °C, Right 30 °C\. Around it: Skin-back 26 °C/,
    );
  });

  it('or any other instant, with what held then', () => {
    const document = readSvg(renderHeatmap(twoBlocks(), 1.5) as string);
    expect(document.description).toMatch(/at 1\.5 s\. Left 50 °C, Right 30 °C/);
  });

  it('shows the end, and says so, where it is asked for a later instant', () => {
    const svg = renderHeatmap(twoBlocks(), 99) as string;
    expect(readSvg(svg).description).toMatch(/at 3 s\. Left 60 °C/);
    expect(svg).toMatch(/3 s into the run, at its end \(99 s was asked for\)/);
  });

  it('draws the die to scale, upper edge up, hot blocks darker', () => {
    const svg = renderHeatmap(twoBlocks()) as string;
    const [left, right, unknown] = rectangles(svg);
    // 8 mm by 4 mm fill a width of 400.
    expect(right!.x - left!.x).toBeCloseTo(200, 0);
    // The lower block starts half-way down; the block above it and the tall one start at the top.
    expect(left!.y - right!.y).toBeCloseTo(100, 0);
    expect(unknown!.y).toBeCloseTo(right!.y, 0);
    const light = (fill: string | undefined) =>
      (fill?.match(/\d+/g) ?? []).reduce((sum, part) => sum + Number(part), 0);
    expect(light(left!.fill)).toBeLessThan(light(right!.fill) - 200);
    expect(unknown!.fill).toBeUndefined();
    expect(svg).toContain('Unknown: no reading');
  });

  it('is left out where nothing of the die was recorded', () => {
    const { floorplan: _, ...without } = twoBlocks();
    expect(renderHeatmap(without)).toBeUndefined();
    expect(renderHeatmap(sampleRun({ counters: false }))).toBeUndefined();
  });
});
