/** What every unit and request did over time, with closer views where spans are too dense to see. */
import { CAUSES, type Run } from '../../engine/run.ts';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  type Figure,
  label,
  openFigure,
  path,
  tooltip,
  WIDTH,
} from './figure.ts';
import { collectLanes, fillColumns, type Lane, medianWidth, spansWithin } from './lanes.ts';
import { type Extent, px, runExtent } from './series.ts';
import type { Scale } from './svg.ts';
import { fitText, nameOf } from './text.ts';
import { causeStyle } from './theme.ts';
import { formatValue, timeUnit } from './units.ts';

const LEFT = 118;
const RIGHT = 18;
const LANE = 19;
const LANE_GAP = 5;
/** Title of a view, then a line for the letters of the closer views. */
const HEAD = 40;
const SECTION_GAP = 10;
const VIEW_GAP = 64;
/** Spans narrower than this many columns cannot be told apart. */
const LEGIBLE = 4;
/** Up to this many spans a lane is drawn exactly; beyond, by columns. */
const EXACT = 400;
const STEPS_SHOWN = 4;
const SPANS_SHOWN = 14;

/** One framed part of the picture: a window of time over all lanes. */
interface View {
  readonly letter: string;
  readonly title: string;
  readonly window: Extent;
  readonly left: number;
  readonly width: number;
  readonly row: number;
}

export function renderTimeline(run: Run): string | undefined {
  const lanes = collectLanes(run);
  if (lanes.length === 0) return undefined;
  const views = planViews(run, lanes);
  const rows = Math.max(...views.map(({ row }) => row)) + 1;
  const heights = Array.from(
    { length: rows },
    (_, row) => laneCount(lanes, row) * (LANE + LANE_GAP),
  );
  const section = (row: number): number =>
    HEAD + (heights[row] ?? 0) + BASE_AXIS_HEIGHT + SECTION_GAP;
  const seen = CAUSES.filter((_, cause) =>
    lanes.some(({ table, spans }) => spans.some((i) => table.cause[i] === cause)),
  );
  const figure = openFigure({
    name: 'timeline',
    title: 'Timeline',
    subtitle:
      'What each unit and request was doing, coloured by what held it up. A bar’s height is the share of the time it was busy, so gaps thinner than a pixel still show.',
    description: `Lanes: ${lanes.map(({ name }) => nameOf(name)).join(', ')}. Views: ${views.map(({ title }) => title).join('; ')}.`,
    bodyHeight: heights.reduce((all, _, row) => all + section(row), 0),
    legend: seen.map((cause) => ({ label: causeStyle(cause).label, hue: causeStyle(cause).hue })),
  });
  let top = figure.top;
  for (let row = 0; row < rows; row += 1) {
    const here = views.filter((view) => view.row === row);
    const shown = lanes.slice(0, laneCount(lanes, row));
    for (const view of here) {
      const box = {
        left: view.left,
        top: top + HEAD,
        width: view.width,
        height: heights[row] ?? 0,
      };
      drawView(figure, shown, view, box, framedIn(views, view));
    }
    top += section(row);
  }
  return figure.svg.print();
}

/** Closer views that `view` is the nearest one to contain. */
function framedIn(views: readonly View[], view: View): readonly View[] {
  const holds = (outer: View, inner: View): boolean =>
    outer.row < inner.row &&
    outer.window.from <= inner.window.from + EPSILON &&
    outer.window.to >= inner.window.to - EPSILON;
  return views.filter((inner) => views.findLast((outer) => holds(outer, inner)) === view);
}

/** Ends and starts that meet differ by rounding only. */
const EPSILON = 1e-9;

/** Closer views show units only: a request fills all of them. */
function laneCount(lanes: readonly Lane[], row: number): number {
  const units = lanes.filter(({ kind }) => kind !== 'request').length;
  return row === 0 || units === 0 ? lanes.length : units;
}

/** The whole run; if dense, the step from prompt to answer; if still dense, single operators of both phases. */
function planViews(run: Run, lanes: readonly Lane[]): readonly View[] {
  const extent = runExtent(run);
  const width = WIDTH - LEFT - RIGHT;
  const whole: View = { letter: '', title: 'Whole run', window: extent, left: LEFT, width, row: 0 };
  if (medianWidth(lanes, extent, width) >= LEGIBLE) return [whole];
  const views = [whole];
  const turn = turnWindow(run, extent);
  if (turn && turn.to - turn.from < 0.7 * (extent.to - extent.from)) {
    const title = 'End of the prompt, first decode steps';
    views.push({ letter: 'A', title, window: turn, left: LEFT, width, row: 1 });
    if (medianWidth(lanes, turn, width) >= LEGIBLE) return views;
  }
  const row = views.length;
  const half = (width - VIEW_GAP) / 2;
  const starts = firstStarts(run);
  starts.forEach(({ phase, time }, index) => {
    const window = firstSpans(lanes, time);
    if (!window) return;
    const left = LEFT + index * (half + VIEW_GAP);
    const title = `First operators of ${phase}`;
    const letter = 'BC'.charAt(index);
    views.push({ letter, title, window, left, width: starts.length === 1 ? width : half, row });
  });
  return views;
}

