/** Which cores worker threads sit on, and what those cores multiply per clock. */
import { DTYPE_BITS, type DType } from '../../base/work.ts';
import { twinRate } from './formats.ts';
import type { CpuClusterSpec, CpuSpec } from './unit-spec.ts';

/** Cores of one cluster that run worker threads. */
export interface CoreGroup {
  readonly clock: string;
  readonly used: number;
  readonly simdPipes: number;
  readonly simdBits: number;
  readonly l2: number;
  readonly cluster: CpuClusterSpec;
}

/** Clusters that worker threads may run on. */
export function allowedClusters({
  clusters,
  affinity,
}: Pick<CpuSpec, 'clusters' | 'affinity'>): readonly CpuClusterSpec[] {
  const held = affinity?.split(/\s+/);
  return held ? clusters.filter(({ name }) => held.includes(name)) : clusters;
}

/**
 * Threads fill the fastest (last) cluster first, one per core; more threads than cores gain nothing.
 * @param fed pipes of a core that kernels keep busy; all where absent.
 */
export function coresInUse(
  clusters: readonly CpuClusterSpec[],
  threads: number,
  fed = Number.POSITIVE_INFINITY,
): CoreGroup[] {
  const groups: CoreGroup[] = [];
  let left = threads;
  for (const cluster of clusters.toReversed()) {
    const used = Math.min(left, cluster.count.is);
    left -= used;
    if (used === 0) continue;
    groups.push({
      clock: cluster.clock,
      used,
      simdPipes: Math.min(cluster.simdPipes.is, fed),
      simdBits: cluster.simdBits.is,
      l2: cluster.l2.is,
      cluster,
    });
  }
  return groups;
}

/**
 * Cycles per second of all cores in use together: clocks weighed by SIMD width where each core takes what it can; where
 * `equalParts` are dealt, all cores are as fast as the slowest.
 */
export function speedOf(
  groups: readonly CoreGroup[],
  equalParts: boolean,
): (frequencies: readonly number[]) => number {
  const width = ({ simdPipes, simdBits }: CoreGroup) => simdPipes * simdBits;
  const total = groups.reduce((sum, group) => sum + group.used * width(group), 0);
  if (!equalParts) {
    const weights = groups.map((group) => (group.used * width(group)) / total);
    return (frequencies) =>
      weights.reduce((sum, weight, i) => sum + weight * (frequencies[i] ?? 0), 0);
  }
  const used = groups.reduce((sum, group) => sum + group.used, 0);
  const shares = groups.map((group) => (used * width(group)) / total);
  return (frequencies) =>
    shares.reduce((least, share, i) => Math.min(least, share * (frequencies[i] ?? 0)), Infinity);
}

/** Instructions that kernels for integers were built with: widening ones of any ARMv8 core, dot products, matrix products. */
export type IntegerProducts = 'widening' | 'dot' | 'matrix';

/** What kernels were built for. */
export interface Instructions {
  /** The best that cores have where absent. */
  readonly integers?: IntegerProducts;
  /** The outer-product unit of a cluster, where there is one. */
  readonly outerProducts?: boolean;
}

/** Multiply–accumulates per clock of all groups together, by the format a kernel computes in. */
export function macsPerClock(
  groups: readonly CoreGroup[],
  built: Instructions = {},
): Readonly<Record<DType, number>> {
  const dtypes = Object.keys(DTYPE_BITS) as DType[];
  const totals = dtypes.map((dtype) => [
    dtype,
    groups.reduce((sum, group) => sum + groupMacs(group, dtype, built), 0),
  ]);
  return Object.fromEntries(totals);
}

function groupMacs(group: CoreGroup, dtype: DType, built: Instructions): number {
  const lanes = lanesOf(group, dtype, built.integers ?? 'matrix');
  const pipes = group.used * group.simdPipes * (group.simdBits / 128) * lanes;
  if (!built.outerProducts) return pipes;
  // One outer-product unit serves the whole cluster.
  return Math.max(pipes, twinRate(group.cluster.matrixUnit ?? {}, dtype) ?? 0);
}

/** Multiply–accumulates of one 128-bit instruction. */
function lanesOf(group: CoreGroup, dtype: DType, built: IntegerProducts): number {
  const { i8mm, dot, fp16 } = group.cluster;
  const bits = DTYPE_BITS[dtype];
  if (bits <= 8) {
    if (i8mm && built === 'matrix') return 32;
    return dot && built !== 'widening' ? 16 : 8;
  }
  if (bits === 16) return fp16 ? 8 : 4;
  return 128 / bits;
}
