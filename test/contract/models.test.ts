/** What every row of the model tables must satisfy: it builds, and its numbers hang together. */
import { describe, expect, it } from 'vitest';
import { buildAudioTower } from '../../src/workload/audio/audio-language.ts';
import { buildSpeechRequest } from '../../src/workload/audio/request.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import { llmActiveParameters, llmParameters } from '../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes } from '../../src/workload/llm.ts';
import { findLlm } from '../../src/workload/models/llm-model.ts';
import { buildVisionTower, imageTokens } from '../../src/workload/vision/request.ts';
import { format, llm, tables } from '../support/workload-tables.ts';

const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;
const names = [...Object.keys(tables.llm.models), ...Object.keys(tables.llm.standIns)];

describe.each(names)('language model %s', (name) => {
  const { model } = findLlm(tables.llm, name);
  const plan = (promptTokens: number) =>
    buildLlmRequest({
      model,
      weightFormat: format('int4-g32-fp16scale'),
      kvFormat: format('fp16'),
      activationDType: 'fp16',
      promptTokens,
      generatedTokens: 8,
    });

  it('touches no more weights than it has', () => {
    expect(llmActiveParameters(model)).toBeLessThanOrEqual(llmParameters(model));
  });

  it('prefills and decodes', () => {
    const { phases, memory } = plan(64);
    expect(phases.map(({ name: phase }) => phase)).toEqual(['prefill', 'decode']);
    for (const { graph, contextStart } of phases) {
      const { macs, bytes } = sumGraph(graph, contextStart);
      expect(macs).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(0);
      expect(graph.works.length).toBeLessThan(45);
    }
    // Group scales make it 4.5 bits, a little more for norms.
    expect((8 * memory.weights) / llmParameters(model)).toBeGreaterThan(4.5);
    expect((8 * memory.weights) / llmParameters(model)).toBeLessThan(4.53);
  });

  it('multiplies each touched weight about once per decode step', () => {
    const [, decode] = plan(64).phases;
    if (!decode) throw new Error('no decode');
    const { macs, macsByOperator } = sumGraph(decode.graph, 1);
    const scores = macsByOperator['GroupQueryAttention'] ?? 0;
    const table = model.tied ? 0 : model.vocab * model.hidden;
    expect(macs - scores).toBeGreaterThan(0.98 * (llmActiveParameters(model) - table));
    expect(macs - scores).toBeLessThanOrEqual(llmActiveParameters(model) - table);
  });

  it('grows its cache by what it writes, until windows are full', () => {
    const [, decode] = plan(64).phases;
    if (!decode) throw new Error('no decode');
    const size = (tokens: number) => kvCacheBytes(model, format('fp16'), tokens);
    // States of recurrent layers are written whole, and stay as large.
    const states = size(0);
    expect(sumGraph(decode.graph, 65).kvWriteBytes - states).toBe(size(65) - size(64));
    expect(size(model.maxContext) - states).toBeLessThanOrEqual(
      model.maxContext * (size(1) - states),
    );
    expect(states > 0).toBe(model.recurrent !== undefined);
  });
});

describe.each(Object.values(tables.visionLanguage))('vision-language model $id', (model) => {
  it('names an encoder and a language model that are there', () => {
    const encoder = tables.vision[model.encoder];
    if (!encoder) throw new Error(model.encoder);
    const size = { height: encoder.image, width: encoder.image };
    const language = llm(model.llm);
    const network = buildVisionTower(model, encoder, language, settings, size);
    const tokens = imageTokens(model, encoder, size);
    const patches = (encoder.image / encoder.patch) ** 2;
    expect(model.encoderLayersRun).toBeLessThanOrEqual(encoder.layers);
    expect(tokens).toBeLessThanOrEqual(patches);
    expect(network.parameters).toBeGreaterThan(0);
    const last = network.graph.operators.at(-1);
    expect(last?.name).toMatch(/^connector\./);
  });
});

describe.each(Object.values(tables.audioLanguage))('audio-language model $id', (model) => {
  it('names an encoder and a language model that are there', () => {
    const encoder = tables.speech[model.encoder];
    if (!encoder) throw new Error(model.encoder);
    expect(buildAudioTower(model, encoder, llm(model.llm), settings).parameters).toBeGreaterThan(
      1e8,
    );
  });
});

describe.each(Object.values(tables.speech))('speech model $id', (model) => {
  it('turns windows into text', () => {
    const plan = buildSpeechRequest({
      name: model.id,
      model,
      weightFormat: format('fp16'),
      kvFormat: format('fp16'),
      activationDType: 'fp16',
      windows: 2,
      tokensPerWindow: 50,
      fuse: true,
    });
    expect(plan.phases).toHaveLength(6);
    const outputs = plan.phases.reduce((n, phase) => n + phase.steps * phase.outputsPerStep, 0);
    expect(outputs).toBe(100);
  });
});
