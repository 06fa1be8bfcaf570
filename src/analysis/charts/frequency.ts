/** Clock of every domain over time with what it was allowed at most, and why it was held back. */
import type { Run } from '../../engine/run.ts';
import type { Counter, Mark } from '../../engine/timeline.ts';
import {
  type Axis,
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
import {
  countersOf,
  type Extent,
  isCap,
  largest,
  px,
  runExtent,
  sliceCounter,
  stepArea,
  stepPath,
} from './series.ts';
import type { Scale } from './svg.ts';
import { nameOf, textWidth } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, formatValue, timeUnit } from './units.ts';

const COLUMNS = 380;
const ROW = 84;
const GAP = 16;
const MARK_ROOM = 12;
const MAX_REASONS = 5;
/** Marks nearer than this in user units would cover each other. */
const MARK_GAP = 5;

interface Domain {
  readonly subject: string;
  readonly actual: Counter;
  readonly cap: Counter | undefined;
  readonly marks: readonly Mark[];
}

export function renderFrequency(run: Run): string | undefined {
  const domains = collectDomains(run);
  if (domains.length === 0) return undefined;
  const extent = runExtent(run);
  const reasons = rankReasons(domains);
  const hues = new Map(reasons.map((reason, index) => [reason, REASON_HUES[index] ?? GREY]));
  const changes = domains.reduce((all, { marks }) => all + marks.length, 0);
  const held = domains.some(({ cap }) => cap) ? ' Shaded: what heat or power did not allow.' : '';
  const changeText = `Mean clock of each domain, with a band from lowest to highest.${held}${changes > 0 ? ` Triangles: changes (${changes}) and their reason.` : ''}`;
  const figure = openFigure({
    name: 'frequency',
    title: 'Clock frequency',
    subtitle: `${changeText}`,
    description: `Clock of ${domains.map((d) => d.subject).join(', ')} over time; reasons of change: ${reasons.join(', ') || 'none recorded'}.`,
    bodyHeight: VALUE_TITLE_HEIGHT + domains.length * (ROW + GAP) - GAP + BASE_AXIS_HEIGHT,
    legend: legendOf(domains, reasons, hues),
  });
  const subjects = assignHues(domains.map(({ subject }) => subject));
  // One unit for all rows, so that their numbers compare.
  const unit = axisUnit(largest(domains.map(({ actual }) => largest(actual.value))), 'Hz');
  const left = 62 + largest(domains.map(nameWidth));
  domains.forEach((domain, index) => {
    const top = figure.top + VALUE_TITLE_HEIGHT + index * (ROW + GAP);
    const box: Box = { left, top, width: WIDTH - left - 20, height: ROW };
    const axis = { unit, title: index === 0 ? 'Frequency' : '' };
    drawDomain(figure, box, extent, domain, subjects.get(domain.subject) ?? GREY, axis);
    drawMarks(figure, box, extent, domain.marks, hues);
  });
  const bottom = figure.top + VALUE_TITLE_HEIGHT + (domains.length - 1) * (ROW + GAP);
  const box: Box = { left, top: bottom, width: WIDTH - left - 20, height: ROW };
  const x = figure.svg.linear([extent.from, extent.to], [box.left, box.left + box.width]);
  drawBaseAxis(figure, box, { scale: x, unit: timeUnit(extent.to - extent.from), title: 'Time' });
  return figure.svg.print();
}

/** Reasons are told apart from the clocks by starting at the other end of the palette. */
const REASON_HUES = [5, 6, 4, 3, 1];

function collectDomains(run: Run): readonly Domain[] {
  const caps = run.timeline.counters.filter((c) => c.quantity === 'frequency' && isCap(c));
  return countersOf(run, 'frequency').map((actual) => ({
    subject: actual.subject,
    actual,
    cap: caps.find(({ subject }) => subject === actual.subject),
    marks: run.timeline.marks.filter(
      ({ track }) => track === actual.subject || track === actual.name,
    ),
  }));
}

