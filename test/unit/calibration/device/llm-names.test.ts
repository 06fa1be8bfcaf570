import { describe, expect, it } from 'vitest';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { sources } from '../../../support/sources.ts';

const tables = mappingTables(sources);
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s';
const row = (text: string) => parseLlmRows(`${HEADER}\n${text}\n`, 'rows.csv')[0]!;

describe('an engine of a row', () => {
  const classOf = (soc: string, unit: string, engine: string) => {
    const mapping = mapLlmRow(
      row(`a,${soc},${unit},${engine},Llama-3.2-3B,3.21,4,,64,,,,17`),
      tables,
    );
    return 'reason' in mapping ? mapping.reason : mapping.scenario.runtime;
  };

  it.each([
    ['Dimensity 9300', 'npu', 'QNN context binary', 'Qualcomm'],
    ['Apple A19 Pro', 'npu', 'Genie/QNN', 'Qualcomm'],
    ['Tensor G4', 'npu', 'Genie', 'Qualcomm'],
    ['Exynos 2400', 'npu', 'ExecuTorch (QNN)', 'Qualcomm'],
    ['Snapdragon 8 Gen 3', 'npu', 'CoreML-LLM', 'Apple'],
    ['Snapdragon 8 Gen 3', 'npu', 'LiteRT (NeuroPilot)', 'MediaTek'],
  ])('does not run on another maker’s SoC: %s, %s, %s', (soc, unit, engine, maker) => {
    expect(classOf(soc, unit, engine)).toMatch(
      new RegExp(`runs on SoCs by ${maker}, not on one by`),
    );
  });

  it('has no OpenCL on phones that have none', () => {
    for (const engine of ['llama.cpp (OpenCL)', 'MNN (OpenCL)', 'llama.cpp; OpenCL'])
      expect(classOf('Apple A19 Pro', 'gpu', engine)).toMatch(
        /phones by Apple have no OpenCL; engines run on Metal there/,
      );
    for (const engine of ['llama.cpp', 'llama.cpp (Metal)'])
      expect(classOf('Apple A19 Pro', 'gpu', engine)).toBe('llama-cpp-metal');
    expect(classOf('Apple A19 Pro', 'cpu', 'llama.cpp')).toBe('llama-cpp');
    expect(classOf('Snapdragon 8 Gen 3', 'gpu', 'llama.cpp')).toBe('llama-cpp');
    expect(classOf('Snapdragon 8 Gen 3', 'gpu', 'llama.cpp (OpenCL)')).toBe('llama-cpp');
  });

  it.each([
    ['Dimensity 9300', 'npu', 'llama.cpp'],
    ['Snapdragon 8 Gen 3', 'gpu', 'MLX'],
    ['Apple A19 Pro', 'npu', 'LiteRT-LM'],
    ['Exynos 2400', 'npu', 'LiteRT-LM'],
  ])('has kernels for units of some makers only: %s, %s, %s', (soc, unit, engine) => {
    expect(classOf(soc, unit, engine)).toMatch(
      /^runtime .* of a SoC by \w+; engines known there: \w/,
    );
  });

  it.each([
    ['Snapdragon 8 Gen 3', 'npu', 'Genie/QNN', 'vendor'],
    ['Dimensity 9300', 'npu', 'vendor', 'vendor'],
    ['Dimensity 9500', 'npu', 'LiteRT (NeuroPilot)', 'litert-lm'],
    ['Tensor G4', 'npu', 'LiteRT-LM', 'litert-lm'],
    ['Apple A19 Pro', 'gpu', 'MLX', 'mlx'],
    ['Snapdragon 8 Gen 3', 'CPU', 'llama.cpp', 'llama-cpp'],
  ])('runs where its maker ships it: %s, %s, %s', (soc, unit, engine, runtime) => {
    expect(classOf(soc, unit, engine)).toBe(runtime);
  });

  it.each([
    ['cpu', 'ExecuTorch', 'executorch', 'ExecuTorch (XNNPACK) for ExecuTorch'],
    ['cpu', 'Cactus', 'cactus', 'Cactus (CPU) for Cactus'],
    ['npu', 'genie', 'vendor', 'Genie/QNN for genie'],
    ['cpu', 'Llama.cpp', 'llama-cpp', ''],
  ])('is found by part of its name, whatever the case: %s %s', (unit, engine, runtime, assumed) => {
    const text = `a,Snapdragon 8 Gen 3,${unit},${engine},Llama-3.2-3B,3.21,4,,64,,,,17`;
    expect(mapLlmRow(row(text), tables)).toMatchObject({
      scenario: { runtime },
      assumptions: assumed === '' ? [] : [assumed],
    });
  });
});
