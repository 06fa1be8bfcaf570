/** Local memory that cannot hold what an array works on at any moment. */
import { InfeasibleError } from '../../base/errors.ts';
import type { Bytes } from '../../base/units.ts';
import { ACCUMULATOR_BYTES, type LocalMemory } from './tiling.ts';

/** @throws InfeasibleError where `held` is more than `bound`. */
export function requireRoom(
  what: string,
  held: Readonly<Record<string, Bytes>>,
  bound: Bytes,
): void {
  const demand = Object.values(held).reduce((sum, part) => sum + part, 0);
  if (demand <= bound) return;
  throw new InfeasibleError(`one tile of the array does not fit in ${what}`, {
    demand,
    bound,
    unit: 'B',
    breakdown: held,
    levers: [`more ${what}`, 'fewer rows and columns', 'narrower formats'],
  });
}

/** Whole tiles of one-byte operands, twice, and their sums unless accumulators hold those. */
export function requireTiles({ bytes, accumulatorBytes, granule }: LocalMemory): void {
  const tile = granule * granule;
  const sums = accumulatorBytes === 0 ? { 'results being added up': tile * ACCUMULATOR_BYTES } : {};
  const operands = { 'two tiles of inputs': 2 * tile, 'two tiles of weights': 2 * tile };
  requireRoom('local memory of the NPU', { ...operands, ...sums }, bytes);
}
