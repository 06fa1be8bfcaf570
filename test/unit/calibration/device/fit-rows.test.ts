/** What of a measured row a fit takes, and which units it depends on. */
import { describe, expect, it } from 'vitest';
import { compileRow, observationsOf } from '../../../../src/calibration/device/fit-rows.ts';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { mappingTables, predictLlmRows } from '../../../../src/calibration/device/predict.ts';
import { fileSources } from '../../../../src/load.ts';

const sources = fileSources({ calibration: 'none' });
const tables = mappingTables(sources);
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,quality,notes';
const rowOf = (unit: string, runtime: string, bits: string, notes: string) =>
  parseLlmRows(
    `${HEADER}\na,Snapdragon 8 Gen 3,${unit},${runtime},Llama-3.2-1B,1.24,${bits},,256,512,,2.5,20,A,${notes}\n`,
    'rows.csv',
  )[0]!;
const compiled = (...cells: Parameters<typeof rowOf>) => {
  const mapping = mapLlmRow(rowOf(...cells), tables);
  if ('reason' in mapping) throw new Error(mapping.reason);
  return compileRow(mapping, sources);
};

describe('what a fit takes of a row', () => {
  const quantities = (notes: string) =>
    observationsOf(compiled('gpu', 'MLC-LLM', '4', notes)).map(({ quantity }) => quantity);

  it('is every rate and time, but no prompt that its source calls anomalous', () => {
    expect(quantities('mean of 5')).toEqual(['time_to_first_token', 'decode']);
    expect(quantities('mean of 5; prefill time anomalously long')).toEqual(['decode']);
    expect(quantities('decode looks anomalously low')).toHaveLength(2);
  });

  it('is predicted and shown all the same', () => {
    const { rows } = predictLlmRows(
      [rowOf('gpu', 'MLC-LLM', '4', 'prefill time anomalously long')],
      sources,
    );
    expect(rows.map(({ quantity }) => quantity)).toContain('time_to_first_token');
  });
});

describe('how closely a row is expected to be met', () => {
  const sigmas = (prompt: string) => {
    const text = `a,Snapdragon 8 Elite,cpu,MNN,Qwen3-1.7B,1.72,4,,${prompt},,110.94,,34.75,B,`;
    const mapping = mapLlmRow(parseLlmRows(`${HEADER}\n${text}\n`, 'rows.csv')[0]!, tables);
    if ('reason' in mapping) throw new Error(mapping.reason);
    return observationsOf(compileRow(mapping, sources)).map(({ sigma }) => sigma);
  };

  it('is less in prompts of unknown length, and as much in answers', () => {
    const [[prefill, decode], [unknown, after]] = [sigmas('64'), sigmas('')];
    expect(unknown!).toBeGreaterThan(2 * prefill!);
    expect(after).toBe(decode);
  });
});

describe('units that a row depends on', () => {
  const unitsOf = (...cells: Parameters<typeof rowOf>) => {
    const { asked, use } = compiled(...cells);
    return { asked, used: use.units };
  };

  it('are the one it was asked for where that has all kernels', () => {
    for (const unit of ['cpu', 'gpu'])
      expect(unitsOf(unit, 'llama.cpp', '4', '')).toEqual({ asked: [unit], used: [unit] });
  });

  it('are also the CPU where OpenCL has no kernels for the weights', () => {
    expect(unitsOf('gpu', 'llama.cpp', '2', '')).toEqual({ asked: ['gpu'], used: ['gpu', 'cpu'] });
    expect(unitsOf('gpu', 'llama.cpp', '3', '')).toEqual({ asked: ['gpu'], used: ['gpu', 'cpu'] });
    expect(unitsOf('cpu', 'llama.cpp', '2', '')).toEqual({ asked: ['cpu'], used: ['cpu'] });
  });

  it('are also the CPU where HTP kernels take no head, or no format of the weights', () => {
    const both = { asked: ['npu'], used: ['npu', 'cpu'] };
    expect(unitsOf('npu', 'llama.cpp', '4', '')).toEqual(both);
    const { phases, prepared } = compiled(
      'npu',
      'llama.cpp (Hexagon)',
      '4',
      'GGUF Q4_K_M; two HTP sessions',
    );
    const products = phases.flatMap(({ works }) =>
      works.flatMap(({ work, unit }) =>
        work.form.kind === 'matmul' && work.weightBytes > 0
          ? [prepared.machine.units[unit]!.unit.name]
          : [],
      ),
    );
    expect(new Set(products)).toEqual(new Set(['cpu']));
  });
});

describe('the class of a measured build', () => {
  const classOf = (notes: string) => compiled('cpu', 'llama.cpp', '4', notes).use.runtime;

  it('is told by what a row says of it', () => {
    expect(classOf('')).toBe('llama-cpp');
    expect(classOf('generic build without i8mm')).toBe('llama-cpp-generic');
    expect(classOf('edge-llm-bench (KrisDcosta)')).toBe('llama-cpp-armv8');
    expect(classOf('a build without half-precision vector arithmetic')).toBe('llama-cpp-fp32');
  });
});
