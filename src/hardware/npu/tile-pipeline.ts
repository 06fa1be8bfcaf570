/**
 * A product as a stream of tiles through a double-buffered scratchpad: loads, array instructions and stores overlap.
 *
 * Model    two tiles are in flight per core. A tile's loads queue when its slot frees, in one memory queue for all cores;
 *          an instruction takes one array-sized weight block past `rows` inputs and starts `max(rows, size)` cycles after
 *          the one before (new weights load meanwhile), 2·size − 1 later into an empty pipe; its operands must be there.
 *          Results are stored after the last reduction step of their tile.
 * Ignores  DRAM row conflicts other than through the sustained share of the peak and the rate of page openings
 * Valid    weight-stationary cores with Gemmini-style tiles
 * Source   behaviour of ONNXim (github.com/PSAL-POSTECH/ONNXim)
 * Checked  test/validation/npu.test.ts
 */
import type { Bytes, Cycles } from '../../base/units.ts';
import { issueBlock, type TileCore } from './tile-core.ts';
import { queueLoad, queueStore, roundUp, type TilePort, type TileQueue } from './tile-port.ts';
import { type PipelineRun, runTiles, type TileJob } from './tile-run.ts';
import { type ScratchpadArray, scheduleTiles } from './tile-schedule.ts';

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

/** Runs one product (m×k)·(k×n). */
export function simulateTiles(
  array: ScratchpadArray,
  port: TilePort,
  m: number,
  n: number,
  k: number,
): PipelineRun {
  return runTiles(array.cores, port, productJobs(array, port, m, n, k));
}

function* productJobs(
  array: ScratchpadArray,
  port: TilePort,
  m: number,
  n: number,
  k: number,
): Generator<TileJob> {
  const { inner, outer } = scheduleTiles(array, m, n, k);
  for (let turn = 0; turn < outer.m * outer.n; turn++) {
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
      yield { turn, load: (queue, issued) => loadTile(array, port, queue, issued, tile) };
    }
  }
}

function loadTile(
  array: ScratchpadArray,
  port: TilePort,
  queue: TileQueue,
  issued: Cycles,
  tile: Tile,
): (core: TileCore) => void {
  const { size } = array;
  const inputReady: Cycles[] = [];
  const weightReady: Cycles[] = [];
  // The first weight block, all inputs, then the other weight blocks.
  for (let j = 0; j * size < tile.columns; j++) {
    const width = Math.min(size, tile.columns - j * size);
    weightReady.push(queueLoad(port, queue, issued, blockBytes(array, port, tile, width)));
    for (let i = 0; j === 0 && i * size < tile.rows; i++) {
      const height = Math.min(size, tile.rows - i * size);
      inputReady.push(queueLoad(port, queue, issued, blockBytes(array, port, tile, height)));
    }
  }
  return (core) => {
    const done = issueTile(array, core, tile, inputReady, weightReady);
    const issuedAll = Math.max(...inputReady, ...weightReady);
    if (tile.last) storeBlocks(array, port, queue, tile, done, issuedAll);
  };
}

/** @returns when each block of results is done: weight blocks outside, input blocks inside. */
function issueTile(
  array: ScratchpadArray,
  core: TileCore,
  tile: Tile,
  inputReady: readonly Cycles[],
  weightReady: readonly Cycles[],
): Cycles[] {
  const steps = Math.ceil(tile.depth / array.size);
  const done: Cycles[] = [];
  for (const weights of weightReady) {
    for (const [i, inputs] of inputReady.entries()) {
      const height = Math.min(array.size, tile.rows - i * array.size);
      const ready = Math.max(inputs, weights);
      for (let step = 0; step < steps; step++) issueBlock(array.size, core, ready, height);
      done.push(core.drained);
    }
  }
  return done;
}

function blockBytes(array: ScratchpadArray, port: TilePort, tile: Tile, lines: number): Bytes {
  const lineBytes = tile.depth * array.elementBytes;
  if (tile.contiguous) return roundUp(lines * lineBytes, port.requestBytes);
  return lines * roundUp(lineBytes, port.requestBytes);
}

/** Result blocks leave one by one as they are done, once every instruction of the tile has been issued. */
function storeBlocks(
  array: ScratchpadArray,
  port: TilePort,
  queue: TileQueue,
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
    const start = Math.max(ready, issued);
    queueStore(port, queue, start, rows, width * elementBytes, strideBytes);
  }
}
