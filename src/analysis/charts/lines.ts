/** Results of sweeps as curves: one line per series with its uncertainty, a load–latency curve, or a Pareto front. */
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  drawValueAxis,
  type Figure,
  label,
  openFigure,
  path,
  tooltip,
  unitTicks,
  VALUE_TITLE_HEIGHT,
  WIDTH,
} from './figure.ts';
import { placeLabels } from './labels.ts';
import { decadeTicks, logDomain } from './log-axis.ts';
import { markPath } from './marks.ts';
import { largest, px } from './series.ts';
import type { Scale, Svg } from './svg.ts';
import { fitText } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { type AxisUnit, axisUnit, formatValue } from './units.ts';

interface LineAxis {
  readonly title: string;
  /** Base unit; empty for a plain number. */
  readonly unit: string;
  readonly log?: boolean;
}

interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Uncertainty of y, where it is known. */
  readonly low?: number;
  readonly high?: number;
}

export interface LineSpec {
  /** Unique in a page. */
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: LineAxis;
  readonly y: LineAxis;
  readonly series: readonly { readonly name: string; readonly points: readonly LinePoint[] }[];
  /** Vertical dashed lines, such as the peak bandwidth. */
  readonly limits?: readonly { readonly label: string; readonly x: number }[];
}

interface ParetoPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Nothing else is better in both. */
  readonly front: boolean;
}

export interface ParetoSpec extends Omit<LineSpec, 'series' | 'limits'> {
  readonly points: readonly ParetoPoint[];
}

const BODY = 280;
const POINTS_MARKED = 40;

interface Frame {
  readonly figure: Figure;
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
}

/** One line per series over a swept value. */
export function renderLines(spec: LineSpec): string | undefined {
  const series = spec.series
    .map(({ name, points }) => ({
      name,
      points: points.filter(isDrawable(spec)).sort((a, b) => a.x - b.x),
    }))
    .filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const hues = assignHues(series.map(({ name }) => name));
  const all = series.flatMap(({ points }) => points);
  const xs = [...all.map(({ x }) => x), ...(spec.limits ?? []).map(({ x }) => x)];
  const ys = all.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const legend = series.map(({ name }) => ({
    label: name,
    hue: hues.get(name) ?? GREY,
    shape: 'line' as const,
  }));
  const frame = openFrame(spec, xs, ys, series.length > 1 ? legend : []);
  for (const { name, points } of series)
    drawSeries(frame, spec, points, hues.get(name) ?? GREY, name);
  const { figure, box, x } = frame;
  for (const limit of spec.limits ?? []) {
    const at = x(limit.x);
    path(figure.root, 'limit', `M${px(at)} ${px(box.top)}v${box.height}`);
    const text = `${limit.label} ${formatValue(limit.x, spec.x.unit)}`;
    label(figure.root, at - 5, box.top + 12, text, { style: 'alarm t halo', anchor: 'end' });
  }
  return figure.svg.print();
}

/** Latency against the bandwidth asked for: flat, then a knee, then a wall. */
export function renderLoadLatency(spec: {
  readonly name: string;
  readonly title: string;
  readonly series: LineSpec['series'];
  readonly peak?: number;
}): string | undefined {
  const { name, title, series, peak } = spec;
  return renderLines({
    name,
    title,
    subtitle:
      'Mean time from request to data against the traffic served. Past the knee, more traffic only waits longer.',
    x: { title: 'Bandwidth', unit: 'B/s' },
    y: { title: 'Read latency', unit: 's' },
    series,
    limits: peak === undefined ? [] : [{ label: 'peak', x: peak }],
  });
}

