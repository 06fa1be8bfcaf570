/** Where the joules went: by the rail they came from, and by what they were spent on. */
import type { Run } from '../../engine/run.ts';
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
import { largest, px } from './series.ts';
import { fitText, nameOf, textWidth } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, formatValue } from './units.ts';

const ROW = 22;
const HEAD = 26;
const GAP = 14;
const WIDEST_NAME = 220;
/** Below this share of the total a row says nothing that its list of others does not. */
const LEAST = 0.002;

type Row = readonly [name: string, joules: number];

export function renderEnergy(run: Run): string | undefined {
  const rails = ranked(Object.entries(run.energy));
  const spent = ranked(sumBy(run, ({ phase }) => phase));
  const total = sum(Object.entries(run.energy));
  if (total <= 0) return undefined;
  const lists = spent.length > 1 ? [rails, spent] : [rails];
  const body = (rows: readonly Row[]): number => HEAD + rows.length * ROW + BASE_AXIS_HEIGHT;
  const [biggest] = rails;
  const figure = openFigure({
    name: 'energy',
    title: 'Energy',
    subtitle: `${formatValue(total, 'J')} in all; ${nameOf(biggest?.[0] ?? '')} took ${formatValue((biggest?.[1] ?? 0) / total, '%')}. Both lists add up to the total.`,
    description: `Joules by rail: ${rails.map(([name, joules]) => `${name} ${formatValue(joules, 'J')}`).join(', ')}.`,
    bodyHeight: lists.reduce((all, rows) => all + body(rows) + GAP, -GAP),
  });
  const names = lists.flat().map(([name]) => nameOf(name));
  const left = Math.min(WIDEST_NAME, largest(names.map((name) => textWidth(name))) + 30);
  const roof = largest(lists.flat().map(([, joules]) => joules));
  const hues = assignHues(rails.map(([name]) => name));
  const frame = { left, total, roof };
  drawRows(figure, figure.top, 'By rail', rails, frame, (name) => hues.get(name) ?? GREY);
  if (lists.length > 1) {
    const top = figure.top + body(rails) + GAP;
    drawRows(figure, top, 'By what it was spent on', spent, frame, () => GREY);
  }
  return figure.svg.print();
}

function sumBy(run: Run, nameRow: (row: Run['ledger'][number]) => string): readonly Row[] {
  const sums = new Map<string, number>();
  for (const row of run.ledger) {
    sums.set(nameRow(row), (sums.get(nameRow(row)) ?? 0) + row.joules);
  }
  return [...sums];
}

function sum(rows: readonly Row[]): number {
  return rows.reduce((all, [, joules]) => all + joules, 0);
}

/** Largest first; crumbs in one row, so that the list still adds up. */
function ranked(rows: readonly Row[]): readonly Row[] {
  const total = sum(rows);
  const sorted = [...rows].filter(([, joules]) => joules > 0).sort((a, b) => b[1] - a[1]);
  const shown = sorted.filter(([, joules]) => joules >= LEAST * total);
  const crumbs = sorted.slice(shown.length);
  return crumbs.length === 0 ? shown : [...shown, [`${crumbs.length} more`, sum(crumbs)]];
}

interface Frame {
  readonly left: number;
  readonly total: number;
  readonly roof: number;
}

function drawRows(
  figure: Figure,
  top: number,
  title: string,
  rows: readonly Row[],
  { left, total, roof }: Frame,
  hueOf: (name: string) => number,
): void {
  label(figure.root, 16, top + 14, title, { style: 'b' });
  const box: Box = { left, top: top + HEAD, width: WIDTH - left - 150, height: rows.length * ROW };
  const x = figure.svg.linear([0, roof], [box.left, box.left + box.width]);
  rows.forEach(([name, joules], index) => {
    const y = box.top + index * ROW;
    label(figure.root, left - 8, y + 15, fitText(nameOf(name), left - 22), { anchor: 'end' });
    const d = `M${px(left)} ${px(y + 3)}H${px(x(joules))}v${ROW - 6}H${px(left)}Z`;
    const note = `${formatValue(joules, 'J')} · ${formatValue(joules / total, '%', 2)}`;
    tooltip(path(figure.root, `f${hueOf(name)} bar`, d), `${nameOf(name)}: ${note}`);
    label(figure.root, x(joules) + 7, y + 15, note, { style: 'm t' });
  });
  drawBaseAxis(figure, box, { scale: x, unit: axisUnit(roof, 'J'), title: 'Energy' });
}
