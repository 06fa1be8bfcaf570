/** Every operator of a layer of Llama 3.2 1B against hand arithmetic, and how operators hang together. */
import { describe, expect, it } from 'vitest';
import { type Graph, type Phase, workAt } from '../../../src/workload/graph.ts';
import { buildLlmRequest, type LlmRequest } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

// Published shape: 16 layers of 2048, 32 query and 8 key–value heads of 64, feed-forward 8192, vocabulary 128256.
const HIDDEN = 2048;
const QUERY = 32 * 64;
const KEY = 8 * 64;
const FFN = 8192;
const VOCAB = 128_256;
/** INT4 with one FP16 scale per 32 weights. */
const INT4 = 4.5 / 8;
const FP16 = 2;

function phases(more: Partial<LlmRequest> = {}) {
  return buildLlmRequest({
    model: llm('llama-3.2-1b'),
    weightFormat: format('int4-g32-fp16scale'),
    kvFormat: format('int8'),
    activationDType: 'fp16',
    promptTokens: 128,
    generatedTokens: 32,
    ...more,
  }).phases as [Phase, Phase];
}

function operator(graph: Graph, name: string) {
  const index = graph.operators.findIndex((candidate) => candidate.name === name);
  if (index < 0) throw new Error(`no operator ${name}`);
  return { index, ...(graph.operators[index] as Graph['operators'][number]) };
}

function work({ graph, contextStart }: Phase, name: string, context = contextStart) {
  return workAt(graph, operator(graph, name).work, context);
}

describe.each([
  ['decode', 1],
  ['prefill', 128],
])('a layer in %s', (name, tokens) => {
  const [prefill, decode] = phases();
  const phase = name === 'decode' ? decode : prefill;

  it.each([
    // Llama 3.2 1B: 32 heads of queries, 8 of keys and values.
    ['attention.q', HIDDEN, QUERY, 32],
    ['attention.k', HIDDEN, KEY, 8],
    ['attention.v', HIDDEN, KEY, 8],
    ['attention.o', QUERY, HIDDEN],
    ['mlp.gate', HIDDEN, FFN],
    ['mlp.up', HIDDEN, FFN],
    ['mlp.down', FFN, HIDDEN],
  ])('%s is a product', (part, inputs, outputs, heads?: number) => {
    expect(work(phase, `layer.7.${part}`)).toEqual({
      operator: 'MatMul',
      form: { kind: 'matmul', batch: 1, m: tokens, n: outputs, k: inputs, ...(heads && { heads }) },
      macs: tokens * inputs * outputs,
      vectorOps: 0,
      weightDType: 'int4',
      storage: 'int4-g32-fp16scale',
      // One scale for 32 weights of four bits, no minima.
      packing: { scales: 1 / 32, minima: 0, widths: [{ bits: 4, share: 1 }] },
      activationDType: 'fp16',
      weightBytes: inputs * outputs * INT4,
      inputBytes: tokens * inputs * FP16,
      outputBytes: tokens * outputs * FP16,
      kvReadBytes: 0,
      kvWriteBytes: 0,
    });
  });

  it('attention reads an 8-bit cache of what came before and adds to it', () => {
    const context = name === 'decode' ? 150 : 128;
    const past = context - tokens;
    const pairs = tokens * past + (tokens * (tokens + 1)) / 2;
    const found = work(phase, 'layer.7.attention.scores', context);
    expect(found).toMatchObject({
      operator: 'GroupQueryAttention',
      macs: 32 * pairs * 128,
      vectorOps: 32 * pairs * 5,
      weightBytes: 0,
      inputBytes: tokens * (QUERY + 2 * KEY) * FP16,
      outputBytes: tokens * QUERY * FP16,
      kvReadBytes: past * 2 * KEY,
      kvWriteBytes: tokens * 2 * KEY,
    });
    expect(found.form).toMatchObject({ heads: 32, kvHeads: 8, headDim: 64, queries: tokens });
  });

  it('rotary positions turn queries and keys', () => {
    const found = work(phase, 'layer.7.attention.rotary');
    expect(found.operator).toBe('RotaryEmbedding');
    expect(found.vectorOps).toBe(tokens * (QUERY + KEY) * 3);
    expect(found.inputBytes).toBe(tokens * (QUERY + KEY) * FP16);
  });

  it('the gate is activated and multiplied in one go', () => {
    const found = work(phase, 'layer.7.mlp.activation');
    expect(found.operator).toBe('Swish');
    expect(found.inputBytes).toBe(2 * tokens * FFN * FP16);
    expect(found.outputBytes).toBe(tokens * FFN * FP16);
  });

  it('a norm adds the residual on the way', () => {
    const found = work(phase, 'layer.7.mlp.norm');
    expect(found).toMatchObject({
      operator: 'SkipSimplifiedLayerNormalization',
      weightBytes: HIDDEN * FP16,
      inputBytes: 2 * tokens * HIDDEN * FP16,
      outputBytes: 2 * tokens * HIDDEN * FP16,
    });
    expect(work(phase, 'layer.0.attention.norm').operator).toBe('SimplifiedLayerNormalization');
  });

  it('looks up one row per token and scores the vocabulary for one', () => {
    expect(work(phase, 'embedding')).toMatchObject({
      operator: 'Gather',
      form: { kind: 'move' },
      weightBytes: tokens * HIDDEN * INT4,
      outputBytes: tokens * HIDDEN * FP16,
    });
    expect(work(phase, 'head')).toMatchObject({
      macs: HIDDEN * VOCAB,
      weightBytes: HIDDEN * VOCAB * INT4,
      outputBytes: VOCAB * FP16,
    });
    expect(work(phase, 'norm').inputBytes).toBe(2 * HIDDEN * FP16);
  });
});

