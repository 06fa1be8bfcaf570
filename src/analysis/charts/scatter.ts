/** Predicted against measured, on logarithmic axes, with bands of ±10 % and ±25 % around the diagonal. */
import { quantile, type RowReport } from '../row-report.ts';
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
} from './figure.ts';
import { placeLabels } from './labels.ts';
import { decadeTicks, logDomain } from './log-axis.ts';
import { markPath } from './marks.ts';
import { px } from './series.ts';
import type { Scale } from './svg.ts';
import { fitText } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, formatNumber, formatValue } from './units.ts';

export interface ScatterPoint {
  readonly id: string;
  /** What the colour tells: a SoC, an engine, a family. */
  readonly group: string;
  readonly measured: number;
  readonly predicted: number;
}

export interface ScatterSpec {
  /** Unique in a page. */
  readonly name: string;
  readonly title: string;
  /** `Decode rate` */
  readonly quantity: string;
  /** Base unit: `tokens/s`, `s`, `B/s`, … */
  readonly unit: string;
  readonly points: readonly ScatterPoint[];
}

const SIDE = 430;
const WORST_NAMED = 6;
const OUTER = 0.25;
const INNER = 0.1;
/** Widest first, so that the inner one lies on top. */
const BANDS = [
  { share: OUTER, fill: 'outer' },
  { share: INNER, fill: 'inner' },
];

/** Points of one quantity of a check report. */
export function scatterPoints(report: RowReport, quantity: string): readonly ScatterPoint[] {
  return report.rows
    .filter((row) => row.quantity === quantity)
    .map(({ id, group, reference, predicted }) => ({ id, group, measured: reference, predicted }));
}

export function renderScatter(spec: ScatterSpec): string | undefined {
  const points = spec.points.filter(({ measured, predicted }) => measured > 0 && predicted > 0);
  if (points.length === 0) return undefined;
  const groups = [...new Set(points.map(({ group }) => group))];
  const hues = assignHues(groups);
  const within = (band: number): string =>
    `${points.filter((point) => Math.abs(errorOf(point)) <= band).length} of ${points.length} within ±${band * 100} %`;
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: `${within(INNER)}, ${within(OUTER)}; median error ${percent(medianError(points))}. On the diagonal the prediction is exact; above it, too high.`,
    description: `${points.length} points of ${spec.quantity}, predicted against measured. ${within(INNER)}, ${within(OUTER)}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + SIDE + BASE_AXIS_HEIGHT,
    legend: [
      ...groups.map((group, mark) => {
        const own = points.filter((point) => point.group === group);
        return {
          label: `${group} (${own.length}, median ${percent(medianError(own))})`,
          hue: hues.get(group) ?? GREY,
          mark,
        };
      }),
      ...BANDS.map(({ share, fill }) => ({ label: `±${share * 100} %`, hue: GREY, fill })),
    ],
  });
  const box: Box = { left: 70, top: figure.top + VALUE_TITLE_HEIGHT, width: 720, height: SIDE };
  const domain = logDomain(points.flatMap(({ measured, predicted }) => [measured, predicted]));
  const x = figure.svg.log(domain, [box.left, box.left + box.width]);
  const y = figure.svg.log(domain, [box.top + box.height, box.top]);
  const unit = axisUnit(domain[1] / 2, spec.unit);
  const ticks = decadeTicks(domain, 8);
  drawBands(figure, x, y, domain);
  drawValueAxis(figure, box, {
    scale: y,
    unit,
    title: `Predicted ${spec.quantity.toLowerCase()}`,
    ticks,
  });
  drawBaseAxis(figure, box, {
    scale: x,
    unit,
    title: `Measured ${spec.quantity.toLowerCase()}`,
    ticks,
  });
  path(
    figure.root,
    'axis',
    `M${px(x(domain[0]))} ${px(y(domain[0]))}L${px(x(domain[1]))} ${px(y(domain[1]))}`,
  );
  for (const point of points) {
    const kind = groups.indexOf(point.group);
    const d = markPath(kind, x(point.measured), y(point.predicted), 5);
    const mark = path(figure.root, `f${hues.get(point.group) ?? GREY} ring area`, d);
    const pair = `predicted ${formatValue(point.predicted, spec.unit)}, measured ${formatValue(point.measured, spec.unit)}`;
    tooltip(mark, `${point.id}: ${pair} (${signed(errorOf(point))})`);
  }
  nameWorst(figure, box, x, y, points);
  return figure.svg.print();
}

function errorOf({ predicted, measured }: ScatterPoint): number {
  return predicted / measured - 1;
}

function medianError(points: readonly ScatterPoint[]): number {
  const errors = points.map((point) => Math.abs(errorOf(point))).sort((a, b) => a - b);
  return quantile(errors, 0.5);
}

function percent(share: number): string {
  return `${formatNumber(share * 100, 2)} %`;
}

function signed(share: number): string {
  return share > 0 ? `+${percent(share)}` : percent(share);
}

/** Strips around the diagonal, clipped to the box by hand: a line of slope one in log space. */
function drawBands(
  figure: Figure,
  x: Scale,
  y: Scale,
  [low, high]: readonly [number, number],
): void {
  for (const { share, fill } of BANDS) {
    const up = 1 + share;
    const down = 1 - share;
    const corners = [
      [low, low],
      [low, low * up],
      [high / up, high],
      [high, high],
      [high, high * down],
      [low / down, low],
    ] as const;
    const d = corners.map(([a, b]) => `${px(x(a))} ${px(y(b))}`).join('L');
    path(figure.root, fill, `M${d}Z`);
  }
}

/** Names of the points furthest out. */
function nameWorst(
  figure: Figure,
  box: Box,
  x: Scale,
  y: Scale,
  points: readonly ScatterPoint[],
): void {
  const distance = ({ predicted, measured }: ScatterPoint): number =>
    Math.abs(Math.log(predicted / measured));
  const far = points
    .filter((point) => Math.abs(errorOf(point)) > OUTER)
    .sort((a, b) => distance(b) - distance(a));
  const labels = far.slice(0, WORST_NAMED).map((point) => ({
    x: x(point.measured),
    y: y(point.predicted),
    radius: 6,
    text: fitText(`${point.id} ${signed(errorOf(point))}`, 260, 11),
  }));
  placeLabels(figure.root, box, labels);
}
