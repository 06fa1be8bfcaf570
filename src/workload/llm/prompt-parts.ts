/**
 * How engines cut prompts into calls.
 *
 * Model    one size: whole calls, then what is left, filled up where graphs have one length. Graphs of several lengths:
 *          as many calls of the longest as fit; what is left takes one more of these where it fills half of it and no
 *          length of at least half of that holds it, else shorter ones. Where parts cascade, what is left always goes to
 *          shorter ones, and no more than the last call of the shortest is filled up. Where one call covers what is left,
 *          that is the shortest that holds it
 * Source   LiteRT-LM, GetOptimizedPrefillWorkGroups in runtime/executor/litert_compiled_model_executor_utils.cc
 * Checked  test/unit/workload/prompt-parts.test.ts
 */

export interface PartRules {
  /** The last call is filled up. */
  readonly pads?: boolean;
  /** What is left of a length goes to shorter ones, however much of the longer it would fill. */
  readonly cascades?: boolean;
  /** What is left of the longest is one call of the shortest length that holds it. */
  readonly covers?: boolean;
}

/** @returns tokens that each call computes, in order. */
export function promptParts(
  tokens: number,
  lengths: readonly number[],
  { pads = false, cascades = false, covers = false }: PartRules = {},
): readonly number[] {
  const sorted = [...lengths].sort((a, b) => b - a);
  if (covers) return coveredParts(tokens, sorted, pads);
  const parts: number[] = [];
  let left = tokens;
  sorted.forEach((length, i) => {
    while (left >= length) {
      parts.push(length);
      left -= length;
    }
    const next = sorted[i + 1];
    const shorter = cascades || (next !== undefined && 2 * next >= length && left <= next);
    if (left > 0 && (next === undefined || (!shorter && 2 * left >= length))) {
      parts.push(pads ? length : left);
      left = 0;
    }
  });
  return parts;
}

function coveredParts(tokens: number, sorted: readonly number[], pads: boolean): number[] {
  const longest = sorted[0] ?? tokens;
  const parts: number[] = Array(Math.floor(tokens / longest)).fill(longest);
  const left = tokens % longest;
  const holds = sorted.findLast((length) => length >= left) ?? longest;
  return left > 0 ? [...parts, pads ? holds : left] : parts;
}

/** Equal parts that follow each other, with the tokens before them. */
export function runsOf(
  parts: readonly number[],
): readonly { readonly tokens: number; readonly count: number; readonly before: number }[] {
  const runs: { tokens: number; count: number; before: number }[] = [];
  let before = 0;
  for (const tokens of parts) {
    const last = runs.at(-1);
    if (last?.tokens === tokens) last.count++;
    else runs.push({ tokens, count: 1, before });
    before += tokens;
  }
  return runs;
}
