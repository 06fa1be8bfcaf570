/** Published throttling figures as series. */
import { describe, expect, it } from 'vitest';
import { parseThrottling } from '../../../../src/calibration/device/throttling-rows.ts';

const HEADER = 'device,soc,workload,t_s,metric,value,unit,temperature_C,temperature_kind,source';
const parse = (...lines: string[]) => parseThrottling([HEADER, ...lines, ''].join('\n'), 't.csv');
const ran = (workload: string) => parse(`phone,chip,"${workload}",60,power,5,W,,,`)[0];

describe('a series of throttling', () => {
  it('goes on while its device does the same, and starts again with another', () => {
    const series = parse(
      'phone,chip,"Wild Life Extreme, 20 loops",60,performance of peak,97,%,,,one',
      'phone,chip,same,600,performance of peak,61,%,,,one',
      'phone,chip,"Burnout, CPU",60,power,9,W,,,two',
      'phone,chip,same,120,power,7,W,,,two',
      'tablet,chip,same,120,power,3,W,,,three',
    );
    expect(series.map(({ id, points }) => [id, points.map(({ reference }) => reference)])).toEqual([
      ['phone: Wild Life Extreme', [97, 61]],
      ['phone: Burnout', [9, 7]],
      ['tablet: same', [3]],
    ]);
    expect(series[0]).toMatchObject({ soc: 'chip', source: 'one', device: 'phone' });
  });

  it.each([
    ['LiteRT-LM Gemma 4 E2B on GPU', 'gpu', 'LiteRT-LM', 'Gemma 4 E2B'],
    ['MLC Qwen2.5-1.5B, Adreno', 'gpu', 'MLC-LLM', 'Qwen2.5-1.5B'],
    ['llama.cpp Llama 3.2 3B, CPU', 'cpu', 'llama.cpp', 'Llama 3.2 3B'],
    ['MLX Qwen2.5-1.5B', '', 'MLX', 'Qwen2.5-1.5B'],
    ['CoreML on the Neural Engine beside the GPU', 'npu', 'CoreML', ''],
    ['NPU and CPU', 'npu', '', ''],
    ['stress of CPU+GPU', 'hybrid', '', ''],
    ['CPU Throttling Test', 'cpu', '', 'CPU Throttling Test'],
    ['Wild Life Extreme', 'gpu', '', '3DMark Wild Life Extreme'],
  ])('of "%s" ran on "%s"', (workload, unit, runtime, model) => {
    expect(ran(workload)).toMatchObject({ unit, runtime, model, remarks: workload });
  });

  it('has a point for what it measures and one for its temperature, over its time', () => {
    const [series] = parse(
      'phone,chip,Wild Life Extreme,0-1200,stability,63.5,%,43.7 (back),skin,',
      'phone,chip,same,,decode rate,,tok/s,<40,skin,',
      'phone,chip,same,,decode rate,8.5,tok/s,,,',
      'phone,chip,same,90,frames,60,1/s,,,',
    );
    const shown = series?.points.map(({ id, quantity, reference, time, until, sensor }) => [
      id.replace('phone: Wild Life Extreme', ''),
      quantity,
      reference,
      time,
      until,
      sensor,
    ]);
    // No value, a bound in place of a temperature, and a metric that nothing predicts give no point.
    expect(shown).toEqual([
      ['@0-1200', 'score', 63.5, 0, 1200, ''],
      ['@0-1200', 'temperature', 43.7, 0, 1200, '43.7 (back) skin'],
      ['@line 4', 'decode', 8.5, undefined, undefined, ''],
    ]);
  });
});
