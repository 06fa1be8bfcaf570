import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../../../src/calibration/device/llm-conditions.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';

const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,notes';
const row = (notes: string) =>
  parseLlmRows(
    `${HEADER}\na,Tensor G3,cpu,llama.cpp,Llama-3.2-3B,3.21,4,,64,,,,9,"${notes}"\n`,
    'a.csv',
  )[0]!;

describe('cores that a run was held on', () => {
  const chip = { cores: 9, clusters: ['little', 'middle', 'big'] };

  it.each([
    ['4 threads on the middle cores (taskset f0)', ['cpu.threads=4', 'cpu.affinity=middle']],
    ['on the Little cores', ['cpu.affinity=little']],
    ['4 threads on the fast cores', ['cpu.threads=4']],
    ['on the cores', []],
  ])('are read out of "%s"', (notes, set) => {
    expect(conditionsOf(row(notes), 'cpu', chip)).toEqual({ set, assumptions: [] });
  });

  it('say nothing of other units', () => {
    expect(conditionsOf(row('on the middle cores'), 'gpu', chip)).toMatchObject({ set: [] });
  });
});
