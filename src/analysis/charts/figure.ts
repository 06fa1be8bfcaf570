/** The frame every chart stands in: heading, legend, panels with axes, and text that stays inside. */

import { markPath } from './marks.ts';
import { px } from './series.ts';
import { createSvg, type Scale, type Selection, type Svg } from './svg.ts';
import { fitText, textWidth, wrapText } from './text.ts';
import { STYLE } from './theme.ts';
import { type AxisUnit, formatNumber } from './units.ts';

export const WIDTH = 860;
const EDGE = 16;
const LEGEND_ROW = 18;
const SUBTITLE_ROW = 16;

interface LegendItem {
  readonly label: string;
  /** Hue index of a swatch, or the dashed alarm line of a limit. */
  readonly hue: number | 'limit';
  readonly shape?: 'box' | 'line' | 'dash';
  /** Kind of point (`marks.ts`); takes the place of `shape`. */
  readonly mark?: number;
  /** Class that fills the box in place of a hue. */
  readonly fill?: string;
}

export interface FigureSpec {
  /** Unique in a page: element ids start with it. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences under the title; wraps. */
  readonly subtitle: string;
  /** What the picture shows, for a reader who cannot see it. */
  readonly description: string;
  /** User units below the legend. */
  readonly bodyHeight: number;
  readonly legend?: readonly LegendItem[];
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Figure {
  readonly svg: Svg;
  readonly root: Selection;
  readonly name: string;
  /** Where the body starts. */
  readonly top: number;
  readonly height: number;
}

/** Opens a chart with its style, accessible title and description, heading and legend. */
export function openFigure(spec: FigureSpec): Figure {
  const subtitle = wrapText(spec.subtitle, WIDTH - 2 * EDGE);
  const legend = placeLegend(spec.legend ?? []);
  const legendTop = 30 + subtitle.length * SUBTITLE_ROW + 6;
  const top = legendTop + legend.rows * LEGEND_ROW + 4;
  const height = Math.ceil(top + spec.bodyHeight);
  const svg = createSvg(WIDTH, height, spec.name);
  const { root } = svg;
  root.append('title').attr('id', `${spec.name}-title`).text(spec.title);
  root.append('desc').attr('id', `${spec.name}-desc`).text(spec.description);
  root.append('style').text(STYLE);
  root.append('rect').attr('class', 'bg').attr('width', WIDTH).attr('height', height);
  const heading = fitText(spec.title, WIDTH - 2 * EDGE, 17);
  label(root, EDGE, 25, heading, { style: 'h' });
  subtitle.forEach((line, index) => {
    label(root, EDGE, 43 + index * SUBTITLE_ROW, line, { style: 'm' });
  });
  for (const item of legend.items) drawKey(root, item, legendTop);
  return { svg, root, name: spec.name, top, height };
}

interface PlacedItem extends LegendItem {
  readonly x: number;
  readonly row: number;
}

function placeLegend(items: readonly LegendItem[]): { items: PlacedItem[]; rows: number } {
  const placed: PlacedItem[] = [];
  let x = EDGE;
  let row = 0;
  for (const item of items) {
    const text = fitText(item.label, WIDTH - 2 * EDGE - 24);
    const width = 20 + textWidth(text) + 14;
    if (x > EDGE && x + width > WIDTH - EDGE) {
      x = EDGE;
      row += 1;
    }
    placed.push({ ...item, label: text, x, row });
    x += width;
  }
  return { items: placed, rows: items.length === 0 ? 0 : row + 1 };
}

function drawKey(root: Selection, item: PlacedItem, top: number): void {
  const y = top + item.row * LEGEND_ROW + 6;
  const line = item.shape === 'line' || item.shape === 'dash' || item.hue === 'limit';
  if (line) {
    const kind = item.hue === 'limit' ? 'limit' : `s${item.hue} line`;
    root
      .append('path')
      .attr('class', item.shape === 'dash' ? `${kind} dash` : kind)
      .attr('d', `M${px(item.x)} ${px(y)}h14`);
  } else if (item.mark !== undefined) {
    path(root, `f${item.hue}`, markPath(item.mark, item.x + 7, y, 4.5));
  } else {
    root
      .append('rect')
      .attr('class', item.fill ?? `f${item.hue}`)
      .attr('x', px(item.x))
      .attr('y', px(y - 5))
      .attr('width', 12)
      .attr('height', 10)
      .attr('rx', 2);
  }
  label(root, item.x + 19, y + 4, item.label);
}

export interface LabelOptions {
  readonly style?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** Writes one line of text with its baseline at `y`. */
export function label(
  parent: Selection,
  x: number,
  y: number,
  text: string,
  options: LabelOptions = {},
): Selection {
  const element = parent.append('text').attr('x', px(x)).attr('y', px(y));
  if (options.style) element.attr('class', options.style);
  if (options.anchor && options.anchor !== 'start') element.attr('text-anchor', options.anchor);
  return element.text(text);
}

/** Draws a path; nothing when it is empty. */
export function path(parent: Selection, style: string, d: string): Selection | undefined {
  return d === '' ? undefined : parent.append('path').attr('class', style).attr('d', d);
}

/** Hover text of an element. */
export function tooltip(element: Selection | undefined, text: string): void {
  element?.append('title').text(text);
}

export interface Axis {
  readonly scale: Scale;
  readonly unit: AxisUnit;
  /** `Bandwidth`; the unit is added. */
  readonly title: string;
  readonly ticks?: readonly number[];
}

function titleOf(axis: Axis): string {
  return axis.unit.unit === '' ? axis.title : `${axis.title} (${axis.unit.unit})`;
}

/** Ticks of a linear axis at round values of the printed unit, in base units. */
export function unitTicks(
  scale: Scale,
  unit: AxisUnit,
  count: number,
  svg: Svg,
): readonly number[] {
  const [low = 0, high = 1] = scale.domain();
  const printed = svg.linear([low / unit.factor, high / unit.factor], [0, 1]);
  return printed.ticks(count).map((tick) => tick * unit.factor);
}

/** Grid lines across `box`, tick labels left of it, and the title above. */
export function drawValueAxis(figure: Figure, box: Box, axis: Axis): void {
  const ticks =
    axis.ticks ?? unitTicks(axis.scale, axis.unit, Math.max(2, box.height / 45), figure.svg);
  const group = figure.root.append('g');
  const right = box.left + box.width;
  const lines = ticks.map((tick) => `M${px(box.left)} ${px(axis.scale(tick))}H${px(right)}`);
  path(group, 'grid', lines.join(''));
  for (const tick of ticks) {
    const text = formatNumber(tick / axis.unit.factor, 6);
    label(group, box.left - 7, axis.scale(tick) + 4, text, { style: 'm t', anchor: 'end' });
  }
  if (axis.title !== '') label(group, EDGE, box.top - 9, `↑ ${titleOf(axis)}`, { style: 'm t' });
}

/** Base line, ticks and labels under `box`, with the title at the right end. */
export function drawBaseAxis(figure: Figure, box: Box, axis: Axis): void {
  const ticks =
    axis.ticks ?? unitTicks(axis.scale, axis.unit, Math.max(2, box.width / 90), figure.svg);
  const group = figure.root.append('g');
  const base = box.top + box.height;
  const right = box.left + box.width;
  const marks = ticks.map((tick) => `M${px(axis.scale(tick))} ${px(base)}v5`);
  path(group, 'axis', `M${px(box.left)} ${px(base)}H${px(right)}${marks.join('')}`);
  for (const tick of ticks) {
    const text = formatNumber(tick / axis.unit.factor, 6);
    label(group, axis.scale(tick), base + 18, text, { style: 'm t', anchor: 'middle' });
  }
  label(group, right, base + 34, `${titleOf(axis)} →`, { style: 'm t', anchor: 'end' });
}

/** Room under a body for a base axis with its title. */
export const BASE_AXIS_HEIGHT = 44;
/** Room above a body for the title of its value axis. */
export const VALUE_TITLE_HEIGHT = 22;

/**
 * A dashed limit across `box` with its name at the right, above the line;
 * in the colour of the curve it holds for where it holds for one only.
 */
export function drawLimit(figure: Figure, box: Box, y: number, text: string, hue?: number): void {
  const right = box.left + box.width;
  const line = hue === undefined ? 'limit' : `s${hue} thin dash`;
  path(figure.root, line, `M${px(box.left)} ${px(y)}H${px(right)}`);
  const style = hue === undefined ? 'alarm t halo' : 't halo';
  label(figure.root, right - 4, y - 5, fitText(text, box.width - 8, 11), { style, anchor: 'end' });
}
