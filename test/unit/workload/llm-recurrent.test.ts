/** Hybrid models against their public configurations; sums are worked out by hand from config.json. */
import { describe, expect, it } from 'vitest';
import type { Work } from '../../../src/base/work.ts';
import { type Phase, type RequestPlan, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { llmParameters } from '../../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes, type LlmRequest } from '../../../src/workload/llm.ts';
import { format, llm } from '../../support/workload-tables.ts';

const fp16 = format('fp16');
const qwen = llm('qwen3.5-0.8b');
const lfm = llm('lfm2-1.2b');

function plan(id: string, changes: Partial<LlmRequest> = {}): RequestPlan {
  return buildLlmRequest({
    model: llm(id),
    weightFormat: fp16,
    kvFormat: fp16,
    activationDType: 'fp16',
    promptTokens: 256,
    generatedTokens: 10,
    ...changes,
  });
}

function step(id: string, phase: number, changes?: Partial<LlmRequest>): Phase {
  return plan(id, changes).phases[phase] as Phase;
}

function workOf({ graph, contextStart }: Phase, name: string): Work | undefined {
  const operator = graph.operators.find((candidate) => candidate.name === name);
  return operator && workAt(graph, operator.work, contextStart);
}

describe('weights of hybrids', () => {
  it.each([
    // Counts that llama.cpp prints for the files (752.39 M, 1.88 B, 4.21 B), and the publisher's for LFM2.
    ['qwen3.5-0.8b', 752_393_024],
    ['qwen3.5-2b', 1_881_825_088],
    ['qwen3.5-4b', 4_205_751_296],
    ['lfm2-350m', 354_483_968],
    ['lfm2-1.2b', 1_170_340_608],
  ])('%s has as many as its files', (id, parameters) => {
    expect(llmParameters(llm(id))).toBe(parameters);
  });

  it('a step reads all that the parameters hold', () => {
    for (const id of ['qwen3.5-0.8b', 'lfm2-1.2b']) {
      // Of the tied table one row more is looked up.
      const { weightBytes } = sumGraph(step(id, 1).graph, 257);
      expect(weightBytes).toBe(2 * llmParameters(llm(id)) + 2 * llm(id).hidden);
    }
  });
});

describe('gated delta net', () => {
  const decode = step('qwen3.5-0.8b', 1);
  const prefill = step('qwen3.5-0.8b', 0);
  /** 16 heads × 128 × 128 in single precision. */
  const state = 1_048_576;
  /** Three inputs of (2 · 16 + 16) · 128 channels in single precision. */
  const window = 73_728;

  it('stands in three of four layers', () => {
    const rules = decode.graph.operators.filter(({ name }) => name.endsWith('.rule'));
    const scores = decode.graph.operators.filter(({ name }) => name.endsWith('.scores'));
    expect(rules).toHaveLength(18);
    expect(scores.map(({ name }) => name)).toEqual(
      [3, 7, 11, 15, 19, 23].map((layer) => `layer.${layer}.attention.scores`),
    );
  });

  it('projects queries, keys, values, gate and two numbers per head', () => {
    const macs = (name: string) => workOf(decode, `layer.0.attention.${name}`)?.macs;
    expect(macs('qkv')).toBe(1024 * 6144);
    expect(macs('z')).toBe(1024 * 2048);
    expect(macs('beta')).toBe(1024 * 16);
    expect(macs('alpha')).toBe(1024 * 16);
    expect(macs('out')).toBe(2048 * 1024);
  });

  it('reads and writes its state once a call, in single precision', () => {
    for (const phase of [decode, prefill]) {
      const rule = workOf(phase, 'layer.0.attention.rule');
      expect(rule).toMatchObject({
        operator: 'LinearAttention',
        activationDType: 'fp32',
        kvReadBytes: state,
        kvWriteBytes: state,
      });
      expect(workOf(phase, 'layer.0.attention.conv')).toMatchObject({
        operator: 'CausalConvWithState',
        kvReadBytes: window,
        kvWriteBytes: window,
        weightBytes: 2 * 6144 * 4,
      });
    }
  });

  it('passes four times over its state for every token', () => {
    expect(workOf(decode, 'layer.0.attention.rule')?.vectorOps).toBe(4 * 16 * 128 * 128);
    expect(workOf(prefill, 'layer.0.attention.rule')?.vectorOps).toBe(256 * 4 * 16 * 128 * 128);
  });

  it('hands over what the rule reads and answers', () => {
    const rule = workOf(prefill, 'layer.0.attention.rule');
    expect(rule?.inputBytes).toBe(256 * 4 * (3 * 2048 + 2 * 16));
    expect(rule?.outputBytes).toBe(256 * 4 * 2048);
  });

  it('merges its projections where an engine does, and computes the same', () => {
    const merged = step('qwen3.5-0.8b', 1, { fusion: { qkv: true } });
    expect(workOf(merged, 'layer.0.attention.in')?.macs).toBe(1024 * (6144 + 2048 + 32));
    expect(sumGraph(merged.graph, 257).macs).toBe(sumGraph(decode.graph, 257).macs);
    expect(merged.graph.operators.length).toBeLessThan(decode.graph.operators.length);
  });

  it('holds a state whatever the context, and a cache in six layers', () => {
    const states = 18 * (state + window);
    // Two heads of 256 for keys and values each, in half precision.
    expect(kvCacheBytes(qwen, fp16, 1000)).toBe(states + 6 * 1000 * 2 * 2 * 256 * 2);
    expect(kvCacheBytes(qwen, fp16, 0)).toBe(states);
    expect(plan('qwen3.5-0.8b').memory.kvCache).toBe(kvCacheBytes(qwen, fp16, 266));
  });

  it('moves what grows in its six layers alone', () => {
    const grown =
      sumGraph(decode.graph, 1001).kvReadBytes - sumGraph(decode.graph, 1000).kvReadBytes;
    expect(grown).toBe(6 * 2 * 2 * 256 * 2);
  });

  it('gates attention by a projection as wide as its heads', () => {
    expect(workOf(decode, 'layer.3.attention.q')?.macs).toBe(1024 * 2 * 8 * 256);
    expect(workOf(decode, 'layer.3.attention.gate')).toMatchObject({
      operator: 'Mul',
      vectorOps: 4 * 8 * 256,
    });
    expect(workOf(step('qwen3-0.6b', 1), 'layer.3.attention.gate')).toBeUndefined();
  });

  it('has twice the value heads in the model of 4 B', () => {
    const four = step('qwen3.5-4b', 1);
    expect(workOf(four, 'layer.0.attention.qkv')?.macs).toBe(2560 * (2 * 16 + 32) * 128);
    expect(workOf(four, 'layer.0.attention.rule')?.kvReadBytes).toBe(2 * state);
  });
});

describe('short convolution', () => {
  const decode = step('lfm2-1.2b', 1);

  it('stands in ten of sixteen layers', () => {
    const convolved = decode.graph.operators.filter(({ name }) => name.endsWith('.conv'));
    expect(convolved).toHaveLength(10);
    expect(workOf(decode, 'layer.2.attention.scores')).toBeDefined();
    expect(workOf(decode, 'layer.3.attention.scores')).toBeUndefined();
  });

  it('projects three times the width, gates before and after', () => {
    expect(workOf(decode, 'layer.0.attention.in')?.macs).toBe(2048 * 3 * 2048);
    expect(workOf(decode, 'layer.0.attention.in_gate')?.vectorOps).toBe(2048);
    expect(workOf(decode, 'layer.0.attention.out_gate')?.vectorOps).toBe(2048);
    expect(workOf(decode, 'layer.0.attention.conv')).toMatchObject({
      vectorOps: 3 * 2048,
      kvReadBytes: 2 * 2048 * 4,
      kvWriteBytes: 2 * 2048 * 4,
    });
  });

  it('keeps two inputs in ten layers and a cache in six', () => {
    // Eight heads of 64 for keys and values.
    expect(kvCacheBytes(lfm, fp16, 500)).toBe(10 * 2 * 2048 * 4 + 6 * 500 * 2 * 8 * 64 * 2);
  });
});
