/** The die from above at one instant: how warm each block is, and the parts of the phone around it. */
import type { Run } from '../../engine/run.ts';
import type { Counter } from '../../engine/timeline.ts';
import { BASE_AXIS_HEIGHT, drawBaseAxis, type Figure, label, openFigure, WIDTH } from './figure.ts';
import { countersOf, px } from './series.ts';
import type { Selection } from './svg.ts';
import { fitText, nameOf, textWidth } from './text.ts';
import { axisUnit, formatValue } from './units.ts';

type Block = NonNullable<Run['floorplan']>[number];

/** Cool to hot; lightness falls all the way, so that it reads in grey and with any colour vision. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [255, 243, 196],
  [249, 181, 76],
  [224, 97, 58],
  [155, 29, 69],
  [61, 10, 63],
];
const MAX_HEIGHT = 340;
const MAX_WIDTH = 400;
/** Of each of the two lists beside the die. */
const LIST_WIDTH = 205;
const LEFT = 20;
const ROW = 24;
const SCALE_HEIGHT = 12;
const SMALL = 11;
const LINE = 14;
/** A scale narrower than this would make tenths of a kelvin look like a fire. */
const LEAST_SPAN = 10;
/** Luminance of the fill above which text on it is dark (sRGB weights of Rec. 709). */
const BRIGHT = 140;

/** Name and temperature as text. */
type Told = readonly [string, string];

interface Reading {
  readonly subject: string;
  readonly celsius: number;
}

/**
 * @param at seconds; the instant at which the hottest block of the run is hottest unless given, and the end where it is later.
 * @returns nothing where the run holds no floorplan, or no temperature of it.
 */
export function renderHeatmap(run: Run, at?: number): string | undefined {
  const blocks = run.floorplan ?? [];
  const names = new Set(blocks.map(({ name }) => name));
  const counters = countersOf(run, 'temperature');
  const onDie = counters.filter(({ subject }) => names.has(subject));
  if (onDie.length === 0) return undefined;
  const end = Math.max(...onDie.map((counter) => counter.time.at(-1) ?? 0));
  const time = Math.min(at ?? hottestTime(onDie), end);
  const readings = counters.map((counter) => ({
    subject: counter.subject,
    celsius: valueAt(counter, time),
  }));
  const hottest = warmestFirst(readings.filter(({ subject }) => names.has(subject)));
  const around = warmestFirst(readings.filter(({ subject }) => !names.has(subject)));
  const [low, high] = scaleOf(readings);
  const size = sizeOf(blocks);
  const rows = Math.max(size.height, (Math.max(hottest.length, around.length) + 1) * ROW);
  const top = hottest[0] as Reading;
  const when = formatValue(time, 's');
  const figure = openFigure({
    name: 'heatmap',
    title: 'Heat on the die',
    subtitle: `Mean temperature of every block ${when} into the run${momentOf(at, end)}: ${nameOf(top.subject)} ${print(top.celsius)}.`,
    description: `Floorplan coloured by temperature at ${when}. ${hottest.map(told).join(', ')}. Around it: ${around.map(told).join(', ') || 'nothing recorded'}.`,
    bodyHeight: rows + 22 + SCALE_HEIGHT + BASE_AXIS_HEIGHT,
  });
  const colour = (celsius: number) => ramp((celsius - low) / (high - low));
  drawDie(figure, blocks, size, new Map(hottest.map((r) => [r.subject, r.celsius])), colour);
  const beside = LEFT + size.width + 24;
  drawList(figure, 'Die', hottest, beside, colour);
  drawList(figure, 'Around it', around, beside + LIST_WIDTH, colour);
  drawScale(figure, figure.top + rows + 22, [low, high]);
  return figure.svg.print();
}

function momentOf(at: number | undefined, end: number): string {
  if (at === undefined) return ', when the hottest was hottest';
  return at > end ? `, at its end (${formatValue(at, 's')} was asked for)` : '';
}

function hottestTime(counters: readonly Counter[]): number {
  let most = Number.NEGATIVE_INFINITY;
  let time = 0;
  for (const counter of counters) {
    for (const [i, value] of counter.value.entries()) {
      if (value <= most) continue;
      most = value;
      time = counter.time[i] as number;
    }
  }
  return time;
}

/** The last sample at or before `time`. */
function valueAt({ time, value }: Counter, at: number): number {
  const after = time.findIndex((sample) => sample > at);
  const place = (after < 0 ? time.length : after) - 1;
  return value[Math.max(place, 0)] as number;
}

function warmestFirst(readings: readonly Reading[]): readonly Reading[] {
  return readings.toSorted((a, b) => b.celsius - a.celsius);
}

/** Round ends, a good part of ten kelvins apart. */
function scaleOf(readings: readonly Reading[]): readonly [number, number] {
  const values = readings.map(({ celsius }) => celsius);
  const low = Math.floor(Math.min(...values) / 5) * 5;
  const high = Math.ceil(Math.max(...values) / 5) * 5;
  return [low, Math.max(high, low + LEAST_SPAN)];
}

