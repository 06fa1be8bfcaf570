/** How arithmetic and bytes of language models must scale, for any shape. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Phase, RequestPlan } from '../../src/workload/graph.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import { uniformRouting } from '../../src/workload/llm/options.ts';
import { llmWeightBytes } from '../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes, type LlmRequest } from '../../src/workload/llm.ts';
import type { LlmModel } from '../../src/workload/models/llm-model.ts';
import { format } from '../support/workload-tables.ts';

const int = (min: number, max: number) => fc.integer({ min, max });

const models: fc.Arbitrary<LlmModel> = fc
  .record({
    layers: int(1, 7),
    kvHeads: int(1, 4),
    group: int(1, 4),
    headDim: int(1, 8).map((n) => 8 * n),
    hidden: int(1, 16).map((n) => 32 * n),
    ffn: int(1, 16).map((n) => 32 * n),
    vocab: int(10, 500),
    gated: fc.boolean(),
    tied: fc.boolean(),
    qkvBias: fc.boolean(),
    mlpBias: fc.boolean(),
    norm: fc.constantFrom('rms' as const, 'layer' as const),
    normsPerLayer: fc.constantFrom(1 as const, 2 as const, 4 as const),
    qkNorm: fc.constantFrom('none' as const, 'per-head' as const, 'full-width' as const),
    kvShare: int(1, 2),
    kvLayers: int(1, 9),
    perLayerWidth: fc.constantFrom(undefined, undefined, 32),
    lowRankResidual: fc.constantFrom(undefined, undefined, 16),
    window: fc.option(fc.record({ tokens: int(1, 40), local: int(1, 3), global: int(0, 2) }), {
      nil: undefined,
    }),
    attentionGate: fc.boolean(),
    recurrent: fc.option(
      fc.record({
        attending: fc.constantFrom([], [0], [1, 3]),
        mixer: fc.oneof(
          fc.record({ kind: fc.constant('short-conv' as const), taps: int(2, 4) }),
          fc
            .record({
              keyHeads: int(1, 3),
              group: int(1, 2),
              keyDim: int(1, 4),
              valueDim: int(1, 4),
            })
            .map(({ keyHeads, group, keyDim, valueDim }) => ({
              kind: 'gated-delta' as const,
              keyHeads,
              valueHeads: group * keyHeads,
              keyDim: 8 * keyDim,
              valueDim: 8 * valueDim,
              taps: 4,
            })),
        ),
      }),
      { nil: undefined },
    ),
    experts: fc.option(
      fc.record({
        topK: int(1, 3),
        more: int(0, 6),
        ffn: int(1, 8).map((n) => 32 * n),
        sharedFfn: fc.constantFrom(0, 64),
        sharedGate: fc.boolean(),
      }),
      { nil: undefined },
    ),
  })
  .map(({ group, experts, kvLayers, ...shape }) => ({
    ...shape,
    id: 'any',
    family: 'any',
    heads: shape.kvHeads * group,
    valueDim: shape.headDim,
    latent: undefined,
    // A layer that reuses a cache needs one that has it.
    kvShare: shape.recurrent ? 1 : shape.kvShare,
    kvLayers: shape.recurrent ? shape.layers : Math.min(kvLayers, shape.layers),
    globalHeadDim: shape.headDim,
    lateFfn: shape.ffn,
    activation: 'silu',
    parallelStreams: undefined,
    outputBias: false,
    headBias: false,
    rotaryShare: 1,
    maxContext: 100_000,
    experts: experts && {
      count: experts.topK + experts.more,
      topK: experts.topK,
      ffn: experts.ffn,
      sharedFfn: experts.sharedFfn,
      sharedGate: experts.sharedFfn > 0 && experts.sharedGate,
      denseFirst: 0,
    },
    source: 'generated',
  }));

function plan(model: LlmModel, more: Partial<LlmRequest> = {}): RequestPlan {
  return buildLlmRequest({
    model,
    weightFormat: format('fp16'),
    kvFormat: format('fp16'),
    activationDType: 'fp16',
    promptTokens: 64,
    generatedTokens: 16,
    ...more,
  });
}

function sum(phases: readonly Phase[], pick: (totals: ReturnType<typeof sumGraph>) => number) {
  let total = 0;
  for (const { graph, steps, contextStart, contextStride } of phases)
    for (let step = 0; step < steps; step++)
      total += pick(sumGraph(graph, contextStart + step * contextStride));
  return total;
}

/** What recurrent layers keep, whatever the context. */
const statesOf = (model: LlmModel) => kvCacheBytes(model, format('fp16'), 0);

const prefillOf = ({ phases }: RequestPlan) => phases.filter(({ name }) => name === 'prefill');
const decodeOf = ({ phases }: RequestPlan) => phases.find(({ name }) => name === 'decode') as Phase;

