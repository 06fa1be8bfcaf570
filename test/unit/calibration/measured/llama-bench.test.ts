import { describe, expect, it } from 'vitest';
import { formatCsv } from '../../../../src/base/csv.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import {
  BENCH_COLUMNS,
  parseLlamaBench,
} from '../../../../src/calibration/measured/llama-bench.ts';

const about = { soc: 'Snapdragon 8 Gen 3', device: 'Xiaomi 14' };
const test = {
  build_number: 4000,
  backends: 'CPU',
  model_filename: 'models/Llama-3.2-3B-Instruct-Q4_0.gguf',
  model_type: 'llama 3B Q4_0',
  model_size: 1_917_190_912,
  model_n_params: 3_212_749_888,
  n_threads: 6,
  type_k: 'f16',
  n_gpu_layers: 99,
  n_prompt: 512,
  n_gen: 0,
  n_depth: 0,
  avg_ts: 58.6,
  stddev_ts: 0.4,
};
const decode = { ...test, n_prompt: 0, n_gen: 128, n_depth: 1024, avg_ts: 12.5 };
const read = (...tests: object[]) => parseLlamaBench(JSON.stringify(tests), 'bench.json', about);

describe('parseLlamaBench', () => {
  it('tells prefill from decode, and takes the depth as the prompt that went before', () => {
    const [prefill, generation] = read(test, decode);
    expect(prefill).toMatchObject({
      soc: about.soc,
      unit: 'cpu',
      runtime: 'llama.cpp',
      model_base: 'Llama-3.2-3B',
      weight_bits: '4',
      kv_bits: 'fp16',
      params_b: '3.213',
      prompt_tokens: '512',
      prefill_tok_s: '58.6',
      decode_tok_s: '',
    });
    expect(generation).toMatchObject({
      prompt_tokens: '1024',
      context_tokens: '1152',
      prefill_tok_s: '',
      decode_tok_s: '12.5',
    });
  });

  it('knows the unit by the back end and the layers on it', () => {
    const unit = (backends: string, n_gpu_layers = 99) =>
      read({ ...test, backends, n_gpu_layers }).map(({ unit, runtime }) => `${unit} ${runtime}`)[0];
    expect(unit('OpenCL')).toBe('gpu llama.cpp (OpenCL)');
    expect(unit('OpenCL', 0)).toBe('cpu llama.cpp');
    expect(unit('Hexagon')).toBe('npu llama.cpp (Hexagon)');
    expect(unit('BLAS,CPU')).toBe('cpu llama.cpp');
  });

  it.each([
    ['Qwen2.5-1.5B-Instruct-Q4_K_M.gguf', 'Qwen2.5-1.5B', '4'],
    ['phi-3-mini-4k-instruct.IQ3_XS.gguf', 'phi-3-mini-4k', '3'],
    ['gemma-2-2b-it-f16.gguf', 'gemma-2-2b', 'fp16'],
    ['Llama-3-8B-Q8_0-00001-of-00002.gguf', 'Llama-3-8B', '8'],
  ])('reads model and bits from %s', (name, model, bits) => {
    const [row] = read({ ...test, model_filename: `/data/${name}` });
    expect(row).toMatchObject({ model_base: model, weight_bits: bits });
  });

  it('reads JSON Lines and CSV alike', () => {
    const lines = `${JSON.stringify(test)}\n${JSON.stringify(decode)}\n`;
    expect(parseLlamaBench(lines, 'bench.jsonl', about)).toEqual(read(test, decode));
    const columns = Object.keys(test);
    const csv = formatCsv(
      columns,
      [test, decode].map((entry) => Object.values(entry)),
    );
    expect(parseLlamaBench(csv, 'bench.csv', about)).toEqual(read(test, decode));
  });

  it('gives rows that calibrate device takes', () => {
    const text = formatCsv(
      BENCH_COLUMNS,
      read(test, decode).map((row) => BENCH_COLUMNS.map((c) => row[c])),
    );
    expect(parseLlmRows(text, 'rows.csv')).toMatchObject([
      { unit: 'cpu', prefillPerSecond: 58.6, billions: 3.213 },
      { unit: 'cpu', decodePerSecond: 12.5 },
    ]);
  });

  it('refuses what is no result', () => {
    expect(() => read({ ...test, avg_ts: 0 })).toThrow(/test 1 has no rate/);
    expect(() => parseLlamaBench('[{', 'bench.json', about)).toThrow(/no JSON/);
    expect(() => parseLlamaBench('{"avg_ts":1}\n{', 'bench.jsonl', about)).toThrow(/bench\.jsonl/);
  });
});
