import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/api.ts';
import { randomStream } from '../../src/base/random.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import type { Work } from '../../src/base/work.ts';
import { fileSources } from '../../src/load.ts';
import { expertBytes } from '../../src/workload/llm/techniques/apply.ts';
import { missesPerStep } from '../../src/workload/llm/techniques/expert-paging.ts';
import { compressWork } from '../../src/workload/llm/techniques/weights.ts';
import { findLlm } from '../../src/workload/models/llm-model.ts';
import { buildWorkload, parseWorkload } from '../../src/workload/workload-spec.ts';
import { chain, runToy, toyPhase, toyPlan, toyWork } from '../support/toy-machine.ts';

const scenario = { soc: 'snapdragon-8-gen-3', workload: 'llama-3-8b-chat' };
const short = ['workload.promptTokens=64', 'workload.generatedTokens=17'];
const rate = (...set: string[]) =>
  simulate(scenario, [...short, ...set]).metrics['decode_tokens_per_second']!;

const looked = (accepted: number) =>
  Object.entries({ method: 'lookup', length: 7, accepted }).map(
    ([key, value]) => `workload.techniques.speculation.${key}=${value}`,
  );

describe('speculation', () => {
  it('speeds decode up in proportion to accepted tokens per step', () => {
    const at = (accepted: number) => rate(...looked(accepted));
    // 16 tokens in 16, 8 and 4 steps of equal cost.
    expect(at(2) / at(1)).toBeCloseTo(2, 1);
    expect(at(4) / at(1)).toBeCloseTo(4, 1);
    // Where memory binds, checking eight tokens takes little more than decoding one.
    expect(at(1) / rate()).toBeGreaterThan(0.85);
    expect(at(1) / rate()).toBeLessThanOrEqual(1);
  });
});

describe('compression', () => {
  it('speeds a product up by its ratio until compute or the decompressor binds', () => {
    const seconds = (ratio: number, throughput?: number) => {
      // 1 GB of weights at 1 GB/s; 0.4 s of compute at 1 GHz.
      const work = compressWork(toyWork(0.4e9, 1e9), { ratio, throughput });
      return runToy([toyPlan([toyPhase('decode', chain([work]))])]).metrics['run_seconds']!;
    };
    fc.assert(
      fc.property(fc.double({ min: 1, max: 8, noNaN: true }), (ratio) => {
        expect(seconds(ratio)).toBeCloseTo(Math.max(1 / ratio, 0.4), 6);
        expect(seconds(ratio, 2e9)).toBeCloseTo(Math.max(1 / ratio, 0.5), 6);
      }),
      { numRuns: 30 },
    );
  });
});

describe('experts in memory', () => {
  const shape = { count: 16, topK: 2, ffn: 1, sharedFfn: 0, sharedGate: false, denseFirst: 0 };

  it('miss less the more of them there are, never more than are asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 15 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (resident, reuse) => {
          const paging = { memory: 0, reuse, seed: 3 };
          const misses = missesPerStep(shape, resident, paging);
          expect(misses).toBeLessThanOrEqual(shape.topK);
          expect(missesPerStep(shape, resident + 1, paging)).toBeLessThanOrEqual(misses);
          expect(missesPerStep(shape, resident, paging)).toBe(misses);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('miss more for a draft than for one token, less than for its tokens one by one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 15 }),
        fc.integer({ min: 2, max: 8 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (resident, tokens, reuse) => {
          const paging = { memory: 0, reuse, seed: 3 };
          const one = missesPerStep(shape, resident, paging);
          const step = missesPerStep(shape, resident, paging, tokens);
          expect(step).toBeGreaterThanOrEqual(one * 0.97);
          expect(step).toBeLessThanOrEqual(one * tokens * 1.03 + 0.01);
          expect(step).toBeLessThanOrEqual(shape.count - resident + 1e-9);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are asked for from storage as often as a Monte Carlo of its own says', () => {
    // Even draws and a cache of half of the experts: each asked one is away with probability a half.
    const paging = { memory: 0, reuse: 0, seed: 3 };
    expect(missesPerStep(shape, 8, paging)).toBeCloseTo(2 * 0.5, 1);
    const distinct = 16 * (1 - (1 - 2 / 16) ** 4);
    expect(missesPerStep(shape, 8, paging, 4)).toBeCloseTo(distinct * 0.5, 0);
  });
});

describe('a mixture of experts', () => {
  const { tables } = fileSources();
  const { model } = findLlm(tables.llm, 'olmoe-1b-7b');
  const format = tables.formats['int4-g128-fp16scale']!;
  const shape = model.experts!;
  const plan = (technique = '') => {
    const text = `version: 1
family: llm
summary: test
model: olmoe-1b-7b
weightFormat: int4-g128-fp16scale
promptTokens: 64
generatedTokens: 33
${technique}`;
    return buildWorkload(parseWorkload(parseSpecFile(text, 'test.yaml'), tables), tables, 'test');
  };
  /** Bytes of experts that one decode step moves. */
  const moved = (technique = '') => {
    const { graph } = plan(technique).phases.at(-1)!;
    return graph.operators
      .filter(({ name }) => name.includes('.experts.'))
      .reduce((sum, { work }) => sum + (graph.works[work] as Work).weightBytes, 0);
  };
  const expert = expertBytes(model, format);

  it('moves the experts that its router chose, no more and no less', () => {
    expect(moved() / (model.layers * shape.topK * expert)).toBeCloseTo(1, 6);
  });

  it('moves the distinct experts of all tokens that a step checks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), (candidates) => {
        const bytes = moved(
          `techniques: { speculation: { method: lookup, length: 15, candidates: ${candidates}, accepted: 1.5 } }`,
        );
        // Union of so many even draws of topK among count, counted by drawing.
        const draw = randomStream(candidates, 'union');
        let union = 0;
        for (let trial = 0; trial < 400; trial++) {
          const seen = new Set<number>();
          for (let token = 0; token < candidates; token++) {
            const own = new Set<number>();
            while (own.size < shape.topK) own.add(Math.floor(draw() * shape.count));
            for (const index of own) seen.add(index);
          }
          union += seen.size / 400;
        }
        expect(bytes / (model.layers * expert * union)).toBeGreaterThan(0.97);
        expect(bytes / (model.layers * expert * union)).toBeLessThan(1.03);
      }),
      { numRuns: 8 },
    );
  });

  it('reads more from storage when a draft is checked, and less per token only where all is kept', () => {
    const paging = 'expertPaging: { memory: 1 GB, reuse: 0.3 }';
    const stored = (technique: string) => {
      const phase = plan(technique).phases.at(-1)!;
      const { operators, works } = phase.graph;
      const step = operators.reduce(
        (sum, { work }) => sum + ((works[work] as Work).storageBytes ?? 0),
        0,
      );
      return { step, token: (step * phase.steps) / 32 };
    };
    const plain = stored(`techniques: { ${paging} }`);
    const draft = stored(
      `techniques: { ${paging}, speculation: { method: lookup, length: 4, accepted: 5 } }`,
    );
    expect(draft.step).toBeGreaterThan(1.5 * plain.step);
    expect(draft.step).toBeLessThan(5 * plain.step);
    expect(draft.token).toBeLessThan(plain.token);
  });
});
