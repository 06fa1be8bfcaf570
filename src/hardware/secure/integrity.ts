/**
 * What it costs to notice that memory was changed or replayed: codes, counters and trees beside the data.
 *
 * Model    streams come in runs of consecutive bytes. Metadata lines that a run touches, at random alignment, are
 *          fetched once: MAC lines (8 B a block, 8 blocks a line), counter lines (64 counters a line) and, level by level,
 *          the lines above them as far as the metadata cache does not hold the whole level. A counter that misses delays
 *          its data by one access, so the port's bytes in flight last longer:
 *          latency factor = 1 + misses per block. Trees over hashes have hashes of 8 B in place of counters.
 *          Tree-less: versions per tensor live on chip, only MACs are fetched, nothing delays the data.
 *          Writes read the metadata they change before they write it back.
 * Ignores  conflict misses of the metadata cache; version tables (a few bytes per tensor)
 * Valid    tensors far larger than the metadata cache, touched in long runs
 * Source   Rogers et al. MICRO 2007 (Bonsai trees); Yan et al. ISCA 2006 (split counters: 64 a line);
 *          Lee et al. HPCA 2022, TNPU (version numbers per tensor, no tree)
 * Checked  test/unit/hardware/secure/costs.test.ts, test/validation/secure.test.ts
 */
import type { Bytes } from '../../base/units.ts';

export const INTEGRITY_KINDS = ['none', 'counter-tree', 'hash-tree', 'tree-less'] as const;
export type IntegrityKind = (typeof INTEGRITY_KINDS)[number];

export interface IntegritySpec {
  readonly kind: IntegrityKind;
  /** Block that one code covers: a cache line. */
  readonly block: Bytes;
  readonly macBytes: Bytes;
  /** Blocks that one counter line covers. */
  readonly countersPerLine: number;
  /** Lines of a level that one line of the level above covers. */
  readonly arity: number;
  readonly cache: Bytes;
  /** Consecutive bytes of one visit: a row of a tile. */
  readonly run: Bytes;
  /** Memory under protection. */
  readonly protectedBytes: Bytes;
}

export interface IntegrityCost {
  /** Metadata bytes per byte of data, read and written. */
  readonly readPerRead: number;
  readonly readPerWrite: number;
  readonly writePerWrite: number;
  /** By how much longer a read takes until its data may be used. */
  readonly latencyFactor: number;
  /** Memory that metadata take, per byte protected. */
  readonly storage: number;
}

const FREE: IntegrityCost = {
  readPerRead: 0,
  readPerWrite: 0,
  writePerWrite: 0,
  latencyFactor: 1,
  storage: 0,
};

export function integrityCost(spec: IntegritySpec): IntegrityCost {
  if (spec.kind === 'none') return FREE;
  const macs = linesPerByte(spec, macCoverage(spec)) * spec.block;
  const macStorage = spec.macBytes / spec.block;
  if (spec.kind === 'tree-less') {
    return {
      readPerRead: macs,
      readPerWrite: 0,
      writePerWrite: macs,
      latencyFactor: 1,
      storage: macStorage,
    };
  }
  const levels = treeLevels(spec);
  const tree = levels.reduce((sum, level) => sum + level.linesPerByte, 0) * spec.block;
  const stored = levels.reduce((sum, level) => sum + spec.block / level.coverage, 0);
  // Levels are fetched side by side once the address is known; what misses below delays the data by one access.
  const misses = Math.min(1, (levels[0]?.linesPerByte ?? 0) * spec.block);
  const data = spec.kind === 'counter-tree' ? macs : 0;
  return {
    readPerRead: data + tree,
    readPerWrite: tree,
    writePerWrite: data + tree,
    latencyFactor: 1 + misses,
    storage: (spec.kind === 'counter-tree' ? macStorage : 0) + stored,
  };
}

/** Bytes of data that one line of codes covers. */
function macCoverage({ block, macBytes }: IntegritySpec): Bytes {
  return (block * block) / macBytes;
}

interface Level {
  readonly coverage: Bytes;
  readonly linesPerByte: number;
}

/** Levels of the tree from the leaves up, each with what misses the cache; the root stays on chip. */
function treeLevels(spec: IntegritySpec): Level[] {
  const levels: Level[] = [];
  const arity = spec.kind === 'counter-tree' ? spec.arity : spec.block / spec.macBytes;
  let coverage =
    spec.kind === 'counter-tree' ? spec.block * spec.countersPerLine : macCoverage(spec);
  let cacheLeft = spec.cache;
  // Upper levels are touched most often per byte they take, so a cache with any sense keeps them first.
  const sizes: Bytes[] = [];
  for (let reach = coverage; reach < spec.protectedBytes; reach *= arity) {
    sizes.push((spec.protectedBytes / reach) * spec.block);
  }
  const held = sizes.map(() => 0);
  for (let i = sizes.length - 1; i >= 0; i--) {
    held[i] = Math.min(1, cacheLeft / sizes[i]!);
    cacheLeft = Math.max(0, cacheLeft - sizes[i]!);
  }
  for (let i = 0; i < sizes.length; i++, coverage *= arity) {
    levels.push({ coverage, linesPerByte: linesPerByte(spec, coverage) * (1 - held[i]!) });
  }
  return levels;
}

/** Metadata lines fetched per byte of data, where a line covers `coverage` bytes and runs start on any block. */
function linesPerByte({ run, block }: IntegritySpec, coverage: Bytes): number {
  return (1 + (run - block) / coverage) / run;
}
