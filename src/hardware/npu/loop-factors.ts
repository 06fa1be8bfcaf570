/**
 * How far a search over orders of factored loops can keep a reduction inside an array.
 *
 * Model    every loop is a product of prime factors; as long as there are more than `limit` of them, the two smallest of the loop with
 *          most factors become one. Sums stay in the array over whole factors of the reduction, as many as the weights
 *          of a column fit in half of the registers (the next ones load into the other half); the rest are passes, each
 *          of which writes its 32-bit sums to the on-chip memory
 * Ignores  what the order of the other loops costs
 * Valid    products; registers of at least one weight
 * Source   limit on loop prime factors of LOMA (github.com/KULeuven-MICAS/zigzag, zigzag/opt/loma); allocation derived here
 * Checked  test/unit/hardware/npu/loop-factors.test.ts, test/validation/npu.test.ts (ot0010, ot0021, ot0022)
 */

export interface LoopSearch {
  /** Weights that one multiplier holds. */
  readonly heldWeights: number;
  /** Loop factors whose orders are searched. */
  readonly factors: number;
}

/** @param loops iterations over rows, tiles across and tiles of the reduction. */
export function reductionPasses(
  search: LoopSearch,
  loops: { readonly m: number; readonly across: number; readonly along: number },
): number {
  const { along } = limitFactors([loops.m, loops.across, loops.along], search.factors);
  const kept = [1];
  for (const factor of along) kept.push(...kept.map((product) => product * factor));
  const fitting = kept.filter((product) => 2 * product <= search.heldWeights);
  return loops.along / Math.max(1, ...fitting);
}

/** Factors of the last of three loops. */
function limitFactors(loops: readonly [number, number, number], limit: number) {
  const factored = loops.map(primeFactors);
  const count = () => factored.reduce((sum, factors) => sum + factors.length, 0);
  while (count() > Math.max(limit, loops.length)) {
    const longest = factored.reduce((most, factors) =>
      factors.length > most.length ? factors : most,
    );
    const [a = 1, b = 1] = longest.splice(0, 2);
    longest.push(a * b);
    longest.sort((x, y) => x - y);
  }
  return { along: factored[2] as number[] };
}

function primeFactors(size: number): number[] {
  const factors: number[] = [];
  let rest = size;
  for (let prime = 2; prime * prime <= rest; prime++) {
    while (rest % prime === 0) {
      factors.push(prime);
      rest /= prime;
    }
  }
  return rest > 1 ? [...factors, rest] : factors;
}
