/** Lines over time, each named at its right end: temperatures of the nodes and tokens per second. */
import type { Run } from '../../engine/run.ts';
import type { Counter, Limit } from '../../engine/timeline.ts';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  drawLimit,
  drawValueAxis,
  type Figure,
  label,
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
  px,
  runExtent,
  type Slices,
  sliceCounter,
  stepArea,
  stepPath,
} from './series.ts';
import type { Scale } from './svg.ts';
import { fitText, nameOf, spreadLabels, textWidth } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, formatValue, timeUnit } from './units.ts';

interface Curve {
  readonly subject: string;
  readonly slices: Slices;
}

interface CurveSpec {
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly axisTitle: string;
  readonly unit: string;
  readonly extent: Extent;
  readonly curves: readonly Curve[];
  readonly limits: readonly Limit[];
  /** Where the value axis starts; temperatures need no zero. */
  readonly fromZero: boolean;
}

const COLUMNS = 340;
const MAX_CURVES = 8;
const BODY = 220;
const LABEL_GAP = 14;

/** Temperature of every node against the limits that make the phone slow down. */
export function renderTemperature(run: Run): string | undefined {
  const all = countersOf(run, 'temperature');
  if (all.length === 0) return undefined;
  const extent = runExtent(run);
  const curves = all
    .map((counter) => ({
      subject: counter.subject,
      slices: sliceCounter(counter, extent, COLUMNS),
    }))
    .sort((a, b) => largest(b.slices.high) - largest(a.slices.high));
  const skin = curves.filter(({ subject }) => /skin/i.test(subject));
  const shown = [...new Set([...curves.slice(0, MAX_CURVES - skin.length), ...skin])];
  const limits = (run.timeline.limits ?? []).filter(({ quantity }) => quantity === 'temperature');
  const hottest = curves[0] as Curve;
  const parts = [
    `Hottest: ${nameOf(hottest.subject)} at ${formatValue(largest(hottest.slices.high), '°C')}.`,
    shown.length < curves.length
      ? `The ${shown.length} hottest of ${curves.length} nodes are drawn.`
      : '',
    limitText(limits, shown),
  ];
  return renderCurves({
    name: 'temperature',
    title: 'Temperature',
    subtitle: parts.filter(Boolean).join(' '),
    axisTitle: 'Temperature',
    unit: '°C',
    extent,
    curves: shown,
    limits,
    fromZero: false,
  });
}

function limitText(limits: readonly Limit[], curves: readonly Curve[]): string {
  const roof = largest(curves.flatMap(({ slices }) => largest(slices.high, -300)));
  const far = limits.filter(({ value }) => value > roof + FAR_KELVIN);
  return far
    .map(({ label: name, value }) => `Not reached: ${name}, ${formatValue(value, '°C')}.`)
    .join(' ');
}

/** A limit further away than this from every curve is told in words, so that the curves keep their shape. */
const FAR_KELVIN = 25;

/** Tokens per second over time; where no counter was kept, the mean of each request's decode phase. */
export function renderRate(run: Run): string | undefined {
  const extent = runExtent(run);
  const counters = countersOf(run, 'rate');
  const used = counters.length > 0 ? counters : [rateFromPhases(run)];
  const curves = used
    .filter((counter): counter is Counter => counter !== undefined)
    .map((counter) => ({
      subject: counter.subject,
      slices: sliceCounter(counter, extent, COLUMNS),
    }));
  const drawn = curves.length > MAX_CURVES ? [totalCurve(curves)] : curves;
  const peak = largest(drawn.map(({ slices }) => largest(slices.high)));
  if (peak <= 0) return undefined;
  const rates = run.phases.filter(({ phase }) => phase === 'decode').map(phaseRate);
  const first = rates[0];
  const last = rates.at(-1);
  // Of several workloads, the first and the last tell of different models.
  const change =
    first !== undefined && last !== undefined && rates.length > 1 && !run.workloads
      ? ` First request ${formatValue(first, 'tokens/s')}, last ${formatValue(last, 'tokens/s')} (${formatValue(last / first, '%')}).`
      : '';
  return renderCurves({
    name: 'rate',
    title: 'Tokens per second',
    subtitle: `How fast text appears: ${formatValue(peak, 'tokens/s')} at best; zero while a prompt is read or nothing is asked.${change}`,
    axisTitle: 'Decode rate',
    unit: 'tokens/s',
    extent,
    curves: drawn,
    limits: (run.timeline.limits ?? []).filter(({ quantity }) => quantity === 'rate'),
    fromZero: true,
  });
}

function phaseRate({ outputs, startSeconds, endSeconds }: Run['phases'][number]): number {
  return endSeconds > startSeconds ? outputs / (endSeconds - startSeconds) : 0;
}

