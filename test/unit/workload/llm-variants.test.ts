/** Decoder variants of the Gemma 3n and 4 kind against their public structure. */
import { describe, expect, it } from 'vitest';
import { type Phase, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { layerKinds } from '../../../src/workload/llm/layers.ts';
import { llmActiveParameters, llmParameters } from '../../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

const fp16 = format('fp16');

function decodeOf(id: string): Phase {
  const plan = buildLlmRequest({
    model: llm(id),
    weightFormat: fp16,
    kvFormat: fp16,
    activationDType: 'fp16',
    promptTokens: 100,
    generatedTokens: 10,
  });
  return plan.phases[1] as Phase;
}

function workOf(phase: Phase, name: string, context = 101) {
  const operator = phase.graph.operators.find((candidate) => candidate.name === name);
  return operator && workAt(phase.graph, operator.work, context);
}

describe('Gemma 3n', () => {
  const decode = decodeOf('gemma-3n-e2b');

  it.each([
    // Body without norms, both tables: worked out from the layer structure.
    ['gemma-3n-e2b', 1_904_738_304 + 536_870_912 + 2_013_265_920],
    ['gemma-3n-e4b', 3_979_608_064 + 536_870_912 + 2_348_810_240],
  ])('%s has its published weights', (id, parameters) => {
    const norms = llmParameters(llm(id)) - parameters;
    expect(norms).toBeGreaterThan(0);
    expect(norms / parameters).toBeLessThan(0.0002);
  });

  it('keeps the cache of 20 layers, and the others read it', () => {
    expect(sumGraph(decode.graph, 50).kvWriteBytes).toBe(40_960);
    expect(sumGraph(decode.graph, 50).kvReadBytes).toBe((49 * 40_960 * 30) / 20);
    expect(kvCacheBytes(llm('gemma-3n-e2b'), fp16, 100)).toBe(100 * 40_960);
    expect(workOf(decode, 'layer.19.attention.k')).toBeDefined();
    expect(workOf(decode, 'layer.20.attention.k')).toBeUndefined();
  });

  it('does not touch the idle key and value weights, nor whole tables', () => {
    const model = llm('gemma-3n-e2b');
    const idle = 10 * (2 * 2048 * 512 + 256);
    const perLayerTable = 2_013_265_920;
    expect(llmParameters(model) - llmActiveParameters(model)).toBe(idle + perLayerTable);
  });

  it('looks up, gates and adds an embedding of its own in every layer', () => {
    expect(workOf(decode, 'per_layer.embedding')?.weightBytes).toBe(2 * 256 * 30);
    expect(workOf(decode, 'layer.29.per_layer.out')?.macs).toBe(256 * 2048);
  });

  it('mixes four streams before and after every layer', () => {
    const names = decode.graph.operators.map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('.streams.predict'))).toHaveLength(30);
    expect(names.filter((name) => name.endsWith('.streams.correct'))).toHaveLength(30);
    expect(names.filter((name) => /^streams\.(join\.)?\d$/.test(name))).toHaveLength(6);
  });
});

describe('Gemma 4', () => {
  it('leaves the same weights of vision and audio in both sizes', () => {
    // Published totals of the checkpoints, less the text parts; the towers are the same, their last product differs.
    const rest = (id: string, published: number) => published - llmParameters(llm(id));
    const small = rest('gemma-4-e2b', 5_123_178_051);
    const large = rest('gemma-4-e4b', 7_996_156_490);
    expect(small).toBeGreaterThan(0.4e9);
    expect(Math.abs(large / small - 1)).toBeLessThan(0.01);
  });

  it('has wider heads where a layer sees everything, and wider layers where the cache is reused', () => {
    const decode = decodeOf('gemma-4-e2b');
    expect(workOf(decode, 'layer.0.attention.q')?.macs).toBe(1536 * 8 * 256);
    expect(workOf(decode, 'layer.4.attention.q')?.macs).toBe(1536 * 8 * 512);
    expect(workOf(decode, 'layer.14.mlp.up')?.macs).toBe(1536 * 6144);
    expect(workOf(decode, 'layer.15.mlp.up')?.macs).toBe(1536 * 12_288);
  });

  it('groups its 35 layers into four kinds', () => {
    const kinds = layerKinds(llm('gemma-4-e2b'));
    expect(kinds.map(({ count }) => count).sort((a, b) => a - b)).toEqual([3, 4, 12, 16]);
  });
});

describe('Hunyuan-Large', () => {
  it('shares keys and values between two layers', () => {
    const decode = decodeOf('hunyuan-large');
    expect(workOf(decode, 'layer.0.attention.k')).toBeDefined();
    expect(workOf(decode, 'layer.1.attention.k')).toBeUndefined();
    expect(sumGraph(decode.graph, 10).kvWriteBytes).toBe(81_920);
  });
});
