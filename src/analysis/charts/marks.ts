/** Shapes of points: kinds are told apart by form as well as by colour. */
import { px } from './series.ts';

/** Circle, diamond, square or triangle of about one area, by `kind`, centred on x, y. */
export function markPath(kind: number, x: number, y: number, radius: number): string {
  const draw = SHAPES[kind % SHAPES.length] ?? circle;
  return draw(x, y, radius);
}

const SHAPES = [circle, diamond, square, triangle];

function circle(x: number, y: number, radius: number): string {
  const r = px(radius);
  const across = px(2 * radius);
  return `M${px(x - radius)} ${px(y)}a${r} ${r} 0 1 0 ${across} 0a${r} ${r} 0 1 0 -${across} 0Z`;
}

function diamond(x: number, y: number, radius: number): string {
  const d = px(radius * 1.25);
  return `M${px(x)} ${px(y - radius * 1.25)}l${d} ${d}l-${d} ${d}l-${d} -${d}Z`;
}

function square(x: number, y: number, radius: number): string {
  const d = px(radius * 1.77);
  return `M${px(x - radius * 0.885)} ${px(y - radius * 0.885)}h${d}v${d}h-${d}Z`;
}

function triangle(x: number, y: number, radius: number): string {
  const half = px(radius * 1.35);
  const side = px(radius * 2.7);
  return `M${px(x)} ${px(y - radius * 1.3)}l${half} ${px(radius * 2.3)}h-${side}Z`;
}
