import { describe, expect, it } from 'vitest';
import { recogniseMeasured } from '../../../../src/calibration/measured/kinds.ts';
import { parseOnnxProfile } from '../../../../src/calibration/measured/onnx-profile.ts';

const node = (name: string, ts: number, dur: number, op_name = 'Conv') => ({
  cat: 'Node',
  ph: 'X',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name },
});
const session = (ts: number, dur: number) => ({
  cat: 'Session',
  ph: 'X',
  name: 'model_run',
  ts,
  dur,
});

describe('parseOnnxProfile', () => {
  it('shows the run of median length, from its own start', () => {
    const events = [
      session(0, 900),
      node('conv1_nchwc', 10, 800),
      session(1000, 300),
      node('gemm_token_7', 1200, 60, 'Gemm'),
      node('conv1_nchwc', 1020, 150),
      session(2000, 200),
      node('conv1_nchwc', 2010, 100),
    ];
    const run = parseOnnxProfile(JSON.stringify(events), 'profile.json');
    expect(run.runs).toBe(3);
    expect(run.seconds).toBeCloseTo(300e-6);
    expect(run.spans.map(({ name, operator }) => [name, operator])).toEqual([
      ['conv1', 'Conv'],
      ['gemm', 'Gemm'],
    ]);
    expect(run.spans[1]?.start).toBeCloseTo(200e-6);
    expect(run.spans[1]?.end).toBeCloseTo(260e-6);
  });

  it('refuses a profile without operators', () => {
    expect(() => parseOnnxProfile(JSON.stringify([session(0, 9)]), 'p.json')).toThrow(/no run/);
    expect(() => parseOnnxProfile('[', 'p.json')).toThrow(/no JSON/);
  });
});

describe('recogniseMeasured', () => {
  it.each([
    ['[{"build_commit":"x","avg_ts":1}]', 'llama-bench'],
    ['build_commit,model_type,avg_ts\n', 'llama-bench'],
    ['[{"cat":"Session","name":"model_run"}]', 'onnx-profile'],
    ['\uFEFFtime_s,skin_c\n0,1\n', 'device-log'],
    ['timestamp,skin temperature [°C]\n', 'device-log'],
  ])('%s is %s', (text, kind) => {
    expect(recogniseMeasured(text, 'f')).toBe(kind);
  });

  it.each(['', '{}', 'a,b\n1,2', 't_s\n1'])('names what there is for %j', (text) => {
    expect(() => recogniseMeasured(text, 'f')).toThrow(/no known kind.*llama-bench/);
  });
});
