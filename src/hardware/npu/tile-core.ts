/** A weight-stationary core that takes one array-sized weight block per run of instructions. */
import type { Cycles } from '../../base/units.ts';

export interface TileCore {
  /** Earliest start of the next instruction, and when the last one leaves the array. */
  next: Cycles;
  drained: Cycles;
  busy: Cycles;
  /** When the slots of the last tile and of the one before it free. */
  readonly finished: [Cycles, Cycles];
}

/** Fewest cycles between two instructions, however few rows. */
const SHORTEST_STREAM = 4;

export function idleCore(): TileCore {
  return { next: 0, drained: 0, busy: 0, finished: [0, 0] };
}

/**
 * Streams `count` times `rows` inputs past the weight block that is ready at `ready`.
 * The block after it has its weights in `size` cycles at the earliest; an empty pipe waits for them.
 */
export function issueBlock(
  size: number,
  core: TileCore,
  ready: Cycles,
  rows: number,
  count = 1,
): void {
  const stream = Math.max(rows, SHORTEST_STREAM);
  const interval = Math.max(count * stream, size);
  const empty = ready >= core.drained;
  const start = empty ? ready + 2 * size - 1 : Math.max(core.next, ready);
  core.busy += interval;
  core.next = start + interval;
  core.drained = start + (count - 1) * stream + 2 * size - 2 + stream;
}

/** The slot of the tile whose last instruction has been issued frees when that drains. */
export function releaseSlot(core: TileCore): void {
  core.finished[1] = core.finished[0];
  core.finished[0] = core.drained;
}
