import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/api.ts';
import { InfeasibleError } from '../../src/base/errors.ts';
import { randomStream } from '../../src/base/random.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import type { Work } from '../../src/base/work.ts';
import { buildUnit } from '../../src/hardware/units/index.ts';
import { buildNpu } from '../../src/hardware/units/npu.ts';
import { expertBytes } from '../../src/workload/llm/techniques/apply.ts';
import { missesPerStep } from '../../src/workload/llm/techniques/expert-paging.ts';
import { findLlm } from '../../src/workload/models/llm-model.ts';
import { packWork } from '../../src/workload/packing.ts';
import { buildWorkload, parseWorkload } from '../../src/workload/workload-spec.ts';
import { adreno, common, hexagon, kryo, matmul } from '../support/phone-units.ts';
import { sources } from '../support/sources.ts';

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

/** The sample NPU with other hardware for weights; `undefined` takes it away. */
function npuWith(gain: number | undefined, unpackPerClock: number | undefined) {
  const { sparsity: _, ...matrix } = hexagon.matrix;
  const { decompressor: __, ...rest } = hexagon;
  const given = (is: number) => ({ is, from: 'test', trust: 'estimated' as const });
  return buildNpu(
    {
      ...rest,
      matrix: { ...matrix, ...(gain !== undefined && { sparsity: given(gain) }) },
      ...(unpackPerClock !== undefined && {
        decompressor: { bytesPerClock: given(unpackPerClock) },
      }),
    },
    common('npu', 'npu'),
  );
}

const products = fc
  .record({
    m: fc.integer({ min: 1, max: 512 }),
    n: fc.integer({ min: 1, max: 2048 }),
    k: fc.integer({ min: 1, max: 2048 }),
  })
  .map(({ m, n, k }) => matmul(m, n, k, { weight: 'int8', activation: 'int8' }));
const ratios = fc.double({ min: 1.01, max: 8, noNaN: true });

