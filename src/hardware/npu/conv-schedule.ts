/**
 * How a convolution is cut into tiles for a scratchpad and accumulators of given size.
 *
 * Model    start from the whole layer; shrink its largest dimension until inputs, weights and results fit half of both
 *          memories, in whole array blocks for channels; then grow whatever still fits, one step at a time
 * Ignores  traffic: the search knows sizes only
 * Valid    square kernels, inputs and arrays; one image
 * Source   Gemmini's default tiling, as ONNXim uses it (github.com/PSAL-POSTECH/ONNXim)
 * Checked  test/unit/hardware/npu/conv-schedule.test.ts (the mapping column of the reference rows)
 */
import type { ConvForm } from './gemm-view.ts';
import type { ScratchpadArray } from './tile-schedule.ts';
import { ACCUMULATOR_BYTES } from './tiling.ts';

/** Sizes of one tile. */
export interface ConvTile {
  readonly outRows: number;
  readonly outColumns: number;
  readonly filters: number;
  readonly kernelRows: number;
  readonly kernelColumns: number;
  readonly channels: number;
}

type Sizes = Record<keyof ConvTile, number>;

/** Ties go to the first; growth takes turns in this order. */
const ORDER = [
  'outRows',
  'outColumns',
  'filters',
  'kernelRows',
  'kernelColumns',
  'channels',
] as const satisfies readonly (keyof ConvTile)[];

interface Limits {
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
  readonly scratchpadRows: number;
  readonly accumulatorRows: number;
  readonly halfScratchpad: number;
  readonly elementBytes: number;
}

export function scheduleConv(array: ScratchpadArray, form: ConvForm, padding: number): ConvTile {
  const limits: Limits = {
    size: array.size,
    stride: form.strideHeight,
    padding,
    scratchpadRows: Math.floor(array.scratchpadBytes / 2 / (array.size * array.elementBytes)),
    accumulatorRows: Math.floor(array.accumulatorBytes / 2 / (array.size * ACCUMULATOR_BYTES)),
    halfScratchpad: array.scratchpadBytes / 2,
    elementBytes: array.elementBytes,
  };
  const whole: Sizes = {
    outRows: form.outHeight,
    outColumns: form.outWidth,
    filters: form.outChannels,
    kernelRows: form.kernelHeight,
    kernelColumns: form.kernelWidth,
    channels: form.inChannels,
  };
  const tile = { ...whole };
  while (!fits(limits, tile) && shrink(limits, tile));
  while (grow(limits, tile, whole, ['outColumns'], false));
  while (grow(limits, tile, whole, ORDER, true));
  return tile;
}

/** @returns false when nothing is left to shrink. */
function shrink(limits: Limits, tile: Sizes): boolean {
  let largest: keyof ConvTile | undefined;
  for (const name of ORDER) {
    // Columns stay whole while the array is not full and there are rows to give.
    if (name === 'outColumns' && tile.outColumns <= limits.size && tile.outRows > 1) continue;
    if (tile[name] > (largest === undefined ? 1 : tile[largest])) largest = name;
  }
  if (largest === undefined) return false;
  const value = tile[largest];
  const blocks = largest === 'filters' || largest === 'channels';
  const down = blocks ? Math.ceil(value / limits.size - 1) * limits.size : value - 1;
  tile[largest] = Math.max(1, down);
  return true;
}

/** One round of single steps. @returns whether anything grew. */
function grow(
  limits: Limits,
  tile: Sizes,
  whole: Sizes,
  names: readonly (keyof ConvTile)[],
  margin: boolean,
): boolean {
  let grown = false;
  for (const name of names) {
    if (tile[name] >= whole[name]) continue;
    tile[name]++;
    // The last phase looks at the tile before its step for the margin.
    const roomy = !margin || bytesWithMargin(limits, { ...tile, [name]: tile[name] - 1 });
    if (fits(limits, tile) && roomy) grown = true;
    else tile[name]--;
  }
  return grown;
}

function fits(limits: Limits, tile: Sizes): boolean {
  const { size, stride } = limits;
  const filterBlocks = Math.ceil(tile.filters / size);
  const inRows = tile.outRows * stride + tile.kernelRows - 1;
  const inColumns = tile.outColumns * stride + tile.kernelColumns - 1;
  const inputs = Math.ceil(tile.channels / size) * inRows * inColumns;
  const weights = filterBlocks * tile.kernelRows * tile.kernelColumns * tile.channels;
  const results = filterBlocks * tile.outRows * tile.outColumns;
  return inputs + weights <= limits.scratchpadRows && results <= limits.accumulatorRows;
}

/** Inputs and weights and half as much again fit half the scratchpad. */
function bytesWithMargin(limits: Limits, tile: Sizes): boolean {
  const { padding, elementBytes } = limits;
  const weights = tile.filters * tile.kernelRows * tile.kernelColumns * tile.channels;
  const inputs = (tile.outRows + 2 * padding) * (tile.outColumns + 2 * padding) * tile.channels;
  return Math.floor(((inputs + weights) * elementBytes * 3) / 2) <= limits.halfScratchpad;
}
