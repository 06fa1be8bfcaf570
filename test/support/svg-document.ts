/** Reads an SVG as strictly as an XML reader does, and lists its text with the room it takes. */
// @ts-expect-error d3-node ships no types.
import { D3Node } from 'd3-node';

interface TextBox {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface SvgDocument {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly texts: readonly TextBox[];
  readonly ids: readonly string[];
  /** All coordinates of all paths. */
  readonly coordinates: readonly number[];
}

interface Element {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
}
interface Parsed {
  querySelectorAll(selector: string): Iterable<Element>;
  readonly documentElement: Element;
}

/**
 * Advance widths of DejaVu Sans for U+0020…U+007E in 1/2048 em, read from the font file (version 2.37):
 * the widest of the fonts that the charts ask for. Everything else counts as one em.
 */
const ADVANCES = [
  651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690, 1303, 1303,
  1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087, 2048, 1401,
  1405, 1430, 1577, 1294, 1178, 1587, 1540, 604, 604, 1343, 1141, 1767, 1532, 1612, 1235, 1612,
  1423, 1300, 1251, 1499, 1401, 2025, 1403, 1251, 1403, 799, 690, 799, 1716, 1024, 1024, 1255, 1300,
  1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298, 1253, 1300, 1300, 842, 1067,
  803, 1298, 1212, 1675, 1212, 1212, 1075, 1303, 690, 1303, 1716,
];
const EM = 2048;
/** DejaVu Sans Bold is about this much wider. */
const BOLD = 1.1;

/** Width of `text` set in DejaVu Sans. */
export function dejaVuWidth(text: string, size: number): number {
  const units = [...text].map((letter) => ADVANCES[letter.charCodeAt(0) - 32] ?? EM);
  return (units.reduce((all, advance) => all + advance, 0) / EM) * size;
}

/** @throws when `svg` is not well-formed XML. */
export function readSvg(svg: string): SvgDocument {
  const parser = new (
    D3Node as never as new () => {
      window: { DOMParser: new () => { parseFromString(text: string, type: string): Parsed } };
    }
  )().window.DOMParser;
  const document = new parser().parseFromString(svg, 'application/xml');
  const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
  const broken = all('parsererror');
  if (broken.length > 0) throw new Error(`not well-formed: ${broken[0]?.textContent}`);
  const [, , width = 0, height = 0] = (document.documentElement.getAttribute('viewBox') ?? '')
    .split(' ')
    .map(Number);
  return {
    width,
    height,
    title: all('svg > title')[0]?.textContent ?? '',
    description: all('svg > desc')[0]?.textContent ?? '',
    texts: all('text').map(measure),
    ids: all('[id]').map((element) => element.getAttribute('id') ?? ''),
    coordinates: all('path').flatMap((element) =>
      [...(element.getAttribute('d') ?? '').matchAll(/-?\d+(\.\d+)?|NaN|Infinity/g)].map(([n]) =>
        Number(n),
      ),
    ),
  };
}

function measure(element: Element): TextBox {
  const text = element.textContent ?? '';
  const style = element.getAttribute('class') ?? '';
  const size = /\bh\b/.test(style) ? 16 : /\bt\b/.test(style) ? 11 : 12;
  const x = Number(element.getAttribute('x'));
  const y = Number(element.getAttribute('y'));
  const width = dejaVuWidth(text, size) * (/\b[hb]\b/.test(style) ? BOLD : 1);
  const anchor = element.getAttribute('text-anchor');
  const left = anchor === 'end' ? x - width : anchor === 'middle' ? x - width / 2 : x;
  return { text, left, right: left + width, top: y - 0.75 * size, bottom: y + 0.25 * size };
}