describe('compression', () => {
  it('moves a ratio less, feeds local memory as much, takes no longer than array or decompressor', () => {
    fc.assert(
      fc.property(products, ratios, fc.integer({ min: 1, max: 512 }), (work, ratio, perClock) => {
        const unit = npuWith(undefined, perClock);
        const plain = unit.estimate(work);
        const packed = unit.estimate(packWork(work, { compression: { ratio } }));
        // Inputs are not compressed, however often tiles read weights.
        const saved = (plain.readBytes - packed.readBytes) / (1 - 1 / ratio);
        expect(saved / work.weightBytes).toBeGreaterThan(1 - 1e-9);
        expect(saved).toBeLessThanOrEqual(plain.readBytes * (1 + 1e-9));
        expect(packed.sramBytes / plain.sramBytes).toBeCloseTo(1, 9);
        expect(packed.matrixCycles).toBe(plain.matrixCycles);
        expect(packed.cycles / Math.max(plain.cycles, saved / perClock)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('never moves more or takes longer where it is further, or where more is unpacked per clock', () => {
    fc.assert(
      fc.property(products, ratios, fc.integer({ min: 1, max: 512 }), (work, ratio, perClock) => {
        const cost = (times: number, width: number) =>
          npuWith(undefined, width).estimate(packWork(work, { compression: { ratio: times } }));
        const base = cost(ratio, perClock);
        expect(cost(2 * ratio, perClock).readBytes).toBeLessThan(base.readBytes);
        expect(cost(2 * ratio, perClock).cycles).toBeCloseTo(base.cycles, 6);
        expect(cost(ratio, 2 * perClock).cycles).toBeLessThanOrEqual(base.cycles);
      }),
    );
  });

  it('is nothing that a unit without a decompressor could read', () => {
    const work = packWork(matmul(64, 64, 64), { compression: { ratio: 1.5 } });
    const others = [
      npuWith(2, undefined),
      buildUnit(adreno, common('gpu', 'gpu')),
      buildUnit(kryo, common('cpu', 'cpu')),
    ];
    for (const unit of others) {
      expect(unit.supports(work)).toMatchObject({ ok: false, reason: /no decompressor/ });
      expect(unit.supports(matmul(64, 64, 64)).ok).toBe(true);
    }
    expect(npuWith(undefined, 8).supports(work).ok).toBe(true);
  });

  it('speeds decode up by what it saves, on SoCs that can unpack, and cannot run on others', () => {
    const apu = (...set: string[]) =>
      simulate({ soc: 'dimensity-9300', workload: 'llama-3-8b-chat' }, [...short, ...set]).metrics[
        'decode_tokens_per_second'
      ]!;
    const half = 'workload.techniques.compression.ratio=2';
    expect(apu(half) / apu()).toBeGreaterThan(1.7);
    expect(apu(half) / apu()).toBeLessThanOrEqual(2);
    // Four plain bytes a clock are slower than memory.
    expect(apu(half, 'npu.decompressor.bytesPerClock=4')).toBeLessThan(apu());
    expect(() => rate(half)).toThrow(InfeasibleError);
    expect(rate(half, 'npu.decompressor.bytesPerClock=64') / rate()).toBeGreaterThan(1.7);
  });
});

describe('pruning', () => {
  const pruning = { pattern: '2:4', sparsity: 0.5 } as const;

  it('moves the same bytes with a path for zeros and without, and halves streaming only with it', () => {
    fc.assert(
      fc.property(products, fc.double({ min: 1, max: 2, noNaN: true }), (work, gain) => {
        const pruned = packWork(work, { pruning });
        const without = npuWith(undefined, undefined);
        const withPath = npuWith(gain, undefined);
        const [dense, sparse] = [without.estimate(pruned), withPath.estimate(pruned)];
        expect(sparse.readBytes).toBe(dense.readBytes);
        expect(dense.cycles).toBe(without.estimate(work).cycles);
        expect(sparse.cycles).toBeLessThanOrEqual(dense.cycles * (1 + 1e-12));
        expect(sparse.cycles).toBeGreaterThanOrEqual(work.macs / (4 * 64 * 64 * gain));
        expect(withPath.estimate(work)).toEqual(without.estimate(work));
      }),
    );
  });

  it('shortens prefill by its gain where the engine has the path, and says so where it has none', () => {
    const run = (...set: string[]) =>
      simulate(scenario, ['workload.promptTokens=1024', 'workload.generatedTokens=2', ...set]);
    const pattern = 'workload.techniques.pruning.pattern="2:4"';
    const seconds = ({ metrics }: ReturnType<typeof run>) =>
      metrics['time_to_first_token_seconds']!;
    const [plain, stored, skipped] = [run(), run(pattern), run(pattern, 'npu.matrix.sparsity=2')];
    expect(seconds(plain) / seconds(stored)).toBeLessThan(1.1);
    expect(seconds(stored) / seconds(skipped)).toBeGreaterThan(1.5);
    expect(seconds(stored) / seconds(skipped)).toBeLessThan(2);
    expect(stored.notes.join('\n')).toMatch(/npu does not skip zeros/);
    expect(skipped.notes.join('\n')).not.toMatch(/zeros|without effect/);
    const idle = run('npu.matrix.sparsity=2', 'npu.decompressor.bytesPerClock=8');
    expect(seconds(idle)).toBe(seconds(plain));
    expect(idle.notes.join('\n')).toMatch(/npu\.matrix\.sparsity was changed without effect/);
    expect(idle.notes.join('\n')).toMatch(/npu\.decompressor was changed without effect/);
  });

  it('says so where the unit that skips zeros computes with none of the weights', () => {
    const set = ['workload.generatedTokens=2', 'workload.techniques.pruning.pattern="2:4"'];
    const on = (...more: string[]) => simulate({ ...scenario, unit: 'gpu' }, [...set, ...more]);
    const [dense, idle] = [on(), on('npu.matrix.sparsity=2')];
    expect(idle.metrics).toEqual(dense.metrics);
    const notes = idle.notes.join('\n');
    expect(notes).toMatch(/gpu does not skip zeros/);
    expect(notes).toMatch(
      /npu\.matrix\.sparsity was changed without effect: npu computes with none/,
    );
    expect(dense.notes.join('\n')).not.toMatch(/without effect/);
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
      { numRuns: 12 },
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
      { numRuns: 18 },
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
  const { tables } = sources;
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
