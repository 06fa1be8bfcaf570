/** The normal equations of a least-squares fit, JᵀJ x = b, from sparse rows of J: the fits' door of ml-matrix. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** Slopes of one term, by parameter; parameters that it does not depend on are left out. */
export type SparseRow = Iterable<readonly [parameter: number, slope: number]>;

/**
 * Decomposes JᵀJ once; solves for any right side.
 * @param rows every parameter needs one at least, such as its pull to the start.
 */
export function normalSolver(
  size: number,
  rows: Iterable<SparseRow>,
): (rightSide: readonly number[]) => number[] {
  const normal = new Matrix(size, size);
  for (const row of rows) {
    const slopes = [...row];
    for (const [a, slope] of slopes)
      for (const [b, other] of slopes) normal.set(a, b, normal.get(a, b) + slope * other);
  }
  const decomposed = new CholeskyDecomposition(normal);
  return (rightSide) => decomposed.solve(Matrix.columnVector([...rightSide])).to1DArray();
}
