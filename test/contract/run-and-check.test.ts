/** A run of a scenario and the check of a measured row that tells of the same build give the same rates. */
import { describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { predictLlmRows } from '../../src/calibration/device/predict.ts';
import { runInClosedForm } from '../../src/engine/analytic.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { fileSources, listBundled } from '../../src/load.ts';
import { parseRuntime } from '../../src/runtime/runtime-spec.ts';

const sources = fileSources();
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,kind,quality,notes';

/** What `calibrate device --check` predicts for a row. */
function checked(row: string) {
  const { rows } = predictLlmRows(parseLlmRows(`${HEADER}\na,${row}\n`, 'rows.csv'), sources);
  const [prefill, decode] = (['prefill', 'decode'] as const).map(
    (wanted) => rows.find(({ quantity }) => quantity === wanted)!,
  );
  return { prefill: prefill!.predicted, decode: decode!.predicted, mapped: prefill!.mapped };
}

/** Clocks stand at their top, as a check takes them: what governors and heat hold back is another matter. */
const STEADY = { governor: 'performance', fidelity: 'analytic' };
/** What `run` gives for a scenario, as a user who wrote it down would have it. */
function ran(scenario: Readonly<Record<string, unknown>>, set: readonly string[]) {
  const written = scenarioFile({ ...scenario, ...STEADY }, 'contract');
  const prepared = prepare(written, set, sources);
  const { metrics } = runInClosedForm(buildSimulation(prepared, set, sources));
  return {
    prefill: Number(metrics['prefill_tokens_per_second']),
    decode: Number(metrics['decode_tokens_per_second']),
  };
}

/** Displays, memory clocks and first loads take their part of a run alone. */
const NEAR = 0.06;
function expectAlike(one: ReturnType<typeof ran>, other: ReturnType<typeof ran>) {
  expect(Math.abs(Math.log(one.prefill / other.prefill))).toBeLessThan(NEAR);
  expect(Math.abs(Math.log(one.decode / other.decode))).toBeLessThan(NEAR);
}

/** A run with the build that a check took for a row, and no word of how its engine cuts prompts, gives the same rates. */
function expectOneBuild(row: string) {
  const { mapped, ...rates } = checked(row);
  const { version, family, summary, ...keys } = mapped.workload as Readonly<
    Record<string, unknown>
  >;
  // The bundled workload has a head of its own; an engine that has none says nothing of it.
  const { weightFormat: layers } = keys;
  const build = { embeddingFormat: layers, headFormat: layers, ...keys };
  const set = Object.entries(build).map(([key, value]) => `workload.${key}=${value}`);
  expectAlike(ran({ ...mapped.scenario, workload: 'llama-3.2-3b-chat' }, set), rates);
  return mapped;
}

describe('rates of a run and of a check', () => {
  it.each([
    ['Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,512,,50,,10,measured,A,Q4_0'],
    ['Snapdragon 8 Gen 3,cpu,ExecuTorch (XNNPACK),Llama-3.2-3B,3.21,4,8,512,,50,,10,measured,A,'],
    ['Snapdragon 8 Elite,cpu,MNN,Llama-3.2-3B,3.21,4,,512,,50,,10,measured,A,'],
    ['Snapdragon 8 Elite,gpu,llama.cpp (OpenCL),Llama-3.2-3B,3.21,4,,512,,50,,10,measured,A,Q4_0'],
    ['Snapdragon 8 Gen 3,npu,QNN,Llama-3.2-3B,3.21,4,16,512,,50,,10,measured,A,'],
    ['Tensor G5,gpu,LiteRT-LM,Llama-3.2-3B,3.21,4,,512,,50,,10,measured,A,'],
    ['Apple A19 Pro,gpu,MLX,Llama-3.2-3B,3.21,4,,512,,50,,10,measured,A,'],
  ])('are one, with the build that the engine makes: %s', (row) => {
    expectOneBuild(row);
  });

  it('are one to the first token, which LiteRT-LM takes from a decode step behind the prompt', () => {
    const row = 'Tensor G5,gpu,LiteRT-LM,Llama-3.2-3B,3.21,4,,512,,50,9,10,measured,A,';
    const { rows } = predictLlmRows(parseLlmRows(`${HEADER}\na,${row}\n`, 'rows.csv'), sources);
    const predicted = (wanted: string) =>
      rows.find(({ quantity }) => quantity === wanted)!.predicted;
    const step = 1 / predicted('decode');
    const first = predicted('time_to_first_token');
    expect(first).toBeCloseTo(512 / predicted('prefill') + step, 2);
    const { scenario, workload } = rows[0]!.mapped;
    const { version, family, summary, ...keys } = workload as Readonly<Record<string, unknown>>;
    const set = Object.entries(keys).map(([key, value]) => `workload.${key}=${value}`);
    const written = scenarioFile(
      { ...scenario, workload: 'llama-3.2-3b-chat', ...STEADY },
      'contract',
    );
    const prepared = prepare(written, set, sources);
    const { metrics } = runInClosedForm(buildSimulation(prepared, set, sources));
    expect(Math.abs(Math.log(Number(metrics['time_to_first_token_seconds']) / first))).toBeLessThan(
      NEAR,
    );
  });

  it('are one for the files that Meta publishes, which the bundled workloads describe', () => {
    const { mapped, ...rates } = checked(
      'Snapdragon 8 Gen 3,cpu,ExecuTorch (XNNPACK+KleidiAI),Llama-3.2-3B,3.21,4,8,64,,89.7,,19.7,measured,A,SpinQuant',
    );
    const scenario = { soc: 'snapdragon-8-gen-3', unit: 'cpu', runtime: 'executorch' };
    const set = ['workload.promptTokens=64', 'workload.generatedTokens=64'];
    expectAlike(ran({ ...scenario, workload: 'llama-3.2-3b-chat' }, set), rates);
    // Measured: 89.7 and 19.7 (README of ExecuTorch's Llama example).
    expect(Math.abs(rates.prefill / 89.7 - 1)).toBeLessThan(0.3);
    expect(Math.abs(rates.decode / 19.7 - 1)).toBeLessThan(0.15);
  });
});

/** SoC, unit, engine, width and notes by which a row belongs to a class. */
const ROWS: Readonly<Record<string, readonly [string, string, string, string, string]>> = {
  'executorch-app': ['Snapdragon 8 Gen 3', 'cpu', 'ExecuTorch (XNNPACK)', '4', 'React Native'],
  'litert-lm': ['Snapdragon 8 Gen 3', 'gpu', 'LiteRT-LM', '4', ''],
  'litert-lm-2026-05': ['Snapdragon 8 Gen 3', 'cpu', 'LiteRT-LM', '4', 'LiteRT-LM of May 2026'],
  'litert-lm-converted': ['Snapdragon 8 Gen 3', 'cpu', 'LiteRT-LM', '4', 'third-party'],
  'llama-cpp': ['Snapdragon 8 Gen 3', 'cpu', 'llama.cpp', '4', ''],
  'llama-cpp-app': ['Snapdragon 8 Gen 3', 'cpu', 'llama.cpp', '4', 'PocketPal'],
  'llama-cpp-app-2026-04': [
    'Snapdragon 8 Gen 3',
    'cpu',
    'llama.cpp',
    '4',
    'first baseline, April 2026',
  ],
  'llama-cpp-armv8': ['Snapdragon 8 Gen 3', 'cpu', 'llama.cpp', '4', 'KrisDcosta'],
  'llama-cpp-clblast': ['Snapdragon 8 Gen 3', 'gpu', 'llama.cpp (OpenCL CLBlast)', '4', ''],
  'llama-cpp-fp32': [
    'Snapdragon 8 Gen 3',
    'cpu',
    'llama.cpp',
    '4',
    'without half-precision vector arithmetic',
  ],
  'llama-cpp-generic': ['Snapdragon 8 Gen 3', 'cpu', 'llama.cpp', '4', 'generic build'],
  'llama-cpp-hexagon-2025': [
    'Snapdragon 8 Gen 3',
    'npu',
    'llama.cpp (Hexagon)',
    '4',
    'two HTP sessions',
  ],
  'llama-cpp-hexagon-2026-04': [
    'Snapdragon 8 Gen 3',
    'npu',
    'llama.cpp (Hexagon)',
    '4',
    'before products were reworked',
  ],
  'llama-cpp-metal': ['Apple A18 Pro', 'gpu', 'llama.cpp (Metal)', '4', ''],
  'llama-cpp-opencl-2025': [
    'Snapdragon 8 Gen 3',
    'gpu',
    'llama.cpp (OpenCL)',
    '8',
    'Q8_0, before kernels for Adreno',
  ],
  'llama-cpp-opencl-2025-q4-k': [
    'Snapdragon 8 Gen 3',
    'gpu',
    'llama.cpp (OpenCL)',
    '4',
    'Q4_K_M, before kernels for Adreno',
  ],
  'llama-cpp-opencl-2026': [
    'Snapdragon 8 Gen 3',
    'gpu',
    'llama.cpp (OpenCL)',
    '4',
    'newer engine builds',
  ],
  'llm-npu': ['Snapdragon 8 Gen 3', 'npu', 'mllm (QNN)', '8', ''],
  vendor: ['Snapdragon 8 Gen 3', 'npu', 'QNN', '4', ''],
  'vendor-2024': ['Snapdragon 8 Gen 3', 'npu', 'Genie/QNN', '4', 'component timing (2024-03)'],
  'vendor-float': ['Snapdragon 8 Gen 3', 'npu', 'Genie/QNN', '4', 'activations fp16'],
};

describe('what an engine makes of a request', () => {
  const shaped = listBundled('socs/runtimes', '.yaml').filter((name) => {
    const { models } = parseRuntime(sources.runtime(name));
    return Object.keys(models.request).length > 0;
  });

  it('is looked at for every class that says so', () => {
    expect(Object.keys(ROWS).sort()).toEqual(shaped.sort());
  });

  it.each(Object.entries(ROWS))('%s takes prompts of awkward length alike', (name, place) => {
    const [soc, unit, engine, bits, notes] = place;
    for (const prompt of [70, 130, 1000]) {
      const mapped = expectOneBuild(
        `${soc},${unit},${engine},Llama-3.2-3B,3.21,${bits},,${prompt},,50,,10,measured,A,"${notes}"`,
      );
      expect(mapped.scenario.runtime).toBe(name);
      // Neither side is told; the class alone says.
      expect(mapped.workload).not.toHaveProperty('prefillChunk');
      expect(mapped.workload).not.toHaveProperty('contextBucket');
    }
  });

  it.each(['cpu', 'npu'])('LiteRT-LM takes them as its graphs for the %s have it', (unit) => {
    for (const prompt of [130, 700, 1000]) {
      const mapped = expectOneBuild(
        `Snapdragon 8 Elite,${unit},LiteRT-LM,Llama-3.2-3B,3.21,4,,${prompt},,50,,10,measured,A,`,
      );
      expect(mapped.scenario.runtime).toBe('litert-lm');
      for (const key of ['prefillChunk', 'cascadePrefill', 'padPrefill'])
        expect(mapped.workload).not.toHaveProperty(key);
    }
  });

  it('is what Qualcomm measured: one iteration of 128 tokens, 32 of them for a full context', () => {
    // quic/ai-hub-models, llama_v3_2_3b_instruct/perf.yaml, w4a16 on the Snapdragon 8 Elite QRD with a context of 4096:
    // 88.195 ms to the first token of a short prompt, 2822.25 ms of the longest, 23.4718 tokens a second. No row of the fit.
    const times = (promptTokens: number) => {
      const scenario = { soc: 'snapdragon-8-elite', workload: 'llama-3.2-3b-chat' };
      const set = [
        'workload.contextBucket=4096',
        `workload.promptTokens=${promptTokens}`,
        'workload.generatedTokens=64',
      ];
      const { prefill, decode } = ran(scenario, set);
      return { first: promptTokens / prefill, decode };
    };
    expect(times(7).first / times(128).first).toBeCloseTo(1, 2);
    expect(times(3968).first / times(128).first).toBeCloseTo(31, 0);
    expect(times(128).first / 0.088195).toBeGreaterThan(0.8);
    expect(times(128).first / 0.088195).toBeLessThan(1.25);
    expect(times(128).decode / 23.4718).toBeGreaterThan(0.85);
    expect(times(128).decode / 23.4718).toBeLessThan(1.15);
  });
});
