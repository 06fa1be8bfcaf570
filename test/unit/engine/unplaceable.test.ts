import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/api.ts';
import { InfeasibleError } from '../../../src/base/errors.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const refusing = (name: string, reason: string, lever?: string) => ({
  ...toyUnit(name),
  supports: ({ macs }: { macs: number }) =>
    macs === 2e6
      ? { ok: false as const, reason, ...(lever !== undefined && { lever }) }
      : { ok: true as const },
});
const plan = toyPlan([
  toyPhase('prefill', chain([1e6, 2e6, 2e6, 4e6].map((macs) => toyWork(macs)))),
]);
const failure = (run: () => unknown): InfeasibleError => {
  try {
    run();
  } catch (error) {
    if (error instanceof InfeasibleError) return error;
    throw error;
  }
  throw new Error('ran');
};

describe('an operator that no unit can run', () => {
  it('is told with its name, every unit and why, how many there are, and what would help', () => {
    const units = [refusing('npu', 'no kernel', 'a kernel'), refusing('cpu', 'no lanes')];
    const { message, detail } = failure(() => runToy([plan], { machine: toyMachine({ units }) }));
    expect(message).toBe(
      'no unit of toy can run op1 of chain, a MatMul of int8 weights and int8 activations (npu: no kernel; cpu: no lanes)',
    );
    expect(detail).toEqual({
      demand: 4,
      bound: 2,
      unit: 'operators',
      breakdown: { 'MatMul of int8 weights and int8 activations': 2 },
      levers: ['for npu, a kernel'],
    });
  });

  it('is none as long as one unit takes it', () => {
    const units = [refusing('npu', 'no kernel'), toyUnit('cpu')];
    expect(() => runToy([plan], { machine: toyMachine({ units }) })).not.toThrow();
  });
});

describe('on a real SoC', () => {
  const short = ['workload.promptTokens=64', 'workload.generatedTokens=4'];
  const lists = (units: readonly string[]) =>
    units.map((unit) => `${unit}.operators.except=[MatMul]`);
  const chat = { soc: 'snapdragon-8-gen-3', workload: 'llama-3.2-1b-chat' };

  it('lists that leave an operator out everywhere end the run before it starts', () => {
    const { message, detail } = failure(() =>
      simulate(chat, [...short, ...lists(['npu', 'gpu', 'cpu'])]),
    );
    expect(message).toMatch(/no unit of snapdragon-8-gen-3 can run layer\.0\..* MatMul/);
    expect(detail.levers).toContain('for cpu, MatMul out of operators.except');
    expect(detail.bound).toBeLessThan(detail.demand);
  });

  it('lists that leave it to one unit move it there, and the report says why', () => {
    const { compiled } = simulate(chat, [...short, ...lists(['npu', 'gpu'])]);
    expect(compiled[0]!.fallbacks[0]).toMatchObject({
      operator: 'MatMul',
      from: 'npu',
      to: 'cpu',
      reason: 'no kernel for MatMul',
    });
  });

  it('compressed weights find no unit where nothing unpacks them', () => {
    const { message, detail } = failure(() =>
      simulate(chat, [...short, 'workload.techniques.compression.ratio=1.5']),
    );
    expect(message).toMatch(/npu: no decompressor for compressed weights/);
    expect(detail.levers).toContain('for npu, a decompressor (decompressor.bytesPerClock)');
  });
});
