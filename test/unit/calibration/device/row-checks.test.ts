import { describe, expect, it } from 'vitest';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { checkCells, pairsOf } from '../../../../src/calibration/device/row-checks.ts';
import { templateCsv } from '../../../../src/cli/calibrate-device-fit.ts';

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

describe('rows that measured the same thing', () => {
  it('are the same, agree, or contradict each other', () => {
    const [one, ...others] = pairsOf(
      rows(
        `a,${START},256,,100,,12`,
        `b,${START},256,,100,,12`,
        `c,${START},256,,105,,12.5`,
        `d,${START},256,,100,,30`,
        `e,${START},512,,100,,12`,
      ),
    );
    expect(one).toMatchObject({ kind: 'duplicate', first: { id: 'a' }, second: { id: 'b' } });
    expect(others).toMatchObject([
      { kind: 'contradiction', second: { id: 'd' }, column: 'decode_tok_s', values: [12, 30] },
    ]);
  });
});

describe('the template', () => {
  it('is a file that can be read as it is', () => {
    const parsed = parseLlmRows(templateCsv(), 'template.csv');
    expect(() => checkCells(parsed, 'template.csv')).not.toThrow();
    expect(parsed[0]).toMatchObject({ soc: 'Snapdragon 8 Gen 3', decodePerSecond: 17.1 });
  });
});
