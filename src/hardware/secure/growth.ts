/**
 * Secure memory that grows: the system clears a contiguous range by moving the pages that occupy it elsewhere.
 *
 * Model    time = occupied pages × (set-up of one move + page ÷ copy bandwidth) ÷ threads + free pages × hand-over of one
 * Ignores  pages that cannot move for a while, and the search for free ones when memory is nearly full
 * Valid    ranges of many pages
 * Source   Linux contiguous memory allocator (mm/cma.c, mm/migrate.c: unmap, copy, remap, flush each page)
 * Checked  test/unit/hardware/secure/costs.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, BytesPerSecond, Seconds } from '../../base/units.ts';

export interface GrowthSpec {
  readonly page: Bytes;
  /** Unmap, reverse map, remap and TLB flush of one page. */
  readonly perPage: Seconds;
  /** Taking a free page out of the allocator. */
  readonly perFreePage: Seconds;
  /** Of one thread that copies a page. */
  readonly copyBandwidth: BytesPerSecond;
  readonly threads: number;
}

export interface Growth {
  readonly seconds: Seconds;
  /** Bytes that were copied elsewhere. */
  readonly moved: Bytes;
}

/** @param occupied share of the range that movable pages fill. */
export function grow(spec: GrowthSpec, bytes: Bytes, occupied: number): Growth {
  const pages = Math.ceil(bytes / spec.page);
  const taken = pages * occupied;
  const each = spec.perPage + spec.page / spec.copyBandwidth;
  const seconds = (taken * each + (pages - taken) * spec.perFreePage) / spec.threads;
  return { seconds, moved: taken * spec.page };
}
