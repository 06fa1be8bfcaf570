import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { predictFile } from '../../../../src/calibration/device/predict-file.ts';
import { sources } from '../../../support/sources.ts';

const HEADER =
  'id,soc,unit,runtime,workload,achieved_gb_s,achieved_min_gb_s,achieved_max_gb_s,notes';
const predict = (...lines: string[]) =>
  predictFile(`${[HEADER, ...lines].join('\n')}\n`, 'bw.csv', sources, () => undefined);
const G3 = 'Snapdragon 8 Gen 3';

describe('rates of memory', () => {
  it('of units: two draw more than one, never more than memory gives', () => {
    const { rows, unmapped } = predict(
      `one,${G3},npu,,LLM decode,43,,,`,
      `two,${G3},cpu+npu,,LLM decode,59.6,,,`,
      `all,${G3},any,,bulk copy,61.9,,,`,
    );
    expect(unmapped).toEqual([]);
    const [one, two, all] = rows.map(({ predicted }) => predicted) as [number, number, number];
    expect(two).toBeGreaterThan(one);
    expect(two).toBeLessThan(2 * one);
    expect(all).toBeGreaterThanOrEqual(two - 1e-9);
    // 76.8 GB/s are four channels of LPDDR5X-9600.
    expect(all).toBeLessThan(76.8);
    expect(rows.map(({ quantity }) => quantity)).toEqual(Array(3).fill('bandwidth'));
  });

  it('are right anywhere within a measured range', () => {
    const { rows } = predict(`a,${G3},npu,,LLM decode,,1,100,`, `b,${G3},npu,,LLM decode,,1,20,`);
    expect(rows[0]!.error).toBe(0);
    expect(rows[1]!.reference).toBe(20);
    expect(rows[1]!.error).toBeCloseTo(rows[1]!.predicted / 20 - 1, 12);
  });

  it('of an engine are its decode rate times the bytes of the model', () => {
    const { rows } = predict(
      `a,${G3},cpu,MNN,"LLM decode, Llama-3.2-3B",40,,,4-bit`,
      `b,${G3},cpu,MNN,"LLM decode, Llama-2-7B",40,,,4-bit`,
    );
    const llm = predictFile(
      `id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s\nx,${G3},cpu,MNN,Llama-3.2-3B,,4,,,,,,20\n`,
      'llm.csv',
      sources,
      () => undefined,
    );
    // 3.21 G weights in 4 bits with a 16-bit scale for each 64, the tied table in 8 bits kept beside it: 1.7 to 2.5 GB.
    const bytes = rows[0]!.predicted / llm.rows[0]!.predicted;
    expect(bytes).toBeGreaterThan(1.7);
    expect(bytes).toBeLessThan(2.5);
    expect(Math.abs(Math.log(rows[0]!.predicted / rows[1]!.predicted))).toBeLessThan(0.2);
  });

  it('of an engine count the bytes of the file that was measured, where the row has them', () => {
    const more = `${HEADER},weight_bits,weight_gb,prompt_tokens`;
    const { rows, unmapped } = predictFile(
      [
        more,
        `own,${G3},cpu,MNN,"LLM decode, Llama-3.2-3B",40,,,,4,,`,
        `small,${G3},cpu,MNN,"LLM decode, Llama-3.2-3B",40,,,,4,2,`,
        `large,${G3},cpu,MNN,"LLM decode, Llama-3.2-3B",40,,,,4,2.5,`,
        `half,${G3},cpu,MNN,"LLM decode, Llama-3.2-3B",40,,,,fp16,6.4,`,
      ].join('\n'),
      'bw.csv',
      sources,
      () => undefined,
    );
    expect(unmapped).toEqual([]);
    const [own, small, large, half] = rows.map(({ predicted }) => predicted) as number[];
    // The same rate of decoding, other bytes beside it.
    expect(large! / small!).toBeCloseTo(2.5 / 2, 9);
    expect(own!).toBeGreaterThan(small! * 0.8);
    // Sixteen bits move about four times the bytes at about a quarter of the rate.
    expect(Math.abs(Math.log(half! / small!))).toBeLessThan(0.35);
  });

  it('say why a row cannot be predicted', () => {
    const { rows, unmapped } = predict(
      'a,Snapdragon 9,npu,,LLM decode,43,,,',
      `b,${G3},dsp,,LLM decode,43,,,`,
      `c,${G3},cpu,MNN,LLM decode,43,,,`,
      `d,${G3},cpu,,LLM decode,,,,`,
    );
    expect(rows).toEqual([]);
    expect(unmapped.map(({ reason }) => reason)).toEqual([
      'no description of SoC "Snapdragon 9"',
      'snapdragon-8-gen-3 has no unit "dsp"',
      'an engine is named, but no model ("LLM decode, MODEL")',
      'no rate, and no range with both ends',
    ]);
  });

  it('refuse other units and ranges upside down, all at once', () => {
    const run = () =>
      predict(`a,${G3},npu,,x,43000,,,`, `b,${G3},npu,,x,43 GB/s,,,`, `c,${G3},npu,,x,,50,40,`);
    expect(run).toThrow(SpecError);
    try {
      run();
    } catch (error) {
      expect((error as SpecError).faults.map(({ line, path }) => [line, path])).toEqual([
        [2, 'achieved_gb_s'],
        [3, 'achieved_gb_s'],
        [4, 'achieved_min_gb_s'],
      ]);
    }
  });
});
