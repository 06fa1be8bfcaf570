import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import type { MappingTables } from '../../../../src/calibration/device/llm-names.ts';
import { type LlmRow, parseLlmRows, slug } from '../../../../src/calibration/device/llm-rows.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { sources } from '../../../support/sources.ts';

const tables = mappingTables(sources);
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s';
const row = (text: string): LlmRow => parseLlmRows(`${HEADER}\n${text}\n`, 'rows.csv')[0]!;

describe('rows of measurements', () => {
  it('read numbers where there are any', () => {
    const parsed = row(
      'a,Snapdragon 8 Gen 3,npu,QNN context binary,Llama-2-7B,6.74,4,16,1024,,684.6,,12.85',
    );
    expect(parsed).toMatchObject({
      promptTokens: 1024,
      contextTokens: undefined,
      prefillPerSecond: 684.6,
      decodePerSecond: 12.85,
    });
  });

  it('name missing columns', () => {
    expect(() => parseLlmRows('id,soc\na,b\n', 'rows.csv')).toThrow(SpecError);
    expect(() => parseLlmRows('id,soc\na,b\n', 'rows.csv')).toThrow(
      /column "decode_tok_s" is missing/,
    );
  });

  it('turn marketing names into file names', () => {
    expect(slug('Snapdragon 8 Gen 3')).toBe('snapdragon-8-gen-3');
    expect(slug('Qwen2.5-1.5B')).toBe('qwen2.5-1.5b');
    expect(slug('Dimensity 9300+')).toBe('dimensity-9300+');
  });
});

describe('mapping a row', () => {
  it('finds SoC, runtime class, model and format', () => {
    const mapped = mapLlmRow(
      row('a,Snapdragon 8 Gen 3,gpu,MNN (OpenCL),Llama-3.2-3B,3.21,4,,256,,,,17'),
      tables,
    );
    expect(mapped).toMatchObject({
      scenario: { soc: 'snapdragon-8-gen-3', runtime: 'mnn', unit: 'gpu' },
      workload: { model: 'llama-3.2-3b', weightFormat: 'int4-g64-fp16scale', promptTokens: 256 },
      assumptions: [],
    });
  });

  it('says what it assumed', () => {
    const mapped = mapLlmRow(
      row('a,Snapdragon 8 Gen 3,cpu,llama.cpp,Hammer2.1-3B,3.09,,,,,,,20'),
      tables,
    );
    expect(mapped).toMatchObject({ workload: { model: 'qwen2.5-3b' } });
    expect((mapped as unknown as { assumptions: string[] }).assumptions.join(' ')).toMatch(
      /qwen2.5-3b for Hammer.*4-bit weights.*prompt tokens/,
    );
  });

  it('keeps single precision from end to end, and half where only the weights are narrow', () => {
    const activations = (bits: string) =>
      (
        mapLlmRow(
          row(`a,Snapdragon 8 Gen 3,cpu,LiteRT-LM,Qwen2.5-1.5B,1.54,${bits},,512,1280,45,,6`),
          tables,
        ) as unknown as { workload: { activations: string } }
      ).workload.activations;
    expect(['fp32', '8', '4'].map(activations)).toEqual(['fp32', 'fp16', 'fp16']);
  });

  it('takes a stand-in by size only where one is near', () => {
    const near = mapLlmRow(row('a,Snapdragon 8 Gen 3,cpu,MNN,Unheard-3B,3.1,4,,,,,,20'), tables);
    expect('workload' in near).toBe(true);
    const far = mapLlmRow(row('a,Snapdragon 8 Gen 3,cpu,MNN,Unheard-900B,900,4,,,,,,20'), tables);
    expect(far).toMatchObject({
      reason: expect.stringMatching(/shape of Unheard-900B is not known/),
    });
  });

  it('splits prefill and decode where the engine does', () => {
    const mapped = mapLlmRow(
      row(
        'a,Snapdragon 8 Gen 3,hybrid,"llm.npu (NPU prefill, CPU decode)",Gemma-2B,2.51,8,8,512,,420,,',
      ),
      tables,
    );
    expect(mapped).toMatchObject({
      scenario: { policy: 'stage-wise', unit: 'npu', decodeUnit: 'cpu' },
    });
  });

  it.each([
    ['Kirin 970,cpu,MNN,Llama-2-7B,6.74,4,,,,,,1', /no description of SoC/],
    [
      'Snapdragon 8 Gen 3,cpu,MyEngine,Llama-2-7B,6.74,4,,,,,,1',
      /runtime "MyEngine" has no class with kernels for the cpu/,
    ],
    [
      'Snapdragon 8 Gen 3,hybrid,MyEngine (CPU with GPU),Llama-2-7B,6.74,4,,,,,,1',
      /several units at once/,
    ],
    [
      'Snapdragon 8 Gen 3,cpu,MNN,Llama-2-7B,6.74,7,,,,,,1',
      /class mnn has no format for weight_bits "7"; it has 4, 8/,
    ],
  ])('gives the reason it cannot: %s', (text, reason) => {
    expect((mapLlmRow(row(`a,${text}`), tables) as { reason: string }).reason).toMatch(reason);
  });
});

