/** Stacked areas of one quantity over time: who draws how much of the bandwidth or the power. */
import type { Run } from '../../engine/run.ts';
import type { Counter } from '../../engine/timeline.ts';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  drawLimit,
  drawValueAxis,
  type Figure,
  openFigure,
  path,
  tooltip,
  VALUE_TITLE_HEIGHT,
  WIDTH,
} from './figure.ts';
import {
  countersOf,
  type Extent,
  largest,
  runExtent,
  sliceCounter,
  stepArea,
  sumSlices,
} from './series.ts';
import type { Scale } from './svg.ts';
import { nameOf } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, counterUnit, formatValue, timeUnit } from './units.ts';

interface StackSpec {
  readonly name: string;
  readonly title: string;
  readonly quantity: Counter['quantity'];
  readonly axisTitle: string;
  /** Subjects that already are the sum of the others. */
  readonly totals: readonly string[];
  readonly explain: string;
}

interface Layer {
  readonly subject: string;
  readonly mean: Float64Array;
  readonly average: number;
  readonly hue: number;
}

const COLUMNS = 380;
const MAX_LAYERS = 7;
const BODY = 230;

export function renderBandwidth(run: Run): string | undefined {
  return renderStack(run, {
    name: 'bandwidth',
    title: 'DRAM bandwidth by unit',
    quantity: 'bandwidth',
    axisTitle: 'DRAM bandwidth',
    totals: ['dram', 'total', 'memory'],
    explain: 'Who moves bytes to and from memory',
  });
}

export function renderPower(run: Run): string | undefined {
  return renderStack(run, {
    name: 'power',
    title: 'Power by part',
    quantity: 'power',
    axisTitle: 'Power',
    totals: ['total', 'soc', 'device', 'battery'],
    explain: 'Where watts turn to heat',
  });
}

function renderStack(run: Run, spec: StackSpec): string | undefined {
  const counters = countersOf(run, spec.quantity);
  const first = counters[0];
  if (!first) return undefined;
  const extent = runExtent(run);
  const layers = buildLayers(counters, spec.totals, extent);
  if (layers.length === 0) return undefined;
  const unit = counterUnit(first);
  const print = (value: number): string => formatValue(value, unit);
  const sum = sumSlices(
    layers.map(({ mean }) => mean),
    COLUMNS,
  );
  const top = largest(sum);
  const average = layers.reduce((all, layer) => all + layer.average, 0);
  const limits = (run.timeline.limits ?? []).filter(({ quantity }) => quantity === spec.quantity);
  // A limit far above the curve would flatten it; it is told in the subtitle instead.
  const drawn = limits.filter(({ value }) => value <= 3 * top);
  const far = limits.filter((limit) => !drawn.includes(limit));
  const farText = far.map(({ label, value }) => ` ${label}: ${print(value)}.`).join('');
  const slice = formatValue((extent.to - extent.from) / COLUMNS, 's', 2);
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: `${spec.explain}: ${print(average)} on average, ${print(top)} at most (means over ${slice}).${farText}`,
    description: `Stacked areas over time. Averages: ${layers.map((l) => `${nameOf(l.subject)} ${print(l.average)}`).join(', ')}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT,
    legend: layers.map(({ subject, hue, average: mean }) => ({
      label: `${nameOf(subject)} ${print(mean)}`,
      hue,
    })),
  });
  const box: Box = {
    left: 62,
    top: figure.top + VALUE_TITLE_HEIGHT,
    width: WIDTH - 82,
    height: BODY,
  };
  const roof = largest(
    drawn.map(({ value }) => value),
    top,
  );
  const y = figure.svg.linear([0, (roof || 1) * 1.06], [box.top + box.height, box.top]);
  const x = figure.svg.linear([extent.from, extent.to], [box.left, box.left + box.width]);
  drawValueAxis(figure, box, { scale: y, unit: axisUnit(roof, unit), title: spec.axisTitle });
  drawLayers(figure, box, y, layers, print);
  drawBaseAxis(figure, box, { scale: x, unit: timeUnit(extent.to - extent.from), title: 'Time' });
  for (const { label, value } of drawn)
    drawLimit(figure, box, y(value), `${label} ${print(value)}`);
  return figure.svg.print();
}

function drawLayers(
  figure: Figure,
  box: Box,
  y: Scale,
  layers: readonly Layer[],
  print: (value: number) => string,
): void {
  const base = new Float64Array(COLUMNS);
  for (const { subject, mean, average, hue } of layers) {
    const under = Float64Array.from(base);
    for (let i = 0; i < COLUMNS; i += 1) base[i] = (base[i] as number) + (mean[i] as number);
    const above = (i: number): number => y(base[i] as number);
    const below = (i: number): number => y(under[i] as number);
    const outline = stepArea(COLUMNS, box.left, box.left + box.width, above, below);
    const area = path(figure.root, `f${hue} area`, outline);
    tooltip(area, `${nameOf(subject)}: ${print(average)} on average`);
  }
}

/** Largest at the bottom; what exceeds the palette is added up as `others`. */
function buildLayers(
  counters: readonly Counter[],
  totals: readonly string[],
  extent: Extent,
): readonly Layer[] {
  const parts = counters.filter(({ subject }) => !totals.includes(subject));
  const shown = parts.length > 0 ? parts : counters;
  const layers = shown
    .map((counter) => {
      const { mean } = sliceCounter(counter, extent, COLUMNS);
      return { subject: counter.subject, mean, average: meanOf(mean), hue: GREY };
    })
    .filter(({ average }) => average > 0)
    .sort((a, b) => b.average - a.average);
  const kept = layers.length > MAX_LAYERS ? layers.slice(0, MAX_LAYERS - 1) : layers;
  const hues = assignHues(kept.map(({ subject }) => subject));
  const named = kept.map((layer) => ({ ...layer, hue: hues.get(layer.subject) ?? GREY }));
  const rest = layers.slice(kept.length);
  if (rest.length === 0) return named;
  const mean = sumSlices(
    rest.map((layer) => layer.mean),
    COLUMNS,
  );
  return [...named, { subject: `${rest.length} others`, mean, average: meanOf(mean), hue: GREY }];
}

function meanOf(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0) / values.length;
}
