/**
 * A product as a stream of tiles through a double-buffered scratchpad: loads, array instructions and stores overlap.
 *
 * Model    two tiles are in flight per core. A tile's loads queue when its slot frees, in one memory queue for all cores;
 *          an instruction takes one array-sized weight block past `rows` inputs and starts `max(rows, size)` cycles after
 *          the one before (new weights load meanwhile), 2·size − 1 later into an empty pipe; its operands must be there.
 *          Results are stored after the last reduction step of their tile.
 * Ignores  DRAM row conflicts other than through the sustained share of the peak
 * Valid    weight-stationary cores with Gemmini-style tiles
 * Source   behaviour of ONNXim (github.com/PSAL-POSTECH/ONNXim)
 * Checked  test/validation/npu.test.ts
 */
import {
  type Bytes,
  type BytesPerSecond,
  type Cycles,
  type Hertz,
  NANO,
} from '../../base/units.ts';
import type { ConvForm } from './gemm-view.ts';
import { type ScratchpadArray, scheduleTiles } from './tile-schedule.ts';
import { ACCUMULATOR_BYTES } from './tiling.ts';

export interface TilePort {
  /** Sustained by long streams. */
  readonly bytesPerCycle: Bytes;
  /** From request to data, unloaded. */
  readonly latency: Cycles;
  /** Granularity of a request. */
  readonly requestBytes: Bytes;
  /** Contiguous bytes of one open page in every channel, and the time in which the port can open one. */
  readonly pageBytes: Bytes;
  readonly openCycles: Cycles;
}

export interface PipelineRun {
  readonly totalCycles: Cycles;
  /** Cycles in which the array of the busiest core starts or runs instructions. */
  readonly computeCycles: Cycles;
  readonly readBytes: Bytes;
  readonly writeBytes: Bytes;
}

/** DRAM behind the tile queue, by what limits it. */
export interface TileMemory {
  readonly summary: string;
  /** Sustained share of the peak on long streams. */
  readonly sustained: number;
  readonly pageBytes: Bytes;
  /** One page after another in one channel, over the banks that can work at once. */
  readonly openSeconds: number;
}

/** From request to data in an idle memory, network included. */
const IDLE_LATENCY_SECONDS = 40 * NANO;

export const tileMemories = {
  hbm: {
    summary: 'two wide channels: page openings limit short rows',
    // 78.5 % is where long weight streams settle in ONNXim's runs; 6 ns is tRC (48 ns) over 8 banks.
    sustained: 0.785,
    pageBytes: 2048,
    openSeconds: 6 * NANO,
  },
  narrow: {
    summary: 'many 16-bit channels',
    // With sixteen channels some bank is always ready: 96 % in ONNXim's DDR4 run.
    sustained: 0.95,
    pageBytes: 2048,
    openSeconds: 6 * NANO,
  },
} as const satisfies Record<string, TileMemory>;

/** @param peak bytes per second of all channels together. */
export function buildTilePort(
  memory: TileMemory,
  peak: BytesPerSecond,
  clock: Hertz,
  channels: number,
  requestBytes: Bytes,
): TilePort {
  return {
    bytesPerCycle: (peak / clock) * memory.sustained,
    latency: IDLE_LATENCY_SECONDS * clock,
    requestBytes,
    pageBytes: memory.pageBytes * channels,
    openCycles: memory.openSeconds * clock,
  };
}

/** Fewest cycles between two instructions, however few rows. */
const SHORTEST_STREAM = 4;

interface Core {
  /** Start of the last instruction, and when it leaves the array. */
  start: Cycles;
  drained: Cycles;
  busy: Cycles;
  /** When the slots of the last tile and of the one before it free. */
  finished: [Cycles, Cycles];
  /** The tile whose loads are queued and whose instructions are not yet issued. */
  waiting: LoadedTile | undefined;
}

interface Memory {
  free: Cycles;
  read: Bytes;
  written: Bytes;
}

interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Operand rows follow each other in memory without a gap. */
  readonly contiguous: boolean;
  /** Columns of the whole result: the distance between its rows. */
  readonly resultColumns: number;
  /** Last along the reduction: results leave. */
  readonly last: boolean;
}

interface LoadedTile {
  readonly tile: Tile;
  readonly inputReady: readonly Cycles[];
  readonly weightReady: readonly Cycles[];
}

/** Runs one product (m×k)·(k×n). */
export function simulateTiles(
  array: ScratchpadArray,
  port: TilePort,
  m: number,
  n: number,
  k: number,
): PipelineRun {
  const { inner, outer } = scheduleTiles(array, m, n, k);
  const cores = Array.from({ length: array.cores }, idleCore);
  const memory: Memory = { free: 0, read: 0, written: 0 };
  const tiles = outer.m * outer.n;
  for (let turn = 0; turn < tiles; turn++) {
    const core = cores[turn % cores.length] as Core;
    const i = Math.floor(turn / outer.n);
    const j = turn % outer.n;
    for (let step = 0; step < outer.k; step++) {
      const tile: Tile = {
        rows: Math.min(inner.m, m - i * inner.m),
        columns: Math.min(inner.n, n - j * inner.n),
        depth: Math.min(inner.k, k - step * inner.k),
        contiguous: outer.k === 1,
        resultColumns: n,
        last: step === outer.k - 1,
      };
      const loaded = loadTile(array, port, core, memory, tile);
      // Loads of a tile queue ahead of the stores of the one before it.
      finishWaiting(array, port, core, memory);
      core.waiting = loaded;
    }
  }
  for (const core of cores) finishWaiting(array, port, core, memory);
  const end = Math.max(memory.free + port.latency, ...cores.map((core) => core.drained));
  return {
    totalCycles: Math.round(end),
    computeCycles: Math.max(...cores.map((core) => core.busy)),
    readBytes: memory.read,
    writeBytes: memory.written,
  };
}

/**
 * A convolution on the same core: one weight block per filter tap and channel block, one instruction per output row.
 * Loads before the first and the store after the last instruction are counted; traffic between is taken to be hidden.
 */
export function simulateConvTiles(
  array: ScratchpadArray,
  port: TilePort,
  form: ConvForm,
  inputWidth: number,
): PipelineRun {
  const { size, elementBytes } = array;
  const taps = form.kernelHeight * form.kernelWidth;
  const blocks = taps * Math.ceil(form.inChannels / size) * Math.ceil(form.outChannels / size);
  const rowInstructions = Math.ceil(form.outWidth / size);
  const rows = Math.max(Math.min(form.outWidth, size), SHORTEST_STREAM);
  const block = Math.max(form.outHeight * rowInstructions * rows, size);
  const compute = Math.ceil(blocks / array.cores) * block;
  const height = form.outHeight * form.strideHeight;
  const inputBytes = height * inputWidth * form.inChannels * elementBytes;
  const outputBytes = form.outHeight * form.outWidth * form.outChannels * elementBytes;
  const weightBytes = taps * form.inChannels * form.outChannels * elementBytes;
  const first = Math.min(inputBytes, array.scratchpadBytes / 2);
  const last = Math.min(
    outputBytes,
    (array.accumulatorBytes / 2 / ACCUMULATOR_BYTES) * elementBytes,
  );
  const ends = (first + last) / port.bytesPerCycle + 2 * port.latency;
  return {
    totalCycles: Math.round(compute + ends + 4 * size),
    computeCycles: compute,
    readBytes: inputBytes + weightBytes,
    writeBytes: outputBytes,
  };
}

function idleCore(): Core {
  return { start: 0, drained: 0, busy: 0, finished: [0, 0], waiting: undefined };
}

