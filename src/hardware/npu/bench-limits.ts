/** What a testbench cannot run: arrays and formats that a tool's rule does not know, local memory below one tile. */
import type { Bytes } from '../../base/units.ts';
import { requireRoom } from './room.ts';
import type { BenchShape, Testbench } from './testbench.ts';
import { ACCUMULATOR_BYTES } from './tiling.ts';

/** Blocks of an array beyond which following every one takes minutes. */
const FOLLOWED_BLOCKS = 2 ** 22;

/** Why a rule says nothing of an array or a shape; undefined where it does. */
export function ruleLimit(
  { accounting, array, elementBytes, weightElementBytes = elementBytes, weights = {} }: Testbench,
  shape: BenchShape,
): string | undefined {
  const { rows, columns, rate = 1 } = array;
  const { timeline } = accounting;
  if (timeline === 'overlapped') return undefined;
  if (rate !== 1) return 'it knows one multiply–accumulate per clock and multiplier only';
  if (weights.expandPerClock !== undefined) return 'it knows no expansion of weights';
  if (weights.compression !== undefined) return 'it knows no compressed weights';
  if (timeline === 'temporal') return undefined;
  if (weightElementBytes !== elementBytes) return 'it knows one width for all operands only';
  if (timeline === 'streams') return undefined;
  if (rows !== columns) return 'tiles are known for square arrays only';
  if (array.dataflow !== 'weight-stationary') return 'tiles are known for stationary weights only';
  const along = (size: number) => Math.ceil(size / rows);
  const blocks = along(shape.m) * along(shape.n) * along(shape.k);
  return blocks > FOLLOWED_BLOCKS
    ? `${blocks} blocks of the array are too many to follow one by one`
    : undefined;
}

/** @throws InfeasibleError where local memory, or the accumulators beside it, cannot hold what the rule keeps there. */
export function checkLocalMemory(bench: Testbench, shape: BenchShape): void {
  const { memory } = bench;
  const results = resultBytes(bench, shape);
  requireRoom('local memory', heldBytes(bench, shape, results), memory.bytes);
  if (memory.accumulatorBytes === 0) return;
  requireRoom('accumulators', { 'results being added up': results }, memory.accumulatorBytes);
}

/**
 * A tile of either operand, twice, as the next one loads while the array works on this one, and the results they add up
 * to unless accumulators hold those. Buffers of the rule of streams hold two vectors each.
 */
function heldBytes(
  { accounting, array, elementBytes, weightElementBytes = elementBytes, memory }: Testbench,
  { m, n, k }: BenchShape,
  results: Bytes,
): Readonly<Record<string, Bytes>> {
  const edge = Math.max(array.rows, array.columns);
  if (accounting.timeline === 'temporal') return {};
  if (accounting.timeline === 'streams') {
    const vectors = 2 * edge * elementBytes;
    return { inputs: vectors, weights: vectors, results: vectors };
  }
  const tile = (rows: number, columns: number) => Math.min(rows, edge) * Math.min(columns, edge);
  return {
    'two tiles of inputs': 2 * tile(m, k) * elementBytes,
    'two tiles of weights': 2 * tile(k, n) * weightElementBytes,
    ...(memory.accumulatorBytes === 0 ? { 'results being added up': results } : {}),
  };
}

/** The rule of tiles drains one tile of results while it adds up the next. */
function resultBytes({ accounting, array }: Testbench, { m, n }: BenchShape): Bytes {
  const edge = Math.max(array.rows, array.columns);
  const tiles = accounting.timeline === 'tiles' ? 2 : 1;
  return tiles * Math.min(m, edge) * Math.min(n, edge) * ACCUMULATOR_BYTES;
}
