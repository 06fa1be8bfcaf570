import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { modelEntries } from '../../../src/cli/model-catalogue.ts';
import { buildWorkload, parseWorkload } from '../../../src/workload/workload-spec.ts';
import { sources } from '../../support/sources.ts';

const entries = await modelEntries();
const named = (pattern: RegExp) => entries.filter(({ name }) => pattern.test(name));

describe('the list of models', () => {
  it.each([
    'gemini-nano-1 gemini-nano-2 llama-7b llama-2-7b llama-2-13b llama-3-8b',
    'qwen-7b qwen-72b qwen2.5-0.5b qwen-vl qwen-audio baichuan-7b baichuan2-13b yi-6b yi-34b yi-vl',
    'hunyuan bluelm-1b bluelm-7b bluelm-13b andesgpt-7b milm-6b samsung-gauss honor-magic',
    'gemma-2b phi-2 smollm minicpm mixtral-8x7b deepseek-v2-lite olmoe-1b-7b',
    'sd15-unet sdxl pixart sd3-medium wan whisper clip-vit llava-1.5-7b qwen2-vl',
  ])('has the families of the white paper: %s', (names) => {
    const lost = names
      .split(' ')
      .filter((name) => !entries.some((entry) => entry.name.startsWith(name)));
    expect(lost).toEqual([]);
  });

  it('says of a stand-in what it is', () => {
    for (const { summary } of named(/^(andesgpt|samsung-gauss|gemini-nano|honor)/))
      expect(summary).toMatch(/stand-in with the shape of \S+/);
  });

  it('names nothing twice', () => {
    expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  });

  it('holds language models that all become requests', () => {
    const { tables } = sources;
    for (const { name } of entries.filter(({ facts }) => facts['family'] === 'llm')) {
      const text = `version: 1
family: llm
summary: test
model: ${name}
weightFormat: int4-g128-fp16scale
promptTokens: 32
generatedTokens: 4
`;
      const spec = parseWorkload(parseSpecFile(text, 'test.yaml'), tables);
      const plan = buildWorkload(spec, tables, name);
      expect(plan.memory.weights, name).toBeGreaterThan(1e7);
    }
  });
});
