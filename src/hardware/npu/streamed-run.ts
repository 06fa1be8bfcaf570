/**
 * A product on a systolic array, cycle by cycle, with one prefetching buffer per operand: where the stalls come from.
 *
 * Model    folds run one after another; every array row and column asks its buffer for one element per cycle, skewed by
 *          its distance from the corner. The array waits for the slowest of three ports.
 * Ignores  everything behind the ports
 * Valid    serial folds; one product
 * Source   behaviour of SCALE-Sim 2 in USER bandwidth mode (github.com/scalesim-project/scale-sim-v2)
 * Checked  test/validation/npu.test.ts (every USER row)
 */
import type { Cycles } from '../../base/units.ts';
import type { Dataflow } from '../units/unit-spec.ts';
import { DemandWindow } from './demand-window.ts';
import type { ConvForm } from './gemm-view.ts';
import { type FetchOrder, type ReadBuffer, ReadWindow } from './read-window.ts';
import { WriteBuffer } from './write-buffer.ts';

/** Element addresses of an operand: `rows` (tokens, pixels or output features) by `k`, the reduction. */
export interface OperandView {
  readonly rows: number;
  readonly k: number;
  readonly addresses: number;
  /** −1 for padding. */
  address(row: number, step: number): number;
}

export interface StreamedArray {
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: Dataflow;
  /** Words of the input, weight and output buffers. */
  readonly inputWords: number;
  readonly weightWords: number;
  readonly outputWords: number;
  /** Of each of the three ports; absent: as much as it takes. */
  readonly wordsPerCycle: number | undefined;
}

export interface StreamedRun {
  readonly totalCycles: Cycles;
  readonly stallCycles: Cycles;
  readonly inputWords: number;
  readonly weightWords: number;
  readonly outputWords: number;
}

interface Operand {
  readonly view: OperandView;
  readonly buffer: ReadBuffer;
}

/** One operand enters the array row by row; the other belongs to its columns, streamed or held. */
interface Ports {
  readonly rowSide: Operand;
  readonly columnSide: Operand;
  readonly outputs: WriteBuffer;
  line: number;
  stalls: number;
}

/** Inputs m×k, or weights as n×k: one row after another. */
export function plainView(rows: number, k: number): OperandView {
  return { rows, k, addresses: rows * k, address: (row, step) => row * k + step };
}

/** The pixels under a convolution's window, channels last; `height` and `width` include the padding. */
export function windowView(form: ConvForm, height: number, width: number): OperandView {
  const { outHeight, outWidth, kernelHeight, kernelWidth, strideHeight, strideWidth } = form;
  const channels = form.inChannels / form.groups;
  const windowRow = kernelWidth * channels;
  return {
    rows: outHeight * outWidth,
    k: kernelHeight * windowRow,
    addresses: height * width * channels,
    address: (row, step) => {
      const y = Math.floor(row / outWidth) * strideHeight + Math.floor(step / windowRow);
      const x = (row % outWidth) * strideWidth;
      return (y * width + x) * channels + (step % windowRow);
    },
  };
}

/**
 * Runs one product. With `wordsPerCycle` absent memory is as fast as it needs to be: nothing stalls, and the buffers
 * only tell what they fetched. An input-stationary array is a weight-stationary one with its operands exchanged.
 */
export function simulateStreams(
  array: StreamedArray,
  inputs: OperandView,
  weights: OperandView,
): StreamedRun {
  const exchanged = array.dataflow === 'input-stationary';
  const [rowView, columnView] = exchanged ? [weights, inputs] : [inputs, weights];
  const [rowWords, columnWords] = exchanged
    ? [array.weightWords, array.inputWords]
    : [array.inputWords, array.weightWords];
  const ports: Ports = {
    rowSide: { view: rowView, buffer: rowBuffer(array, rowView, rowWords) },
    columnSide: { view: columnView, buffer: columnBuffer(array, columnView, columnWords) },
    outputs: new WriteBuffer(array.outputWords, array.wordsPerCycle ?? array.columns),
    line: 0,
    stalls: 0,
  };
  const outputStationary = array.dataflow === 'output-stationary';
  const across = Math.ceil(columnView.rows / array.columns);
  const down = Math.ceil((outputStationary ? rowView.rows : rowView.k) / array.rows);
  const fold = outputStationary ? outputStationaryFold : heldFold;
  for (let column = 0; column < across; column++) {
    for (let row = 0; row < down; row++)
      fold(array, ports, row * array.rows, column * array.columns);
  }
  const totalCycles = ports.line - 1 + ports.stalls;
  ports.outputs.flush(totalCycles);
  const fetched = [ports.rowSide, ports.columnSide].map(({ buffer }) => buffer.fetchedWords);
  const [inputWords, weightWords] = exchanged ? fetched.toReversed() : fetched;
  return {
    totalCycles,
    stallCycles: ports.stalls,
    inputWords: inputWords as number,
    weightWords: weightWords as number,
    outputWords: ports.outputs.movedWords,
  };
}

function rowBuffer(array: StreamedArray, view: OperandView, words: number): ReadBuffer {
  const { wordsPerCycle } = array;
  if (wordsPerCycle === undefined) return new DemandWindow(words, view.addresses);
  return new ReadWindow({ words, wordsPerCycle }, rowFetchOrder(array, view), view.addresses);
}

function columnBuffer(array: StreamedArray, view: OperandView, words: number): ReadBuffer {
  const { wordsPerCycle } = array;
  if (wordsPerCycle === undefined) return new DemandWindow(words, view.addresses);
  return new ReadWindow({ words, wordsPerCycle }, columnFetchOrder(array, view), view.addresses);
}

