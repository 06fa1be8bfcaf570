/**
 * Mixture of experts larger than memory: some experts are in memory, the others come from flash when a token asks.
 *
 * Model    every layer keeps its share of the budget, replaced least recently used; routing by a seeded stream: a token
 *          keeps an expert of the token before with probability `reuse`, else draws one evenly; misses per layer and
 *          token are counted over a long stream after a warm-up, and every decode step reads that many from flash;
 *          a step that checks a draft asks for the experts of all its tokens at once, each read once
 *          prefill visits so many experts that each layer reads what it has not, once per chunk
 * Ignores  prefetching by the next layer's likely experts; that reads of one layer overlap compute of another
 * Valid    budgets from one expert per layer to all of them
 * Source   least-recently-used caching of experts: Eliseev and Mazur, arXiv 2312.17238; rates: hardware/storage/ufs.ts
 * Checked  test/unit/workload/llm-techniques.test.ts, test/property/techniques.test.ts
 */
import { randomStream } from '../../../base/random.ts';
import type { Bytes } from '../../../base/units.ts';
import type { ExpertShape } from '../../models/llm-model.ts';

export interface ExpertPaging {
  /** Memory that experts may take in all. */
  readonly memory: Bytes;
  /** Probability that a token asks for an expert that the token before asked for. */
  readonly reuse: number;
  readonly seed: number;
}

const WARM_UP = 500;
const COUNTED = 4000;

/** Experts of one layer that are in memory. */
export function residentExperts(
  paging: ExpertPaging,
  layers: number,
  expert: Bytes,
  count: number,
): number {
  return Math.min(count, Math.floor(paging.memory / (layers * expert)));
}

/** Mean misses of a step of so many tokens in one layer that keeps `resident` experts. */
export function missesPerStep(
  { count, topK }: ExpertShape,
  resident: number,
  paging: ExpertPaging,
  tokens = 1,
): number {
  if (resident >= count) return 0;
  const draw = randomStream(paging.seed, 'expert routing');
  let recent: number[] = [];
  let last: readonly number[] = [];
  let misses = 0;
  for (let step = 0; step < WARM_UP + COUNTED; step++) {
    const asked = new Set<number>();
    for (let token = 0; token < tokens; token++) {
      last = route(last, count, topK, paging.reuse, draw);
      for (const expert of last) asked.add(expert);
    }
    // Those at hand are used before others take their place.
    const before = recent;
    for (const expert of asked) {
      if (step >= WARM_UP && !before.includes(expert)) misses++;
      recent = [expert, ...recent.filter((other) => other !== expert)].slice(0, resident);
    }
  }
  return misses / COUNTED;
}

/** Distinct experts of one token. */
function route(
  last: readonly number[],
  count: number,
  topK: number,
  reuse: number,
  draw: () => number,
): number[] {
  const chosen = last.filter(() => draw() < reuse).slice(0, topK);
  while (chosen.length < topK) {
    const expert = Math.floor(draw() * count);
    if (!chosen.includes(expert)) chosen.push(expert);
  }
  return chosen;
}
