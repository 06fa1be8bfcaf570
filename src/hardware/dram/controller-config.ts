/** How a DRAM controller is set up, in cycles of its clock. */

/** A cycle that does not come. */
export const NEVER = 0x7fffffff;

/**
 * How a controller decides.
 * - `command`: arbitrates single commands over two queues (the structure of Ramulator 2.1, and of real controllers);
 * - `bank-queues`: a transaction queue feeds one command queue per bank, one burst per cycle (DRAMsim3);
 * - `burst`: picks whole bursts and computes their command times, centred on the data bus (gem5).
 */
type ControllerStructure = 'command' | 'bank-queues' | 'burst';
export type RefreshPolicy = 'all-bank' | 'per-bank' | 'none';
/** `close-adaptive` closes a row with the burst after which no hit waits; `close-after` after a count of bursts. */
type PagePolicy = 'open' | 'open-adaptive' | 'close' | 'close-adaptive' | 'close-after';

export interface ControllerConfig {
  readonly structure: ControllerStructure;
  /** Bursts. */
  readonly readQueue: number;
  readonly writeQueue: number;
  readonly refresh: RefreshPolicy;
  /** Only `command`: REFpb takes the pair of banks n and n + 8, as LPDDR5 in bank-group mode does. */
  readonly refreshPairs: boolean;
  /** Only `command`: what stands still while a refresh waits for its turn. */
  readonly refreshHolds: 'channel' | 'bank';
  readonly page: PagePolicy;
  /** Column accesses after which `close-after` closes a row. */
  readonly closeAfter: number;
  /** Only `command`: a conflict never closes a row for which an older hit waits. */
  readonly protectHits: boolean;
  /** Only `command`: no burst waits without end for younger hits or for the turn of its queue (patience.ts). */
  readonly boundsWait: boolean;
  /** Share of the write queue above which writes start, and below which they stop while reads wait. */
  readonly drainAbove: number;
  readonly drainBelow: number;
  /** Only `burst`: writes per switch, at least. */
  readonly minimumWrites: number;
  /** Only `burst`: cycles on the way through the controller, part of every latency. */
  readonly staticLatency: number;
  /** Only `command`: the data clock stops when idle and costs a CAS command to restart. */
  readonly wckSync: boolean;
  /** Only `command`: ACT goes out as two commands. */
  readonly splitActivate: boolean;
  /** Only `command`: limits between ranks and before REFab as loose as Ramulator 2.1 has them. */
  readonly looseRanks: boolean;
  /** Only `command`: cycles without work after which a rank powers down or refreshes itself; `NEVER` where it does not. */
  readonly powerDownAfter: number;
  readonly selfRefreshAfter: number;
  /** Only `bank-queues`: entries of each bank's queue, and hits after which a conflict may close the row. */
  readonly bankQueue: number;
  readonly hitCap: number;
  /** Only `bank-queues`: writes that start a drain while no command waits. */
  readonly idleDrain: number;
}
