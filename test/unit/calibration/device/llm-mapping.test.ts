import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { type LlmRow, parseLlmRows, slug } from '../../../../src/calibration/device/llm-rows.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { fileSources } from '../../../../src/load.ts';

const tables = mappingTables(fileSources());
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
    ['Snapdragon 8 Gen 3,cpu,MyEngine,Llama-2-7B,6.74,4,,,,,,1', /runtime "MyEngine" has no class/],
    [
      'Snapdragon 8 Gen 3,hybrid,HeteroInfer (GPU+NPU),Llama-2-7B,6.74,4,,,,,,1',
      /several units at once/,
    ],
    ['Snapdragon 8 Gen 3,cpu,MNN,Llama-2-7B,6.74,7,,,,,,1', /no 7-bit format/],
  ])('gives the reason it cannot: %s', (text, reason) => {
    expect((mapLlmRow(row(`a,${text}`), tables) as { reason: string }).reason).toMatch(reason);
  });
});
