/** Graphs and requests of language models against hand arithmetic on published shapes. */
import { describe, expect, it } from 'vitest';
import { type Phase, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { llmActiveParameters, llmParameters } from '../../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes, type LlmRequest } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

function request(model: string, more: Partial<LlmRequest> = {}) {
  return buildLlmRequest({
    model: llm(model),
    weightFormat: format('fp16'),
    kvFormat: format('fp16'),
    activationDType: 'fp16',
    promptTokens: 512,
    generatedTokens: 256,
    ...more,
  });
}

function macs(phase: Phase, context = phase.contextStart): number {
  return sumGraph(phase.graph, context).macs;
}

function workOf(phase: Phase, operator: string, context = phase.contextStart) {
  const found = phase.graph.operators.find(({ name }) => name === operator);
  if (!found) throw new Error(`no operator ${operator}`);
  return workAt(phase.graph, found.work, context);
}

describe('a request to Llama 2 7B', () => {
  const plan = request('llama-2-7b');
  const [prefill, decode] = plan.phases as [Phase, Phase];

  it('prefills the prompt in one step that yields the first token', () => {
    expect(prefill).toMatchObject({
      name: 'prefill',
      steps: 1,
      contextStart: 512,
      outputsPerStep: 1,
    });
  });

  it('decodes the remaining 255 tokens, the first of them seeing prompt, first token and itself', () => {
    expect(decode).toMatchObject({
      name: 'decode',
      steps: 255,
      contextStart: 513,
      contextStride: 1,
      outputsPerStep: 1,
    });
    expect(plan.phases).toHaveLength(2);
  });

  it('reads every weight but the embedding table once per decode step', () => {
    // 6,738,415,616 parameters (published), less 32,000 × 4,096 embeddings, plus one embedding row.
    const touched = 6_738_415_616 - 32_000 * 4096 + 4096;
    expect(sumGraph(decode.graph, 513).weightBytes).toBe(2 * touched);
  });

  it('multiplies each of those weights once, plus scores and values over the context', () => {
    const norms = (2 * 32 + 1) * 4096;
    const linear = 6_738_415_616 - 32_000 * 4096 - norms;
    expect(macs(decode, 700)).toBe(linear + 2 * 32 * 32 * 128 * 700);
  });

  it('writes 512 KiB of keys and values per token and reads those before it', () => {
    const totals = sumGraph(decode.graph, 600);
    expect(totals.kvWriteBytes).toBe(524_288);
    expect(totals.kvReadBytes).toBe(599 * 524_288);
    expect(plan.memory.kvCache).toBe(768 * 524_288);
  });

  it('skips the masked half of the prefill scores, and computes logits for one token', () => {
    const layerLinear = 4 * 4096 * 4096 + 3 * 4096 * 11_008;
    const pairs = (512 * 513) / 2;
    expect(macs(prefill)).toBe(512 * 32 * layerLinear + 32_000 * 4096 + 2 * 32 * 32 * 128 * pairs);
  });

  it('names operators by layer and part, and shares works between layers', () => {
    const names = decode.graph.operators.map(({ name }) => name);
    expect(names).toContain('layer.3.attention.q');
    expect(names).toContain('layer.31.mlp.down');
    expect(names.at(-1)).toBe('head');
    expect(decode.graph.works.length).toBeLessThan(12);
    expect(decode.graph.works.filter((work) => typeof work === 'function')).toHaveLength(1);
  });
});

describe('chunked prefill', () => {
  it('runs whole chunks without a head, then the rest with it', () => {
    const plan = request('llama-2-7b', { promptTokens: 600, prefillChunk: 256 });
    const [chunks, last] = plan.phases as [Phase, Phase];
    expect(chunks).toMatchObject({
      name: 'prefill',
      steps: 2,
      contextStart: 256,
      contextStride: 256,
      outputsPerStep: 0,
    });
    expect(last).toMatchObject({ steps: 1, contextStart: 600, outputsPerStep: 1 });
    expect(chunks.graph.operators.some(({ name }) => name === 'head')).toBe(false);
    expect(workOf(last, 'layer.0.attention.q').form).toMatchObject({ m: 88 });
  });

  it('pads the last chunk of a fixed-shape graph', () => {
    const plan = request('llama-2-7b', { promptTokens: 600, prefillChunk: 256, padPrefill: true });
    const last = plan.phases[1] as Phase;
    expect(last.contextStart).toBe(768);
    expect(workOf(last, 'layer.0.attention.q').form).toMatchObject({ m: 256 });
  });

  it('computes only what the prompt cache lacks', () => {
    const plan = request('llama-2-7b', { promptTokens: 600, cachedTokens: 500 });
    const prefill = plan.phases[0] as Phase;
    expect(prefill.contextStart).toBe(600);
    expect(workOf(prefill, 'layer.0.attention.scores').kvReadBytes).toBe((500 * 524_288) / 32);
  });
});

describe('graphs of fixed context', () => {
  const plan = request('llama-2-7b', { promptTokens: 500, contextBucket: 256 });
  const decode = plan.phases[1] as Phase;

  const scores = (phase: Phase, context: number) =>
    workOf(phase, 'layer.0.attention.scores', context);

  // 500 and 255 answers that are read again fill 755 of 768 positions.
  it('cover the whole context that they are compiled for, at every step of the request', () => {
    for (const context of [501, 512, 513, 755]) {
      expect(scores(decode, context).macs).toBe(2 * 32 * 128 * 768);
      expect(scores(decode, context).kvReadBytes).toBe((767 * 524_288) / 32);
    }
  });

  it('do so from the first part of a prompt on', () => {
    const cut = {
      promptTokens: 500,
      contextBucket: 256,
      prefillChunk: 100,
      scores: 'full',
    } as const;
    const parts = request('llama-2-7b', cut).phases.filter(({ name }) =>
      name.startsWith('prefill'),
    );
    const macs = parts.map((part) => scores(part, part.contextStart).macs);
    expect(new Set(macs)).toEqual(new Set([100 * 2 * 32 * 128 * 768]));
  });

  it('need no place for the last answer, which nobody reads', () => {
    const held = (generatedTokens: number) =>
      request('llama-2-7b', { promptTokens: 500, generatedTokens, contextBucket: 256 }).memory
        .kvCache;
    expect(held(13)).toBe(512 * 524_288);
    expect(held(14)).toBe(768 * 524_288);
  });

  it('hold a cache of whole multiples, and write as ever', () => {
    expect(plan.memory.kvCache).toBe(768 * 524_288);
    expect(sumGraph(decode.graph, 501).kvWriteBytes).toBe(524_288);
  });
});

describe('a request that cannot be', () => {
  it('refuses more tokens than the context holds, with the numbers', () => {
    expect(() => request('llama-2-7b', { promptTokens: 4000 })).toThrow(
      /context of llama-2-7b.*at most 4096.*4000 \+ 256 = 4256/,
    );
  });

  it('refuses a prompt that is cached altogether', () => {
    expect(() => request('llama-2-7b', { cachedTokens: 512 })).toThrow(/cachedTokens/);
  });
});

describe('variants of the decoder', () => {
  it('shares key–value heads between query heads', () => {
    const decode = request('llama-3-8b').phases[1] as Phase;
    expect(workOf(decode, 'layer.0.attention.k').macs).toBe(4096 * 8 * 128);
    expect(sumGraph(decode.graph, 513).kvWriteBytes).toBe(131_072);
  });

  it('lets local layers see their window only', () => {
    const decode = request('gemma-2-2b', { promptTokens: 6000 }).phases[1] as Phase;
    const local = workOf(decode, 'layer.0.attention.scores', 6001);
    const full = workOf(decode, 'layer.1.attention.scores', 6001);
    expect(full.macs).toBe(8 * 6001 * 2 * 256);
    expect(local.macs).toBe(8 * 4096 * 2 * 256);
    expect(local.kvReadBytes).toBe((4095 * 106_496) / 26);
  });

  it('keeps no more of a local layer than its window', () => {
    const perLayer = 106_496 / 26;
    expect(kvCacheBytes(llm('gemma-2-2b'), format('fp16'), 6000)).toBe(
      13 * perLayer * 4096 + 13 * perLayer * 6000,
    );
  });

  it('runs both halves of a Phi-2 layer from one norm', () => {
    const decode = request('phi-2').phases[1] as Phase;
    const { operators } = decode.graph;
    const index = (name: string) => operators.findIndex((operator) => operator.name === name);
    const norm = index('layer.4.attention.norm');
    expect(operators[index('layer.4.attention.q')]?.inputs).toEqual([norm]);
    expect(operators[index('layer.4.mlp.up')]?.inputs).toEqual([norm]);
    expect(operators.some(({ name }) => name === 'layer.4.mlp.gate')).toBe(false);
  });

  it('reads the experts that one token visits, and almost all of them for a long prompt', () => {
    const [prefill, decode] = request('mixtral-8x7b').phases as [Phase, Phase];
    expect(workOf(decode, 'layer.0.mlp.experts.down').weightBytes).toBe(2 * 2 * 4096 * 14_336);
    expect(workOf(decode, 'layer.0.mlp.experts.down').macs).toBe(2 * 4096 * 14_336);
    expect(workOf(prefill, 'layer.0.mlp.experts.down').weightBytes).toBe(8 * 2 * 4096 * 14_336);
    expect(workOf(prefill, 'layer.0.mlp.experts.down').macs).toBe(1024 * 4096 * 14_336);
  });

  it('asks the routing seam how many experts a step visits', () => {
    const routing = { activeExperts: () => 3 };
    const prefill = request('mixtral-8x7b', { routing }).phases[0] as Phase;
    expect(workOf(prefill, 'layer.0.mlp.experts.up').form).toMatchObject({ batch: 3 });
  });

  it('caches latents only, and folds their expansion into the query when decoding', () => {
    const [prefill, decode] = request('deepseek-v2-lite').phases as [Phase, Phase];
    expect(sumGraph(decode.graph, 513).kvWriteBytes).toBe(27 * (512 + 64) * 2);
    expect(workOf(decode, 'layer.0.attention.scores', 513).macs).toBe(16 * 513 * (576 + 512));
    expect(workOf(prefill, 'layer.0.attention.kv_up').macs).toBe(512 * 512 * 16 * 256);
    expect(workOf(prefill, 'layer.0.attention.scores').macs).toBe(
      16 * (192 + 128) * ((512 * 513) / 2),
    );
  });

  it('keeps the first layer of DeepSeek-V2 dense', () => {
    const names = (request('deepseek-v2-lite').phases[1] as Phase).graph.operators.map(
      ({ name }) => name,
    );
    expect(names).toContain('layer.0.mlp.gate');
    expect(names).not.toContain('layer.0.mlp.router');
    expect(names).toContain('layer.1.mlp.router');
  });
});

describe('fusion switches', () => {
  const operators = (fusion: LlmRequest['fusion']) =>
    (request('llama-2-7b', { ...(fusion && { fusion }) }).phases[1] as Phase).graph;

  it('change the number of operators, not the arithmetic', () => {
    const base = sumGraph(operators(undefined), 600);
    const merged = sumGraph(operators({ qkv: true, gateUp: true }), 600);
    const split = sumGraph(operators({ residualNorm: false, attention: false }), 600);
    expect(merged.operators).toBe(base.operators - 32 * 3);
    expect(split.operators).toBe(base.operators + 64 + 32 * 3);
    expect(merged.macs).toBe(base.macs);
    expect(split.macs).toBe(base.macs);
  });

  it('unfused attention moves the score matrix as well', () => {
    const fused = sumGraph(operators(undefined), 600);
    const split = sumGraph(operators({ attention: false }), 600);
    // Softmax reads and writes 32 heads × 600 scores, and they are written before and read after: 4 × 2 bytes.
    expect(split.bytes - fused.bytes).toBeGreaterThanOrEqual(32 * 4 * 2 * 32 * 600);
    expect(split.kvReadBytes).toBe(fused.kvReadBytes);
    expect(split.kvWriteBytes).toBe(fused.kvWriteBytes);
  });
});

describe('weights', () => {
  it('count the active part of a mixture of experts', () => {
    expect(llmParameters(llm('mixtral-8x7b'))).toBe(46_702_792_704);
    // Two of eight experts: 32 layers × 6 experts × 3 × 4096 × 14336 are left out.
    expect(llmActiveParameters(llm('mixtral-8x7b'))).toBe(
      46_702_792_704 - 32 * 6 * 3 * 4096 * 14_336,
    );
  });

  it('store a tied table twice when its two uses want different formats', () => {
    const table = 128_256 * 2048;
    const once = request('llama-3.2-1b').memory.weights;
    const twice = request('llama-3.2-1b', { headFormat: format('int8') }).memory.weights;
    expect(twice - once).toBe(table);
  });

  it('pay for group scales', () => {
    const plan = request('llama-2-7b', { weightFormat: format('int4-g32-fp16scale') });
    const norms = 65 * 4096;
    expect(plan.memory.weights).toBe(((6_738_415_616 - norms) * 4.5) / 8 + norms * 2);
  });
});
