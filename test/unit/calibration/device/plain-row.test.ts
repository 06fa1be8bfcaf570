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
    ['Qwen3-4B', '4', 'GGUF Q4_K_S', 'qwen3-4b', 'q4_k_s-file'],
    ['Qwen3-4B', '', 'Q8_0 was slower', 'qwen3-4b', 'q8_0-file'],
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

  it('of a width alone keep the head that the engine usually has', () => {
    expect(mapLlmRow(row('Qwen3-4B', '4'), tables)).toMatchObject({
      workload: { weightFormat: 'q4_0', headFormat: 'q6_k' },
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

  it('that give the weights other widths than the notes are told', () => {
    const of = (bits: string, type: string) => {
      const mapped = mapLlmRow(row('Qwen3-4B', bits, `GGUF ${type}`), tables);
      return 'reason' in mapped ? mapped.reason : mapped.assumptions.join('; ');
    };
    expect(of('8', 'Q4_0')).toBe('Q4_0 for weight_bits of 8');
    expect(of('16', 'Q8_0')).toBe('Q8_0 for weight_bits of fp16');
    // Elements alone, or with the scales that go with them: 4 to 4.9 bits, 1 to 2.
    for (const [bits, type] of [
      ['4', 'Q4_K_M'],
      ['4.5', 'Q4_0'],
      ['1.58', 'TQ1_0'],
      ['1', 'IQ1_S'],
      ['6', 'Q6_K'],
    ] as const)
      expect(of(bits, type)).toBe('');
  });

  it('may give two cores, which are taken for two threads', () => {
    for (const notes of ['2 cores', 'ran on two big cores', 'GGUF Q4_0; 2 cores'])
      expect(mapLlmRow(row('Qwen3-4B', '4', notes), tables)).toMatchObject({
        scenario: { set: ['cpu.threads=2'] },
        assumptions: ['2 threads for 2 cores'],
      });
    expect(mapLlmRow(row('Qwen3-4B', '4', '4 threads on 2 cores'), tables)).toMatchObject({
      scenario: { set: ['cpu.threads=4'] },
    });
  });
});
