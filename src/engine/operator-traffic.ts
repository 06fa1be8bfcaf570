/** How the bytes of the operators under way split: by what the cache serves, by direction, by what stands before memory. */
import type { Bytes } from '../base/units.ts';
import type { StreamGuard, StreamSplit } from './stream.ts';
import type { TaskTable } from './task-table.ts';

export class OperatorTraffic {
  /** Of all bytes of a unit's operator, cache hits included: what hits, and what reads from and writes to DRAM. */
  readonly hitShare: Float64Array;
  readonly dramReads: Float64Array;
  readonly dramWrites: Float64Array;
  readonly guards: (StreamGuard | undefined)[];
  private readonly readHits: Float64Array;

  constructor(units: number) {
    this.hitShare = new Float64Array(units);
    this.dramReads = new Float64Array(units);
    this.dramWrites = new Float64Array(units);
    this.readHits = new Float64Array(units);
    this.guards = new Array(units).fill(undefined);
  }

  /** An operator begins on a unit. @returns the bytes that it streams. */
  begin(u: number, table: TaskTable, operator: number): Bytes {
    const cell = table.cell[operator]!;
    const ahead = table.aheadStreams[operator];
    const read = ahead?.readBytes ?? table.readBytes[cell]!;
    const bytes = read + table.writeBytes[cell]!;
    const readHits = ahead?.readHits ?? table.readHits[cell]!;
    const writeHits = table.writeHits[cell]!;
    this.readHits[u] = bytes > 0 ? readHits / bytes : 0;
    this.hitShare[u] = bytes > 0 ? (readHits + writeHits) / bytes : 0;
    this.dramReads[u] = bytes > 0 ? (read - readHits) / bytes : 1;
    this.dramWrites[u] = bytes > 0 ? (bytes - read - writeHits) / bytes : 0;
    this.guards[u] = ahead ? ahead.guard : table.guards[cell];
    return bytes;
  }

  splitOf(u: number): StreamSplit {
    return {
      dramReads: this.dramReads[u]!,
      dramWrites: this.dramWrites[u]!,
      readHits: this.readHits[u]!,
      writeHits: this.hitShare[u]! - this.readHits[u]!,
      guard: this.guards[u],
    };
  }
}
