/** Image encoders and vision-language requests against published shapes. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import type { Phase } from '../../../../src/workload/graph.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import { llmParameters } from '../../../../src/workload/llm/parameters.ts';
import {
  buildVisionEncoder,
  buildVisionTower,
  languageModelOf,
} from '../../../../src/workload/vision/request.ts';
import {
  parseVisionEncoders,
  parseVisionLanguageModels,
} from '../../../../src/workload/vision/vision-model.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { format, llm, tables } from '../../../support/workload-tables.ts';

const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;
const GIGA = 1e9;

function encoder(id: string) {
  const found = tables.vision[id];
  if (!found) throw new Error(id);
  return found;
}

function visionLanguage(id: string) {
  const found = tables.visionLanguage[id];
  if (!found) throw new Error(id);
  return found;
}

function tower(id: string, layers?: number) {
  const model = visionLanguage(id);
  const eyes = encoder(model.encoder);
  const size = { height: eyes.image, width: eyes.image };
  return buildVisionTower(model, eyes, llm(model.llm), settings, size, layers ?? eyes.layers);
}

describe('image encoders', () => {
  it.each([
    ['clip-vit-l-14-336', 303_507_456, 174.59, 16.36],
    ['openclip-vit-h-14-448', 631_749_120, 645.64, 86.07],
    ['openclip-vit-bigg-14-448', 1_844_055_296, 1887.26, 167.83],
    ['siglip-so400m-14-896', 416_866_032, 1686.52, 1043.68],
  ])('%s', (id, parameters, layers, attention) => {
    const network = buildVisionEncoder(encoder(id), settings);
    const { macs, macsByOperator } = sumGraph(network.graph, 0);
    const scores = macsByOperator['MultiHeadAttention'] ?? 0;
    expect(network.parameters).toBe(parameters);
    expect((macs - scores) / GIGA).toBeCloseTo(layers, 1);
    expect(scores / GIGA).toBeCloseTo(attention, 1);
  });

  it('of Qwen2-VL takes any size', () => {
    const square = buildVisionEncoder(encoder('qwen2-vl-vit'), settings, {
      height: 448,
      width: 448,
    });
    const small = buildVisionEncoder(encoder('qwen2-vl-vit'), settings, {
      height: 224,
      width: 448,
    });
    const linear = (network: typeof square) => sumGraph(network.graph, 0).macsByOperator['MatMul'];
    expect(linear(square)).toBe(2 * (linear(small) as number));
  });
});

describe('connectors', () => {
  it.each([
    ['llava-1.5-7b', 20_979_712],
    ['mobilevlm-1.7b', 18_936_832],
    ['mobilevlm-3b', 28_913_920],
    ['yi-vl-6b', 22_044_672],
    ['gemma-3-4b', 2_950_272],
  ])('of %s', (id, parameters) => {
    const eyes = buildVisionEncoder(encoder(visionLanguage(id).encoder), settings);
    expect(tower(id).parameters - eyes.parameters).toBe(parameters);
  });

  it.each([
    ['llava-1.5-7b', 7_063_427_072],
    ['qwen2-vl-2b', 2_208_985_600],
    ['gemma-3-4b', 4_299_915_632],
    ['phi-3.5-vision', 4_146_621_440],
  ])('complete %s to its published count', (id, parameters) => {
    const model = visionLanguage(id);
    const language = languageModelOf(model, llm(model.llm));
    expect(tower(id).parameters + llmParameters(language)).toBe(parameters);
  });

  it('of Qwen-VL completes 9.6 billion', () => {
    const total = tower('qwen-vl-7b').parameters + llmParameters(llm('qwen-7b'));
    expect(Math.abs(total / 9.6e9 - 1)).toBeLessThan(0.01);
  });

  it('leave the layers out that a model does not run', () => {
    const layer = 12 * 1024 ** 2 + 13 * 1024;
    const finalNorm = 2 * 1024;
    expect(tower('llava-1.5-7b').parameters - tower('llava-1.5-7b', 23).parameters).toBe(
      layer + finalNorm,
    );
  });
});

const LLAVA = {
  version: '1',
  family: 'vision-language',
  summary: 'a test',
  model: 'llava-1.5-7b',
  weightFormat: 'int4-g128-fp16scale',
  promptTokens: '64',
  generatedTokens: '128',
};

function parse(changes: Record<string, string>) {
  const text = Object.entries({ ...LLAVA, ...changes })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  return parseWorkload(parseSpecFile(text, 'mine.yaml'), tables);
}

describe('a vision-language request', () => {
  it('puts the image tokens into the prompt', () => {
    const plan = buildWorkload(parse({ images: '2' }), tables, 'mine');
    const [eyes, prefill, decode] = plan.phases as [Phase, Phase, Phase];
    expect(eyes).toMatchObject({ name: 'vision-encoder', steps: 2, outputsPerStep: 0 });
    expect(prefill).toMatchObject({ name: 'prefill', contextStart: 64 + 2 * 576 });
    expect(decode.contextStart).toBe(64 + 2 * 576 + 1);
    expect(plan.promptTokens).toBe(64 + 2 * 576);
  });

  it('counts tokens by size where the size is free', () => {
    const plan = buildWorkload(
      parse({ model: 'qwen2-vl-2b', height: '252', width: '448' }),
      tables,
      'mine',
    );
    // 28 × 28 pixels per token: 9 × 16.
    expect(plan.promptTokens).toBe(64 + 144);
  });

  it.each([
    [{ model: 'lava-1.5-7b' }, /unknown vision-language model.*did you mean "llava-1.5-7b"/],
    [{ images: '7' }, /promptTokens: prompt and answer exceed the context of llama-2-7b.*got 4224/],
    [{ height: '300' }, /height: clip-vit-l-14-336 cannot take this size.*336 pixels, got 300/],
    [{ encoderFormat: 'int9' }, /encoderFormat: unknown weight format/],
    [{ images: '0' }, /images/],
  ])('refuses %j', (changes, message) => {
    expect(() => parse(changes as Record<string, string>)).toThrow(message);
  });
});

describe('the tables of vision models', () => {
  it('refuse bad cells with their lines', () => {
    const encoders = 'id,layers,hidden,heads,ffn,patch,image\nmine,x,8,1,8,0,224\n';
    expect(() => parseVisionEncoders(encoders, 'v.csv')).toThrow(/v\.csv:2: layers/);
    expect(() => parseVisionEncoders(encoders, 'v.csv')).toThrow(/v\.csv:2: patch/);
    const models = 'id,encoder,connector,llm,merge\nmine,e,mpl,l,1\n';
    expect(() => parseVisionLanguageModels(models, 'm.csv')).toThrow(
      /m\.csv:2: connector: not one of.*did you mean "mlp"/,
    );
  });
});
