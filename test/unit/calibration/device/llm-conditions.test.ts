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
  const chip = {
    cores: 9,
    clusters: [
      { name: 'little', count: 4 },
      { name: 'middle', count: 4 },
      { name: 'big', count: 1 },
    ],
  };

  it.each([
    ['4 threads on the middle cores (taskset f0)', ['cpu.threads=4', 'cpu.affinity=middle']],
    ['on the Little cores', ['cpu.affinity=little']],
    ['on the cores', []],
    ['4 threads on the four cores', ['cpu.threads=4']],
  ])('are read out of "%s"', (notes, set) => {
    expect(conditionsOf(row(notes), 'cpu', chip)).toEqual({ set, assumptions: [] });
  });

  it('are those of every cluster of that name, as the two of a Snapdragon 8 Gen 3', () => {
    const clusters = [
      { name: 'little', count: 2 },
      { name: 'middle-slow', count: 2 },
      { name: 'middle', count: 3 },
      { name: 'prime', count: 1 },
    ];
    const five = (notes: string) => conditionsOf(row(notes), 'cpu', { cores: 8, clusters });
    expect(five('4 threads on the middle cores')).toEqual({
      set: ['cpu.threads=4', 'cpu.affinity=middle-slow middle'],
      assumptions: [],
    });
    expect(five('8 threads on the middle cores')).toEqual({
      set: ['cpu.threads=5', 'cpu.affinity=middle-slow middle'],
      assumptions: ['5 threads for 8: one for each middle core'],
    });
  });

  it('are all, and said to be, where the SoC has none of that name', () => {
    expect(conditionsOf(row('8 threads on the efficiency cores'), 'cpu', chip)).toEqual({
      set: ['cpu.threads=8'],
      assumptions: [
        'all cores for "on the efficiency cores": its clusters are little, middle, big',
      ],
    });
  });

  it('say nothing of other units', () => {
    expect(conditionsOf(row('on the middle cores'), 'gpu', chip)).toMatchObject({ set: [] });
  });
});
