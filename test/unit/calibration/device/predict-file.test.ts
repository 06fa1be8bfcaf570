import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { predictFile } from '../../../../src/calibration/device/predict-file.ts';
import { openModelFile } from '../../../../src/load.ts';
import { sources } from '../../../support/sources.ts';

const folder = fileURLToPath(new URL('../../../validation/data/graphs/', import.meta.url));
const graphs = (name: string) => {
  const path = `${folder}${name}.onnx`;
  return existsSync(path) ? openModelFile(path) : undefined;
};
const predict = (text: string) => predictFile(text, 'rows.csv', sources, graphs);

describe('a file of measurements', () => {
  it('of networks is told by its columns; every row is predicted or says why not', () => {
    const text = [
      'id,model,soc,unit,runtime,precision,latency_ms,note',
      'a,resnet50,Snapdragon 8 Gen 3,npu,qnn_dlc,int8,0.679,mine',
      'b,resnet51,Snapdragon 8 Gen 3,npu,qnn_dlc,int8,0.7,',
    ].join('\n');
    const { rows, unmapped } = predict(text);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ id: 'a', quantity: 'latency', reference: 0.679 });
    expect(rows[0]!.columns['note']).toBe('mine');
    expect(Math.abs(rows[0]!.error)).toBeLessThan(0.5);
    expect(unmapped).toEqual([{ id: 'b', reason: 'no graph resnet51.onnx (--graphs DIR)' }]);
  });

  it('runs a network faster in fewer bits, and a larger one slower', () => {
    const line = (id: string, model: string, precision: string) =>
      `${id},${model},Snapdragon 8 Gen 3,npu,qnn_dlc,${precision},1`;
    const { rows } = predict(
      [
        'id,model,soc,unit,runtime,precision,latency_ms',
        line('a', 'resnet50', 'int8'),
        line('b', 'resnet50', 'fp16'),
        line('c', 'wideresnet50', 'fp16'),
      ].join('\n'),
    );
    const [a, b, c] = rows.map(({ predicted }) => predicted) as [number, number, number];
    expect(a).toBeLessThan(b);
    expect(b).toBeLessThan(c);
  });

  it('of language models says what does not run on the unit of its row, and takes the band of what does', () => {
    const line = (id: string, unit: string, soc: string, bits: number) =>
      `${id},${soc},${unit},llama.cpp,Llama-3.2-1B,1.24,${bits},,512,,100,,10,`;
    const { rows } = predict(
      [
        'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,notes',
        line('plain', 'gpu', 'Snapdragon 8 Gen 3', 4),
        // OpenCL has no kernels for two bits, and the NPU of an 865 none of llama.cpp's at all.
        line('two', 'gpu', 'Snapdragon 8 Gen 3', 2),
        line('old', 'npu', 'Snapdragon 865', 4),
        line('cpu', 'cpu', 'Snapdragon 865', 4),
      ].join('\n'),
    );
    const placesOf = (id: string, quantity: string) => {
      const row = rows.find((one) => one.id === id && one.quantity === quantity)!;
      return row.assumptions.filter((one) => one.startsWith('time of')).join('; ');
    };
    const widthOf = (id: string, quantity: string) => {
      const { low, high } = rows.find((one) => one.id === id && one.quantity === quantity)!.band!;
      return high / low;
    };
    expect(placesOf('plain', 'prefill')).toBe('');
    expect(placesOf('plain', 'decode')).toBe('');
    expect(placesOf('two', 'prefill')).toMatch(/^time of prefill: \d+ % on the cpu$/);
    expect(placesOf('two', 'decode')).toMatch(/^time of decode: \d+ % on the cpu$/);
    // ggml hands what its device cannot run to the CPU, however fast a GPU lies beside it.
    for (const quantity of ['prefill', 'decode']) {
      expect(placesOf('old', quantity)).toMatch(
        new RegExp(`^time of ${quantity}: \\d+ % on the cpu$`),
      );
      expect(widthOf('old', quantity)).toBeCloseTo(widthOf('cpu', quantity), 9);
    }
  });

  it('tells all that is wrong with a row at once: numbers, names, and that nothing was measured', () => {
    const [bad, tenfold] = predict(
      [
        'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s',
        'bad,Nothing 9,xpu,llama.cpp,Llama-3.2-3B,3.21,-4,,256,128,,,',
        // Llama-3.2-3B has 3.21e9 parameters by its model card, Phi-3-mini 3.8e9.
        'ten,Snapdragon 8 Gen 3,cpu,llama.cpp,Phi-3-mini,38,4,,64,,,,9',
      ].join('\n'),
    ).unmapped;
    expect(bad?.reason).toMatch(
      /^line 2: weight_bits: .*context_tokens: .*no description of SoC "Nothing 9"; unknown unit "xpu" \(.*[cgn]pu.*\); no measured rate/,
    );
    expect(tenfold?.reason).toMatch(/^line 3: params_b: does not fit phi-3-mini/);
  });

  it('is not given up for a row that cannot be: each is told apart, with its reason', () => {
    const line = (id: string, where: string, notes = '') =>
      `${id},${where},Llama-3.2-3B,3.21,4,,64,,,,12,2,${notes}`;
    const { rows, unmapped } = predict(
      [
        'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,energy_j_per_tok,notes',
        line('maker', 'Dimensity 9300,npu,llama.cpp'),
        line('engine', 'Snapdragon 8 Gen 3,gpu,MLX'),
        line('threads', 'Snapdragon 8 Gen 3,cpu,llama.cpp', '0 threads'),
        line('clock', 'Snapdragon 8 Gen 3,gpu,llama.cpp', 'GPU pinned 0 MHz'),
        line('answer', 'Snapdragon 8 Gen 3,cpu,llama.cpp', 'tg200000'),
        line('depth', 'Snapdragon 8 Gen 3,cpu,llama.cpp', 'at depth 131072'),
        // Nothing that reads notes knows this clock: the description of the run refuses it.
        line('range', 'Snapdragon 8 Gen 3,gpu,llama.cpp', `GPU pinned ${'9'.repeat(400)} MHz`),
        line('good', 'Snapdragon 8 Gen 3,cpu,llama.cpp'),
        line('slip', 'Snapdragon 8 Gen 3,cpu,llama.cpp').replace(',64,,,,12,', ',0,,-3,,12,'),
        // A second row of a name is not taken for the first one, whose energy is known.
        line('good', 'Snapdragon 8 Gen 3,cpu,llama.cpp'),
      ].join('\n'),
    );
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(['good']));
    expect(rows.map(({ quantity }) => quantity)).toEqual(['decode', 'energy_per_token']);
    expect(unmapped.map(({ id }) => id)).toEqual([
      'maker',
      'engine',
      'threads',
      'clock',
      'answer',
      'depth',
      'range',
      'slip',
      'good',
    ]);
    for (const { reason } of unmapped) {
      expect(reason).toMatch(/^line \d+: \S.{10,}$/);
      expect(reason).not.toMatch(/--|choose|undefined/);
    }
  });

  it('of no known kind names the columns that the nearest kind lacks', () => {
    const run = () => predict('id,model,soc,unit,runtime,latency_ms\na,b,c,d,e,1\n');
    expect(run).toThrow(SpecError);
    expect(run).toThrow(/for networks these are missing: precision/);
  });
});