/** Names stand bold beside the axis, over the mean. */
function nameWidth({ subject }: Domain): number {
  return Math.max(1.08 * textWidth(nameOf(subject)), textWidth('mean 1.23 GHz', 11));
}

/** Most frequent first. */
function rankReasons(domains: readonly Domain[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { marks } of domains) {
    for (const { reason } of marks) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
}

function legendOf(
  domains: readonly Domain[],
  reasons: readonly string[],
  hues: ReadonlyMap<string, number>,
) {
  const count = (reason: string): number =>
    domains.reduce((all, { marks }) => all + marks.filter((m) => m.reason === reason).length, 0);
  const named = reasons.slice(0, MAX_REASONS).map((reason) => ({
    label: `${reason} (${count(reason)}×)`,
    hue: hues.get(reason) ?? GREY,
    mark: 0,
  }));
  const rest = reasons.slice(MAX_REASONS);
  if (rest.length === 0) return named;
  return [...named, { label: `${rest.length} other reasons`, hue: GREY, mark: 0 }];
}

function drawDomain(
  figure: Figure,
  box: Box,
  extent: Extent,
  domain: Domain,
  hue: number,
  axis: Omit<Axis, 'scale'>,
): void {
  const slices = sliceCounter(domain.actual, extent, COLUMNS);
  const cap = domain.cap ? sliceCounter(domain.cap, extent, COLUMNS) : undefined;
  const roof = largest(slices.high, cap ? largest(cap.high) : 0) || 1;
  const y = figure.svg.linear([0, roof], [box.top + box.height, box.top + MARK_ROOM]);
  const right = box.left + box.width;
  drawValueAxis(figure, box, { ...axis, scale: y, ticks: unitTicks(y, axis.unit, 2, figure.svg) });
  const name = { style: 'b' };
  label(figure.root, 16, box.top + box.height / 2 + 2, nameOf(domain.subject), name);
  const mean = meanOf(slices.mean);
  label(figure.root, 16, box.top + box.height / 2 + 18, `mean ${formatValue(mean, 'Hz')}`, {
    style: 'm t',
  });
  drawOutline(figure, box, y, slices, hue);
  if (!cap) return;
  const most = (i: number): number => y(cap.mean[i] as number);
  const kept = stepArea(COLUMNS, box.left, right, () => y(roof), most);
  tooltip(path(figure.root, 'alarm held', kept), `${nameOf(domain.subject)} was not allowed here`);
}

function drawOutline(
  figure: Figure,
  box: Box,
  y: Scale,
  slices: { readonly mean: Float64Array; readonly low: Float64Array; readonly high: Float64Array },
  hue: number,
): void {
  const right = box.left + box.width;
  const at = (values: Float64Array) => (i: number) => y(values[i] as number);
  path(
    figure.root,
    `f${hue} band`,
    stepArea(COLUMNS, box.left, right, at(slices.high), at(slices.low)),
  );
  path(figure.root, `s${hue} line`, stepPath(COLUMNS, box.left, right, at(slices.mean)));
}

/** One path of triangles per reason; those that would overlap are left out. */
function drawMarks(
  figure: Figure,
  box: Box,
  extent: Extent,
  marks: readonly Mark[],
  hues: ReadonlyMap<string, number>,
): void {
  const x = figure.svg.linear([extent.from, extent.to], [box.left, box.left + box.width]);
  for (const [reason, hue] of hues) {
    let d = '';
    let last = Number.NEGATIVE_INFINITY;
    for (const mark of marks) {
      if (mark.reason !== reason || x(mark.time) - last < MARK_GAP) continue;
      last = x(mark.time);
      d += `M${px(last - 4)} ${px(box.top - 2)}h8l-4 8Z`;
    }
    tooltip(path(figure.root, `f${hue}`, d), reason);
  }
}

function meanOf(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0) / values.length;
}
