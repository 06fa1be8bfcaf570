/** Places names beside points so that they neither overlap nor leave the picture. */
import { type Box, label } from './figure.ts';
import type { Selection } from './svg.ts';
import { textWidth } from './text.ts';

export interface PointLabel {
  readonly x: number;
  readonly y: number;
  /** Distance to keep from the point’s centre. */
  readonly radius: number;
  readonly text: string;
}

const SIZE = 11;
const ASCENT = 9;
const DESCENT = 3;

/** Room that something takes on the picture. */
export interface Rect {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Place extends Rect {
  readonly baseline: number;
}

/**
 * Writes labels in the given order, most important first: right of the point, else left, above or below,
 * else a line further up or down. One that finds no room is left out; its point still has hover text.
 */
export function placeLabels(
  parent: Selection,
  box: Box,
  labels: readonly PointLabel[],
  obstacles: readonly Rect[] = [],
): void {
  const taken: Rect[] = [...obstacles];
  for (const item of labels) {
    const place = candidates(item).find((spot) => isFree(spot, box, taken));
    if (!place) continue;
    taken.push(place);
    label(parent, place.left, place.baseline, item.text, { style: 't halo' });
  }
}

function candidates({ x, y, radius, text }: PointLabel): readonly Place[] {
  const width = textWidth(text, SIZE);
  const from = (left: number, baseline: number): Place => ({
    ...textRect(left, baseline, width),
    baseline,
  });
  const rows = [0, -1, 1, -2, 2].map((row) => y + 4 + row * (ASCENT + DESCENT));
  return [
    ...rows
      .slice(0, 1)
      .flatMap((row) => [from(x + radius + 4, row), from(x - radius - 4 - width, row)]),
    from(x - width / 2, y - radius - 4),
    from(x - width / 2, y + radius + ASCENT + 3),
    ...rows
      .slice(1)
      .flatMap((row) => [from(x + radius + 4, row), from(x - radius - 4 - width, row)]),
  ];
}

function isFree(place: Place, box: Box, taken: readonly Rect[]): boolean {
  const inside =
    place.left >= box.left &&
    place.right <= box.left + box.width &&
    place.top >= box.top &&
    place.bottom <= box.top + box.height;
  return inside && !taken.some((other) => overlaps(place, other));
}

function overlaps(a: Rect, b: Rect): boolean {
  const beside = a.right + 3 <= b.left || b.right + 3 <= a.left;
  return !beside && a.top < b.bottom && b.top < a.bottom;
}

/** Room of one line of small text whose baseline starts at `left`. */
function textRect(left: number, baseline: number, width: number): Rect {
  return { left, right: left + width, top: baseline - ASCENT, bottom: baseline + DESCENT };
}

/** Room of a mark around its centre. */
export function markRect(x: number, y: number, radius: number): Rect {
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
}
