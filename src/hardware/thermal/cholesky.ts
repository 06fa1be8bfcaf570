/** Symmetric positive definite systems on plain typed arrays; a tenth of the time of general matrix objects, which matters for every machine a sweep builds. */

/** Lower factor of `matrix` (n × n, row by row), in place. */
export function factorise(matrix: Float64Array, n: number): Float64Array {
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= matrix[j * n + k]! ** 2;
    const root = Math.sqrt(pivot);
    matrix[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = sum / root;
    }
  }
  return matrix;
}

/** Solves for `right` in place, given the factor. */
export function solveFactorised(
  factor: Float64Array,
  n: number,
  right: Float64Array,
): Float64Array {
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * right[k]!;
    right[i] = sum / factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = right[i]!;
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * right[k]!;
    right[i] = sum / factor[i * n + i]!;
  }
  return right;
}
