/**
 * A convolution as a stream of tiles through a double-buffered scratchpad, weights cut per filter tap.
 *
 * Model    as tile-pipeline.ts; one instruction per strip of output pixels at most as long as the array, one weight block
 *          per tap, channel block and filter block. Inputs of a tile arrive together, with the rows around its edges.
 * Ignores  as tile-pipeline.ts
 * Valid    weight-stationary cores; square kernels and inputs, one image, no groups
 * Source   behaviour of ONNXim (github.com/PSAL-POSTECH/ONNXim); that version moves too few weight bytes, this one all
 * Checked  test/validation/npu.test.ts
 */
import type { Cycles } from '../../base/units.ts';
import { type ConvTile, scheduleConv } from './conv-schedule.ts';
import type { ConvForm } from './gemm-view.ts';
import { issueBlock, type TileCore } from './tile-core.ts';
import { queueLoad, queueStore, roundUp, type TilePort, type TileQueue } from './tile-port.ts';
import { type PipelineRun, runTiles, type TileJob } from './tile-run.ts';
import type { ScratchpadArray } from './tile-schedule.ts';

export interface PaddedConv {
  readonly form: ConvForm;
  /** Without the padding. */
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly padding: number;
}

export function simulateConvTiles(
  array: ScratchpadArray,
  port: TilePort,
  conv: PaddedConv,
): PipelineRun {
  return runTiles(array.cores, port, convJobs(array, port, conv));
}

/** First index and length of the pieces that `length` is cut into. */
function pieces(length: number, size: number): { first: number; size: number }[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => ({
    first: i * size,
    size: Math.min(size, length - i * size),
  }));
}

function* convJobs(array: ScratchpadArray, port: TilePort, conv: PaddedConv): Generator<TileJob> {
  const { form } = conv;
  const whole = scheduleConv(array, form, conv.padding);
  const taps = pieces(form.kernelHeight, whole.kernelRows).flatMap((rows) =>
    pieces(form.kernelWidth, whole.kernelColumns).map((columns) => ({ rows, columns })),
  );
  const channels = pieces(form.inChannels, whole.channels);
  const reductions = taps.flatMap((tap) => channels.map((channel) => ({ ...tap, channel })));
  let turn = 0;
  for (const rows of pieces(form.outHeight, whole.outRows)) {
    for (const columns of pieces(form.outWidth, whole.outColumns)) {
      for (const filters of pieces(form.outChannels, whole.filters)) {
        for (const [step, reduction] of reductions.entries()) {
          const tile: ConvTile = {
            outRows: rows.size,
            outColumns: columns.size,
            filters: filters.size,
            kernelRows: reduction.rows.size,
            kernelColumns: reduction.columns.size,
            channels: reduction.channel.size,
          };
          const last = step === reductions.length - 1;
          yield {
            turn,
            load: (queue, issued) =>
              loadTile(array, port, conv, queue, issued, tile, rows.first, columns.first, last),
          };
        }
        turn++;
      }
    }
  }
}

function loadTile(
  array: ScratchpadArray,
  port: TilePort,
  conv: PaddedConv,
  queue: TileQueue,
  issued: Cycles,
  tile: ConvTile,
  firstRow: number,
  firstColumn: number,
  last: boolean,
): (core: TileCore) => void {
  const { size, elementBytes } = array;
  const rows = inputSpan(firstRow, tile.outRows, tile.kernelRows, conv, conv.inputHeight);
  const columns = inputSpan(
    firstColumn,
    tile.outColumns,
    tile.kernelColumns,
    conv,
    conv.inputWidth,
  );
  const pixelBytes = roundUp(tile.channels * elementBytes, port.requestBytes);
  const inputs = queueLoad(port, queue, issued, rows * columns * pixelBytes);
  const ready: Cycles[] = [];
  for (const filters of pieces(tile.filters, size)) {
    for (let tap = 0; tap < tile.kernelRows * tile.kernelColumns; tap++) {
      for (const channels of pieces(tile.channels, size)) {
        const bytes = filters.size * roundUp(channels.size * elementBytes, port.requestBytes);
        ready.push(Math.max(inputs, queueLoad(port, queue, issued, bytes)));
      }
    }
  }
  return (core) => {
    const strip = Math.min(tile.outRows, size);
    const strips = tile.outColumns * Math.ceil(tile.outRows / size);
    for (const block of ready) issueBlock(size, core, block, strip, strips);
    if (!last) return;
    const pixels = tile.outRows * tile.outColumns;
    const rowBytes = tile.filters * elementBytes;
    queueStore(port, queue, core.drained, pixels, rowBytes, conv.form.outChannels * elementBytes);
  };
}

/** Input rows (or columns) under a tile, those in the padding left out. */
function inputSpan(
  first: number,
  count: number,
  kernel: number,
  conv: PaddedConv,
  length: number,
): number {
  const stride = conv.form.strideHeight;
  const from = Math.max(0, first * stride - conv.padding);
  const to = Math.min(length, (first + count - 1) * stride - conv.padding + kernel);
  return Math.max(0, to - from);
}
