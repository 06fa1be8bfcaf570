/**
 * Registry of the charts that draw a run. Import it lazily: d3 takes about a second to load
 * (`summaries.ts` names the charts without it).
 */
import type { Entry } from '../../base/registry.ts';
import type { Run } from '../../engine/run.ts';
import type { Overlay } from '../overlay.ts';
import { renderRate, renderTemperature } from './curves.ts';
import { renderEnergy } from './energy.ts';
import { renderFrequency } from './frequency.ts';
import { renderHeatmap } from './heatmap.ts';
import { renderLedger } from './ledger.ts';
import { renderMemory } from './memory.ts';
import { renderOverlay } from './overlay.ts';
import { renderRoofline } from './roofline.ts';
import { renderSecurity } from './security.ts';
import { renderBandwidth, renderPower } from './stack.ts';
import { type ChartName, chartSummaries } from './summaries.ts';
import { renderTimeline } from './timeline.ts';

export interface ChartOptions {
  /** Seconds into the run, for pictures of one instant; each chooses its own unless given. */
  readonly at?: number | undefined;
  /** Measurements to lay over the run; without them there is no such chart. */
  readonly overlay?: Overlay | undefined;
}

/** A way to look at a run. */
export interface Chart extends Entry {
  /** @returns a complete SVG document, or nothing where the run holds nothing to draw. Pure. */
  render(run: Run, options?: ChartOptions): string | undefined;
}

const renderers = {
  ledger: renderLedger,
  timeline: renderTimeline,
  rate: renderRate,
  roofline: renderRoofline,
  bandwidth: renderBandwidth,
  memory: renderMemory,
  power: renderPower,
  energy: renderEnergy,
  temperature: renderTemperature,
  frequency: renderFrequency,
  security: renderSecurity,
  heatmap: (run, options) => renderHeatmap(run, options?.at),
  overlay: (_, options) => options?.overlay && renderOverlay(options.overlay),
} satisfies Record<ChartName, Chart['render']>;

export const charts = Object.fromEntries(
  (Object.keys(chartSummaries) as ChartName[]).map((name) => [
    name,
    { summary: chartSummaries[name], render: renderers[name] },
  ]),
) as Readonly<Record<ChartName, Chart>>;
