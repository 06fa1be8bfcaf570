/** What engines make of a request, from their descriptions to the phases of a plan. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { runInClosedForm } from '../../../src/engine/analytic.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { fileSources, readBundled, SCENARIOS } from '../../../src/load.ts';
import { requestShape } from '../../../src/runtime/request-shape.ts';
import { parseRuntime } from '../../../src/runtime/runtime-spec.ts';

const sources = fileSources({ calibration: 'none' });
const shapeOf = (runtime: string, kind: string, longest?: number) =>
  requestShape(parseRuntime(sources.runtime(runtime)), kind, longest);

describe('the shape that an engine gives to requests', () => {
  it('is that of its compiled graphs on the NPU, and none elsewhere', () => {
    expect(shapeOf('vendor', 'npu')).toEqual({
      prefillChunk: 128,
      padPrefill: true,
      logits: 'all',
      scores: 'full',
      contextBucket: 1024,
      kvCache: 'int8',
    });
    expect(shapeOf('vendor', 'cpu')).toEqual({});
  });

  it('never holds more than the model can', () => {
    expect(shapeOf('litert-lm', 'gpu').contextBucket).toBe(1280);
    expect(shapeOf('litert-lm', 'gpu', 512).contextBucket).toBe(512);
  });

  it('is that of the graphs for its kind of unit where these differ', () => {
    const common = {
      padPrefill: true,
      firstTokenDecodes: true,
      prunePrefill: true,
      maskWindows: true,
      scores: 'full',
      contextBucket: 1280,
    };
    expect(shapeOf('litert-lm', 'gpu')).toEqual({ ...common, prefillChunk: [1024, 128] });
    expect(shapeOf('litert-lm', 'cpu')).toEqual({
      ...common,
      prefillChunk: [1024, 128],
      cascadePrefill: true,
      kvCache: 'fp32',
    });
    expect(shapeOf('litert-lm', 'npu')).toEqual({ ...common, prefillChunk: 128 });
    // A class that is like it takes its shapes along.
    expect(shapeOf('litert-lm-converted', 'cpu').cascadePrefill).toBe(true);
    expect(shapeOf('litert-lm-2026-05', 'gpu')).toMatchObject({ ...common, coverPrefill: true });
  });

  it('refuses what no graph has, by the kind of unit', () => {
    const file = (text: string) => parseSpecFile(text, 'own.yaml');
    const own = (shape: string) =>
      parseRuntime(
        file(
          `version: 1\nname: own\nsummary: one\nreferences: { a: { title: b } }\nmodels: { request: ${shape} }\nkernels: { cpu: {} }\n`,
        ),
      );
    const is = '{ is: true, from: a, trust: paper }';
    expect(requestShape(own(`{ cpu: { pads: ${is} } }`), 'cpu')).toEqual({ padPrefill: true });
    expect(requestShape(own(`{ cpu: { pads: ${is} } }`), 'gpu')).toEqual({});
    expect(() => own(`{ cpu: { cascade: ${is} } }`)).toThrow(/own\.yaml:5.*cascade.*cascades/s);
    expect(() => own(`{ cpu: { on: [cpu] } }`)).toThrow(/unknown key "on"/);
  });

  it('is nothing where prompts go in as they are', () => {
    expect(shapeOf('mnn', 'cpu')).toEqual({});
    expect(shapeOf('mlx', 'gpu')).toEqual({});
  });
});

/** A run as a user writes it. */
function prepared(text: string, set: readonly string[] = []) {
  const file = parseSpecFile(
    `version: 1\nsoc: snapdragon-8-elite\nworkload: llama-3.2-1b-chat\n${text}\n`,
    's.yaml',
  );
  return prepare(file, set, sources);
}
/** Tokens that prefill computes, by part. */
const partsOf = ({ plan }: ReturnType<typeof prepared>) =>
  plan.phases
    .filter(({ name }) => name === 'prefill')
    .flatMap(({ steps, contextStride, graph }) =>
      Array.from({ length: steps }, () => {
        const form = graph.operators
          .map(({ work }) => (typeof work === 'number' ? graph.works[work] : work))
          .map((work) => (typeof work === 'function' ? work(contextStride) : work))
          .find((work) => work !== undefined && work.form.kind === 'matmul')?.form;
        return form?.kind === 'matmul' ? form.m : Number.NaN;
      }),
    );