describe('the graph of a step', () => {
  const [, { graph }] = phases();
  const inputsOf = (name: string) =>
    operator(graph, name).inputs.map((input) => graph.operators[input]?.name);

  it.each([
    ['layer.0.attention.norm', ['embedding']],
    ['layer.0.attention.k', ['layer.0.attention.norm']],
    ['layer.0.attention.rotary', ['layer.0.attention.q', 'layer.0.attention.k']],
    ['layer.0.attention.scores', ['layer.0.attention.rotary', 'layer.0.attention.v']],
    ['layer.0.attention.o', ['layer.0.attention.scores']],
    ['layer.0.mlp.norm', ['embedding', 'layer.0.attention.o']],
    ['layer.0.mlp.gate', ['layer.0.mlp.norm']],
    ['layer.0.mlp.activation', ['layer.0.mlp.gate', 'layer.0.mlp.up']],
    ['layer.0.mlp.down', ['layer.0.mlp.activation']],
    // The norm hands on the sum it has made, so the next one reads it there.
    ['layer.1.attention.norm', ['layer.0.mlp.norm', 'layer.0.mlp.down']],
    ['norm', ['layer.15.mlp.norm', 'layer.15.mlp.down']],
    ['head', ['norm']],
  ])('%s reads %j', (name, inputs) => {
    expect(inputsOf(name)).toEqual(inputs);
  });

  it('has twelve operators per layer, and three around them', () => {
    expect(graph.operators).toHaveLength(16 * 12 + 3);
  });
});

describe('merges', () => {
  const names = (fusion: LlmRequest['fusion']) =>
    phases({ ...(fusion && { fusion }) })[1]
      .graph.operators.map(({ name }) => name)
      .filter((name) => name.startsWith('layer.3.'))
      .map((name) => name.replace('layer.3.', ''));

  it('of q, k and v', () => {
    expect(names({ qkv: true }).slice(0, 4)).toEqual([
      'attention.norm',
      'attention.qkv',
      'attention.rotary',
      'attention.scores',
    ]);
    const merged = phases({ fusion: { qkv: true } })[1];
    expect(work(merged, 'layer.3.attention.qkv').macs).toBe(HIDDEN * (QUERY + 2 * KEY));
  });

  it('of gate and up', () => {
    expect(names({ gateUp: true })).toContain('mlp.gate_up');
    expect(names({ gateUp: true })).not.toContain('mlp.gate');
  });

  it('of the activation with the product before it', () => {
    expect(names({ elementwise: true }).slice(-3)).toEqual(['mlp.gate', 'mlp.up', 'mlp.down']);
    const merged = phases({ fusion: { elementwise: true } })[0];
    const up = work(merged, 'layer.3.mlp.up');
    // It reads the gate beside its own input, and hands on one tensor.
    expect(up.inputBytes).toBe(128 * (HIDDEN + FFN) * FP16);
    expect(up.outputBytes).toBe(128 * FFN * FP16);
    expect(up.macs).toBe(128 * HIDDEN * FFN);
  });

  it('of the residual with the norm, undone', () => {
    const split = names({ residualNorm: false });
    expect(split.slice(0, 2)).toEqual(['attention.norm.residual', 'attention.norm']);
    const phase = phases({ fusion: { residualNorm: false } })[1];
    expect(work(phase, 'layer.3.attention.norm.residual').operator).toBe('Add');
    expect(work(phase, 'layer.3.attention.norm').operator).toBe('SimplifiedLayerNormalization');
  });

  it('of attention, undone: the score matrix becomes a tensor', () => {
    const split = names({ attention: false });
    expect(split.filter((name) => name.startsWith('attention.')).slice(5)).toEqual([
      'attention.append',
      'attention.scores',
      'attention.softmax',
      'attention.values',
      'attention.o',
    ]);
    const decode = phases({ fusion: { attention: false } })[1];
    // Four query heads share a key–value head: eight products with four rows each.
    expect(work(decode, 'layer.3.attention.scores', 150)).toMatchObject({
      form: { kind: 'matmul', batch: 8, m: 4, n: 150, k: 64 },
      macs: 32 * 150 * 64,
      outputBytes: 32 * 150 * FP16,
      kvReadBytes: 149 * KEY,
    });
    expect(work(decode, 'layer.3.attention.softmax', 150).inputBytes).toBe(32 * 150 * FP16);
    expect(work(decode, 'layer.3.attention.values', 150).form).toMatchObject({ n: 64, k: 150 });
    expect(work(decode, 'layer.3.attention.append').kvWriteBytes).toBe(2 * KEY);
  });
});

describe('logits', () => {
  it('of all prompt tokens, when asked for', () => {
    const [prefill] = phases({ lastTokenLogitsOnly: false });
    expect(work(prefill, 'head').macs).toBe(128 * HIDDEN * VOCAB);
    expect(work(prefill, 'norm').inputBytes).toBe(2 * 128 * HIDDEN * FP16);
  });

  it('of all tokens of all chunks, when asked for', () => {
    const [chunks, last] = phases({ lastTokenLogitsOnly: false, prefillChunk: 50 });
    expect(work(chunks, 'head').macs).toBe(50 * HIDDEN * VOCAB);
    expect(work(last, 'head').macs).toBe(28 * HIDDEN * VOCAB);
  });
});
