import { describe, expect, it } from 'vitest';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { checkCells, checkRows } from '../../../../src/calibration/device/row-checks.ts';
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

  it('report every fault at once', () => {
    const bad = rows(`a,${START},0,,100,,12`, `a,${START},64,,-3,,12`);
    expect(() => checkCells(bad, 'mine.csv')).toThrow(
      /prompt_tokens[\s\S]*"a" is also the row of line 2[\s\S]*prefill_tok_s/,
    );
  });
});

describe('rows of networks', () => {
  it('are checked for names and units as well', () => {
    const of = (...lines: string[]) =>
      parseVisionRows(
        ['id,model,soc,unit,runtime,precision,latency_ms', ...lines, ''].join('\n'),
        'nets.csv',
      );
    const row = (id: string, latency: string) => `${id},resnet50,X,npu,qnn_dlc,int8,${latency}`;
    expect(() => checkRows(of(row('a', '0.7'), row('b', '0.9')), 'nets.csv')).not.toThrow();
    expect(() => checkRows(of(row('a', '0.7'), row('a', '0.9')), 'nets.csv')).toThrow(
      /nets\.csv:3: id: "a" is also the row of line 2/,
    );
    expect(() => checkRows(of(row('a', '0.7 ms')), 'nets.csv')).toThrow(
      /nets\.csv:2: latency_ms: is no number/,
    );
    expect(() => checkRows(of(row('a', '0.0000007')), 'nets.csv')).toThrow(
      /latency_ms: is no plausible value in this unit/,
    );
  });
});
