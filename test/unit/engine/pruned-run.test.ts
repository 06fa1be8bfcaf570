/** Prompts in a run end where the engine ends them, unless the workload says otherwise. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { sources } from '../../support/sources.ts';

/** Multiply–accumulates of the prompt. */
function promptMacs(runtime: string, model = 'gemma-4-e2b', more = ''): number {
  const workload = [
    'version: 1',
    'family: llm',
    'summary: a prompt',
    `model: ${model}`,
    'weightFormat: int4-g32-fp16scale',
    'activations: fp16',
    'kvCache: fp16',
    'promptTokens: 256',
    'generatedTokens: 2',
    // Alike but for the layers.
    'prefillChunk: 256',
    'contextBucket: 1',
    'scores: causal',
    'firstTokenDecodes: false',
    more,
  ].join('\n');
  const scenario = `version: 1\nsoc: snapdragon-8-elite\nworkload: mine\nruntime: ${runtime}`;
  const { plan } = prepare(parseSpecFile(scenario, 'test'), [], {
    ...sources,
    workload: () => parseSpecFile(workload, 'mine'),
  });
  return plan.phases
    .filter(({ name }) => name === 'prefill')
    .reduce(
      (sum, { graph, steps, contextStart }) => sum + steps * sumGraph(graph, contextStart).macs,
      0,
    );
}

describe('the prompt of a run', () => {
  it('leaves out of Gemma 4 what LiteRT-LM leaves out, and other engines compute', () => {
    // 20 of 35 layers keep no cache of their own; they are the wide ones.
    const ratio = promptMacs('llama-cpp') / promptMacs('litert-lm');
    expect(ratio).toBeGreaterThan(2.8);
    expect(ratio).toBeLessThan(3.8);
  });

  it('is as the workload says where it says', () => {
    expect(promptMacs('litert-lm', 'gemma-4-e2b', 'prunePrefill: false')).toBe(
      promptMacs('llama-cpp'),
    );
    expect(promptMacs('llama-cpp', 'gemma-4-e2b', 'prunePrefill: true')).toBe(
      promptMacs('litert-lm'),
    );
  });

  it('is whole where every layer has a cache', () => {
    expect(promptMacs('litert-lm', 'llama-3.2-1b')).toBe(promptMacs('llama-cpp', 'llama-3.2-1b'));
  });
});
