/**
 * A product on a systolic array, cycle by cycle, with one prefetching buffer per operand: where the stalls come from.
 *
 * Model    folds run one after another; every array row and column asks its buffer for one element per cycle, skewed by
 *          its distance from the corner. The array waits for the slowest of three ports.
 * Ignores  everything behind the ports
 * Valid    output- and weight-stationary arrays with serial folds; one product
 * Source   behaviour of SCALE-Sim 2 in USER bandwidth mode (github.com/scalesim-project/scale-sim-v2)
 * Checked  test/validation/npu.test.ts (every USER row)
 */
import type { Cycles } from '../../base/units.ts';
import { DemandWindow } from './demand-window.ts';
import type { ConvForm } from './gemm-view.ts';
import { type FetchOrder, type ReadBuffer, ReadWindow } from './read-window.ts';
import { WriteBuffer } from './write-buffer.ts';

/** Element addresses of the input matrix: plain rows, or the pixels a convolution window covers. */
export interface InputView {
  readonly m: number;
  readonly k: number;
  readonly addresses: number;
  /** −1 for padding. */
  address(row: number, column: number): number;
}

export interface StreamedArray {
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: 'output-stationary' | 'weight-stationary';
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

interface Ports {
  readonly inputs: ReadBuffer;
  readonly weights: ReadBuffer;
  readonly outputs: WriteBuffer;
  readonly view: InputView;
  readonly n: number;
  line: number;
  stalls: number;
}

export function plainInputs(m: number, k: number): InputView {
  return { m, k, addresses: m * k, address: (row, column) => row * k + column };
}

/** The pixels under a convolution's window, channels last; `height` and `width` include the padding. */
export function windowInputs(form: ConvForm, height: number, width: number): InputView {
  const { outHeight, outWidth, kernelHeight, kernelWidth, strideHeight, strideWidth } = form;
  const channels = form.inChannels / form.groups;
  const windowRow = kernelWidth * channels;
  return {
    m: outHeight * outWidth,
    k: kernelHeight * windowRow,
    addresses: height * width * channels,
    address: (row, column) => {
      const y = Math.floor(row / outWidth) * strideHeight + Math.floor(column / windowRow);
      const x = (row % outWidth) * strideWidth;
      return (y * width + x) * channels + (column % windowRow);
    },
  };
}

/**
 * Runs one product. With `wordsPerCycle` absent memory is as fast as it needs to be: nothing stalls, and the buffers
 * only tell what they fetched.
 */
export function simulateStreams(array: StreamedArray, view: InputView, n: number): StreamedRun {
  const ports = portsOf(array, view, n);
  const across = Math.ceil(n / array.columns);
  const outputStationary = array.dataflow === 'output-stationary';
  const down = Math.ceil((outputStationary ? view.m : view.k) / array.rows);
  const fold = outputStationary ? outputStationaryFold : weightStationaryFold;
  for (let column = 0; column < across; column++) {
    for (let row = 0; row < down; row++)
      fold(array, ports, row * array.rows, column * array.columns);
  }
  const totalCycles = ports.line - 1 + ports.stalls;
  ports.outputs.flush(totalCycles);
  return {
    totalCycles,
    stallCycles: ports.stalls,
    inputWords: ports.inputs.fetchedWords,
    weightWords: ports.weights.fetchedWords,
    outputWords: ports.outputs.movedWords,
  };
}

function portsOf(array: StreamedArray, view: InputView, n: number): Ports {
  const { wordsPerCycle } = array;
  const shared = { view, n, line: 0, stalls: 0 };
  if (wordsPerCycle === undefined) {
    return {
      ...shared,
      inputs: new DemandWindow(array.inputWords, view.addresses),
      weights: new DemandWindow(array.weightWords, view.k * n),
      outputs: new WriteBuffer(array.outputWords, array.columns),
    };
  }
  const inputShape = { words: array.inputWords, wordsPerCycle };
  const weightShape = { words: array.weightWords, wordsPerCycle };
  return {
    ...shared,
    inputs: new ReadWindow(inputShape, inputFetchOrder(array, view), view.addresses),
    weights: new ReadWindow(weightShape, weightFetchOrder(array, view.k, n), view.k * n),
    outputs: new WriteBuffer(array.outputWords, wordsPerCycle),
  };
}

/** Lines of a fold: row r (and column c) takes step t of the reduction in line t + r (t + c). */
function outputStationaryFold(array: StreamedArray, ports: Ports, row0: number, column0: number) {
  const { view, n } = ports;
  const { k } = view;
  const height = Math.min(array.rows, view.m - row0);
  const width = Math.min(array.columns, n - column0);
  const lines = k + array.rows + array.columns - 2;
  for (let line = 0; line < lines; line++) {
    const cycle = ports.line + ports.stalls;
    let moved = false;
    for (let r = Math.max(0, line - k + 1); r < height && r <= line; r++) {
      const address = view.address(row0 + r, line - r);
      if (address >= 0 && ports.inputs.read(address)) moved = true;
    }
    const inputStall = moved ? ports.inputs.readyCycle - cycle - 1 : 0;
    moved = readWeightSteps(ports, line, column0, width);
    const weightStall = moved ? ports.weights.readyCycle - cycle - 1 : 0;
    // Results leave from the bottom row up, once the reduction has ended.
    const results = diagonal(line - (k - 1), array.rows - height, array.rows, width);
    endLine(ports, cycle, Math.max(inputStall, weightStall), results);
  }
}

/** Weights enter bottom row first, then inputs stream skewed by row. */
function weightStationaryFold(array: StreamedArray, ports: Ports, row0: number, column0: number) {
  const { view, n } = ports;
  const { k, m } = view;
  const height = Math.min(array.rows, k - row0);
  const width = Math.min(array.columns, n - column0);
  const lines = m + 2 * array.rows + array.columns - 2;
  for (let line = 0; line < lines; line++) {
    const cycle = ports.line + ports.stalls;
    const step = line - array.rows;
    let moved = false;
    for (let r = Math.max(0, step - m + 1); r < height && r <= step; r++) {
      const address = view.address(step - r, row0 + r);
      if (address >= 0 && ports.inputs.read(address)) moved = true;
    }
    const inputStall = moved ? ports.inputs.readyCycle - cycle - 1 : 0;
    const weightRow = array.rows - 1 - line;
    const loading = weightRow >= 0 && weightRow < height;
    moved = loading && readWeightRow(ports, row0 + weightRow, column0, width);
    const weightStall = moved ? ports.weights.readyCycle - cycle - 1 : 0;
    const results = diagonal(line - (2 * array.rows - 1), 0, m, width);
    endLine(ports, cycle, Math.max(inputStall, weightStall), results);
  }
}

function readWeightSteps(ports: Ports, line: number, column0: number, width: number): boolean {
  const { k } = ports.view;
  let moved = false;
  for (let c = Math.max(0, line - k + 1); c < width && c <= line; c++) {
    if (ports.weights.read((column0 + c) * k + line - c)) moved = true;
  }
  return moved;
}

function readWeightRow(ports: Ports, row: number, column0: number, width: number): boolean {
  let moved = false;
  for (let c = 0; c < width; c++) {
    if (ports.weights.read((column0 + c) * ports.view.k + row)) moved = true;
  }
  return moved;
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

/** The panels an array row block reads, one below the other, along the diagonals in which the array asks for them. */
function inputFetchOrder(array: StreamedArray, view: InputView): FetchOrder {
  const { rows } = array;
  if (array.dataflow === 'output-stationary') {
    const height = Math.ceil(view.m / rows) * view.k;
    return diagonals(height, rows, (panelRow, lane) => {
      const row = Math.floor(panelRow / view.k) * rows + lane;
      return row < view.m ? view.address(row, panelRow % view.k) : -1;
    });
  }
  const height = Math.ceil(view.k / rows) * view.m;
  return diagonals(height, rows, (panelRow, lane) => {
    const column = Math.floor(panelRow / view.m) * rows + lane;
    return column < view.k ? view.address(panelRow % view.m, column) : -1;
  });
}

function weightFetchOrder(array: StreamedArray, k: number, n: number): FetchOrder {
  const { columns } = array;
  const height = Math.ceil(n / columns) * k;
  const at = (panelRow: number, lane: number) => {
    const column = Math.floor(panelRow / k) * columns + lane;
    return column < n ? column * k + (panelRow % k) : -1;
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