/** Every point of a two-objective sweep, with the front drawn through those that nothing beats. */
export function renderPareto(spec: ParetoSpec): string | undefined {
  const points = spec.points.filter(isDrawable(spec));
  if (points.length === 0) return undefined;
  const front = points.filter((point) => point.front).sort((a, b) => a.x - b.x || a.y - b.y);
  const frame = openFrame(
    spec,
    points.map(({ x }) => x),
    points.map(({ y }) => y),
    [
      { label: `Pareto front (${front.length})`, hue: 0, mark: 0 },
      { label: `beaten in both (${points.length - front.length})`, hue: GREY, mark: 0 },
    ],
  );
  const { figure, x, y } = frame;
  const beaten = points.filter((point) => !point.front);
  path(figure.root, `f${GREY} band2`, beaten.map((p) => markPath(0, x(p.x), y(p.y), 3)).join(''));
  const steps = front.map((p, i) =>
    i === 0 ? `M${px(x(p.x))} ${px(y(p.y))}` : `H${px(x(p.x))}V${px(y(p.y))}`,
  );
  path(figure.root, 's0 thin', steps.join(''));
  for (const point of front) {
    const mark = path(figure.root, 'f0 ring', markPath(0, x(point.x), y(point.y), 4.5));
    const pair = `${formatValue(point.x, spec.x.unit)}, ${formatValue(point.y, spec.y.unit)}`;
    tooltip(mark, `${point.label}: ${pair}`);
  }
  const labels = front.map((p) => ({
    x: x(p.x),
    y: y(p.y),
    radius: 5,
    text: fitText(p.label, 240, 11),
  }));
  placeLabels(figure.root, frame.box, labels);
  return figure.svg.print();
}

function isDrawable(spec: Pick<LineSpec, 'x' | 'y'>): (point: { x: number; y: number }) => boolean {
  const fits = (value: number, axis: LineAxis): boolean =>
    Number.isFinite(value) && (axis.log !== true || value > 0);
  return ({ x, y }) => fits(x, spec.x) && fits(y, spec.y);
}

function openFrame(
  spec: Omit<LineSpec, 'series'>,
  xs: readonly number[],
  ys: readonly number[],
  legend: Parameters<typeof openFigure>[0]['legend'] & object,
): Frame {
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: spec.subtitle,
    description: `${spec.y.title} from ${formatValue(Math.min(...ys), spec.y.unit)} to ${formatValue(Math.max(...ys), spec.y.unit)} over ${spec.x.title} from ${formatValue(Math.min(...xs), spec.x.unit)} to ${formatValue(Math.max(...xs), spec.x.unit)}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT,
    legend,
  });
  const box: Box = {
    left: 70,
    top: figure.top + VALUE_TITLE_HEIGHT,
    width: WIDTH - 100,
    height: BODY,
  };
  const across = buildScale(figure.svg, spec.x, xs, [box.left, box.left + box.width], false);
  const up = buildScale(figure.svg, spec.y, ys, [box.top + box.height, box.top], true);
  drawValueAxis(figure, box, { ...up, title: spec.y.title });
  drawBaseAxis(figure, box, { ...across, title: spec.x.title });
  return { figure, box, x: across.scale, y: up.scale };
}

/** A value axis starts at zero unless that would squeeze the curve into its upper fifth. */
function buildScale(
  svg: Svg,
  axis: LineAxis,
  values: readonly number[],
  range: readonly [number, number],
  fromZero: boolean,
): { readonly scale: Scale; readonly unit: AxisUnit; readonly ticks: readonly number[] } {
  const unit = axisUnit(largest(values.map(Math.abs)), axis.unit);
  if (axis.log) {
    const domain = logDomain(values);
    return { scale: svg.log(domain, range), unit, ticks: decadeTicks(domain, 8) };
  }
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const flat = low > 0.8 * high;
  const bottom = low === 0 || (fromZero && low > 0 && !flat) ? 0 : low - pad;
  const scale = svg.linear([bottom, high + pad], range);
  return { scale, unit, ticks: unitTicks(scale, unit, 7, svg) };
}

function drawSeries(
  { figure, x, y }: Frame,
  spec: LineSpec,
  points: readonly LinePoint[],
  hue: number,
  name: string,
): void {
  const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  if (banded.length > 1) {
    const above = banded.map((p) => `${px(x(p.x))} ${px(y(p.high ?? p.y))}`);
    const below = banded.map((p) => `${px(x(p.x))} ${px(y(p.low ?? p.y))}`).reverse();
    path(figure.root, `f${hue} band`, `M${[...above, ...below].join('L')}Z`);
  }
  const d = `M${points.map((p) => `${px(x(p.x))} ${px(y(p.y))}`).join('L')}`;
  tooltip(path(figure.root, `s${hue} line`, d), name);
  if (points.length > POINTS_MARKED) return;
  for (const point of points) {
    const mark = path(figure.root, `f${hue} ring`, markPath(0, x(point.x), y(point.y), 3.6));
    tooltip(
      mark,
      `${name}: ${formatValue(point.y, spec.y.unit)} at ${formatValue(point.x, spec.x.unit)}`,
    );
  }
}
