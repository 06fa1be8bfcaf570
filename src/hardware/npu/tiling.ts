/**
 * DRAM traffic of a matrix product whose operands pass through a local memory of limited size.
 *
 * Model    the cheapest of three loop orders, with tiles as large as fit and streams double-buffered:
 *          weights held in panels    reads a·⌈2b/S⌉ + b
 *          inputs held in panels     reads a + b·⌈2a/S⌉
 *          output tile held          reads a·⌈n/tn⌉ + b·⌈m/tm⌉, with tm·tn accumulators as large as fit
 *          An operand that fits as a whole is read once. Outputs are written once; partial sums never leave.
 * Ignores  alignment of tiles to pages and bursts; tensors left in local memory by the operator before
 * Valid    local memory holds at least a few array-sized tiles
 * Source   derivation; compulsory traffic is the lower bound
 * Checked  test/unit/hardware/npu/tiling.test.ts (against brute force), test/property/units.test.ts
 */
import type { Bytes } from '../../base/units.ts';

/** Integer and half-precision products add up in 32 bits. */
export const ACCUMULATOR_BYTES = 4;

type LoopOrder = 'weights-held' | 'inputs-held' | 'outputs-held';

export interface Operands {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Bytes of the m×k inputs, the k×n weights and the m×n outputs of one product. */
  readonly inputBytes: Bytes;
  readonly weightBytes: Bytes;
  readonly outputBytes: Bytes;
}

export interface LocalMemory {
  readonly bytes: Bytes;
  /** Accumulators beside it; 0 when outputs are added up in `bytes`. */
  readonly accumulatorBytes: Bytes;
  /** Smallest tile edge worth fetching, usually the array's. */
  readonly granule: number;
}

export interface Tiling {
  readonly order: LoopOrder;
  /** Bytes read for one product. */
  readonly readBytes: Bytes;
  /** How often each weight and each input is fetched. */
  readonly weightPasses: number;
  readonly inputPasses: number;
}

/** @returns the loop order with the least traffic; ties go to weights held, then inputs held. */
export function planTiling(operands: Operands, memory: LocalMemory): Tiling {
  const { inputBytes: a, weightBytes: b } = operands;
  const held = weightPanels(operands, memory);
  const weights = a * held + b;
  const blocks = inputPanels(operands, memory);
  const inputs = a + b * blocks;
  // A whole operand on chip cannot be beaten.
  if (held === 1) return tiling('weights-held', weights, 1, 1);
  if (blocks === 1) return tiling('inputs-held', inputs, 1, 1);
  const tile = outputTile(operands, memory);
  const outputs = a * tile.inputPasses + b * tile.weightPasses;
  if (weights <= inputs && weights <= outputs) return tiling('weights-held', weights, 1, held);
  if (inputs <= outputs) return tiling('inputs-held', inputs, blocks, 1);
  return tiling('outputs-held', outputs, tile.weightPasses, tile.inputPasses);
}

function tiling(
  order: LoopOrder,
  readBytes: Bytes,
  weightPasses: number,
  inputPasses: number,
): Tiling {
  return { order, readBytes, weightPasses, inputPasses };
}

function weightPanels(operands: Operands, memory: LocalMemory): number {
  const { m, n, inputBytes: a, weightBytes: b, outputBytes: c } = operands;
  // Two slices of inputs and of results, one granule of rows each, stream past the panel.
  const slices = 2 * Math.min(1, memory.granule / m) * (a + c);
  return panels(b, n, memory, slices);
}

function inputPanels(operands: Operands, memory: LocalMemory): number {
  const { m, n, inputBytes: a, weightBytes: b, outputBytes: c } = operands;
  const slices = 2 * Math.min(1, memory.granule / n) * (b + c);
  return panels(a, m, memory, slices);
}

/** Panels that an operand of `bytes` with `length` rows (or columns) is cut into; infinite when not even one granule fits. */
function panels(bytes: Bytes, length: number, memory: LocalMemory, slices: Bytes): number {
  const room = memory.bytes - Math.min(slices, memory.bytes / 2);
  if (bytes <= room) return 1;
  const granules = Math.ceil(length / memory.granule);
  const count = Math.ceil((2 * bytes) / room);
  return count <= granules ? count : Number.POSITIVE_INFINITY;
}

function outputTile(operands: Operands, memory: LocalMemory) {
  const { bytes, accumulatorBytes } = memory;
  if (accumulatorBytes > 0) return tileOf(operands, memory, accumulatorBytes);
  const half = tileOf(operands, memory, bytes / 2);
  // What two slices of each stream leave free goes to accumulators, if a tile that large still leaves room for them.
  const wide = tileOf(operands, memory, bytes - sliceBytes(operands, memory, half));
  const used = wide.rows * wide.columns * ACCUMULATOR_BYTES;
  return used + sliceBytes(operands, memory, wide) <= bytes ? wide : half;
}

function tileOf(operands: Operands, memory: LocalMemory, room: Bytes) {
  const { m, n, inputBytes: a, weightBytes: b } = operands;
  const { granule } = memory;
  const area = Math.max(granule * granule, room / ACCUMULATOR_BYTES);
  // Equal growth of both streams: the edge of the dearer operand's axis gets longer.
  const balanced = Math.sqrt((area * (b / n)) / (a / m));
  const first = clampEdge(balanced, m, granule);
  const columns = clampEdge(area / first, n, granule);
  const rows = Math.max(first, clampEdge(area / columns, m, granule));
  return {
    rows,
    columns,
    inputPasses: Math.ceil(n / columns),
    weightPasses: Math.ceil(m / rows),
  };
}

/** Two slices of both streams, one granule of the reduction deep. */
function sliceBytes(
  operands: Operands,
  memory: LocalMemory,
  tile: { readonly rows: number; readonly columns: number },
): Bytes {
  const { m, n, k, inputBytes: a, weightBytes: b } = operands;
  const depth = Math.min(k, memory.granule) / k;
  return 2 * depth * ((a * tile.rows) / m + (b * tile.columns) / n);
}

function clampEdge(edge: number, length: number, granule: number): number {
  if (edge >= length) return length;
  return Math.max(granule, Math.floor(edge / granule) * granule);
}
