/** The d3-node door: an SVG document outside a browser. Slow to load (about a second), so import charts lazily. */
// @ts-expect-error d3-node 4 ships no types; what is used of it is declared below.
import { D3Node } from 'd3-node';

/** The part of a d3 selection that charts use. */
export interface Selection {
  append(name: string): Selection;
  attr(name: string, value: string | number | null): Selection;
  text(value: string): Selection;
}

export interface Scale {
  (value: number): number;
  domain(): number[];
  domain(domain: readonly number[]): Scale;
  range(): number[];
  range(range: readonly number[]): Scale;
  ticks(count?: number): number[];
  nice(count?: number): Scale;
}

interface D3 {
  scaleLinear(): Scale;
  scaleLog(): Scale;
}

interface SvgDocument {
  readonly d3: D3;
  createSVG(width: number, height: number, attributes: Readonly<Record<string, string>>): Selection;
  svgString(): string;
}

const openDocument = D3Node as unknown as new () => SvgDocument;

export interface Svg {
  readonly root: Selection;
  readonly linear: (domain: readonly number[], range: readonly number[]) => Scale;
  readonly log: (domain: readonly number[], range: readonly number[]) => Scale;
  /** The document as text, one element per line so that a changed golden reads as a diff. */
  print(): string;
}

/** Opens an empty SVG of `width` × `height` user units that scales to the room it is given. */
export function createSvg(width: number, height: number, name: string): Svg {
  const page = new openDocument();
  const root = page.createSVG(width, height, {
    viewBox: `0 0 ${width} ${height}`,
    class: 'sc',
    role: 'img',
    'aria-labelledby': `${name}-title ${name}-desc`,
    'font-family': 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif',
  });
  return {
    root,
    linear: (domain, range) => page.d3.scaleLinear().domain(domain).range(range),
    log: (domain, range) => page.d3.scaleLog().domain(domain).range(range),
    print: () => `${page.svgString().replaceAll('><', '>\n<')}\n`,
  };
}
