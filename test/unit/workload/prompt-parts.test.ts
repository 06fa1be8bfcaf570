/** Calls that a prompt is cut into; examples are those that LiteRT-LM's own source gives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptParts, runsOf } from '../../../src/workload/llm/prompt-parts.ts';

describe('parts of a prompt', () => {
  it.each([
    [1300, [512], false, [512, 512, 276]],
    [1300, [512], true, [512, 512, 512]],
    [512, [512], true, [512]],
    [5, [512], false, [5]],
  ])('%i tokens in calls of %j, filled up: %j', (tokens, lengths, pads, parts) => {
    expect(promptParts(tokens, lengths, { pads })).toEqual(parts);
  });

  it.each([
    // As documented in GetOptimizedPrefillWorkGroups; padded to what the graph computes.
    [640, [512, 128, 32], [512, 128]],
    [768, [512, 128, 32], [512, 512]],
    [592, [512, 128, 32], [512, 128]],
    [130, [512, 128], [128, 128]],
    [599, [600, 500], [600]],
    // Lengths of Gemma 4: half of the long graph, and one less.
    [512, [1024, 128], [1024]],
    [511, [1024, 128], [128, 128, 128, 128]],
    [1300, [128, 1024], [1024, 128, 128, 128]],
    // Lengths that are close leave the rest to the shorter one.
    [380, [256, 128], [256, 128]],
  ])('%i tokens by graphs of %j', (tokens, lengths, parts) => {
    expect(promptParts(tokens, lengths, { pads: true })).toEqual(parts);
  });

  it.each([
    // CpuGreedyChunking and CpuGreedyCascadesRemainder of LiteRT-LM's own tests.
    [512, [1024, 128], [128, 128, 128, 128]],
    [768, [512, 128, 32], [512, 128, 128]],
    // What is left of the shortest alone is filled up.
    [599, [600, 500], [500, 500]],
    [1300, [128, 512, 1024], [1024, 128, 128, 128]],
    [1023, [1024, 128], Array(8).fill(128)],
    [20, [1024, 128], [128]],
  ])('%i tokens by graphs of %j on a CPU, where they cascade', (tokens, lengths, parts) => {
    expect(promptParts(tokens, lengths, { pads: true, cascades: true })).toEqual(parts);
  });

  it.each([
    // As files of Gemma 4 were timed: 250 tokens take what 500 and 1000 do, 100 tokens take half.
    [250, [1024, 128], [1024]],
    [1000, [1024, 128], [1024]],
    [100, [1024, 128], [128]],
    [1300, [128, 1024, 512], [1024, 512]],
    [2048, [1024, 128], [1024, 1024]],
  ])('%i tokens by graphs of %j where one call covers what is left', (tokens, lengths, parts) => {
    expect(promptParts(tokens, lengths, { pads: true, covers: true })).toEqual(parts);
    expect(promptParts(tokens, lengths, { pads: true, covers: true, cascades: true })).toEqual(
      parts,
    );
  });

  it('hold the prompt, and fill up no more than one of the lengths', () => {
    const lengths = fc.uniqueArray(fc.integer({ min: 1, max: 600 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), lengths, (tokens, given) => {
        const total = (parts: readonly number[]) => parts.reduce((sum, part) => sum + part, 0);
        const padded = promptParts(tokens, given, { pads: true });
        expect(total(promptParts(tokens, given))).toBe(tokens);
        expect(total(padded)).toBeGreaterThanOrEqual(tokens);
        expect(total(padded) - tokens).toBeLessThan(Math.max(...given));
        for (const part of padded) expect(given).toContain(part);
        // Never more than the shortest where they cascade, and no step where one token fills half of a longer.
        const cascaded = promptParts(tokens, given, { pads: true, cascades: true });
        expect(total(cascaded)).toBeGreaterThanOrEqual(tokens);
        expect(total(cascaded) - tokens).toBeLessThan(Math.min(...given));
        expect(cascaded).toEqual([...cascaded].sort((a, b) => b - a));
        expect(total(promptParts(tokens, given, { cascades: true }))).toBe(tokens);
        // One call for what is left: none fewer.
        const covered = promptParts(tokens, given, { pads: true, covers: true });
        expect(covered.length).toBe(Math.ceil(tokens / Math.max(...given)));
        expect(total(covered)).toBeGreaterThanOrEqual(tokens);
        expect(total(promptParts(tokens, given, { covers: true }))).toBe(tokens);
      }),
    );
  });

  it('are counted in runs with what comes before', () => {
    expect(runsOf([1024, 1024, 128, 128, 20])).toEqual([
      { tokens: 1024, count: 2, before: 0 },
      { tokens: 128, count: 2, before: 2048 },
      { tokens: 20, count: 1, before: 2304 },
    ]);
    expect(runsOf([])).toEqual([]);
  });
});
