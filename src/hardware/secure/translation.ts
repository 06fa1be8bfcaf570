/**
 * Checking every address of an accelerator: page by page through an SMMU, or range by range in its transfer unit.
 *
 * Model    pages: each visit to a page that its translation cache does not hold waits for a walk of so many reads of memory,
 *          so many walks at a time: seconds per byte = misses per page × walk ÷ (page × walks at a time);
 *          ranges: compared beside the transfer's set-up, no time per byte
 * Ignores  prefetch of translations; page sizes mixed in one table
 * Valid    tiles that walk several rows at the same time: `pages` different ones between two visits of one
 * Source   Hyun et al., NeuMMU, ASPLOS 2020 (bursts of misses); Feng et al., sNPU, ISCA 2024 (guarding by range)
 * Checked  test/unit/hardware/secure/costs.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, Seconds } from '../../base/units.ts';

export interface TranslationSpec {
  readonly kind: 'pages' | 'ranges';
  /** Pages whose translations are kept. */
  readonly entries: number;
  readonly page: Bytes;
  /** Reads of memory per walk, with the upper levels cached. */
  readonly reads: number;
  readonly walksAtOnce: number;
  /** Pages that a tile in transfer touches in turn: a visit finds its page gone where they exceed `entries`. */
  readonly pages: number;
  /** Consecutive bytes of one visit. */
  readonly run: Bytes;
}

/** Time that translation adds to each byte of a stream. @param latency of one read of memory. */
export function translationSecondsPerByte(spec: TranslationSpec, latency: Seconds): Seconds {
  if (spec.kind === 'ranges') return 0;
  const visits = Math.max(1, spec.page / spec.run);
  // Pages in turn: what is kept is found again, the rest is walked at every visit, and each page at least once.
  const lost = Math.max(0, 1 - spec.entries / spec.pages);
  const misses = Math.max(1, visits * lost);
  return (misses * spec.reads * latency) / (spec.page * spec.walksAtOnce);
}
