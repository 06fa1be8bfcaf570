import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { charts } from '../../src/analysis/charts/index.ts';
import { overlayRun } from '../../src/analysis/overlay.ts';
import type { Counter } from '../../src/engine/timeline.ts';
import { sampleAudit } from '../support/sample-audit.ts';
import { sampleRun } from '../support/sample-run.ts';

/**
 * A change alarm, not a truth: each picture of one small run as SVG text.
 * UPDATE_GOLDEN=1 rewrites them; look at the pictures before committing.
 */
const folder = new URL('charts/', import.meta.url);
const run = sampleRun({ requests: 2, promptTokens: 64, generatedTokens: 8, detail: 'step' });
/** Every other sample of the run's own temperatures and clocks, two per cent off. */
const measured = run.timeline.counters
  .filter(({ quantity, name }) => /temperature|frequency/.test(quantity) && !/cap$/.test(name))
  .map((counter): Counter => {
    const some = (values: Float64Array) => values.filter((_, i) => i % 2 === 0);
    return {
      ...counter,
      time: some(counter.time),
      value: some(counter.value).map((v) => v * 1.02),
    };
  });
const overlay = overlayRun(run, measured);
const update = process.env['UPDATE_GOLDEN'] === '1';

describe.each(Object.entries(charts))('chart %s', (name, chart) => {
  it('draws the committed picture', () => {
    const file = new URL(`${name}.svg`, folder);
    const svg = chart.render({ ...run, audit: sampleAudit }, { overlay });
    if (update) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, svg ?? '');
    }
    expect(existsSync(file)).toBe(true);
    expect(svg).toBe(readFileSync(file, 'utf8'));
  });
});
