import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumRequest, totalsText } from '../../../src/cli/graph-totals.ts';
import { predictOnSoc } from '../../../src/cli/predict-on-soc.ts';
import { fileSources } from '../../../src/load.ts';
import { type Phase, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { productWork, softmaxWork } from '../../../src/workload/operator-cost.ts';
import { buildWorkload, parseWorkload } from '../../../src/workload/workload-spec.ts';

function phasesOf(name: string): readonly Phase[] {
  const sources = fileSources();
  const spec = parseWorkload(sources.workload(name), sources.tables);
  return buildWorkload(spec, sources.tables, name).phases;
}

describe('totals of a request', () => {
  it('sum every step of a phase at its own context', () => {
    const phases = phasesOf('llama-3.2-1b-chat');
    const { phases: found, request } = sumRequest(phases, undefined);
    const expected = { macs: 0, bytes: 0, operators: 0, weightBytes: 0 };
    for (const { graph, steps, contextStart, contextStride } of phases)
      for (let i = 0; i < steps; i++) {
        const step = sumGraph(graph, contextStart + i * contextStride);
        expected.macs += step.macs;
        expected.bytes += step.bytes;
        expected.operators += step.operators;
        expected.weightBytes += step.weightBytes;
      }
    for (const [key, value] of Object.entries(expected))
      expect(request[key as keyof typeof expected] / value).toBeCloseTo(1, 9);
    expect(found.map(({ phase }) => phase)).toEqual(['prefill', 'decode']);
  });

  it('come near what is known of decoding: every step reads the weights once', () => {
    const decode = sumRequest(phasesOf('llama-2-7b-chat'), undefined).phases.at(-1);
    // 6.74 G parameters (Llama 2 paper), less the embedding of 32,000 x 4,096, each one multiply-accumulate per token.
    const perToken = 6.738e9 - 32_000 * 4096;
    const products = (decode?.macs ?? 0) / (decode?.steps ?? 1);
    expect(products / perToken).toBeGreaterThan(1);
    expect(products / perToken).toBeLessThan(1.1);
  });

  it('split time by unit and by bound without loss, and never exceed the sum of one unit', () => {
    const phases = phasesOf('llama-3.2-1b-chat');
    const { request } = sumRequest(phases, predictOnSoc({ soc: 'dimensity-9300' }));
    const sum = (parts: Readonly<Record<string, number>>) =>
      Object.values(parts).reduce((a, b) => a + b, 0);
    expect(sum(request.secondsByUnit) / request.seconds).toBeCloseTo(1, 9);
    expect(sum(request.secondsByBound) / request.seconds).toBeCloseTo(1, 9);
    for (const unit of ['npu', 'cpu', 'gpu']) {
      const alone = sumRequest(phases, predictOnSoc({ soc: 'dimensity-9300', unit })).request;
      if (alone.unpredicted === 0) expect(alone.seconds).toBeGreaterThanOrEqual(request.seconds);
    }
  });

  it('say how many operators no unit can run', () => {
    const works = [productWork({ batch: 1, m: 4, n: 4, k: 4 }, 'fp16'), softmaxWork(16, 'fp16')];
    const operators = [0, 1, 0].map((work, i) => ({ name: `n${i}`, work, inputs: [] }));
    const phase: Phase = {
      name: 'net',
      graph: { name: 'net', operators, works },
      steps: 5,
      contextStart: 1,
      contextStride: 0,
      outputsPerStep: 1,
    };
    const totals = sumRequest([phase], ({ operator }) =>
      operator === 'MatMul'
        ? { unit: 'npu', seconds: 1e-3, dramBytes: 96, bound: 'compute' }
        : undefined,
    );
    expect(totals.request).toMatchObject({ operators: 15, unpredicted: 5, macs: 5 * 2 * 64 });
    expect(totals.request.seconds).toBeCloseTo(10e-3, 12);
    expect(totals.request.dramBytes).toBe(10 * 96);
    expect(totalsText(totals)).toContain('5 operators have no unit that can run them');
  });

  it('say why: compressed weights where nothing unpacks them', () => {
    const plain = productWork({ batch: 1, m: 4, n: 4, k: 4 }, 'fp16');
    const graph = {
      name: 'net',
      operators: [0, 1].map((work) => ({ name: `n${work}`, work, inputs: [] })),
      works: [{ ...plain, compression: 2 }, plain],
    };
    const steps = { steps: 3, contextStart: 1, contextStride: 0, outputsPerStep: 1 };
    const predict = predictOnSoc({ soc: 'snapdragon-8-gen-3' });
    const totals = sumRequest(
      ['first', 'second'].map((name) => ({ name, graph, ...steps })),
      predict,
    );
    const why = 'MatMul (npu, gpu, cpu: no decompressor for compressed weights)';
    expect(totals.request.refusals).toEqual({ [why]: 6 });
    expect(totals.phases[0]?.refusals).toEqual({ [why]: 3 });
    expect(totalsText(totals)).toContain(`6 × ${why}`);
  });

  // Four channels of 16 bits at 9.6 Gb/s, which the units' ports are as wide as, or wider.
  const BUS = (4 * 16 * 9.6e9) / 8;

  it.each(['npu', 'gpu', 'cpu', undefined])(
    'move no more over the bus than it carries: %s',
    (unit) => {
      const predict = predictOnSoc({ soc: 'dimensity-9300', unit });
      for (const name of ['llama-2-7b-chat', 'sdxl-1024', 'whisper-small-dictation']) {
        for (const { graph, contextStart } of phasesOf(name)) {
          for (const index of graph.works.keys()) {
            const found = predict(workAt(graph, index, contextStart));
            if (found) expect(found.dramBytes / found.seconds).toBeLessThanOrEqual(BUS);
          }
        }
      }
    },
  );

  it('read every weight of a product from DRAM, and run it no faster than the bus', () => {
    const units = ['npu', 'gpu', 'cpu'].map((unit) =>
      predictOnSoc({ soc: 'dimensity-9300', unit }),
    );
    const size = fc.integer({ min: 1, max: 8192 });
    fc.assert(
      fc.property(
        fc.constantFrom(...units),
        fc.integer({ min: 1, max: 600 }),
        size,
        size,
        (predict, m, n, k) => {
          const work = productWork({ batch: 1, m, n, k }, 'int8');
          const found = predict(work);
          if (!found) return;
          expect(found.dramBytes).toBeGreaterThanOrEqual(work.weightBytes);
          expect(found.dramBytes / found.seconds).toBeLessThanOrEqual(BUS);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('leave to DRAM what local memory does not hold: nothing of small results', () => {
    const predict = predictOnSoc({ soc: 'dimensity-9300', unit: 'npu' });
    // 4 kB and 400 MB of 16-bit values, around local memory of a few MB.
    expect(predict(softmaxWork(2048, 'fp16'))?.dramBytes).toBe(0);
    const large = softmaxWork(2e8, 'fp16');
    const { dramBytes = 0 } = predict(large) ?? {};
    expect(dramBytes / (large.inputBytes + large.outputBytes)).toBeGreaterThan(0.9);
  });

  it('name a unit that is none', () => {
    expect(() => predictOnSoc({ soc: 'dimensity-9300', unit: 'npuu' })).toThrow('npu');
    expect(() => predictOnSoc({ soc: 'dimensity-9300', runtime: 'qnnn' })).toThrow('qnn');
  });
});