describe('any language model', () => {
  it('does the same arithmetic in chunks as in one prefill', () => {
    fc.assert(
      fc.property(models, int(1, 80), int(1, 80), (model, promptTokens, prefillChunk) => {
        const whole = sum(prefillOf(plan(model, { promptTokens })), ({ macs }) => macs);
        const chunked = sum(
          prefillOf(plan(model, { promptTokens, prefillChunk })),
          ({ macs }) => macs,
        );
        expect(chunked).toBeCloseTo(whole, 3);
      }),
      { numRuns: 60 },
    );
  });

  it('writes every token into the cache once, however the prompt is cut', () => {
    fc.assert(
      fc.property(models, int(1, 80), int(1, 80), (model, promptTokens, prefillChunk) => {
        const { phases } = plan(model, { promptTokens, prefillChunk, generatedTokens: 9 });
        const written = sum(phases, ({ kvWriteBytes }) => kvWriteBytes);
        const full = { ...model, window: undefined };
        const calls = phases.reduce((total, { steps }) => total + steps, 0);
        const grown = kvCacheBytes(full, format('fp16'), promptTokens + 8) - statesOf(model);
        expect(written).toBe(grown + calls * statesOf(model));
      }),
      { numRuns: 60 },
    );
  });

  it('reads the cache of all earlier tokens in a decode step, or of the window', () => {
    fc.assert(
      fc.property(models, int(2, 300), (model, context) => {
        const decode = decodeOf(plan(model));
        const read = sumGraph(decode.graph, context).kvReadBytes;
        const perLayer = 2 * model.kvHeads * model.headDim * 2;
        const { window } = model;
        let expected = statesOf(model);
        for (let layer = 0; layer < model.layers; layer++) {
          if (model.recurrent && !model.recurrent.attending.includes(layer)) continue;
          const local = window && layer % (window.local + window.global) < window.local;
          expected += perLayer * Math.min(context - 1, local ? window.tokens - 1 : context);
        }
        expect(read).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('grows by the same arithmetic per token of context beyond all windows', () => {
    fc.assert(
      fc.property(models, int(50, 200), (model, context) => {
        const { graph } = decodeOf(plan(model));
        const at = (tokens: number) => sumGraph(graph, tokens).macs;
        expect(at(context + 1) - at(context)).toBe(at(context + 2) - at(context + 1));
        expect(at(context + 1)).toBeGreaterThanOrEqual(at(context));
      }),
      { numRuns: 60 },
    );
  });

  it('reads exactly its weights in a decode step, but for look-ups and unvisited experts', () => {
    fc.assert(
      fc.property(models, (any) => {
        const model = { ...any, kvLayers: any.layers };
        const { graph } = decodeOf(plan(model));
        const formats = {
          weights: format('fp16'),
          embedding: format('fp16'),
          head: format('fp16'),
          kv: format('fp16'),
          activation: 'fp16' as const,
        };
        const { experts } = model;
        const unvisited = experts
          ? model.layers *
            (experts.count - experts.topK) *
            (model.hidden * experts.ffn * (model.gated ? 3 : 2) +
              (model.mlpBias ? experts.ffn * (model.gated ? 2 : 1) + model.hidden : 0)) *
            2
          : 0;
        const table = model.tied ? 0 : model.vocab * model.hidden * 2;
        const perLayer = (model.perLayerWidth ?? 0) * model.layers * 2;
        expect(sumGraph(graph, 20).weightBytes - model.hidden * 2 - perLayer).toBeCloseTo(
          llmWeightBytes(model, formats) - unvisited - table - perLayer * model.vocab,
          3,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('halves what decode reads when weights and cache have half the bits', () => {
    fc.assert(
      fc.property(models, (model) => {
        const plain = { ...model, norm: 'rms' as const, qkvBias: false, mlpBias: false };
        const wide = decodeOf(
          plan(plain, { weightFormat: format('fp32'), kvFormat: format('fp32') }),
        );
        const narrow = decodeOf(plan(plain));
        const of = (phase: Phase) => sumGraph(phase.graph, 40);
        expect(of(narrow).weightBytes * 2).toBe(of(wide).weightBytes);
        // States stay in single precision.
        const states = statesOf(model);
        expect((of(narrow).kvReadBytes - states) * 2).toBe(of(wide).kvReadBytes - states);
        expect(of(narrow).macs).toBe(of(wide).macs);
      }),
      { numRuns: 40 },
    );
  });

  it('costs the same arithmetic however operators are merged', () => {
    fc.assert(
      fc.property(
        models,
        fc.record({
          qkv: fc.boolean(),
          gateUp: fc.boolean(),
          residualNorm: fc.boolean(),
          elementwise: fc.boolean(),
        }),
        (model, fusion) => {
          const base = sumGraph(decodeOf(plan(model)).graph, 30);
          const other = sumGraph(decodeOf(plan(model, { fusion })).graph, 30);
          expect(other.macs).toBe(base.macs);
          expect(other.weightBytes).toBeCloseTo(base.weightBytes, 3);
          expect(other.kvReadBytes).toBe(base.kvReadBytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('visits more experts with more tokens, never more than there are', () => {
    fc.assert(
      fc.property(int(1, 8), int(0, 60), int(1, 400), (topK, more, tokens) => {
        const count = topK + more;
        const visited = (n: number) => uniformRouting.activeExperts(n, count, topK);
        expect(visited(1)).toBeCloseTo(topK, 9);
        expect(visited(tokens + 1)).toBeGreaterThanOrEqual(visited(tokens));
        expect(visited(tokens)).toBeLessThanOrEqual(count);
      }),
    );
  });

  it('hands out as many tokens as were asked for', () => {
    fc.assert(
      fc.property(models, int(1, 60), int(1, 60), int(1, 70), (model, prompt, generated, chunk) => {
        const { phases } = plan(model, {
          promptTokens: prompt,
          generatedTokens: generated,
          prefillChunk: chunk,
        });
        const outputs = phases.reduce((n, phase) => n + phase.steps * phase.outputsPerStep, 0);
        expect(outputs).toBe(generated);
        const last = phases.at(-1) as Phase;
        const context = last.contextStart + (last.steps - 1) * last.contextStride;
        expect(context).toBe(prompt + generated - 1);
      }),
      { numRuns: 60 },
    );
  });
});
