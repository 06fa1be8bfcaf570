import { describe, expect, it } from 'vitest';
import { parsePowerTrace, replayPower } from '../../../../src/hardware/thermal/power-trace.ts';

const HEADER = 'run,network,t_start_s,t_end_s,P_NPU,P_GPU,P_DIE';
const parse = (...lines: string[]) =>
  parsePowerTrace([HEADER, ...lines].join('\n'), 'power.csv', 'phone', ['NPU', 'GPU']);

describe('power traces', () => {
  it('reads its own runs and names the others', () => {
    const trace = parse('A,phone,0,1,2,0.5,', 'A,phone,1,3,0,1,', 'B,other,0,9,,,4');
    expect(trace.runs).toHaveLength(1);
    expect([...trace.runs[0]!.pieces[1]!.watts]).toEqual([0, 1]);
    expect(trace.foreign).toEqual([{ name: 'B', network: 'other' }]);
  });

  it('reports unknown blocks, gaps, reversed intervals and words, all with their line', () => {
    const bad = () =>
      parse('A,phone,0,1,2,0.5,', 'A,phone,1.5,3,0,1,', 'A,phone,3,3,x,1,', 'B,phone,0,1,1,1,7');
    expect(bad).toThrow(/power.csv:3: t_start_s: gap or overlap/);
    expect(bad).toThrow(/power.csv:4: P_NPU: not a number/);
    expect(bad).toThrow(/power.csv:4: t_end_s: interval must end after/);
    expect(bad).toThrow(/power.csv:5: P_DIE: power for unknown block "DIE"/);
  });

  it('reports an unknown block once, not in every row', () => {
    const bad = () => parse('A,phone,0,1,1,1,7', 'A,phone,1,2,1,1,7');
    expect(bad).toThrow(/^power.csv:2: P_DIE: power for unknown block "DIE"[^\n]*$/);
  });

  it('refuses a block that draws less than nothing', () => {
    const bad = () => parse('A,phone,0,1,2,-0.5,');
    expect(bad).toThrow(/power.csv:2: P_GPU: a block cannot draw less than nothing \(got -0.5 W\)/);
    expect(() => parse('A,phone,0,1,2,0,')).not.toThrow();
  });

  it('stops at sample times and interval ends, and is silent outside', () => {
    const { runs } = parse('A,phone,0,1,2,0,', 'A,phone,1,3,0,1,');
    const steps: string[] = [];
    const seen: number[] = [];
    replayPower(
      runs[0]!,
      [0, 0.5, 2, 4],
      (seconds, watts) => steps.push(`${seconds}: ${[...watts].join(' ')}`),
      (index) => seen.push(index),
    );
    expect(steps).toEqual(['0.5: 2 0', '0.5: 2 0', '1: 0 1', '1: 0 1', '1: 0 0']);
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});
