import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { predictSustained } from '../../../src/calibration/device/sustained.ts';
import {
  parseSustained,
  protocolOf,
  SUSTAINED_COLUMNS,
} from '../../../src/calibration/device/sustained-rows.ts';
import { parseThrottling } from '../../../src/calibration/device/throttling-rows.ts';
import { sources } from '../../support/sources.ts';

const HEADER = [...SUSTAINED_COLUMNS, 'tok_s', 'temp_c', 'temp_sensor', 'notes'].join(',');
const rows = (...lines: readonly string[]) => [HEADER, ...lines].join('\n');
const chat = (time: number, rate: number, notes = '') =>
  `chat,Snapdragon 8 Gen 3,Xiaomi 14 (12 GB),npu,vendor-engine,Llama-3.2-1B,point,${time},,${rate},,,${notes}`;

describe('a file of runs over time', () => {
  it('is read as series of points with what each measures', () => {
    const [series, ...more] = parseSustained(rows(chat(0, 40), chat(60, 30)), 'f.csv');
    expect(more).toEqual([]);
    expect(series!.points.map(({ id, quantity, reference }) => [id, quantity, reference])).toEqual([
      ['chat@0s', 'decode', 40],
      ['chat@60s', 'decode', 30],
    ]);
  });

  it('may have its rows in any order', () => {
    const shuffled = rows(chat(300, 20), chat(0, 40), chat(60, 30));
    const [series] = parseSustained(shuffled, 'f.csv');
    expect(series!.points.map(({ time }) => time)).toEqual([0, 60, 300]);
  });

  it('puts values of no time behind those of a time', () => {
    const mean =
      'chat,Snapdragon 8 Gen 3,Xiaomi 14 (12 GB),npu,vendor-engine,Llama-3.2-1B,mean,,,33,,,';
    const [series] = parseSustained(rows(mean, chat(60, 30), chat(0, 40)), 'f.csv');
    expect(series!.points.map(({ time }) => time)).toEqual([0, 60, undefined]);
  });

  it('with two values of one moment contradicts itself; the same twice does not', () => {
    expect(() => parseSustained(rows(chat(60, 30), chat(60.0, 25)), 'f.csv')).toThrow(
      'f.csv:3: tok_s: series "chat" has another value at 60 s in line 2',
    );
    expect(parseSustained(rows(chat(60, 30), chat(60, 30)), 'f.csv')).toHaveLength(1);
  });

  it('is refused with every value that is none in its unit', () => {
    const read = (time: number, rate: number, warm: string) =>
      `a,Chip,Phone,cpu,llama.cpp,Llama,point,${time},,${rate},${warm},skin,`;
    const text = rows(
      read(0, 5, '-200'),
      read(-5, 5, '900'),
      read(60, 5, 'hot'),
      read(90, 5, '40'),
    );
    let faults: SpecError['faults'] = [];
    try {
      parseSustained(text, 'f.csv');
    } catch (error) {
      if (error instanceof SpecError) ({ faults } = error);
    }
    expect(faults.map(({ line, path, got }) => [line, path, got])).toEqual([
      [2, 'temp_c', '-200'],
      [3, 'time_s', '-5'],
      [3, 'temp_c', '900'],
      [4, 'temp_c', 'hot'],
    ]);
    for (const { file, expected } of faults)
      expect([file, expected]).toEqual(['f.csv', expect.stringContaining(' to ')]);
  });

  it('without its columns is refused with the missing ones', () => {
    expect(() => parseSustained('series_id,soc\na,b', 'f.csv')).toThrow(SpecError);
    expect(() => parseSustained('series_id,soc\na,b', 'f.csv')).toThrow(/device/);
  });

  it('tells in its notes how the run was done', () => {
    const told = protocolOf(
      'mean prefill 25.1 s and decode 51.3 s per iteration, 1 s gap; 4-bit, 250-token prompt, 22 C ambient, 4 threads',
    );
    expect(told).toMatchObject({ ambient: 22, prompt: 250, gap: 1, threads: 4 });
    expect(told).toMatchObject({ prefillSeconds: 25.1, decodeSeconds: 51.3, trials: false });
    expect(protocolOf('time to first token 13-21 s').prefillSeconds).toBe(17);
    expect(protocolOf('30-minute chat; a sample of the 600 turns; charging')).toMatchObject({
      turnSeconds: 3,
      charging: true,
    });
  });

  it('of published figures carries "same" rows on and spans as spans', () => {
    const text = [
      'device,soc,workload,t_s,metric,value,unit,temperature_C,temperature_kind',
      'Phone,Chip,"Qwen2.5-1.5B decode on GPU (MLX)",0-55,decode rate,37.5,tok/s,,',
      'Phone,Chip,same,55-240,decode rate,25,tok/s,63 gpu,sensor max',
      'Phone,Chip,A game,,power,5,W,,',
    ].join('\n');
    const [first, game] = parseThrottling(text, 't.csv');
    expect(first).toMatchObject({ unit: 'gpu', runtime: 'MLX', model: 'Qwen2.5-1.5B' });
    expect(first!.points.map(({ quantity, time, until }) => [quantity, time, until])).toEqual([
      ['decode', 0, 55],
      ['decode', 55, 240],
      ['temperature', 55, 240],
    ]);
    expect(game!.unit).toBe('');
  });
});

describe('predicting runs over time', () => {
  const trial = (time: number, rate: number) =>
    `cool,Snapdragon 8 Gen 3,Xiaomi 14,cpu,llama.cpp,Llama-3.2-1B,point,${time},,${rate},,,"start of the trial; 8 output tokens, 24-token prompt, 25 C ambient"`;

  it('gives one prediction per point, the same for trials far apart, and figures of the curve', () => {
    const text = rows(trial(0, 30), trial(60, 30), trial(120, 30));
    const { rows: found, unmapped } = predictSustained(parseSustained(text, 'f.csv'), sources);
    expect(unmapped).toEqual([]);
    const decode = found.filter(({ quantity }) => quantity === 'decode');
    expect(decode).toHaveLength(3);
    for (const { predicted, reference, error } of decode) {
      expect(error).toBeCloseTo(predicted / reference - 1, 12);
      expect(predicted / decode[0]!.predicted).toBeCloseTo(1, 2);
    }
    const names = found.map(({ quantity }) => quantity);
    expect(names).toContain('initial_rate');
    expect(names).toContain('sustained_rate');
    expect(names).not.toContain('drop_time');
  });

  it('names what it cannot map, with a reason', () => {
    const text = rows(
      'a,Unknown Chip,Phone,cpu,llama.cpp,Llama-3.2-1B,point,0,,5,,,',
      'b,Snapdragon 8 Gen 3,Xiaomi 14,,3DMark,3DMark Wild Life,point,0,,5,,,',
    );
    const { rows: found, unmapped } = predictSustained(parseSustained(text, 'f.csv'), sources);
    expect(found).toEqual([]);
    expect(unmapped.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(unmapped[0]!.reason).toMatch(/Unknown Chip/);
  });
});
