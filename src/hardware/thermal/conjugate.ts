/** Steady heat of many cells with few neighbours each, by conjugate gradients: dense factors take the cube of the cells. */

export interface SparseLink {
  readonly a: number;
  readonly b: number;
  /** W/K. */
  readonly conductance: number;
}

/** Of the right side, what may be left over: far below what blocks are rounded to. */
const RESIDUAL = 1e-12;

/** Temperatures over zero of nodes with `watts`, `links` between them and `losses` (W/K) to zero; Jacobi-preconditioned. */
export function solveSparse(
  links: readonly SparseLink[],
  losses: ArrayLike<number>,
  watts: Float64Array,
): Float64Array {
  const n = losses.length;
  const diagonal = Float64Array.from(losses);
  for (const { a, b, conductance } of links) {
    diagonal[a] = diagonal[a]! + conductance;
    diagonal[b] = diagonal[b]! + conductance;
  }
  const result = new Float64Array(n);
  const residual = watts.slice();
  const scaled = residual.map((r, i) => r / diagonal[i]!);
  const direction = scaled.slice();
  const product = new Float64Array(n);
  let size = dot(residual, scaled);
  const enough = RESIDUAL ** 2 * size;
  for (let round = 0; round < n && size > enough; round++) {
    for (let i = 0; i < n; i++) product[i] = diagonal[i]! * direction[i]!;
    for (const { a, b, conductance } of links) {
      product[a] = product[a]! - conductance * direction[b]!;
      product[b] = product[b]! - conductance * direction[a]!;
    }
    const step = size / dot(direction, product);
    for (let i = 0; i < n; i++) {
      result[i] = result[i]! + step * direction[i]!;
      residual[i] = residual[i]! - step * product[i]!;
      scaled[i] = residual[i]! / diagonal[i]!;
    }
    const next = dot(residual, scaled);
    for (let i = 0; i < n; i++) direction[i] = scaled[i]! + (next / size) * direction[i]!;
    size = next;
  }
  return result;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
