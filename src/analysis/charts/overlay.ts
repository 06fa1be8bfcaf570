/** Measured points laid over predicted curves: one panel per quantity on a common time axis. */
import type { MeasuredOperators, Overlay, OverlayPair } from '../overlay.ts';
import { meanOver } from '../overlay.ts';
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
  VALUE_TITLE_HEIGHT,
  WIDTH,
} from './figure.ts';
import { markPath } from './marks.ts';
import { type Extent, largest, px } from './series.ts';
import type { Scale } from './svg.ts';
import { fitText, nameOf, spreadLabels, textWidth } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, counterUnit, formatValue, timeUnit } from './units.ts';

interface Point {
  readonly time: number;
  readonly value: number;
}

export interface OverlayCurve {
  readonly name: string;
  /** Drawn as steps: each value holds from its time to the next. */
  readonly predicted: readonly Point[];
  readonly measured: readonly Point[];
}

export interface OverlayPanel {
  /** Title of the value axis. */
  readonly quantity: string;
  /** Base unit. */
  readonly unit: string;
  readonly curves: readonly OverlayCurve[];
  /** Lowest value shown; below the lowest drawn where absent. */
  readonly from?: number | undefined;
}

export interface OverlayFigure {
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly panels: readonly OverlayPanel[];
  readonly operators?: MeasuredOperators | undefined;
}

const BODY = 170;
const COLUMNS = 300;
const MAX_MARKS = 160;
const LANE = 26;
const LANE_GAP = 12;
const LEFT = 78;
const OPERATORS_NAMED = 6;

const TITLES: Readonly<Record<string, string>> = {
  temperature: 'Temperature',
  power: 'Power',
  frequency: 'Clock',
  rate: 'Decode rate',
  bandwidth: 'DRAM bandwidth',
  voltage: 'Voltage',
  share: 'Share',
};

const CURVES_SUBTITLE =
  'Lines are this run, marks are what was measured, in the same colour. Where marks leave their line, the description or the measurement is wrong.';
const OPERATORS_SUBTITLE =
  'The operators of one run, predicted above measured, on one time axis and coloured by type. A colour that is wider in one row is where the two disagree.';

/** @returns the SVG, or nothing where no measured curve found its partner. */
export function renderOverlay({ pairs, operators }: Overlay): string | undefined {
  if (pairs.length === 0 && operators === undefined) return undefined;
  const quantities = [...new Set(pairs.map(({ measured }) => measured.quantity))];
  return drawOverlay({
    name: 'overlay',
    title: 'Predicted and measured',
    subtitle: pairs.length > 0 ? CURVES_SUBTITLE : OPERATORS_SUBTITLE,
    panels: quantities.map((quantity) => panelOf(quantity, pairs)),
    operators,
  });
}

function panelOf(quantity: string, pairs: readonly OverlayPair[]): OverlayPanel {
  const own = pairs.filter(({ measured }) => measured.quantity === quantity);
  const first = own[0] as OverlayPair;
  const rises = ['power', 'rate', 'frequency', 'bandwidth', 'share'].includes(quantity);
  return {
    quantity: own.length === 1 ? nameOf(first.predicted.name) : (TITLES[quantity] ?? quantity),
    unit: counterUnit(first.measured),
    from: rises ? 0 : undefined,
    curves: own.map(curveOf),
  };
}

/** The predicted curve over the time that both cover, averaged over the columns of the picture. */
function curveOf({ measured, predicted, from, to }: OverlayPair): OverlayCurve {
  const width = (to - from) / COLUMNS;
  return {
    name: predicted.name,
    predicted: Array.from({ length: COLUMNS + 1 }, (_, i) => {
      const start = from + i * width;
      return { time: start, value: meanOver(predicted, start, Math.min(start + width, to)) };
    }),
    measured: [...measured.time].map((time, i) => ({ time, value: measured.value[i] as number })),
  };
}

/** Draws any set of panels; the accuracy table uses it for published series. */
export function drawOverlay(spec: OverlayFigure): string {
  const { panels, operators } = spec;
  const panelHeight = VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT;
  const lanes = operators ? 2 * (LANE + LANE_GAP) + BASE_AXIS_HEIGHT : 0;
  const hues = hueOf(panels);
  const types = operators ? longestTypes(operators) : [];
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: spec.subtitle,
    description: describe(spec),
    bodyHeight: panels.length * panelHeight + lanes,
    legend: [
      ...(panels.length > 0
        ? [
            { label: 'predicted', hue: GREY, shape: 'line' as const },
            { label: 'measured', hue: GREY, mark: 0 },
          ]
        : []),
      ...types.map((type, i) => ({ label: type, hue: i })),
      ...(operators ? [{ label: 'other operators', hue: GREY }] : []),
    ],
  });
  const names = panels.flatMap(({ curves }) => endNames(curves));
  const room = names.length === 0 ? 0 : largest(names.map((name) => textWidth(name))) + 26;
  const end = largest(panels.flatMap(({ curves }) => curves.flatMap(timesOf)));
  panels.forEach((panel, i) => {
    const top = figure.top + i * panelHeight + VALUE_TITLE_HEIGHT;
    drawPanel(figure, panel, top, { from: 0, to: end * 1.02 || 1 }, hues, room);
  });
  if (operators) {
    drawOperators(figure, operators, types, figure.top + panels.length * panelHeight);
  }
  return figure.svg.print();
}

function timesOf({ predicted, measured }: OverlayCurve): number[] {
  return [...predicted, ...measured].map(({ time }) => time);
}