describe('a run', () => {
  it.each([
    ['runtime: vendor', 130, [128, 128]],
    ['runtime: llm-npu', 300, [256, 256]],
    ['runtime: litert-lm\nunit: gpu', 20, [128]],
    // Parts are cut before the last token is held back: 129 tokens take two calls.
    ['runtime: litert-lm\nunit: gpu', 128, [128]],
    ['runtime: litert-lm\nunit: gpu', 129, [128, 128]],
    ['runtime: litert-lm\nunit: gpu', 1000, [1024]],
    ['runtime: litert-lm\nunit: gpu', 1100, [1024, 128]],
    // On CPUs what is left goes to the short graph, and NPUs have no other.
    ['runtime: litert-lm\nunit: cpu', 511, [128, 128, 128, 128]],
    ['runtime: litert-lm\nunit: cpu', 512, [128, 128, 128, 128]],
    ['runtime: litert-lm\nunit: cpu', 1100, [1024, 128]],
    ['runtime: litert-lm-2026-05\nunit: cpu', 256, [1024]],
    ['runtime: litert-lm\nunit: npu', 300, [128, 128, 128]],
    ['runtime: litert-lm\nunit: npu', 1024, Array(8).fill(128)],
    ['runtime: llama-cpp\nunit: cpu', 1300, [512, 512, 276]],
    ['runtime: mnn\nunit: cpu', 1300, [1300]],
    ['runtime: vendor\nunit: cpu', 130, [130]],
  ])('cuts and pads prompts as its engine does: %j, %i tokens', (text, tokens, parts) => {
    expect(partsOf(prepared(text, [`workload.promptTokens=${tokens}`]))).toEqual(parts);
  });

  it('does what its description says instead', () => {
    const set = [
      'workload.promptTokens=130',
      'workload.prefillChunk=64',
      'workload.padPrefill=false',
      'workload.contextBucket=1',
      'workload.kvCache=fp16',
    ];
    const run = prepared('runtime: vendor', set);
    expect(partsOf(run)).toEqual([64, 64, 2]);
    expect(run.plan.notes).toBeUndefined();
    // 16 layers of 8 heads of 64, keys and values of two bytes.
    expect(run.plan.memory.kvCache).toBe((130 + 256) * 16 * 8 * 64 * 2 * 2);
  });

  it('names the workload that it speaks of, where there are several', () => {
    const { file, text } = readBundled(`${SCENARIOS}/agent-session.yaml`);
    const { clients } = prepare(parseSpecFile(text, file), [], sources);
    const notes = clients.find(({ name }) => name === 'plan')!.plan.notes ?? [];
    expect(notes.join()).toContain('(plan.padPrefill)');
    expect(notes.join()).not.toContain('(workload.');
  });

  it('holds a cache of whole graphs, and says what it computes beside what was asked', () => {
    const { plan } = prepared('runtime: vendor', ['workload.promptTokens=130']);
    expect(plan.memory.kvCache).toBe(1024 * 16 * 8 * 64 * 2);
    expect(plan.notes).toEqual([
      'prompt of 130 tokens padded to 256 by runtime vendor, whose graphs take 128 at a time (workload.padPrefill)',
      'attention reads all 1024 positions that graphs of runtime vendor are compiled for; prompt and answer fill 386 (workload.contextBucket)',
    ]);
    const cached = prepared('runtime: vendor', [
      'workload.promptTokens=130',
      'workload.cachedTokens=129',
    ]);
    expect(cached.plan.notes?.[0]).toContain('the 1 token that the cache lacks padded to 128 by');
    const fits = ['workload.promptTokens=768', 'workload.generatedTokens=256'];
    expect(prepared('runtime: vendor', fits).plan.notes).toBeUndefined();
    expect(prepared('runtime: mnn\nunit: cpu').plan.notes).toBeUndefined();
  });

  it('takes the first token from decode where prefill has no logits, and makes as many in all', () => {
    const { plan } = prepared('runtime: litert-lm\nunit: gpu', ['workload.generatedTokens=5']);
    const phases = plan.phases.map(({ name, steps, outputsPerStep }) => [
      name,
      steps * outputsPerStep,
    ]);
    expect(phases.filter(([name]) => name !== 'prefill')).toEqual([
      ['first-token', 1],
      ['decode', 4],
    ]);
    expect(phases.filter(([name, made]) => name === 'prefill' && made !== 0)).toEqual([]);
    const [prefill] = plan.phases;
    expect(prefill!.graph.operators.some(({ name }) => name === 'head')).toBe(false);
    const first = plan.phases.find(({ name }) => name === 'first-token')!;
    expect(first.contextStart).toBe(plan.promptTokens);
    const set = ['workload.generatedTokens=5', 'workload.firstTokenDecodes=false'];
    const { plan: plain } = prepared('runtime: litert-lm\nunit: gpu', set);
    expect(plain.phases.map(({ name }) => name)).not.toContain('first-token');
    const one = prepared('runtime: litert-lm\nunit: gpu', ['workload.generatedTokens=1']);
    expect(one.plan.phases.at(-1)!.name).toBe('first-token');
  });

  it('on a CPU knows no step where a prompt fills half of the long graph', () => {
    const firstOf = (unit: string, tokens: number) => {
      const set = [`workload.promptTokens=${tokens}`, 'workload.generatedTokens=2'];
      const ready = prepared(`runtime: litert-lm\nunit: ${unit}\nfidelity: analytic`, set);
      const { metrics } = runInClosedForm(buildSimulation(ready, set, sources));
      return Number(metrics['time_to_first_token_seconds']);
    };
    expect(firstOf('cpu', 512) / firstOf('cpu', 511)).toBeCloseTo(1, 2);
    expect(firstOf('cpu', 513) / firstOf('cpu', 512)).toBeLessThan(1.4);
    expect(firstOf('gpu', 512) / firstOf('gpu', 511)).toBeGreaterThan(1.4);
  });

  it('says what it fills up, by the graphs of the unit', () => {
    const notesOf = (unit: string) =>
      prepared(`runtime: litert-lm\nunit: ${unit}`, ['workload.promptTokens=1000']).plan.notes![0];
    expect(notesOf('gpu')).toContain('1000 tokens padded to 1024');
    expect(notesOf('npu')).toContain('padded to 1024 by runtime litert-lm, whose graphs take 128');
    const short = prepared('runtime: litert-lm\nunit: cpu', ['workload.promptTokens=700']);
    expect(short.plan.notes![0]).toContain('700 tokens padded to 768');
  });

  it('takes the lengths that its graphs have from the workload', () => {
    const set = ['workload.promptTokens=700', 'workload.prefillChunk=[512, 64]'];
    expect(partsOf(prepared('runtime: litert-lm\nunit: gpu', set))).toEqual([512, 64, 64, 64]);
    const most = ['workload.promptTokens=460', 'workload.prefillChunk=[512, 64]'];
    const cascade = [...most, 'workload.cascadePrefill=true'];
    expect(partsOf(prepared('runtime: litert-lm\nunit: gpu', most))).toEqual([512]);
    expect(partsOf(prepared('runtime: litert-lm\nunit: gpu', cascade))).toEqual(Array(8).fill(64));
  });

  it('that is kept off the NPU is kept from the graphs compiled for it', () => {
    const { plan } = prepared('runtime: vendor\nsecurity: { preset: naive }', []);
    expect(plan.notes).toBeUndefined();
  });

  it('computes every token of a prompt once, and less than one part beside', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('vendor', 'llm-npu'),
        fc.integer({ min: 1, max: 3000 }),
        (runtime, tokens) => {
          const parts = partsOf(
            prepared(`runtime: ${runtime}`, [`workload.promptTokens=${tokens}`]),
          );
          const chunk = Number(shapeOf(runtime, 'npu').prefillChunk);
          const total = parts.reduce((sum, part) => sum + part, 0);
          expect(new Set(parts)).toEqual(new Set([chunk]));
          expect(total).toBeGreaterThanOrEqual(tokens);
          expect(total - tokens).toBeLessThan(chunk);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a prompt of which the cache holds the beginning', () => {
  it('is read at the rate of the tokens that are computed', () => {
    const text =
      'version: 1\nsoc: snapdragon-8-elite-gen-5\nworkload: llama-3.2-1b-chat\nruntime: llama-cpp\nunit: cpu';
    const rateOf = (cached: number) => {
      const set = [
        'workload.promptTokens=512',
        `workload.cachedTokens=${cached}`,
        'workload.generatedTokens=2',
      ];
      const ready = prepare(parseSpecFile(text, 'test'), set, sources);
      const { metrics, requests } = simulate(buildSimulation(ready, set, sources));
      expect(requests[0]!.promptTokens - (requests[0]!.cachedTokens ?? 0)).toBe(512 - cached);
      return metrics['prefill_tokens_per_second']!;
    };
    // A quarter of the tokens takes somewhat more than a quarter of the time, never less.
    const share = rateOf(384) / rateOf(0);
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(1.02);
  });
});