/** A few decode steps' time to both sides of the first token. */
function turnWindow(run: Run, extent: Extent): Extent | undefined {
  const decode = run.phases.find(({ phase, steps }) => phase === 'decode' && steps > 0);
  if (!decode) return undefined;
  const step = (decode.endSeconds - decode.startSeconds) / decode.steps;
  const from = Math.max(extent.from, decode.startSeconds - STEPS_SHOWN * step);
  const to = Math.min(extent.to, decode.startSeconds + STEPS_SHOWN * step);
  return to > from ? { from, to } : undefined;
}

/** Where the first two distinct phases of the first request begin. */
function firstStarts(run: Run): readonly { readonly phase: string; readonly time: number }[] {
  const first = run.phases[0];
  if (!first) return [];
  const next = run.phases.find(
    ({ request, phase }) => request === first.request && phase !== first.phase,
  );
  return [first, next].flatMap((found) =>
    found ? [{ phase: found.phase, time: found.startSeconds }] : [],
  );
}

/** Window over the next few spans of the units from `time` on. */
function firstSpans(lanes: readonly Lane[], time: number): Extent | undefined {
  const ends = lanes
    .filter(({ kind }) => kind === 'unit')
    .flatMap(({ spans, table }) =>
      spans
        .filter((i) => (table.start[i] as number) >= time - EPSILON)
        .map((i) => table.end[i] as number),
    )
    .sort((a, b) => a - b);
  const to = ends[Math.min(SPANS_SHOWN, ends.length) - 1];
  return to !== undefined && to > time ? { from: time, to } : undefined;
}

function drawView(
  figure: Figure,
  lanes: readonly Lane[],
  view: View,
  box: Box,
  next: readonly View[],
): void {
  const right = box.left + box.width;
  drawHeading(figure, view, box);
  lanes.forEach((lane, index) => {
    const top = box.top + index * (LANE + LANE_GAP);
    const stripe = `M${px(box.left)} ${px(top)}H${px(right)}V${px(top + LANE)}H${px(box.left)}Z`;
    path(figure.root, 'lane', stripe);
    if (view.left === LEFT) {
      const name = fitText(nameOf(lane.name), LEFT - 24);
      label(figure.root, LEFT - 8, top + LANE - 5, name, { anchor: 'end' });
    }
    const row: Box = { ...box, top, height: LANE };
    const shown = spansWithin(lane, view.window);
    markUnrecorded(figure, lane, view, row);
    if (shown.length <= EXACT && lane.depth === 1) drawSpans(figure, lane, shown, view.window, row);
    else drawColumns(figure, lane, view.window, row);
  });
  drawAxis(figure, view, box);
  const x = figure.svg.linear([view.window.from, view.window.to], [box.left, right]);
  drawFrames(figure, next, x, box);
}

/** Long runs keep operators of their first part only; an empty lane must not read as an idle unit. */
function markUnrecorded(figure: Figure, lane: Lane, view: View, row: Box): void {
  if (view.row !== 0 || lane.kind === 'request') return;
  const { from, to } = view.window;
  const last = lane.spans.reduce((most, i) => Math.max(most, lane.table.end[i] as number), from);
  const share = (last - from) / (to - from);
  if (share > RECORDED) return;
  const text = fitText('operators not recorded from here on', (1 - share) * row.width - 12, 11);
  label(figure.root, row.left + share * row.width + 8, row.top + LANE - 5.5, text, {
    style: 'm t',
  });
}

/** Share of the run up to which spans must reach to count as complete. */
const RECORDED = 0.97;

function drawHeading(figure: Figure, view: View, box: Box): void {
  const { from, to } = view.window;
  const span = formatValue(to - from, 's');
  const title = view.letter === '' ? view.title : `${view.letter}  ${view.title}`;
  const text = fitText(`${title}: ${span}`, box.width, 12.5);
  label(figure.root, box.left, box.top - 24, text, { style: 'b' });
}

