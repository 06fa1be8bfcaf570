import { describe, expect, it } from 'vitest';
import {
  InfeasibleError,
  InvariantError,
  SecurityFault,
  SpecError,
} from '../../../src/base/errors.ts';
import { endingOf } from '../../../src/cli/exit.ts';
import { readUserFile } from '../../../src/load.ts';

describe('endingOf', () => {
  it('lists the faults of bad input', () => {
    expect(endingOf(new SpecError('one'))).toEqual({ code: 2, text: 'one' });
    const two = new SpecError([
      { file: 'a.yaml', line: 1, column: 2, message: 'one' },
      { message: 'two' },
    ]);
    expect(endingOf(two)).toEqual({ code: 2, text: '2 faults:\n  a.yaml:1:2: one\n  two' });
  });

  it('lists no more faults than fit a screen', () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ message: `fault ${i}` }));
    const lines = endingOf(new SpecError(many)).text.split('\n');
    expect(lines[0]).toBe('50 faults:');
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe('  … and 30 more');
  });

  it('shows demand, bound, breakdown and levers of what does not fit, in readable units', () => {
    const error = new InfeasibleError('the model does not fit', {
      demand: 13_000_000_000,
      bound: 11_000_000_000,
      unit: 'B',
      breakdown: { cache: 1_000_000_000, weights: 12_000_000_000 },
      levers: ['store weights in int4'],
    });
    expect(endingOf(error)).toEqual({
      code: 3,
      text: [
        'the model does not fit',
        '  demand 13 GB, bound 11 GB: short by 2 GB',
        '    weights  12 GB',
        '    cache    1 GB',
        '  what would help:',
        '    - store weights in int4',
      ].join('\n'),
    });
  });

  it('tells figures that a model says nothing of as above what it does', () => {
    const error = new InfeasibleError('too hot', {
      demand: 16_079_393_653_957,
      bound: 150,
      unit: '°C',
      most: 150,
      breakdown: { prime: 16_079_393_653_957, gpu: 90 },
      levers: [],
    });
    expect(endingOf(error).text).toBe(
      [
        'too hot',
        '  demand above 150 °C, bound 150 °C',
        '    prime  above 150 °C',
        '    gpu    90 °C',
      ].join('\n'),
    );
  });

  it('ends with 4 at a forbidden access', () => {
    const detail = {
      initiator: 'gpu',
      region: 'secure',
      tensor: 'weights',
      label: 'model-secret',
      seconds: 0.25,
      gate: 'firewall',
    };
    const { code, text } = endingOf(new SecurityFault('gpu read weights', detail));
    expect(code).toBe(4);
    for (const part of ['gpu', 'secure', 'weights (model-secret)', '250 ms', 'firewall']) {
      expect(text).toContain(part);
    }
    const leak = endingOf(
      new SecurityFault('out it went', { ...detail, gate: undefined as never }),
    );
    expect(leak.text).toContain('nothing stopped it');
    expect(leak.text).toContain('lets it happen and lists it');
    expect(text).toContain('goes on without the access');
  });

  it('blames the path, not socsim, for files that cannot be written', () => {
    const error = Object.assign(new Error('EACCES: permission denied, mkdir'), {
      code: 'EACCES',
      syscall: 'mkdir',
      path: '/home/me/out',
    });
    expect(endingOf(error)).toEqual({ code: 2, text: '/home/me/out: permission denied' });
    expect(() => readUserFile('no/such/file.yaml')).toThrow('no such file');
  });

  it('keeps the stack of a bug', () => {
    const { code, text } = endingOf(new InvariantError('energy went missing'));
    expect(code).toBe(1);
    expect(text).toContain('bug in socsim');
    expect(text).toMatch(/energy went missing\n +at /);
  });
});
