/** The memory behind a queue of tile transfers, as the engine's clock sees it. */
import {
  type Bytes,
  type BytesPerSecond,
  type Cycles,
  type Hertz,
  NANO,
} from '../../base/units.ts';

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

/** One queue for the transfers of all cores. */
export interface TileQueue {
  free: Cycles;
  read: Bytes;
  written: Bytes;
}

export function emptyQueue(): TileQueue {
  return { free: 0, read: 0, written: 0 };
}

/** @returns when the data are in the scratchpad. */
export function queueLoad(port: TilePort, queue: TileQueue, issued: Cycles, bytes: Bytes): Cycles {
  queue.free = Math.max(queue.free, issued) + bytes / port.bytesPerCycle;
  queue.read += bytes;
  return queue.free + port.latency;
}

/** `rows` pieces of `rowBytes`, `strideBytes` apart; pieces further apart than a page open one each. */
export function queueStore(
  port: TilePort,
  queue: TileQueue,
  ready: Cycles,
  rows: number,
  rowBytes: Bytes,
  strideBytes: Bytes,
): void {
  const bytes =
    rowBytes === strideBytes
      ? roundUp(rows * rowBytes, port.requestBytes)
      : rows * roundUp(rowBytes, port.requestBytes);
  const opening = strideBytes >= port.pageBytes ? rows * port.openCycles : 0;
  queue.free = Math.max(queue.free, ready) + Math.max(bytes / port.bytesPerCycle, opening);
  queue.written += bytes;
}

export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
