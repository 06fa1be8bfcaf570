/** Attained rate of every operator against the roofs of its unit: how far from the hardware’s limit, and which one. */

import { OPS_PER_MAC } from '../../base/units.ts';
import type { RooflineCeiling, RooflinePoint, Run } from '../../engine/run.ts';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  drawValueAxis,
  type Figure,
  openFigure,
  path,
  tooltip,
  VALUE_TITLE_HEIGHT,
  WIDTH,
} from './figure.ts';
import { markRect, placeLabels } from './labels.ts';
import { decadeTicks, logDomain } from './log-axis.ts';
import { markPath } from './marks.ts';
import { largest, px } from './series.ts';
import type { Scale } from './svg.ts';
import { nameOf } from './text.ts';
import { assignHues, causeStyle, GREY } from './theme.ts';
import { axisUnit, formatValue } from './units.ts';

const BODY = 320;
const SMALLEST = 4;
const BIGGEST = 13;
const LABELLED = 8;

interface Dot extends RooflinePoint {
  readonly intensity: number;
  readonly rate: number;
}

export function renderRoofline(run: Run): string | undefined {
  const merged = mergePoints(run.roofline.points);
  const dots = merged.flatMap((point): Dot[] => {
    if (point.macs <= 0 || point.dramBytes <= 0 || point.seconds <= 0) return [];
    const operations = point.macs * OPS_PER_MAC;
    return [
      { ...point, intensity: operations / point.dramBytes, rate: operations / point.seconds },
    ];
  });
  if (dots.length === 0) return undefined;
  const used = new Set(dots.map(({ unit }) => unit));
  const ceilings = run.roofline.ceilings.filter(({ unit }) => used.has(unit));
  const units = [...new Set([...ceilings.map(({ unit }) => unit), ...used])];
  const phases = [...new Set(dots.map(({ phase }) => phase))];
  const hues = assignHues(units);
  const skipped = merged.length - dots.length;
  const figure = openFigure({
    name: 'roofline',
    title: 'Roofline of the operators',
    subtitle: `Left of a roof’s corner memory is the limit, right of it arithmetic. A bigger mark took more time.${skipped > 0 ? ` Not shown: ${skipped} kinds of operator without multiply–accumulates or DRAM traffic.` : ''}`,
    description: `Operators: ${dots.map((d) => `${d.operator} in ${d.phase} on ${d.unit}, ${formatValue(d.rate, 'OP/s')} at ${formatValue(d.intensity, 'OP/B')}`).join('; ')}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT,
    legend: [
      ...units.map((unit) => ({ label: nameRoof(unit, ceilings), hue: hues.get(unit) ?? GREY })),
      ...phases.map((phase, mark) => ({ label: nameOf(phase), hue: GREY, mark })),
    ],
  });
  const box: Box = {
    left: 62,
    top: figure.top + VALUE_TITLE_HEIGHT,
    width: WIDTH - 82,
    height: BODY,
  };
  const corners = ceilings.map((c) => c.peakOpsPerSecond / c.bytesPerSecond);
  const xs = logDomain([...dots.map(({ intensity }) => intensity), ...corners]);
  const ys = logDomain([
    ...dots.map(({ rate }) => rate),
    ...ceilings.map((c) => c.peakOpsPerSecond * 1.6),
  ]);
  const x = figure.svg.log(xs, [box.left, box.left + box.width]);
  const y = figure.svg.log(ys, [box.top + box.height, box.top]);
  const unit = axisUnit(ys[1] / 10, 'OP/s');
  drawValueAxis(figure, box, { scale: y, unit, title: 'Attained rate', ticks: decadeTicks(ys, 8) });
  const intensity = { factor: 1, unit: 'OP per DRAM byte' };
  drawBaseAxis(figure, box, {
    scale: x,
    unit: intensity,
    title: 'Intensity',
    ticks: decadeTicks(xs, 10),
  });
  for (const c of ceilings) drawRoof(figure, x, y, c, hues.get(c.unit) ?? GREY);
  drawDots({ figure, box, x, y }, dots, phases, hues);
  return figure.svg.print();
}

/** Same operator, phase and unit over all requests: one mark. */
function mergePoints(points: readonly RooflinePoint[]): readonly RooflinePoint[] {
  const merged = new Map<string, RooflinePoint>();
  for (const point of points) {
    const key = JSON.stringify([point.phase, point.operator, point.unit]);
    const old = merged.get(key);
    if (!old) merged.set(key, point);
    else {
      merged.set(key, {
        ...old,
        count: old.count + point.count,
        macs: old.macs + point.macs,
        dramBytes: old.dramBytes + point.dramBytes,
        seconds: old.seconds + point.seconds,
        cause: point.seconds > old.seconds ? point.cause : old.cause,
      });
    }
  }
  return [...merged.values()];
}

/** `NPU, int4 × fp16: 24 TOP/s, 66.9 GB/s`: what the roof of a unit is made of. */
function nameRoof(unit: string, ceilings: readonly RooflineCeiling[]): string {
  const roof = ceilings.find((ceiling) => ceiling.unit === unit);
  if (!roof) return nameOf(unit);
  return `${nameOf(roof.label)}: ${formatValue(roof.peakOpsPerSecond, 'OP/s')}, ${formatValue(roof.bytesPerSecond, 'B/s')}`;
}

function drawRoof(figure: Figure, x: Scale, y: Scale, ceiling: RooflineCeiling, hue: number): void {
  const [low = 1, high = 1] = x.domain();
  const [floor = 1] = y.domain();
  const corner = ceiling.peakOpsPerSecond / ceiling.bytesPerSecond;
  // Where the slanted roof leaves the picture at the left or at the bottom.
  const start = Math.max(low, floor / ceiling.bytesPerSecond);
  const slope = `M${px(x(start))} ${px(y(start * ceiling.bytesPerSecond))}`;
  const bend = Math.min(high, corner);
  const top = px(y(bend * ceiling.bytesPerSecond));
  const flat = corner < high ? `H${px(x(high))}` : '';
  path(figure.root, `s${hue} thin`, `${slope}L${px(x(bend))} ${top}${flat}`);
}

interface Frame {
  readonly figure: Figure;
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
}

function drawDots(
  { figure, box, x, y }: Frame,
  dots: readonly Dot[],
  phases: readonly string[],
  hues: ReadonlyMap<string, number>,
): void {
  const longest = largest(dots.map(({ seconds }) => seconds));
  // Big ones first, so that small ones stay visible on top.
  const ranked = [...dots].sort((a, b) => b.seconds - a.seconds);
  for (const dot of ranked) {
    const radius = SMALLEST + (BIGGEST - SMALLEST) * Math.sqrt(dot.seconds / longest);
    const shape = markPath(phases.indexOf(dot.phase), x(dot.intensity), y(dot.rate), radius);
    const mark = path(figure.root, `f${hues.get(dot.unit) ?? GREY} ring area`, shape);
    tooltip(
      mark,
      `${dot.operator}, ${dot.phase} on ${nameOf(dot.unit)}: ${formatValue(dot.rate, 'OP/s')} at ${formatValue(dot.intensity, 'OP/B')}, ${formatValue(dot.seconds, 's')} in ${dot.count} calls, held by ${causeStyle(dot.cause).label}`,
    );
  }
  const labels = ranked.map((dot) => ({
    x: x(dot.intensity),
    y: y(dot.rate),
    radius: SMALLEST + (BIGGEST - SMALLEST) * Math.sqrt(dot.seconds / longest),
    text: `${dot.operator} (${dot.phase})`,
  }));
  const marks = labels.map((item) => markRect(item.x, item.y, item.radius));
  placeLabels(figure.root, box, labels.slice(0, LABELLED), marks);
}
