/**
 * Cycles of a matrix product on a systolic array, from the folds that cover it.
 *
 * Model    folds = ⌈p/R⌉·⌈q/C⌉ over the two dimensions held in the array; each fold streams the third.
 *          weight-stationary holds k×n and streams m, input-stationary holds k×m and streams n,
 *          output-stationary holds m×n and streams k.
 *          serial folds      Σ (exchange + stream + R + C − 2)
 *          overlapped folds  (folds − 1)·max(stream, exchange) + stream + first exchange + R + C − 2
 *          where exchange = R cycles to shift a stationary tile in (or, output-stationary, results out).
 *          Multipliers that take r > 1 values of the reduction per clock (packed formats, 2:4 weights) make a fold r·R deep,
 *          or, output-stationary, its stream r times shorter; r < 1 stretches the stream. Filling and draining stay as long.
 * Ignores  bank conflicts and feed bandwidth of local memory; cost of adding partial sums between engines
 * Valid    dense products; a fold is charged in full at the edges
 * Source   the array's own geometry; serial rule as SCALE-Sim counts it
 * Checked  test/unit/hardware/npu/folds.test.ts, test/validation/npu.test.ts
 */
import type { Cycles } from '../../base/units.ts';
import type { Dataflow } from '../units/unit-spec.ts';

/** `products` independent products (m×k)·(k×n). */
export interface GemmShape {
  readonly products: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface MatrixArray {
  readonly engines: number;
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: Dataflow;
  /** A fold follows the one before without draining the array. */
  readonly overlapFolds: boolean;
  /** The next stationary tile loads (or the last results leave) behind the running fold. */
  readonly doubleBufferPreload: boolean;
  /** Multiply–accumulates per clock and multiplier; 1 where absent. */
  readonly rate?: number;
}

/** The stationary tiles of one product, and how much streams past each. */
export interface FoldPlan {
  readonly folds: number;
  readonly stream: number;
}

export function planFolds(array: MatrixArray, gemm: GemmShape): FoldPlan {
  const { rows, columns, rate = 1 } = array;
  const depth = rows * Math.max(1, rate);
  const pace = Math.min(1, rate);
  switch (array.dataflow) {
    case 'weight-stationary':
      return { folds: tiles(gemm.k, depth) * tiles(gemm.n, columns), stream: gemm.m / pace };
    case 'input-stationary':
      return { folds: tiles(gemm.k, depth) * tiles(gemm.m, columns), stream: gemm.n / pace };
    case 'output-stationary':
      return { folds: tiles(gemm.m, rows) * tiles(gemm.n, columns), stream: tiles(gemm.k, rate) };
  }
}

/** Cycles from the first stationary element entering the array to the last result leaving it. */
export function foldCycles(array: MatrixArray, gemm: GemmShape): Cycles {
  const { folds, stream } = planFolds(array, gemm);
  return arrayCycles(array, folds * gemm.products, stream);
}

/** As `foldCycles`, for folds already counted. */
export function arrayCycles(array: MatrixArray, folds: number, stream: number): Cycles {
  const { engines } = array;
  const byFolds = cyclesOf(array, Math.ceil(folds / engines), stream);
  // Results of an output-stationary split along k would have to be added up across engines.
  if (engines === 1 || array.dataflow === 'output-stationary') return byFolds;
  const byStream = cyclesOf(array, folds, Math.ceil(stream / engines));
  const share = Math.max(1, Math.floor(engines / folds));
  const mixed = cyclesOf(array, Math.ceil((folds * share) / engines), Math.ceil(stream / share));
  return Math.min(byFolds, byStream, mixed);
}

function cyclesOf(array: MatrixArray, folds: number, stream: number): Cycles {
  const { rows, columns, overlapFolds, doubleBufferPreload } = array;
  if (folds === 0) return 0;
  const skew = rows + columns - 2;
  // Serial output-stationary folds read their results out during the skew of the last rows.
  const drains = array.dataflow === 'output-stationary';
  const exchange = drains && !overlapFolds ? 0 : rows;
  if (!overlapFolds) {
    const loads = doubleBufferPreload ? exchange : folds * exchange;
    return folds * (stream + skew) + loads;
  }
  // Weights load before every fold, results leave before the next one; the last ones leave with the skew.
  const first = drains ? 0 : exchange;
  if (!doubleBufferPreload) return folds * stream + (folds - 1) * exchange + first + skew;
  return (folds - 1) * Math.max(stream, exchange) + stream + first + skew;
}

function tiles(length: number, size: number): number {
  return Math.ceil(length / size);
}