function drawAxis(figure: Figure, view: View, box: Box): void {
  const { from, to } = view.window;
  const unit = timeUnit(to - from);
  const offset = view.row === 0 ? 0 : from;
  const range = [box.left, box.left + box.width];
  const scale = figure.svg.linear([from - offset, to - offset], range);
  const title = view.row === 0 ? 'Time' : `Time after ${formatValue(from, 's', 4)}`;
  drawBaseAxis(figure, box, { scale, unit, title });
}

/** Marks on a view the windows that closer views show; letters of neighbours step aside. */
function drawFrames(figure: Figure, inner: readonly View[], x: Scale, box: Box): void {
  const bottom = box.top + box.height - LANE_GAP + 3;
  let free = Number.NEGATIVE_INFINITY;
  for (const { window, letter } of [...inner].sort((a, b) => a.window.from - b.window.from)) {
    const left = x(window.from);
    const width = Math.max(2, x(window.to) - left);
    const d = `M${px(left)} ${px(box.top - 3)}h${px(width)}V${px(bottom)}h${px(-width)}Z`;
    path(figure.root, 'frame', d);
    const middle = Math.max(free, left + width / 2);
    free = middle + LETTER;
    label(figure.root, middle, box.top - 6, letter, { style: 'b t halo', anchor: 'middle' });
  }
}

const LETTER = 12;

/** Exact bars, one path per cause, with names where they fit. */
function drawSpans(
  figure: Figure,
  lane: Lane,
  shown: readonly number[],
  window: Extent,
  row: Box,
): void {
  const { table: spans, strings } = lane;
  const right = row.left + row.width;
  const x = figure.svg.linear([window.from, window.to], [row.left, right]);
  const paths = CAUSES.map(() => '');
  const names: { readonly x: number; readonly text: string }[] = [];
  for (const index of shown) {
    const start = Math.max(row.left, x(spans.start[index] as number));
    const end = Math.min(right, x(spans.end[index] as number));
    // A hair of space keeps neighbours of one colour apart.
    const width = end - start > 3 ? end - start - 0.8 : Math.max(0.4, end - start);
    const cause = spans.cause[index] as number;
    paths[cause] += `M${px(start)} ${px(row.top)}h${px(width)}v${row.height}h${px(-width)}Z`;
    const text = width < 24 ? '' : fitName(strings[spans.name[index] as number] ?? '', width - 8);
    if (text !== '') names.push({ x: start + 4, text });
  }
  paths.forEach((d, cause) => {
    const style = causeStyle(CAUSES[cause] ?? 'compute');
    tooltip(path(figure.root, `f${style.hue} bar`, d), style.label);
  });
  for (const name of names) {
    label(figure.root, name.x, row.top + LANE - 5.5, name.text, { style: 't halo' });
  }
}

/** `layer.0.attention.q` in full where it fits, else its last parts. */
function fitName(name: string, room: number): string {
  const parts = name.split('.');
  for (let from = 0; from < parts.length; from += 1) {
    const text = parts.slice(from).join('.');
    if (fitText(text, room, 11) === text) return text;
  }
  return fitText(parts.at(-1) ?? '', room, 11);
}

/** Causes stacked in each column, one path per cause; equal neighbours are joined. */
function drawColumns(figure: Figure, lane: Lane, window: Extent, row: Box): void {
  const count = Math.round(row.width);
  const filled = fillColumns(lane, window, count);
  const base = new Float64Array(count);
  filled.forEach((column, cause) => {
    const style = causeStyle(CAUSES[cause] ?? 'compute');
    const d = columnPath(column, base, row);
    tooltip(path(figure.root, `f${style.hue} bar`, d), style.label);
    for (let i = 0; i < count; i += 1) base[i] = (base[i] as number) + (column[i] as number);
  });
}

function columnPath(column: Float64Array, base: Float64Array, row: Box): string {
  const bottom = row.top + row.height;
  const edge = (share: number): string => px(bottom - Math.min(1, share) * row.height);
  let d = '';
  for (let i = 0; i < column.length; i += 1) {
    if (column[i] === 0) continue;
    const low = edge(base[i] as number);
    const high = edge((base[i] as number) + (column[i] as number));
    const from = i;
    while (sameBar(column, base, i, edge, low, high)) i += 1;
    if (low !== high) d += `M${from + row.left} ${low}V${high}H${i + 1 + row.left}V${low}Z`;
  }
  return d;
}

function sameBar(
  column: Float64Array,
  base: Float64Array,
  i: number,
  edge: (share: number) => string,
  low: string,
  high: string,
): boolean {
  const next = column[i + 1];
  if (next === undefined || next === 0) return false;
  const under = base[i + 1] as number;
  return edge(under) === low && edge(under + next) === high;
}
