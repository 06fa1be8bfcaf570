/** Points that no other point beats in every objective. */

export interface Objective {
  readonly name: string;
  readonly better: 'lower' | 'higher';
}

/**
 * @param values one row per point, one column per objective; rows with NaN are never on the front.
 * @returns indices of the non-dominated rows, ascending. Equal rows are all kept.
 */
export function paretoFront(
  values: readonly (readonly number[])[],
  objectives: readonly Objective[],
): number[] {
  const sign = objectives.map(({ better }) => (better === 'higher' ? -1 : 1));
  const costs = values.map((row) => row.map((value, i) => value * sign[i]!));
  return costs.flatMap((row, i) => {
    if (row.some(Number.isNaN)) return [];
    return costs.some((other) => dominates(other, row)) ? [] : [i];
  });
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]!) && a.some((value, i) => value < b[i]!);
}
