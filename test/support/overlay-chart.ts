/** A predicted curve with what was measured on it, as SVG beside the accuracy table. */
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  drawValueAxis,
  openFigure,
  path,
  VALUE_TITLE_HEIGHT,
  WIDTH,
} from '../../src/analysis/charts/figure.ts';
import { markPath } from '../../src/analysis/charts/marks.ts';
import { px } from '../../src/analysis/charts/series.ts';
import { axisUnit, timeUnit } from '../../src/analysis/charts/units.ts';

const folder = new URL('../validation/charts/', import.meta.url);
const BODY = 190;
const COLUMNS = 240;

export interface Point {
  readonly time: number;
  readonly value: number;
}

export interface OverlaySpec {
  /** File name. */
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly quantity: string;
  readonly unit: string;
  /** Each holds from its time to the next. */
  readonly predicted: readonly Point[];
  readonly measured: readonly Point[];
  /** Lowest value shown; 0 for rates. */
  readonly from?: number;
}

/** @returns the markdown that shows it in ACCURACY.md. */
export function writeOverlay(spec: OverlaySpec): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${spec.name}.svg`, folder), drawOverlay(spec));
  return `![${spec.title}](charts/${spec.name}.svg)`;
}

function drawOverlay(spec: OverlaySpec): string {
  const { predicted, measured, unit, from = 0 } = spec;
  const end = Math.max(...[...predicted, ...measured].map(({ time }) => time)) * 1.03;
  const top = Math.max(...[...predicted, ...measured].map(({ value }) => value));
  const figure = openFigure({
    name: spec.name,
    title: spec.title,
    subtitle: spec.subtitle,
    description: `Predicted ${spec.quantity} over time as a line, ${measured.length} measured points as marks.`,
    bodyHeight: VALUE_TITLE_HEIGHT + BODY + BASE_AXIS_HEIGHT,
    legend: [
      { label: 'predicted', hue: 0, shape: 'line' },
      { label: 'measured', hue: 1, mark: 0 },
    ],
  });
  const box: Box = {
    left: 62,
    top: figure.top + VALUE_TITLE_HEIGHT,
    width: WIDTH - 82,
    height: BODY,
  };
  const x = figure.svg.linear([0, end], [box.left, box.left + box.width]);
  const y = figure.svg.linear([from, from + (top - from) * 1.1], [box.top + BODY, box.top]);
  drawValueAxis(figure, box, { scale: y, unit: axisUnit(top, unit), title: spec.quantity });
  drawBaseAxis(figure, box, { scale: x, unit: timeUnit(end), title: 'Time' });
  const line = thin(predicted).map(
    ({ time, value }, i) => `${i === 0 ? 'M' : 'L'}${px(x(time))} ${px(y(value))}`,
  );
  path(figure.root, 's0 line', line.join(''));
  for (const { time, value } of measured) {
    path(figure.root, 'f1 ring', markPath(0, x(time), y(value), 5));
  }
  return figure.svg.print();
}

/** At most one point per column of the picture. */
function thin(points: readonly Point[]): readonly Point[] {
  const step = Math.max(1, Math.ceil(points.length / COLUMNS));
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}