const NOTES = `${HEADER},kv_bits,weight_gb,source_title,notes`;
const noted = (text: string): LlmRow => parseLlmRows(`${NOTES}\n${text}\n`, 'rows.csv')[0]!;
const mappedOf = (text: string, given: MappingTables = tables) => {
  const mapping = mapLlmRow(noted(text), given);
  if ('reason' in mapping) throw new Error(mapping.reason);
  return mapping;
};

describe('what a row says beside its columns', () => {
  it('picks the class of an engine whose pattern fits the source', () => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,ExecuTorch (XNNPACK),SmolLM2-135M,0.135,4,8,,,,,64,,';
    const bare = mappedOf(`${start},ExecuTorch README,`);
    expect(bare.scenario.runtime).toBe('executorch');
    const inside = mappedOf(`${start},React Native ExecuTorch tables,`);
    expect(inside.scenario.runtime).toBe('executorch-app');
  });

  it.each([
    ['SpinQuant; prompt length 64', 'int4-g32-fp16scale'],
    ['qlora export', 'int4-g32-fp16scale'],
    ['QAT+LoRA', 'int4-g32-fp16scale'],
    ['4-bit groupwise (group 128) weights', 'int4-g128-fp16scale'],
  ])('knows the groups of files that Meta publishes: %s', (notes, format) => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,ExecuTorch (XNNPACK),Llama-3.2-3B,3.21,4,8,64';
    const { workload } = mappedOf(`${start},,,,19.7,,,Bench,${notes}`);
    expect(workload.weightFormat).toBe(format);
  });

  it.each([
    // However it is written; sizes in bits per weight are those of llama.cpp's own table of Llama-3.1-8B.
    ['q4_k_m', 'q4_k_m-file', ''],
    ['model-q5_k_m.gguf', 'q5_k_m-file', ''],
    ['IQ2_M', 'iq2_m-file', ''],
    ['iq3_xxs', 'iq3_xxs-file', ''],
    ['MXFP4', 'mxfp4', ''],
    ['TQ2_0', 'tq2_0', ''],
    ['UD-Q4_K_XL', 'q4_k_m-file', 'Q4_K_M-FILE for GGUF type Q4_K_XL'],
    ['Q3_K_XL', 'q3_k_l-file', 'Q3_K_L-FILE for GGUF type Q3_K_XL'],
    ['Q4_0_4_8', 'q4_0', 'Q4_0 for GGUF type Q4_0_4_8'],
    ['Q7_K', 'q4_0', 'GGUF type Q7_K is not known; 4-bit weights assumed'],
  ])('takes GGUF type %s for %s, and says where it is another', (type, format, assumption) => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,,,64,,,,4.8,,,Bench';
    const { workload, assumptions } = mappedOf(`${start},${type}`);
    expect(workload.weightFormat).toBe(format);
    expect(assumptions.join('; ')).toBe(assumption);
    expect(tables.models.formats).toHaveProperty([format]);
  });

  it('assumes no bits where the type of the file tells them', () => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,,,64,,,,4.8,,,Bench';
    expect(mappedOf(`${start},Q8_0`).assumptions).toEqual([]);
    expect(mappedOf(`${start},`).assumptions).toEqual(['4-bit weights assumed']);
  });

  it.each([
    ['1 thread', 1],
    ['6 threads; flash', 6],
    ['single thread', 1],
    ['single-threaded run', 1],
    ['Q4_0 -t 4', 4],
    ['-t4', 4],
    ['--threads 1', 1],
    ['--threads=3', 3],
    ['threads=4', 4],
    ['threads: 2', 2],
    ['four threads', 4],
    ['n_threads=2', 2],
  ])('reads "%s" as %i threads', (notes, threads) => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4.8,,,Bench';
    const { scenario, assumptions } = mappedOf(`${start},${notes}`);
    expect(scenario['set']).toEqual([`cpu.threads=${threads}`]);
    expect(assumptions).toEqual([]);
  });

  it('runs no more threads than there are cores, and reads none out of other words', () => {
    const start = 'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4.8,,,Bench';
    const many = mappedOf(`${start},99 threads`);
    expect(many.scenario['set']).toEqual(['cpu.threads=8']);
    expect(many.assumptions).toEqual(['8 threads for 99: one for each core']);
    for (const notes of ['genie-t2', 'threads pinned', '-test 4', '6+2 cores', 'phone of 8 cores'])
      expect(mappedOf(`${start},${notes}`).scenario['set']).toBeUndefined();
  });

  it.each([
    ['Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4', '0 threads', /0 threads/],
    ['Snapdragon 8 Gen 3,gpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4', 'GPU pinned 0 MHz', /0 MHz/],
    [
      'Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4',
      'tg200000',
      /answer of 200000 do not fit the model's context of 131072/,
    ],
    [
      'Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,4',
      'at depth 131072',
      /131136 tokens of prompt and cache/,
    ],
    [
      'Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-2-7B,6.74,4,,4096,,,,4',
      'tg4096',
      /answer of 4096 do not fit the model's context of 4096/,
    ],
    [
      'Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,8192,4096,,,4',
      'prompt beyond the context',
      /^a prompt of 8192 tokens does not fit the context of 4096 that the row gives/,
    ],
    [
      'Snapdragon 8 Gen 3,cpu,MNN,Llama-3.2-3B,3.21,Q4_0,,64,,,,4',
      'GGUF type for another engine',
      /class mnn has no format for weight_bits "Q4_0"; it has 4, 8, fp16, bf16/,
    ],
  ])('gives the reason where notes cannot be: %s, %s', (text, notes, reason) => {
    const mapping = mapLlmRow(noted(`a,${text},,,Bench,${notes}`), tables);
    expect((mapping as { reason: string }).reason).toMatch(reason);
  });

  it('reads bits from the stored size where none are given', () => {
    const row = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-2-7B,6.74,,,64,,,,6,,7.2,Bench,',
    );
    expect(row.workload.weightFormat).toBe('q8_0');
    expect(row.assumptions.join()).toMatch(/8-bit weights assumed/);
  });

  it('fixes the clocks and threads that the measurement fixed', () => {
    const gpu = mappedOf(
      'a,Snapdragon 8 Gen 3,gpu,llama.cpp (OpenCL),Llama-3.2-1B,1.24,4,,32,,,,9,,,Study,GPU pinned 680 MHz',
    );
    expect(gpu.scenario['set']).toEqual(['gpu.clock=680 MHz']);
    const cpu = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-1B,1.24,4,,32,,,,9,,,Study,2 threads; 100 / 200 out',
    );
    expect(cpu.scenario['set']).toEqual(['cpu.threads=2']);
    expect(cpu.workload['generatedTokens']).toBe(200);
    const option = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-1B,1.24,4,,32,,,,9,,,Study,llama.cpp Q4_0 -t 4; mid-test 7 rounds',
    );
    expect(option.scenario['set']).toEqual(['cpu.threads=4']);
  });

  it('attends the whole allocation of a graph of fixed shape', () => {
    const { workload } = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,LiteRT-LM,Qwen3-0.6B,0.6,4,,20,4096,24,0.8,11,,,Bench,',
    );
    // How prompts are cut and padded is the class's to say.
    expect(workload).toMatchObject({ contextBucket: 4096 });
    expect(workload).not.toHaveProperty('prefillChunk');
  });

  it('takes a depth as tokens that are in the cache already', () => {
    const { workload } = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,llama.cpp,Llama-3.2-1B,1.24,4,,1024,5120,40,,12,,,Bench,at depth 4096',
    );
    expect(workload).toMatchObject({ promptTokens: 5120, cachedTokens: 4096 });
  });

  it('counts the prompt from rate and time where only those are given', () => {
    const { workload, assumptions } = mappedOf(
      'a,Snapdragon 8 Gen 3,cpu,MNN,Llama-3.2-1B,1.24,4,,,,50,0.5,12,,,Bench,',
    );
    expect(workload['promptTokens']).toBe(25);
    expect(assumptions).toEqual([]);
  });

  it('names every SoC on the way to the one that stands in, and gives up after two', () => {
    const chain: MappingTables = {
      ...tables,
      standIns: {
        one: { to: 'two', why: 'stand-in: older' },
        two: { to: 'snapdragon-8-gen-3', why: 'stand-in: older still' },
        zero: { to: 'minus', why: '' },
        minus: { to: 'one', why: '' },
      },
    };
    const row = (soc: string) => `a,${soc},cpu,MNN,Llama-3.2-1B,1.24,4,,64,,,,12,,,,`;
    const mapped = mappedOf(row('One'), chain);
    expect(mapped.scenario.soc).toBe('snapdragon-8-gen-3');
    expect(mapped.standInSoc).toBe(true);
    expect(mapped.assumptions).toHaveLength(2);
    expect(() => mappedOf(row('Zero'), chain)).toThrow(/no description of SoC "Zero"/);
  });
});