function describe({ panels, operators }: OverlayFigure): string {
  const told = panels.map(({ quantity, curves }) => {
    const marks = curves.reduce((all, { measured }) => all + measured.length, 0);
    return `${quantity} of ${curves.map(({ name }) => name).join(', ')}, ${marks} measured points`;
  });
  const ran = operators ? ['operators of one run, predicted above measured'] : [];
  return `${[...told, ...ran].join('; ')}.`;
}

function hueOf(panels: readonly OverlayPanel[]): ReadonlyMap<string, number> {
  return assignHues([...new Set(panels.flatMap(({ curves }) => curves.map(({ name }) => name)))]);
}

function drawPanel(
  figure: Figure,
  { curves, quantity, unit, from }: OverlayPanel,
  top: number,
  extent: Extent,
  hues: ReadonlyMap<string, number>,
  room: number,
): void {
  const values = curves.flatMap((c) => [...c.predicted, ...c.measured].map(({ value }) => value));
  const high = largest(values, -300);
  const low = from ?? values.reduce((a, b) => Math.min(a, b));
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  const names = endNames(curves);
  const box: Box = { left: LEFT, top, width: WIDTH - LEFT - 20 - room, height: BODY };
  const x = figure.svg.linear([extent.from, extent.to], [box.left, box.left + box.width]);
  const y = figure.svg.linear([from ?? low - pad, high + pad], [top + BODY, top]);
  drawValueAxis(figure, box, { scale: y, unit: axisUnit(high, unit), title: quantity });
  drawBaseAxis(figure, box, { scale: x, unit: timeUnit(extent.to), title: 'Time' });
  for (const curve of curves) drawCurve(figure, curve, x, y, hues.get(curve.name) ?? GREY, unit);
  if (names.length === 0) return;
  const ends = curves.map(({ predicted }) => y(predicted.at(-1)?.value ?? low) + 4);
  const places = spreadLabels(ends, 14, top + 8, top + BODY);
  curves.forEach(({ predicted, name }, i) => {
    const hue = hues.get(name) ?? GREY;
    const last = predicted.at(-1) as Point;
    const place = places[i] as number;
    const right = box.left + box.width;
    const lead = `M${px(x(last.time))} ${px(y(last.value))}L${px(right + 6)} ${px(place - 4)}h6`;
    path(figure.root, `s${hue} thin`, lead);
    label(figure.root, right + 16, place, names[i] as string, { style: 'halo' });
  });
}

/** Names at the right ends of several lines; a line alone is named by its axis. */
function endNames(curves: readonly OverlayCurve[]): string[] {
  return curves.length > 1 ? curves.map(({ name }) => fitText(nameOf(name), 150, 12)) : [];
}

function drawCurve(
  figure: Figure,
  { predicted, measured, name }: OverlayCurve,
  x: Scale,
  y: Scale,
  hue: number,
  unit: string,
): void {
  const line = thin(predicted, COLUMNS).map(({ time, value }, i) =>
    i === 0 ? `M${px(x(time))} ${px(y(value))}` : `H${px(x(time))}V${px(y(value))}`,
  );
  tooltip(path(figure.root, `s${hue} line`, line.join('')), `${name}, predicted`);
  const radius = measured.length > 60 ? 2.5 : 4.5;
  for (const { time, value } of thin(measured, MAX_MARKS)) {
    const mark = path(figure.root, `f${hue} ring`, markPath(0, x(time), y(value), radius));
    tooltip(mark, `${name}, measured: ${formatValue(value, unit)} at ${formatValue(time, 's')}`);
  }
}

/** Two lanes on one time axis: each operator from start to end, coloured by its type. */
function drawOperators(
  figure: Figure,
  operators: MeasuredOperators,
  types: readonly string[],
  top: number,
): void {
  const { predicted, measured } = operators;
  const end = largest([...predicted, ...measured].map((span) => span.end));
  const box: Box = { left: LEFT, top, width: WIDTH - LEFT - 20, height: 2 * (LANE + LANE_GAP) };
  const x = figure.svg.linear([0, end], [box.left, box.left + box.width]);
  for (const [row, { name, spans }] of [
    { name: 'predicted', spans: predicted },
    { name: 'measured', spans: measured },
  ].entries()) {
    const y = top + LANE_GAP / 2 + row * (LANE + LANE_GAP);
    label(figure.root, LEFT - 8, y + LANE / 2 + 4, name, { style: 'm t', anchor: 'end' });
    for (const span of spans) {
      const width = Math.max(x(span.end) - x(span.start) - 0.4, 0.3);
      const hue = types.indexOf(span.operator);
      const d = `M${px(x(span.start))} ${px(y)}h${px(width)}v${LANE}h-${px(width)}Z`;
      const bar = path(figure.root, `f${hue < 0 ? GREY : hue}`, d);
      tooltip(bar, `${span.name} (${span.operator}) ${formatValue(span.end - span.start, 's')}`);
    }
  }
  drawBaseAxis(figure, box, { scale: x, unit: timeUnit(end), title: 'Time' });
}

/** Operator types by their time in both lanes; the others share one grey. */
function longestTypes({ predicted, measured }: MeasuredOperators): string[] {
  const seconds = new Map<string, number>();
  for (const { operator, start, end } of [...predicted, ...measured]) {
    seconds.set(operator, (seconds.get(operator) ?? 0) + end - start);
  }
  seconds.delete('');
  const sorted = [...seconds].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return sorted.slice(0, OPERATORS_NAMED).map(([operator]) => operator);
}

/** At most about `most` points, ends kept. */
function thin(points: readonly Point[], most: number): readonly Point[] {
  const step = Math.max(1, Math.ceil(points.length / most));
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}
