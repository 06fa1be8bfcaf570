/** Where the time went: phases and operators as bars, split by what held them up. */
import { CAUSES, type Cause, type LedgerRow, type Run } from '../../engine/run.ts';
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
import { causeStyle } from './theme.ts';
import { axisUnit, formatValue } from './units.ts';

interface Bar {
  readonly name: string;
  readonly seconds: Readonly<Record<Cause, number>>;
  readonly total: number;
  readonly joules: number;
  readonly count: number;
}

const ROW = 24;
const HEAD = 26;
const GAP = 18;
const WIDEST_NAME = 300;
const TOP_OPERATORS = 10;

export function renderLedger(run: Run): string | undefined {
  const rows = run.ledger;
  const total = rows.reduce((all, row) => all + sumCauses(row.seconds), 0);
  if (total <= 0) return undefined;
  const timed = rows.filter(({ seconds }) => sumCauses(seconds) > 0);
  const phases = addUp(timed, ({ phase }) => phase);
  const units = [...new Set(timed.map(({ unit }) => unit))];
  const operators = addUp(timed, ({ operator, unit, phase }) =>
    units.length > 1 ? `${operator}, ${phase}, ${nameOf(unit)}` : `${operator}, ${phase}`,
  );
  operators.sort((a, b) => b.total - a.total);
  const top = operators.slice(0, TOP_OPERATORS);
  const rest = operators.slice(TOP_OPERATORS);
  if (rest.length > 0) top.push(mergeBars(`${rest.length} more`, rest));
  const seen = CAUSES.filter((cause) => rows.some(({ seconds }) => seconds[cause] > 0));
  const worst = seen.reduce((a, b) => (causeTotal(rows, b) > causeTotal(rows, a) ? b : a));
  const share = formatValue(causeTotal(rows, worst) / total, '%');
  const widest = largest([...phases, ...top].map((bar) => textWidth(bar.name)));
  const left = Math.min(WIDEST_NAME, widest + 30);
  const body = (bars: readonly Bar[]): number => HEAD + bars.length * ROW + BASE_AXIS_HEIGHT;
  const figure = openFigure({
    name: 'ledger',
    title: 'Where the time went',
    subtitle: `${formatValue(total, 's')} of unit time over all requests; ${share} of it is ${causeStyle(worst).label} (${causeStyle(worst).meaning}). Units that work side by side each count.`,
    description: `Time by phase and cause: ${phases.map((bar) => `${bar.name} ${formatValue(bar.total, 's')}`).join(', ')}.`,
    bodyHeight: body(phases) + GAP + body(top),
    legend: seen.map((cause) => ({
      label: `${causeStyle(cause).label} ${formatValue(causeTotal(rows, cause) / total, '%')}`,
      hue: causeStyle(cause).hue,
    })),
  });
  const frame = { left, total, longest: largest(phases.map((bar) => bar.total)) };
  drawBars(figure, figure.top, 'By phase', phases, frame);
  drawBars(
    figure,
    figure.top + body(phases) + GAP,
    units.length > 1
      ? 'By operator, phase and unit'
      : `By operator and phase, all on ${nameOf(units[0] ?? '')}`,
    top,
    frame,
  );
  return figure.svg.print();
}

function sumCauses(seconds: Readonly<Record<Cause, number>>): number {
  return CAUSES.reduce((all, cause) => all + seconds[cause], 0);
}

function causeTotal(rows: readonly LedgerRow[], cause: Cause): number {
  return rows.reduce((all, { seconds }) => all + seconds[cause], 0);
}

function addUp(rows: readonly LedgerRow[], nameRow: (row: LedgerRow) => string): Bar[] {
  const bars = new Map<string, Bar>();
  for (const row of rows) {
    const name = nameRow(row);
    const { seconds, joules, count } = row;
    const bar = { name, seconds, total: sumCauses(seconds), joules, count };
    const old = bars.get(name);
    bars.set(name, old ? mergeBars(name, [old, bar]) : bar);
  }
  return [...bars.values()];
}

function mergeBars(name: string, bars: readonly Bar[]): Bar {
  const add = (pick: (bar: Bar) => number): number => bars.reduce((all, bar) => all + pick(bar), 0);
  const seconds = Object.fromEntries(
    CAUSES.map((cause) => [cause, add((bar) => bar.seconds[cause])]),
  ) as Record<Cause, number>;
  return {
    name,
    seconds,
    total: add((bar) => bar.total),
    joules: add((bar) => bar.joules),
    count: add((bar) => bar.count),
  };
}

function drawBars(
  figure: Figure,
  top: number,
  title: string,
  bars: readonly Bar[],
  {
    left,
    total,
    longest,
  }: { readonly left: number; readonly total: number; readonly longest: number },
): void {
  label(figure.root, 16, top + 14, title, { style: 'b' });
  const notes = bars.map(
    (bar) =>
      `${formatValue(bar.total, 's')} · ${formatValue(bar.total / total, '%', 2)} · ${formatValue(bar.joules, 'J')}`,
  );
  const room = largest(notes.map((note) => textWidth(note, 11))) + 14;
  const height = bars.length * ROW;
  const box: Box = { left, top: top + HEAD, width: WIDTH - left - room - 16, height };
  const x = figure.svg.linear([0, longest], [box.left, box.left + box.width]);
  bars.forEach((bar, index) => {
    const y = box.top + index * ROW;
    const name = fitText(bar.name, left - 22);
    label(figure.root, left - 8, y + 16, name, { anchor: 'end' });
    drawBar(figure, bar, y + 3, (seconds) => x(seconds));
    label(figure.root, x(bar.total) + 7, y + 16, notes[index] as string, { style: 'm t' });
  });
  const unit = axisUnit(longest, 's');
  drawBaseAxis(figure, box, { scale: x, unit, title: 'Unit time' });
}

function drawBar(figure: Figure, bar: Bar, top: number, x: (seconds: number) => number): void {
  let from = 0;
  for (const cause of CAUSES) {
    const seconds = bar.seconds[cause];
    if (seconds <= 0) continue;
    const left = x(from);
    from += seconds;
    const style = causeStyle(cause);
    const d = `M${px(left)} ${px(top)}H${px(x(from))}v${ROW - 6}H${px(left)}Z`;
    const part = path(figure.root, `f${style.hue} bar`, d);
    const share = formatValue(seconds / bar.total, '%');
    tooltip(part, `${bar.name}: ${style.label} ${formatValue(seconds, 's')} (${share})`);
  }
}
