/** Tiles through double-buffered cores: two in flight on each, one memory queue for all. */
import type { Bytes, Cycles } from '../../base/units.ts';
import { idleCore, releaseSlot, type TileCore } from './tile-core.ts';
import { emptyQueue, type TilePort, type TileQueue } from './tile-port.ts';

export interface PipelineRun {
  readonly totalCycles: Cycles;
  /** Cycles for which instructions hold the array of the busiest core. */
  readonly computeCycles: Cycles;
  readonly readBytes: Bytes;
  readonly writeBytes: Bytes;
}

export interface TileJob {
  /** Which core runs it, counted round. */
  readonly turn: number;
  /** Queues the tile's loads at `issued`. @returns what issues its instructions and queues its stores. */
  load(queue: TileQueue, issued: Cycles): (core: TileCore) => void;
}

export function runTiles(cores: number, port: TilePort, jobs: Iterable<TileJob>): PipelineRun {
  const queue = emptyQueue();
  const lanes = Array.from(
    { length: cores },
    (): Lane => ({ core: idleCore(), waiting: undefined }),
  );
  for (const job of jobs) {
    const lane = lanes[job.turn % cores] as Lane;
    // The slot of the tile before the last one is free; loads of this tile queue ahead of the last one's stores.
    const run = job.load(queue, lane.core.finished[1]);
    finish(lane);
    lane.waiting = run;
  }
  for (const lane of lanes) finish(lane);
  const end = Math.max(queue.free + port.latency, ...lanes.map(({ core }) => core.drained));
  return {
    totalCycles: Math.round(end),
    computeCycles: Math.max(...lanes.map(({ core }) => core.busy)),
    readBytes: queue.read,
    writeBytes: queue.written,
  };
}

interface Lane {
  readonly core: TileCore;
  /** Instructions of the tile whose loads are queued. */
  waiting: ((core: TileCore) => void) | undefined;
}

function finish(lane: Lane): void {
  if (lane.waiting === undefined) return;
  lane.waiting(lane.core);
  releaseSlot(lane.core);
  lane.waiting = undefined;
}