function loadTile(
  array: ScratchpadArray,
  port: TilePort,
  core: Core,
  memory: Memory,
  tile: Tile,
): LoadedTile {
  const { size } = array;
  const issued = core.finished[1];
  const inputReady: Cycles[] = [];
  const weightReady: Cycles[] = [];
  // The first weight block, all inputs, then the other weight blocks.
  for (let j = 0; j * size < tile.columns; j++) {
    const width = Math.min(size, tile.columns - j * size);
    weightReady.push(load(port, memory, issued, blockBytes(array, port, tile, width)));
    for (let i = 0; j === 0 && i * size < tile.rows; i++) {
      const height = Math.min(size, tile.rows - i * size);
      inputReady.push(load(port, memory, issued, blockBytes(array, port, tile, height)));
    }
  }
  return { tile, inputReady, weightReady };
}

/** Issues the instructions of the tile that waits for its operands, then its stores. */
function finishWaiting(array: ScratchpadArray, port: TilePort, core: Core, memory: Memory): void {
  if (core.waiting === undefined) return;
  const { tile, inputReady, weightReady } = core.waiting;
  const steps = Math.ceil(tile.depth / array.size);
  const done: Cycles[] = [];
  let issued = 0;
  for (const weights of weightReady) {
    for (const [i, inputs] of inputReady.entries()) {
      const height = Math.min(array.size, tile.rows - i * array.size);
      const ready = Math.max(inputs, weights);
      issued = Math.max(issued, ready);
      for (let step = 0; step < steps; step++) issueBlock(array, core, ready, height);
      done.push(core.drained);
    }
  }
  if (tile.last) storeBlocks(array, port, memory, tile, done, issued);
  core.finished = [core.drained, core.finished[0]];
  core.waiting = undefined;
}

function blockBytes(array: ScratchpadArray, port: TilePort, tile: Tile, lines: number): Bytes {
  const lineBytes = tile.depth * array.elementBytes;
  if (tile.contiguous) return roundUp(lines * lineBytes, port.requestBytes);
  return lines * roundUp(lineBytes, port.requestBytes);
}

/** @returns when the data are in the scratchpad. */
function load(port: TilePort, memory: Memory, issued: Cycles, bytes: Bytes): Cycles {
  memory.free = Math.max(memory.free, issued) + bytes / port.bytesPerCycle;
  memory.read += bytes;
  return memory.free + port.latency;
}

function issueBlock(array: ScratchpadArray, core: Core, ready: Cycles, rows: number): void {
  const stream = Math.max(rows, SHORTEST_STREAM);
  const interval = Math.max(stream, array.size);
  const empty = ready >= core.drained;
  const start = empty ? ready + 2 * array.size - 1 : Math.max(core.start + interval, ready);
  core.busy += interval;
  core.start = start;
  core.drained = start + 2 * array.size - 2 + stream;
}

/** Result blocks leave one by one as they are done, once every instruction of the tile has been issued. */
function storeBlocks(
  array: ScratchpadArray,
  port: TilePort,
  memory: Memory,
  tile: Tile,
  done: readonly Cycles[],
  issued: Cycles,
): void {
  const { size, elementBytes } = array;
  const inputBlocks = Math.ceil(tile.rows / size);
  const strideBytes = tile.resultColumns * elementBytes;
  for (const [index, ready] of done.entries()) {
    const width = Math.min(size, tile.columns - Math.floor(index / inputBlocks) * size);
    const rows = Math.min(size, tile.rows - (index % inputBlocks) * size);
    const whole = width === tile.resultColumns;
    const lineBytes = width * elementBytes;
    const bytes = whole
      ? roundUp(rows * lineBytes, port.requestBytes)
      : rows * roundUp(lineBytes, port.requestBytes);
    // Rows further apart than a page each open one.
    const opening = strideBytes >= port.pageBytes ? rows * port.openCycles : 0;
    const start = Math.max(memory.free, ready, issued);
    memory.free = start + Math.max(bytes / port.bytesPerCycle, opening);
    memory.written += bytes;
  }
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
