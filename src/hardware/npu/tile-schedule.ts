/**
 * How a product is cut into tiles for a scratchpad and accumulators of given size, double-buffered.
 *
 * Model    the largest square of array-sized output blocks that fits half the accumulators, then the longest reduction
 *          that fits half the scratchpad; loops are then evened out, in whole blocks
 * Ignores  operand shapes: a square is taken even where a strip would move less
 * Valid    square arrays
 * Source   Gemmini's default tiling, as ONNXim uses it (github.com/PSAL-POSTECH/ONNXim)
 * Checked  test/unit/hardware/npu/tile-schedule.test.ts (the mapping column of the reference rows)
 */
import type { Bytes } from '../../base/units.ts';
import { ACCUMULATOR_BYTES } from './tiling.ts';

export interface ScratchpadArray {
  /** Rows and columns of the array. */
  readonly size: number;
  readonly cores: number;
  readonly scratchpadBytes: Bytes;
  readonly accumulatorBytes: Bytes;
  readonly elementBytes: Bytes;
}

/** Sizes of one tile, and how many tiles cover the product. */
export interface TileSchedule {
  readonly inner: { readonly m: number; readonly n: number; readonly k: number };
  readonly outer: { readonly m: number; readonly n: number; readonly k: number };
}

export function scheduleTiles(
  array: ScratchpadArray,
  m: number,
  n: number,
  k: number,
): TileSchedule {
  const { size } = array;
  const halfScratchpad = array.scratchpadBytes / 2 / (size * array.elementBytes);
  const halfAccumulators = array.accumulatorBytes / 2 / (size * ACCUMULATOR_BYTES);
  const edge = Math.max(1, Math.floor(Math.sqrt(Math.floor(halfAccumulators / size))));
  // Inputs and weights share the half scratchpad.
  const depth = Math.max(1, Math.floor(Math.floor(halfScratchpad / 2 / size) / edge));
  let rows = Math.ceil(m / (edge * size));
  let columns = Math.ceil(n / (edge * size));
  [rows, columns] = spread(rows, columns, m, n, array.cores);
  const inner = {
    m: evenOut(m, rows, size),
    n: evenOut(n, columns, size),
    k: evenOut(k, Math.ceil(k / (depth * size)), size),
  };
  const outer = {
    m: Math.ceil(m / inner.m),
    n: Math.ceil(n / inner.n),
    k: Math.ceil(k / inner.k),
  };
  return { inner, outer };
}

/** More tiles along the longer side until every core has one, and then an even share. */
function spread(
  rows: number,
  columns: number,
  m: number,
  n: number,
  cores: number,
): [number, number] {
  const grow = (factor: number, extra: number): [number, number] => {
    if (n > m && n > cores) return [rows, columns * factor + extra];
    if (m > n && m > cores) return [rows * factor + extra, columns];
    return [rows, columns];
  };
  if (rows * columns < cores) [rows, columns] = grow(Math.ceil(cores / (rows * columns)), 0);
  const left = (rows * columns) % cores;
  return left === 0 ? [rows, columns] : grow(1, left);
}

function evenOut(length: number, parts: number, size: number): number {
  const padded = Math.ceil(length / size) * size;
  const part = Math.ceil(padded / parts);
  return Math.max(size, part - (part % size));
}
