import { describe, expect, it } from 'vitest';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const plan = toyPlan([
  toyPhase('prefill', chain([1e6, 2e6, 3e6, 4e6].map((macs) => toyWork(macs)))),
]);

describe('compile report', () => {
  it('counts one partition where everything stays on one unit', () => {
    const [compiled] = runToy([plan]).compiled;
    expect(compiled).toMatchObject({
      operators: 4,
      partitions: 1,
      operatorsByUnit: { npu: 4 },
      fallbacks: [],
    });
  });

  it('says which operators left, where to, and why', () => {
    const npu = {
      ...toyUnit('npu'),
      supports: ({ macs }: { macs: number }) =>
        macs === 2e6 ? { ok: false as const, reason: 'no such operator' } : { ok: true as const },
    };
    const machine = toyMachine({ units: [npu, toyUnit('cpu')] });
    const run = runToy([plan], { machine });
    expect(run.compiled[0]).toMatchObject({ partitions: 3, operatorsByUnit: { npu: 3, cpu: 1 } });
    expect(run.compiled[0]!.fallbacks).toEqual([
      { operator: 'MatMul', from: 'npu', to: 'cpu', reason: 'no such operator', count: 1 },
    ]);
    // Two hand-overs of half a second each.
    expect(run.metrics.run_seconds).toBeCloseTo(0.01 + 1, 6);
  });

  it('tells a choice of the policy from a missing operator', () => {
    const machine = toyMachine({ units: [toyUnit('npu'), toyUnit('cpu')] });
    const run = runToy([plan], { machine, policy: { place: () => Int32Array.from([0, 0, 0, 1]) } });
    expect(run.compiled[0]!.fallbacks[0]!.reason).toMatch(/policy/);
  });

  it('explains a graph that its unit can run little or nothing of', () => {
    const npuFor = (least: number) => ({
      ...toyUnit('npu'),
      supports: ({ macs }: { macs: number }) =>
        macs >= least ? { ok: true as const } : { ok: false as const, reason: 'no fp32' },
    });
    const compiledWith = (least: number) => {
      const machine = toyMachine({ units: [npuFor(least), toyUnit('cpu')] });
      return runToy([plan], { machine }).compiled[0]!;
    };
    const little = compiledWith(4e6);
    expect(little.operatorsByUnit).toEqual({ npu: 1, cpu: 3 });
    expect(little.fallbacks).toEqual([
      { operator: 'MatMul', from: 'npu', to: 'cpu', reason: 'no fp32', count: 3 },
    ]);
    const nothing = compiledWith(Number.POSITIVE_INFINITY);
    expect(nothing).toMatchObject({ partitions: 1, operatorsByUnit: { cpu: 4 } });
    expect(nothing.fallbacks[0]).toMatchObject({ from: 'npu', reason: 'no fp32', count: 4 });
  });
});
