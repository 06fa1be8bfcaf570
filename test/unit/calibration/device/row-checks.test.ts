import { describe, expect, it } from 'vitest';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import {
  checkCells,
  soundCells,
  soundRows,
} from '../../../../src/calibration/device/row-checks.ts';
import { parseVisionRows } from '../../../../src/calibration/device/vision-rows.ts';

const HEADER =
  'id,soc,unit,runtime,model,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s';
const rows = (...lines: string[]) =>
  parseLlmRows(`${HEADER}\n${lines.map((line) => `${line}\n`).join('')}`, 'mine.csv');
const START = 'X,cpu,MNN,Llama-2-7B,4,8';

describe('cells of measured rows', () => {
  it('may be empty, and may be what a phone does', () => {
    expect(() =>
      checkCells(rows(`a,${START},256,,100,2.6,12`, `b,${START},,,,,3`), 'f'),
    ).not.toThrow();
  });

  it.each([
    [
      `a,${START},256,,100,2600,12`,
      /mine\.csv:2: ttft_s: does not fit 256 tokens at 100 per second/,
    ],
    [`a,${START},256,,100,,83000`, /decode_tok_s: is no plausible value in this unit/],
    [`a,${START},256,,100,2.6 s,12`, /ttft_s: is no number .*"?2\.6 s"?/],
    [`,${START},256,,100,,12`, /id: is empty/],
  ])('name a mixed-up unit: %s', (line, message) => {
    expect(() => checkCells(rows(line), 'mine.csv')).toThrow(message);
  });

  it('say what no model has: widths of less than a bit, a context that the prompt does not fit', () => {
    const [bad] = soundCells(rows('a,X,cpu,MNN,Llama-2-7B,-4,8,256,128,,,-3')).unmapped;
    expect(bad?.reason).toMatch(/^line 2: decode_tok_s: .*; weight_bits: .*; context_tokens: /);
    expect(soundCells(rows('a,X,cpu,MNN,Llama-2-7B,33,8,,,,,3')).unmapped).toHaveLength(1);
    expect(soundCells(rows('a,X,cpu,MNN,Llama-2-7B,fp16,8,,,,,3')).unmapped).toEqual([]);
  });

  it.each([
    ['Llama-3.2-3B', 32.1, 1],
    ['Foo-9B', 3.21, 1],
    ['SmolLM-135M', 1.35, 1],
    // Published counts: google/gemma-2b, openbmb/MiniCPM-2B, allenai/OLMoE-1B-7B, Gemma 3n E2B (effective).
    ['Gemma-2B', 2.51, 0],
    ['MiniCPM-2B', 2.72, 0],
    ['OLMoE-1B-7B', 6.92, 0],
    ['gemma-3n-E2B', 5.44, 0],
  ])('hold the size in a name against parameters: %s of %d', (model, billions, faults) => {
    const text = `${HEADER},params_b\na,X,cpu,MNN,${model},4,8,,,,,3,${billions}\n`;
    expect(soundCells(parseLlmRows(text, 'mine.csv')).unmapped).toHaveLength(faults);
  });

  it('report every fault at once', () => {
    const bad = rows(`a,${START},0,,100,,12`, `a,${START},64,,-3,,12`);
    expect(() => checkCells(bad, 'mine.csv')).toThrow(
      /prompt_tokens[\s\S]*"a" is also the row of line 2[\s\S]*prefill_tok_s/,
    );
  });

  it('leave the other rows of a table to be predicted, and are told with their line', () => {
    const { sound, unmapped } = soundCells(
      rows(
        `a,${START},0,,-3,,12`,
        `b,${START},64,,100,,12`,
        `b,${START},64,,90,,12`,
        `,${START},64,,90,,12`,
        `c,${START},256,,100,2600,12`,
      ),
    );
    expect(sound.map(({ line }) => line)).toEqual([3]);
    expect(unmapped.map(({ id }) => id)).toEqual(['a', 'b', '', 'c']);
    const [both, twice, unnamed, mixed] = unmapped.map(({ reason }) => reason);
    expect(both).toMatch(
      /^line 2: prompt_tokens: is no plausible value .*1 to 2000000 tokens.*; prefill_tok_s: /,
    );
    expect(twice).toBe('line 4: id: "b" is also the row of line 3');
    expect(unnamed).toBe('line 5: id: is empty');
    expect(mixed).toMatch(/^line 6: ttft_s: does not fit 256 tokens at 100 per second/);
  });
});

describe('rows of networks', () => {
  it('are checked for names and units as well', () => {
    const reasons = (...lines: string[]) => {
      const header = 'id,model,soc,unit,runtime,precision,latency_ms';
      const found = soundRows(parseVisionRows([header, ...lines, ''].join('\n'), 'nets.csv'));
      expect(found.sound).toHaveLength(lines.length - found.unmapped.length);
      return found.unmapped.map(({ reason }) => reason).join();
    };
    const row = (id: string, latency: string) => `${id},resnet50,X,npu,qnn_dlc,int8,${latency}`;
    expect(reasons(row('a', '0.7'), row('b', '0.9'))).toBe('');
    expect(reasons(row('a', '0.7'), row('a', '0.9'))).toBe(
      'line 3: id: "a" is also the row of line 2',
    );
    expect(reasons(row('a', '0.7 ms'))).toMatch(/^line 2: latency_ms: is no number/);
    expect(reasons(row('a', '0.0000007'))).toMatch(
      /latency_ms: is no plausible value in this unit/,
    );
  });
});
