/** Sliding windows that are masks over a cache of the whole context, beside windows that are read alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { buildLlmRequest } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

const fp16 = format('fp16');
const planOf = (id: string, maskWindows: boolean, more: object = {}) =>
  buildLlmRequest({
    model: llm(id),
    weightFormat: fp16,
    kvFormat: fp16,
    activationDType: 'fp16',
    promptTokens: 128,
    generatedTokens: 10,
    maskWindows,
    ...more,
  });
const decodeOf = (plan: ReturnType<typeof planOf>) => plan.phases.at(-1)!.graph;
const readAt = (graph: ReturnType<typeof decodeOf>, context: number) =>
  sumGraph(graph, context).kvReadBytes;

describe('a masked window', () => {
  it('reads the caches of all layers of Gemma 3 270M, not of its three global ones alone', () => {
    // Published shape: 18 layers, every sixth global, one head of 256 for keys and values, a window of 512.
    const perLayer = 2 * 256 * 2;
    const grows = (mask: boolean) => {
      const graph = decodeOf(planOf('gemma-3-270m', mask));
      return readAt(graph, 4000) - readAt(graph, 2000);
    };
    expect(grows(false)).toBe(2000 * 3 * perLayer);
    expect(grows(true)).toBe(2000 * 18 * perLayer);
    expect(planOf('gemma-3-270m', true, { contextBucket: 4096 }).memory.kvCache).toBe(
      4096 * 18 * perLayer,
    );
  });

  it('multiplies, in prompts too, what attention over everything would', () => {
    const whole = { ...llm('gemma-3-270m'), window: undefined };
    const own = { promptTokens: 1024, prefillChunk: 256, scores: 'full', contextBucket: 2048 };
    const masked = planOf('gemma-3-270m', true, own);
    const full = planOf('gemma-3-270m', false, { ...own, model: whole });
    masked.phases.forEach(({ graph, contextStart }, i) => {
      expect(sumGraph(graph, contextStart).macs).toBe(
        sumGraph(full.phases[i]!.graph, full.phases[i]!.contextStart).macs,
      );
    });
  });

  it('leaves models without windows as they are', () => {
    const [masked, plain] = [planOf('llama-3.2-1b', true), planOf('llama-3.2-1b', false)];
    expect(masked.memory).toEqual(plain.memory);
    const worksOf = (plan: typeof plain) =>
      decodeOf(plan).operators.map(({ work }) => workAt(decodeOf(plan), work, 129));
    expect(worksOf(masked)).toEqual(worksOf(plain));
  });

  it('never reads less than a window alone, and the same while that holds everything', () => {
    const graphs = ['gemma-3-1b', 'gemma-3n-e2b', 'gemma-4-e2b'].map((id) =>
      [true, false].map((mask) => decodeOf(planOf(id, mask))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...graphs),
        fc.integer({ min: 1, max: 8192 }),
        (pair, context) => {
          const [masked, alone] = pair.map((graph) => readAt(graph, context)) as [number, number];
          expect(masked).toBeGreaterThanOrEqual(alone);
          if (context <= 512) expect(masked).toBe(alone);
        },
      ),
      { numRuns: 40 },
    );
  });
});