function sizeOf(blocks: readonly Block[]) {
  const across = Math.max(...blocks.map(({ x, width }) => x + width));
  const up = Math.max(...blocks.map(({ y, height }) => y + height));
  const scale = Math.min(MAX_WIDTH / across, MAX_HEIGHT / up);
  return { scale, width: across * scale, height: up * scale };
}

function drawDie(
  figure: Figure,
  blocks: readonly Block[],
  { scale, height }: ReturnType<typeof sizeOf>,
  celsius: ReadonlyMap<string, number>,
  colour: (celsius: number) => readonly number[],
): void {
  for (const block of blocks) {
    const value = celsius.get(block.name);
    const place = {
      left: LEFT + block.x * scale,
      // A floorplan is measured from its lower left corner.
      top: figure.top + height - (block.y + block.height) * scale,
      width: block.width * scale,
      height: block.height * scale,
    };
    const group = figure.root.append('g');
    const rectangle = group
      .append('rect')
      .attr('class', value === undefined ? 'lane ring' : 'ring')
      .attr('x', px(place.left))
      .attr('y', px(place.top))
      .attr('width', px(place.width))
      .attr('height', px(place.height));
    const text = value === undefined ? 'no reading' : print(value);
    rectangle.append('title').text(`${nameOf(block.name)}: ${text}`);
    if (value === undefined) continue;
    const fill = colour(value);
    rectangle.attr('fill', css(fill));
    writeInside(group, place, [nameOf(block.name), print(value)], ink(fill));
  }
}

interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Name and temperature where they fit whole; the lists beside the die tell all of them. */
function writeInside(group: Selection, place: Place, [name, celsius]: Told, ink: string): void {
  const room = place.width - 6;
  const fits = (text: string) => textWidth(text, SMALL) <= room;
  const lines = [name, fits(celsius) ? celsius : `${Math.round(Number.parseFloat(celsius))}°`];
  const shown = lines.filter(fits).slice(place.height < 2 * LINE + 6 ? -1 : 0);
  if (place.height < LINE + 2) return;
  const middle = place.top + place.height / 2 + 4 - ((shown.length - 1) * LINE) / 2;
  for (const [i, line] of shown.entries()) {
    const x = place.left + place.width / 2;
    const text = label(group, x, middle + i * LINE, line, { style: 't', anchor: 'middle' });
    text.attr('style', `fill:${ink}`);
  }
}

/** One list beside the die, warmest first. */
function drawList(
  figure: Figure,
  title: string,
  readings: readonly Reading[],
  left: number,
  colour: (celsius: number) => readonly number[],
): void {
  if (readings.length === 0) return;
  label(figure.root, left, figure.top + 13, title, { style: 'b' });
  for (const [i, { subject, celsius }] of readings.entries()) {
    const y = figure.top + (i + 1) * ROW;
    figure.root
      .append('rect')
      .attr('class', 'ring')
      .attr('x', px(left))
      .attr('y', px(y))
      .attr('width', 30)
      .attr('height', ROW - 6)
      .attr('fill', css(colour(celsius)));
    const text = `${nameOf(subject)} ${print(celsius)}`;
    label(figure.root, left + 38, y + 13, fitText(text, LIST_WIDTH - 44));
  }
}

/** The colours with their degrees. */
function drawScale(figure: Figure, top: number, [low, high]: readonly [number, number]): void {
  const box = { left: LEFT, top, width: WIDTH - 2 * LEFT, height: SCALE_HEIGHT };
  const steps = 60;
  for (let i = 0; i < steps; i += 1) {
    figure.root
      .append('rect')
      .attr('x', px(box.left + (box.width * i) / steps))
      .attr('y', px(top))
      .attr('width', px(box.width / steps + 0.3))
      .attr('height', SCALE_HEIGHT)
      .attr('fill', css(ramp((i + 0.5) / steps)));
  }
  const scale = figure.svg.linear([low, high], [box.left, box.left + box.width]);
  drawBaseAxis(figure, box, { scale, unit: axisUnit(high, '°C'), title: 'Temperature' });
}

/** Linear between the stops; `share` 0 is coolest. */
function ramp(share: number): readonly number[] {
  const place = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const lower = Math.min(Math.floor(place), RAMP.length - 2);
  const [a, b] = [RAMP[lower], RAMP[lower + 1]] as [readonly number[], readonly number[]];
  return a.map((value, i) => Math.round(value + ((b[i] as number) - value) * (place - lower)));
}

function css([red, green, blue]: readonly number[]): string {
  return `rgb(${red},${green},${blue})`;
}

function ink([red = 0, green = 0, blue = 0]: readonly number[]): string {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > BRIGHT ? '#1b1f27' : '#ffffff';
}

function print(celsius: number): string {
  return formatValue(celsius, '°C', 3);
}

function told({ subject, celsius }: Reading): string {
  return `${nameOf(subject)} ${print(celsius)}`;
}
