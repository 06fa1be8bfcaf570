/** Prompts of models whose last layers reuse earlier caches (Gemma 3n and 4), with those layers computed or left out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RequestPlan, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { buildLlmRequest } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

const fp16 = format('fp16');
const planOf = (id: string, prunePrefill: boolean, more: object = {}): RequestPlan =>
  buildLlmRequest({
    model: llm(id),
    weightFormat: fp16,
    kvFormat: fp16,
    activationDType: 'fp16',
    promptTokens: 1024,
    generatedTokens: 10,
    prunePrefill,
    ...more,
  });
const prefillOf = (plan: RequestPlan) => plan.phases.filter(({ name }) => name === 'prefill');
const macsOf = (plan: RequestPlan) =>
  prefillOf(plan).reduce(
    (sum, { graph, steps, contextStart }) => sum + steps * sumGraph(graph, contextStart).macs,
    0,
  );
const layersIn = (names: readonly string[]) =>
  new Set(names.flatMap((name) => /^layer\.(\d+)\./.exec(name)?.[1] ?? []));

describe('a pruned prompt', () => {
  it('costs Gemma 4 E2B what a model of 0.6 B parameters costs', () => {
    // onnxruntime/mobius, pull request 467: "effectively 2B model is a 0.6B model for prefill purposes".
    const perToken = (macsOf(planOf('gemma-4-e2b', true)) / 1024) * 1e-9;
    expect(perToken).toBeGreaterThan(0.5);
    expect(perToken).toBeLessThan(0.7);
    // mlx-vlm, issue 2155: 2800 tokens a second without those layers, 870 with them.
    const gain = macsOf(planOf('gemma-4-e2b', false)) / macsOf(planOf('gemma-4-e2b', true));
    expect(gain).toBeGreaterThan(2.8);
    expect(gain).toBeLessThan(3.8);
  });

  it('multiplies the layers with a cache by all tokens and the others by one', () => {
    // Products of one token by the published shape: hidden 1536, eight heads, one key and one value head.
    const attention = (headDim: number, own: boolean) =>
      1536 * headDim * (2 * 8 + (own ? 2 : 0)) + 3 * 1536 * 256 - 1536 * 256;
    const layer = (index: number) => {
      const own = index < 15;
      const headDim = index % 5 === 4 ? 512 : 256;
      return attention(headDim, own) + 3 * 1536 * (own ? 6144 : 12_288);
    };
    const upTo = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => layer(from + i)).reduce((a, b) => a + b, 0);
    const table = 1536 * 35 * 256;
    const expected = 100 * (upTo(0, 15) + table) + upTo(15, 35) + 1536 * 262_144;
    const plan = planOf('gemma-4-e2b', true, { promptTokens: 100 });
    const { graph, contextStart } = prefillOf(plan)[0]!;
    const sum = graph.operators.reduce((total, { work }) => {
      const own = workAt(graph, work, contextStart);
      return own.weightBytes > 0 ? total + own.macs : total;
    }, 0);
    expect(sum).toBe(expected);
  });

  it('ends at the last cache in chunks that hand out nothing', () => {
    const plan = planOf('gemma-4-e2b', true, { prefillChunk: 256 });
    const [chunk, last] = prefillOf(plan);
    expect(layersIn(chunk!.graph.operators.map(({ name }) => name)).size).toBe(15);
    expect(layersIn(last!.graph.operators.map(({ name }) => name)).size).toBe(35);
  });

  it('joins the parallel streams of Gemma 3n behind the layers of one token', () => {
    const plan = planOf('gemma-3n-e2b', true);
    const names = prefillOf(plan)[0]!.graph.operators.map(({ name }) => name);
    expect(layersIn(names).size).toBe(30);
    expect(names.filter((name) => name === 'per_layer.embedding')).toHaveLength(1);
    expect(macsOf(plan) / macsOf(planOf('gemma-3n-e2b', false))).toBeCloseTo(20 / 30, 1);
  });

  it('leaves answers, memory and models with a cache in every layer as they are', () => {
    const [whole, pruned] = [planOf('gemma-4-e2b', false), planOf('gemma-4-e2b', true)];
    const decode = ({ phases }: RequestPlan) => ({
      operators: phases.at(-1)!.graph.operators,
      totals: sumGraph(phases.at(-1)!.graph, 1025),
    });
    expect(decode(pruned)).toEqual(decode(whole));
    expect({ ...pruned.memory, activations: 0 }).toEqual({ ...whole.memory, activations: 0 });
    expect(macsOf(planOf('llama-3.2-1b', true))).toBe(macsOf(planOf('llama-3.2-1b', false)));
  });

  it('is the whole one where all tokens have logits', () => {
    const all = { lastTokenLogitsOnly: false, promptTokens: 64 };
    expect(macsOf(planOf('gemma-4-e2b', true, all))).toBe(
      macsOf(planOf('gemma-4-e2b', false, all)),
    );
  });

  it('never costs more, and saves more the longer it is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('gemma-3n-e2b', 'gemma-3n-e4b', 'gemma-4-e2b', 'gemma-4-e4b'),
        fc.integer({ min: 1, max: 2048 }),
        fc.integer({ min: 1, max: 512 }),
        (id, promptTokens, prefillChunk) => {
          const more = { promptTokens, prefillChunk };
          const [whole, pruned] = [planOf(id, false, more), planOf(id, true, more)];
          expect(macsOf(pruned)).toBeLessThanOrEqual(macsOf(whole));
          if (promptTokens > 1) expect(macsOf(pruned)).toBeLessThan(macsOf(whole));
        },
      ),
      { numRuns: 40 },
    );
  });
});