describe('the phone of a row', () => {
  const on = (device: string) => {
    const text = `${HEADER},device\na,Snapdragon 8 Gen 3,gpu,MNN (OpenCL),Llama-3.2-3B,3.21,4,,256,,,,17,"${device}"\n`;
    const mapped = mapLlmRow(parseLlmRows(text, 'rows.csv')[0]!, tables);
    if ('reason' in mapped) throw new Error(mapped.reason);
    return mapped.scenario;
  };

  it('is the one it was measured on, where that has a description', () => {
    expect(on('OnePlus 12')).toMatchObject({ phone: 'oneplus-12' });
    expect(on('Samsung Galaxy S24 Ultra')).toMatchObject({ phone: 'galaxy-s24-ultra' });
    expect(on('Samsung Galaxy S24 (SM8650-AC for Galaxy)')).toMatchObject({ phone: 'galaxy-s24' });
    expect(on('Redmi K70 Pro')['phone']).toBeUndefined();
    expect(on('')['phone']).toBeUndefined();
  });

  it('has the memory that the row says', () => {
    expect(on('Redmi K70 Pro (24 GB)')['set']).toEqual(['phone.memory.capacity=24 GiB']);
    expect(on('Samsung Galaxy S24 (SM-S921B, 8 GB)')).toMatchObject({
      phone: 'galaxy-s24',
      set: ['phone.memory.capacity=8 GiB'],
    });
    expect(on('OnePlus 12')['set']).toBeUndefined();
  });
});

