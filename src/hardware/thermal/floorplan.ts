/** Where the units lie on the die: rectangles, their checks, and which of them touch. */
import type { Fault } from '../../base/errors.ts';
import type { Metres } from '../../base/units.ts';

/** One rectangle, measured from the lower left corner of the die; named after the unit or domain that heats it. */
export interface FloorplanBlock {
  readonly name: string;
  readonly x: Metres;
  readonly y: Metres;
  readonly width: Metres;
  readonly height: Metres;
}
export type Floorplan = readonly FloorplanBlock[];

/** The blocks of a SoC description, where they are a map by name. */
export function floorplanOf(
  blocks: Readonly<Record<string, Omit<FloorplanBlock, 'name'>>>,
): Floorplan {
  return Object.entries(blocks).map(([name, block]) => ({ name, ...block }));
}

/** Two blocks that share an edge. */
export interface Border {
  readonly a: number;
  readonly b: number;
  readonly length: Metres;
  /** Centre-to-edge distances of the two blocks across the shared edge, added up. */
  readonly distance: Metres;
}

/** Coordinates come as rounded decimals; a nanometre decides whether edges meet. */
const EDGE_TOLERANCE: Metres = 1e-9;

/** Duplicate names and overlapping rectangles. */
export function floorplanFaults(blocks: Floorplan): Fault[] {
  const faults: Fault[] = [];
  if (blocks.length === 0) faults.push({ path: 'floorplan', message: 'no block is given' });
  for (const [i, a] of blocks.entries()) {
    for (const [offset, b] of blocks.slice(i + 1).entries()) {
      const path = `floorplan.${i + 1 + offset}`;
      if (a.name === b.name) faults.push({ path, message: `block "${b.name}" is given twice` });
      const w = overlap(a.x, a.width, b.x, b.width);
      const h = overlap(a.y, a.height, b.y, b.height);
      if (w > EDGE_TOLERANCE && h > EDGE_TOLERANCE) {
        faults.push({ path, message: `block "${b.name}" overlaps block "${a.name}"` });
      }
    }
  }
  return faults;
}

/** Blocks that reach beyond a die of that size. */
export function blocksOutside(blocks: Floorplan, width: Metres, height: Metres): FloorplanBlock[] {
  return blocks.filter(
    (block) =>
      block.x + block.width > width + EDGE_TOLERANCE ||
      block.y + block.height > height + EDGE_TOLERANCE,
  );
}

/** All pairs of blocks that touch along an edge. */
export function borders(blocks: Floorplan): Border[] {
  const found: Border[] = [];
  for (const [a, left] of blocks.entries()) {
    for (let b = a + 1; b < blocks.length; b++) {
      const right = blocks[b] as FloorplanBlock;
      const w = overlap(left.x, left.width, right.x, right.width);
      const h = overlap(left.y, left.height, right.y, right.height);
      if (h > EDGE_TOLERANCE && Math.abs(w) <= EDGE_TOLERANCE) {
        found.push({ a, b, length: h, distance: (left.width + right.width) / 2 });
      } else if (w > EDGE_TOLERANCE && Math.abs(h) <= EDGE_TOLERANCE) {
        found.push({ a, b, length: w, distance: (left.height + right.height) / 2 });
      }
    }
  }
  return found;
}

export function floorplanArea(blocks: Floorplan): number {
  return blocks.reduce((sum, block) => sum + block.width * block.height, 0);
}

/** Shared length of two intervals; zero when they touch, negative when they are apart. */
function overlap(start: number, size: number, otherStart: number, otherSize: number): number {
  return Math.min(start + size, otherStart + otherSize) - Math.max(start, otherStart);
}
