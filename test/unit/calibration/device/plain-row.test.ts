import { describe, expect, it } from 'vitest';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { plainRow } from '../../../../src/calibration/device/plain-row.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { sources } from '../../../support/sources.ts';

const tables = mappingTables(sources);
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,notes';
const row = (model: string, bits: string, notes = '') =>
  parseLlmRows(
    `${HEADER}\na,Snapdragon 8 Gen 3,cpu,llama.cpp,${model},,${bits},,64,,,,9,${notes}\n`,
    'rows.csv',
  )[0]!;

describe('cells of a row', () => {
  it.each([
    // As model files are called, and as people write widths.
    ['Llama-3.2-3B-Instruct-Q5_K_M', '', '', 'llama-3.2-3b', 'q5_k_m-file'],
    ['Qwen3-4B-Q8_0.gguf', '', '', 'qwen3-4b', 'q8_0-file'],
    ['Qwen3-4B-UD-Q4_K_M.gguf', '', '', 'qwen3-4b', 'q4_k_m-file'],
    ['Qwen3-4B.Q6_K.gguf', '6', '', 'qwen3-4b', 'q6_k-file'],
    ['Qwen3-4B-F16.gguf', '', '', 'qwen3-4b', 'fp16'],
    ['Qwen3-4B-BF16', '', '', 'qwen3-4b', 'bf16'],
    ['Qwen3-4B', '16', 'GGUF F16', 'qwen3-4b', 'fp16'],
    ['Qwen3-4B', '', 'GGUF F16', 'qwen3-4b', 'fp16'],
    ['Qwen3-4B', '16-bit', '', 'qwen3-4b', 'fp16'],
    ['Qwen3-4B', 'F16', '', 'qwen3-4b', 'fp16'],
    ['Qwen3-4B', 'Q4_0', '', 'qwen3-4b', 'q4_0'],
    ['Qwen3-4B', 'Q4_K_M', 'cache of Q8_0', 'qwen3-4b', 'q4_k_m-file'],
    ['Qwen3-4B', 'int8', '', 'qwen3-4b', 'q8_0'],
    ['Qwen3-4B', '4-bit', '', 'qwen3-4b', 'q4_0'],
    ['Qwen3-4B', '4 bits', '', 'qwen3-4b', 'q4_0'],
    ['Qwen3-4B', 'w4', '', 'qwen3-4b', 'q4_0'],
  ])('%s of "%s" bits, noted "%s", are %s in %s', (model, bits, notes, id, format) => {
    expect(mapLlmRow(row(model, bits, notes), tables)).toMatchObject({
      workload: { model: id, weightFormat: format },
      assumptions: [],
    });
  });

  it('stay as written for those who read the answer', () => {
    const written = row('Qwen3-4B-Q8_0.gguf', '16');
    expect(mapLlmRow(written, tables).row).toBe(written);
  });

  it('that say nothing of a format are left alone', () => {
    const { formats } = tables.models;
    for (const [model, bits] of [
      ['Llama-3.2-3B', '4'],
      ['Qwen2.5-1.5B-Instruct', '4.5'],
      ['gemma-3n-E2B', 'bf16'],
      ['phi-3-mini-4k', ''],
    ] as const)
      expect(plainRow(row(model, bits), formats)).toMatchObject({ model, weightBits: bits });
  });
});
