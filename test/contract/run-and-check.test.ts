/** A run of a scenario and the check of a measured row that tells of the same build give the same rates. */
import { describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { predictLlmRows } from '../../src/calibration/device/predict.ts';
import { runInClosedForm } from '../../src/engine/analytic.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { fileSources } from '../../src/load.ts';

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
    const { mapped, ...rates } = checked(row);
    const { version, family, summary, ...keys } = mapped.workload as Readonly<
      Record<string, unknown>
    >;
    // The bundled workload cuts its prompt and has a head of its own; an engine that does neither says nothing of it.
    const { promptTokens, weightFormat: layers } = keys;
    const plain = { prefillChunk: promptTokens, embeddingFormat: layers, headFormat: layers };
    const build = { ...plain, ...keys };
    const set = Object.entries(build).map(([key, value]) => `workload.${key}=${value}`);
    expectAlike(ran({ ...mapped.scenario, workload: 'llama-3.2-3b-chat' }, set), rates);
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
