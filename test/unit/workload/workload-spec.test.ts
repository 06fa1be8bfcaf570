/** Workload files: what is refused, where, and with which advice. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildWorkload, parseWorkload } from '../../../src/workload/workload-spec.ts';
import { tables } from '../../support/workload-tables.ts';

const GOOD = [
  'version: 1',
  'family: llm',
  'summary: a test',
  'model: llama-2-7b',
  'weightFormat: int4-g128-fp16scale',
  'promptTokens: 512',
  'generatedTokens: 256',
];

/** The good file with lines replaced or added, by key. */
function text(changes: Record<string, unknown> = {}): string {
  const lines = GOOD.map((line) => {
    const key = line.split(':')[0] as string;
    return key in changes ? `${key}: ${changes[key]}` : line;
  });
  const known = GOOD.map((line) => line.split(':')[0]);
  const added = Object.entries(changes).filter(([key]) => !known.includes(key));
  return [...lines, ...added.map(([key, value]) => `${key}: ${value}`), ''].join('\n');
}

function parse(changes?: Record<string, unknown>) {
  return parseWorkload(parseSpecFile(text(changes), 'mine.yaml'), tables);
}

describe('a workload file', () => {
  it('fills in the defaults', () => {
    expect(parse()).toMatchObject({ activations: 'fp16', cachedTokens: 0, fusion: {} });
    // What is the engine's to say stays open.
    expect(parse()).not.toHaveProperty('logits');
  });

  it('becomes a request under the name it is given', () => {
    const plan = buildWorkload(parse(), tables, 'mine');
    expect(plan.name).toBe('mine');
    expect(plan.phases.map(({ name }) => name)).toEqual(['prefill', 'decode']);
  });

  it('names the stand-in of an unpublished model', () => {
    const plan = buildWorkload(parse({ model: 'gemini-nano-1' }), tables, 'mine');
    expect(plan.name).toBe('mine (gemini-nano-1, shape of qwen1.5-1.8b)');
  });
});

describe('a bad workload file', () => {
  it.each([
    [{ family: 'llms' }, /mine\.yaml:2:9: family: unknown family "llms"; did you mean "llm"\?/],
    [{ model: 'lama-2-7b' }, /mine\.yaml:4:8: model: unknown language model.*"llama-2-7b"\?/],
    [{ weightFormat: 'int4-g128-fp16' }, /:5:15: weightFormat: unknown weight format.*int4-g128-/],
    [{ kvCache: 'fp17' }, /kvCache: unknown tensor format "fp17"; did you mean "fp16"\?/],
    [{ kvCache: 'q4_k_m-file' }, /kvCache: unknown tensor format/],
    [{ activations: 'bool' }, /activations: not one of the allowed values/],
    [{ promptTokens: 5000 }, /promptTokens: prompt and answer exceed.*at most 4096.*got 5256/],
    [{ promptTokens: 0 }, /mine\.yaml:6:15: promptTokens/],
    [{ generatedTokens: -4 }, /generatedTokens/],
    [{ promptTokens: 12.5 }, /promptTokens/],
    [{ cachedTokens: 512 }, /cachedTokens: no prompt token is left.*less than the 512/],
    [{ activations: 'fp18' }, /activations: not one of the allowed values.*"fp16"/],
    [{ prefilChunk: 128 }, /unknown key "prefilChunk"; did you mean "prefillChunk"\?/],
    [{ version: 2 }, /version/],
  ])('%j is refused', (changes, message) => {
    expect(() => parse(changes)).toThrow(message);
  });

  it('hears all its faults at once', () => {
    const bad = { model: 'nothing', weightFormat: 'nothing', promptTokens: -1, extra: 1 };
    try {
      parse(bad);
      expect.unreachable();
    } catch (error) {
      expect((error as { faults: unknown[] }).faults.length).toBeGreaterThanOrEqual(4);
    }
  });

  it('without a family is told which there are', () => {
    const file = parseSpecFile('version: 1\n', 'mine.yaml');
    expect(() => parseWorkload(file, tables)).toThrow(/family: missing \(expected llm/);
  });
});
