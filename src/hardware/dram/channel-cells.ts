/**
 * Where each number of one channel lies: limits of its banks, its two queues, and the bursts in them.
 *
 * One array of 32-bit numbers for all of it: every command reads and writes many kinds, and a place in an array at hand
 * costs less than objects that lead to others.
 */

/** Of flat banks (rank, group, bank), of groups (rank, group), and of ranks. */
export const MOST_BANKS = 32;
const MOST_GROUPS = 8;
export const MOST_RANKS = 2;

/** By bank: earliest legal cycle of ACT (and REFpb), PRE and column commands. */
export const ACTIVATE = 0;
export const PRECHARGE = ACTIVATE + MOST_BANKS;
export const COLUMN = PRECHARGE + MOST_BANKS;
/** The row that has been opened, and the row whose bursts are hits: none until ACT-2 has been sent. */
export const OPEN_ROW = COLUMN + MOST_BANKS;
export const HIT_ROW = OPEN_ROW + MOST_BANKS;
export const STATE = HIT_ROW + MOST_BANKS;
export const GROUP = STATE + MOST_BANKS;
export const RANK = GROUP + MOST_BANKS;
/** By group: earliest read and write, and its banks as bits. */
export const GROUP_READ = RANK + MOST_BANKS;
export const GROUP_WRITE = GROUP_READ + MOST_GROUPS;
export const MEMBERS = GROUP_WRITE + MOST_GROUPS;
/** By rank: before which cycle none of its banks takes a command. */
export const RANK_ACTIVATE = MEMBERS + MOST_GROUPS;
export const RANK_PRECHARGE = RANK_ACTIVATE + MOST_RANKS;
export const RANK_READ = RANK_PRECHARGE + MOST_RANKS;
export const RANK_WRITE = RANK_READ + MOST_RANKS;
export const RANK_REFRESH = RANK_WRITE + MOST_RANKS;
export const RANK_REFRESH_BANK = RANK_REFRESH + MOST_RANKS;
/** First data of the last bursts, by their count: what the data bus has carried (bus-log.ts). */
export const BUS = RANK_REFRESH_BANK + MOST_RANKS;
export const BUS_KEPT = 64;

/** Of a queue, by bank: its oldest hit and oldest miss, their places in the order of arrival, ends of its list; -1 where none is. */
export const HIT = 0;
export const MISS = HIT + MOST_BANKS;
export const HIT_ORDER = MISS + MOST_BANKS;
export const MISS_ORDER = HIT_ORDER + MOST_BANKS;
export const HEAD = MISS_ORDER + MOST_BANKS;
export const TAIL = HEAD + MOST_BANKS;
const QUEUE_CELLS = TAIL + MOST_BANKS;

/** Where the queues begin, behind all that the device itself has. */
export const READS = BUS + BUS_KEPT;
export const WRITES = READS + QUEUE_CELLS;
/** By bank: access, place in the order of arrival, and arrival of the burst for which its row has been opened. */
export const OWNER_ACCESS = WRITES + QUEUE_CELLS;
export const OWNER_ORDER = OWNER_ACCESS + MOST_BANKS;
export const OWNER_ARRIVAL = OWNER_ORDER + MOST_BANKS;
/** Where the entries of the queues begin. */
export const ENTRIES = OWNER_ARRIVAL + MOST_BANKS;

/** Of an entry, one cache line each: number of its first burst's 32 bytes (or 64 with BL32) in the address space. */
export const BURST = 0;
export const BANK = 1;
export const ROW = 2;
export const ACCESS = 3;
/** Cycle in which the controller took it. */
export const ARRIVAL = 4;
/** Position in the order of arrival. */
export const ORDER = 5;
/** One for a write. */
export const WRITE = 6;
/** One once its first command has been counted as hit, miss or conflict. */
export const COUNTED = 7;
/** Neighbours in its bank's list, or -1. */
export const NEXT = 8;
export const PREVIOUS = 9;
/** Bursts it stands for: two where the halves of an access wait together; then also the arrival of the second. */
export const COUNT = 10;
export const SECOND = 11;
export const ENTRY_CELLS = 16;
