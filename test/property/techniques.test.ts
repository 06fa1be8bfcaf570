import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/api.ts';
import { missesPerToken } from '../../src/workload/llm/techniques/expert-paging.ts';
import { compressWork } from '../../src/workload/llm/techniques/weights.ts';
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
          const misses = missesPerToken(shape, resident, paging);
          expect(misses).toBeLessThanOrEqual(shape.topK);
          expect(missesPerToken(shape, resident + 1, paging)).toBeLessThanOrEqual(misses);
          expect(missesPerToken(shape, resident, paging)).toBe(misses);
        },
      ),
      { numRuns: 20 },
    );
  });
});