/** Requests overlap, so rates add up: one step up at each start and one down at each end. */
function rateFromPhases(run: Run): Counter | undefined {
  const decode = run.phases.filter(({ phase }) => phase === 'decode');
  if (decode.length === 0) return undefined;
  const steps = decode.flatMap((phase) => [
    { time: phase.startSeconds, change: phaseRate(phase) },
    { time: phase.endSeconds, change: -phaseRate(phase) },
  ]);
  steps.sort((a, b) => a.time - b.time);
  let level = 0;
  const value = steps.map(({ change }) => {
    level = Math.max(0, level + change);
    return level;
  });
  return {
    name: 'decode rate',
    quantity: 'rate',
    unit: '1/s',
    subject: 'decode',
    time: Float64Array.from(steps, ({ time }) => time),
    value: Float64Array.from(value),
  };
}

function totalCurve(curves: readonly Curve[]): Curve {
  const add = (key: keyof Slices): Float64Array =>
    Float64Array.from({ length: COLUMNS }, (_, i) =>
      curves.reduce((all, { slices }) => all + (slices[key][i] as number), 0),
    );
  return {
    subject: 'all requests',
    slices: { mean: add('mean'), low: add('mean'), high: add('mean') },
  };
}

/** Draws mean lines with a faint band from lowest to highest value inside each slice. */
function renderCurves(spec: CurveSpec): string {
  const { curves, extent } = spec;
  const high = largest(
    curves.map(({ slices }) => largest(slices.high, -300)),
    -300,
  );
  const low = Math.min(...curves.map(({ slices }) => slices.low.reduce((a, b) => Math.min(a, b))));
  const limits = spec.limits.filter(({ value }) => spec.fromZero || value <= high + FAR_KELVIN);
  const roof = largest(
    limits.map(({ value }) => value),
    high,
  );
  const pad = (roof - low || 1) * 0.08;
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: spec.subtitle,
    description: `Lines over time: ${curves.map((c) => `${nameOf(c.subject)} up to ${formatValue(largest(c.slices.high, -300), spec.unit)}`).join(', ')}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT,
  });
  const names = curves.map(({ subject, slices }) =>
    endLabel(curves.length > 1 ? nameOf(subject) : '', slices, spec.unit),
  );
  const room = Math.min(210, largest(names.map((name) => textWidth(name))) + 24);
  const box: Box = {
    left: 62,
    top: figure.top + VALUE_TITLE_HEIGHT,
    width: WIDTH - 62 - room - 12,
    height: BODY,
  };
  const bottom = spec.fromZero ? 0 : low - pad;
  const y = figure.svg.linear([bottom, roof + pad], [box.top + box.height, box.top]);
  const x = figure.svg.linear([extent.from, extent.to], [box.left, box.left + box.width]);
  const unit = axisUnit(roof, spec.unit);
  drawValueAxis(figure, box, { scale: y, unit, title: spec.axisTitle });
  drawBaseAxis(figure, box, {
    scale: x,
    unit: timeUnit(extent.to - extent.from),
    title: 'Time',
  });
  const hues = assignHues(curves.map(({ subject }) => subject));
  for (const { subject, label: name, value } of limits) {
    drawLimit(figure, box, y(value), `${name} ${formatValue(value, spec.unit)}`, hues.get(subject));
  }
  drawLines(figure, box, y, curves, names, hues);
  return figure.svg.print();
}

function endLabel(subject: string, slices: Slices, unit: string): string {
  return `${subject} ${formatValue(slices.mean.at(-1) ?? 0, unit)}`.trim();
}

function drawLines(
  figure: Figure,
  box: Box,
  y: Scale,
  curves: readonly Curve[],
  names: readonly string[],
  hues: ReadonlyMap<string, number>,
): void {
  const right = box.left + box.width;
  const heights = curves.map(({ slices }) => y(slices.mean.at(-1) ?? 0) + 4);
  const places = spreadLabels(heights, LABEL_GAP, box.top + 8, box.top + box.height);
  curves.forEach(({ subject, slices }, index) => {
    const hue = hues.get(subject) ?? GREY;
    const above = (i: number): number => y(slices.high[i] as number);
    const below = (i: number): number => y(slices.low[i] as number);
    const band = stepArea(COLUMNS, box.left, right, above, below);
    path(figure.root, `f${hue} band`, band);
    const mean = (i: number): number => y(slices.mean[i] as number);
    const line = path(figure.root, `s${hue} line`, stepPath(COLUMNS, box.left, right, mean));
    tooltip(line, names[index] as string);
    const place = places[index] as number;
    path(
      figure.root,
      `s${hue} thin`,
      `M${px(right)} ${px(mean(COLUMNS - 1))}L${px(right + 9)} ${px(place - 4)}h6`,
    );
    const text = fitText(names[index] as string, WIDTH - right - 26);
    label(figure.root, right + 19, place, text, { style: 'halo' });
  });
}