/** Lines of a fold: row r (and column c) takes step t of the reduction in line t + r (t + c). */
function outputStationaryFold(array: StreamedArray, ports: Ports, row0: number, column0: number) {
  const { rowSide, columnSide } = ports;
  const { k } = rowSide.view;
  const height = Math.min(array.rows, rowSide.view.rows - row0);
  const width = Math.min(array.columns, columnSide.view.rows - column0);
  const lines = k + array.rows + array.columns - 2;
  for (let line = 0; line < lines; line++) {
    const cycle = ports.line + ports.stalls;
    const rowStall = readDiagonal(rowSide, line, row0, height, cycle);
    const columnStall = readDiagonal(columnSide, line, column0, width, cycle);
    // Results leave from the bottom row up, once the reduction has ended.
    const results = diagonal(line - (k - 1), array.rows - height, array.rows, width);
    endLine(ports, cycle, Math.max(rowStall, columnStall), results);
  }
}

/** What the columns hold enters bottom row first, then the other operand streams skewed by row. */
function heldFold(array: StreamedArray, ports: Ports, row0: number, column0: number) {
  const { rowSide, columnSide } = ports;
  const stream = rowSide.view.rows;
  const height = Math.min(array.rows, rowSide.view.k - row0);
  const width = Math.min(array.columns, columnSide.view.rows - column0);
  const lines = stream + 2 * array.rows + array.columns - 2;
  for (let line = 0; line < lines; line++) {
    const cycle = ports.line + ports.stalls;
    const step = line - array.rows;
    let moved = false;
    for (let r = Math.max(0, step - stream + 1); r < height && r <= step; r++) {
      const address = rowSide.view.address(step - r, row0 + r);
      if (address >= 0 && rowSide.buffer.read(address)) moved = true;
    }
    const rowStall = moved ? rowSide.buffer.readyCycle - cycle - 1 : 0;
    const heldRow = array.rows - 1 - line;
    const loading = heldRow >= 0 && heldRow < height;
    const columnStall = loading ? readHeld(columnSide, row0 + heldRow, column0, width, cycle) : 0;
    const results = diagonal(line - (2 * array.rows - 1), 0, stream, width);
    endLine(ports, cycle, Math.max(rowStall, columnStall), results);
  }
}

/** Lane i asks for step `line` − i. @returns cycles to wait. */
function readDiagonal(
  { view, buffer }: Operand,
  line: number,
  first: number,
  lanes: number,
  cycle: Cycles,
): Cycles {
  let moved = false;
  for (let i = Math.max(0, line - view.k + 1); i < lanes && i <= line; i++) {
    const address = view.address(first + i, line - i);
    if (address >= 0 && buffer.read(address)) moved = true;
  }
  return moved ? buffer.readyCycle - cycle - 1 : 0;
}

/** Every column asks for the same step. @returns cycles to wait. */
function readHeld(
  { view, buffer }: Operand,
  step: number,
  first: number,
  lanes: number,
  cycle: Cycles,
): Cycles {
  let moved = false;
  for (let i = 0; i < lanes; i++) {
    const address = view.address(first + i, step);
    if (address >= 0 && buffer.read(address)) moved = true;
  }
  return moved ? buffer.readyCycle - cycle - 1 : 0;
}

function endLine(ports: Ports, cycle: Cycles, readStall: Cycles, results: number): void {
  const writeStall = ports.outputs.write(results, cycle);
  ports.stalls += Math.max(readStall, writeStall);
  ports.line++;
}

/** Elements (row, column) with row + column = `line`, first ≤ row < end, 0 ≤ column < width. */
function diagonal(line: number, first: number, end: number, width: number): number {
  const low = Math.max(0, line - end + 1);
  const high = Math.min(width - 1, line - first);
  return Math.max(0, high - low + 1);
}

/** The panels that the array's rows read, one below the other, along the diagonals in which they are asked for. */
function rowFetchOrder(array: StreamedArray, view: OperandView): FetchOrder {
  const { rows } = array;
  if (array.dataflow === 'output-stationary') {
    const height = Math.ceil(view.rows / rows) * view.k;
    return diagonals(height, rows, (panelRow, lane) => {
      const row = Math.floor(panelRow / view.k) * rows + lane;
      return row < view.rows ? view.address(row, panelRow % view.k) : -1;
    });
  }
  const height = Math.ceil(view.k / rows) * view.rows;
  return diagonals(height, rows, (panelRow, lane) => {
    const step = Math.floor(panelRow / view.rows) * rows + lane;
    return step < view.k ? view.address(panelRow % view.rows, step) : -1;
  });
}

/** The panels of the array's columns; an operand that is held is not skewed. */
function columnFetchOrder(array: StreamedArray, view: OperandView): FetchOrder {
  const { columns } = array;
  const height = Math.ceil(view.rows / columns) * view.k;
  const at = (panelRow: number, lane: number) => {
    const row = Math.floor(panelRow / view.k) * columns + lane;
    return row < view.rows ? view.address(row, panelRow % view.k) : -1;
  };
  if (array.dataflow === 'output-stationary') return diagonals(height, columns, at);
  const order = new Int32Array(height * columns);
  for (let i = 0; i < order.length; i++) order[i] = at(Math.floor(i / columns), i % columns);
  return order;
}

/** Elements of a height × width matrix along its diagonals, lower left first. */
function diagonals(
  height: number,
  width: number,
  at: (row: number, column: number) => number,
): FetchOrder {
  const order = new Int32Array(height * width);
  let next = 0;
  for (let sum = 0; sum < height + width - 1; sum++) {
    const top = Math.max(0, sum - width + 1);
    for (let row = Math.min(sum, height - 1); row >= top; row--) order[next++] = at(row, sum - row);
  }
  return order;
}
