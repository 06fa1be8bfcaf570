/** What fills the phone’s memory, against what it has. */
import type { Run } from '../../engine/run.ts';
import {
  BASE_AXIS_HEIGHT,
  type Box,
  drawBaseAxis,
  openFigure,
  path,
  tooltip,
  WIDTH,
} from './figure.ts';
import { largest, px } from './series.ts';
import { nameOf } from './text.ts';
import { assignHues, GREY } from './theme.ts';
import { axisUnit, formatValue } from './units.ts';

const BAR = 34;

export function renderMemory(run: Run): string | undefined {
  const { capacity, owners } = run.memory;
  const parts = Object.entries(owners).filter(([, bytes]) => bytes > 0);
  if (parts.length === 0) return undefined;
  parts.sort((a, b) => b[1] - a[1]);
  const used = parts.reduce((all, [, bytes]) => all + bytes, 0);
  const hues = assignHues(parts.map(([owner]) => owner));
  const print = (bytes: number): string => formatValue(bytes, 'B');
  const share = formatValue(used / capacity, '%');
  const figure = openFigure({
    name: 'memory',
    title: 'Memory',
    subtitle: `${print(used)} of ${print(capacity)} in use (${share}).`,
    description: `Bytes by owner: ${parts.map(([owner, bytes]) => `${owner} ${print(bytes)}`).join(', ')}; capacity ${print(capacity)}.`,
    bodyHeight: 10 + BAR + BASE_AXIS_HEIGHT,
    legend: parts.map(([owner, bytes]) => ({
      label: `${nameOf(owner)} ${print(bytes)}`,
      hue: hues.get(owner) ?? GREY,
    })),
  });
  const box: Box = { left: 20, top: figure.top + 10, width: WIDTH - 40, height: BAR };
  const roof = largest([used], capacity);
  const x = figure.svg.linear([0, roof], [box.left, box.left + box.width]);
  path(
    figure.root,
    'lane',
    `M${px(box.left)} ${px(box.top)}H${px(x(capacity))}v${BAR}H${px(box.left)}Z`,
  );
  let from = 0;
  for (const [owner, bytes] of parts) {
    const left = px(x(from));
    from += bytes;
    const d = `M${left} ${px(box.top)}H${px(x(from))}v${BAR}H${left}Z`;
    tooltip(
      path(figure.root, `f${hues.get(owner) ?? GREY} ring bar`, d),
      `${nameOf(owner)}: ${print(bytes)}`,
    );
  }
  drawBaseAxis(figure, box, { scale: x, unit: axisUnit(roof, 'B'), title: 'DRAM' });
  path(figure.root, 'limit', `M${px(x(capacity))} ${px(box.top - 4)}v${BAR + 8}`);
  return figure.svg.print();
}