describe('the context of a row', () => {
  const workloadOf = (text: string) =>
    (mapLlmRow(row(`a,Snapdragon 8 Gen 3,${text}`), tables) as { workload: object }).workload;

  it('is what graphs of fixed shape attend, with room for the answer, and nothing to others', () => {
    const npu = 'npu,Genie/QNN,Llama-3.2-3B,3.21,4,16';
    expect(workloadOf(`${npu},128,4096,,,30`)).toMatchObject({ contextBucket: 4096 });
    expect(workloadOf(`${npu},128,,,,30`)).not.toHaveProperty('contextBucket');
    const gpu = workloadOf('gpu,MNN (OpenCL),Llama-3.2-3B,3.21,4,,128,4096,,,17');
    expect(gpu).not.toHaveProperty('contextBucket');
  });

  it('leaves the shape of prompts to the class', () => {
    const gemma = 'cpu,LiteRT-LM,Gemma-4-E2B-it,,4,,1024,1280,,,17';
    const keys = ['prunePrefill', 'padPrefill', 'logits', 'scores', 'kvCache', 'maskWindows'];
    for (const key of keys) expect(workloadOf(gemma)).not.toHaveProperty(key);
  });
});

describe('builds of an engine', () => {
  const classOf = (runtime: string, unit: string, notes: string) => {
    const text = `${HEADER},notes\na,Snapdragon 8 Gen 3,${unit},${runtime},Llama-3.2-3B,3.21,4,,256,,,,17,"${notes}"\n`;
    const mapped = mapLlmRow(parseLlmRows(text, 'rows.csv')[0]!, tables);
    if ('reason' in mapped) throw new Error(mapped.reason);
    return mapped.scenario.runtime;
  };

  it('are told by what a row says of itself, the nearest one first', () => {
    expect(classOf('llama.cpp', 'cpu', '')).toBe('llama-cpp');
    expect(classOf('llama.cpp', 'cpu', 'in the application (llama.rn)')).toBe('llama-cpp-app');
    expect(classOf('llama.cpp', 'cpu', 'llama.rn; first baseline, April 2026')).toBe(
      'llama-cpp-app-2026-04',
    );
    expect(classOf('llama.cpp (Hexagon)', 'npu', '')).toBe('llama-cpp');
    expect(classOf('llama.cpp (Hexagon)', 'npu', 'before products were reworked')).toBe(
      'llama-cpp-hexagon-2026-04',
    );
    expect(classOf('llama.cpp (Hexagon)', 'npu', 'vector unit before matrix products')).toBe(
      'llama-cpp-hexagon-2025',
    );
    expect(classOf('llama.cpp', 'cpu', 'for arm64-v8a with no architecture flags')).toBe(
      'llama-cpp-armv8',
    );
    expect(classOf('llama.cpp (OpenCL)', 'gpu', 'Q4_1')).toBe('llama-cpp');
    for (const notes of [
      'Q4_1, before kernels for Adreno',
      'Q8_0, before the optimised Q8_0 kernel',
    ])
      expect(classOf('llama.cpp (OpenCL)', 'gpu', notes)).toBe('llama-cpp-opencl-2025');
    expect(classOf('LiteRT-LM', 'gpu', 'edge-llm-bench leaderboard')).toBe('litert-lm-converted');
    expect(classOf('LiteRT-LM', 'gpu', 'application with LiteRT-LM of May 2026')).toBe(
      'litert-lm-2026-05',
    );
  });
});

describe('weights of several widths', () => {
  const formatOf = (runtime: string, bits: string) => {
    const mapped = mapLlmRow(
      row(`a,Snapdragon 8 Gen 3,cpu,${runtime},Gemma-4-E2B-it,,${bits},,1024,1280,,,17`),
      tables,
    );
    if ('reason' in mapped) throw new Error(mapped.reason);
    return mapped;
  };

  it("are the publisher's mixture where no one width is given", () => {
    expect(formatOf('LiteRT-LM', '')).toMatchObject({
      workload: { weightFormat: 'gemma-4-e2b-mixed' },
      assumptions: ['weights as the publisher mixes them'],
    });
    expect(formatOf('LiteRT-LM', '').workload).not.toHaveProperty('headFormat');
    expect(formatOf('LiteRT-LM', '4').workload.weightFormat).toBe('int4-g32-fp16scale');
    expect(formatOf('llama.cpp', '4').workload.weightFormat).toBe('q4_0');
  });
});
