/** Recurrent token mixers on each kind of unit: lanes that their kernels reach, and chains where there is no kernel. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Work } from '../../../../src/base/work.ts';
import { buildCpu } from '../../../../src/hardware/units/cpu.ts';
import { buildGpu } from '../../../../src/hardware/units/gpu.ts';
import { buildNpu } from '../../../../src/hardware/units/npu.ts';
import type { KernelClass, UnitOptions } from '../../../../src/hardware/units/unit-options.ts';
import { tuneKernels } from '../../../../src/runtime/kernel-tuning.ts';
import { adreno, common, hexagon, kryo } from '../../../support/phone-units.ts';

const STATE = 16 * 128 * 128;

/** Rule of one layer of Qwen3.5 0.8B, four operations on every element of its state for each token. */
function rule(tokens: number, more: Partial<Work> = {}): Work {
  return {
    operator: 'LinearAttention',
    form: { kind: 'vector', elements: STATE, passes: 1 },
    macs: 0,
    vectorOps: 4 * tokens * STATE,
    weightDType: 'fp32',
    activationDType: 'fp32',
    weightBytes: 0,
    inputBytes: 4 * tokens * 6176,
    outputBytes: 4 * tokens * 2048,
    kvReadBytes: 4 * STATE,
    kvWriteBytes: 4 * STATE,
    recurrent: true,
    ...more,
  };
}

const units = {
  cpu: (options: UnitOptions) => buildCpu(kryo, common('cpu', 'cpu'), options),
  gpu: (options: UnitOptions) => buildGpu(adreno, common('gpu', 'gpu'), options),
  npu: (options: UnitOptions) => buildNpu(hexagon, common('npu', 'npu'), options),
};
const kinds = Object.keys(units) as (keyof typeof units)[];
const cost = (kind: keyof typeof units, work: Work, kernels: KernelClass = {}) =>
  units[kind]({ kernels }).estimate(work);

describe.each(kinds)('recurrences on the %s', (kind) => {
  it('are on its vector lanes at the share of the class', () => {
    const half = cost(kind, rule(256), { recurrenceShare: 0.02 });
    const whole = cost(kind, rule(256), { recurrenceShare: 0.04 });
    expect(half.vectorCycles / whole.vectorCycles).toBeCloseTo(2, 9);
    expect(half.cycles).toBeGreaterThan(1.9 * whole.cycles);
    expect(half.matrixCycles).toBe(0);
  });

  it('reach a tenth of the lanes where a class says nothing, and other operators all', () => {
    const plain = cost(kind, rule(256, { recurrent: false }));
    expect(cost(kind, rule(256)).vectorCycles / plain.vectorCycles).toBeCloseTo(10, 9);
    const said = cost(kind, rule(256, { recurrent: false }), { recurrenceShare: 0.02 });
    expect(said).toEqual(plain);
  });

  it('take as long for a token as a token of many does, and read the state once a call', () => {
    const one = cost(kind, rule(1));
    const many = cost(kind, rule(100));
    expect(many.vectorCycles / one.vectorCycles).toBeCloseTo(100, 6);
    expect(many.kvReadBytes).toBe(one.kvReadBytes);
  });
});

describe.each(['gpu', 'npu'] as const)('chains on the %s', (kind) => {
  const chain = { recurrenceChain: true };

  it('launch thirteen kernels for one token and move the state with each', () => {
    const fused = cost(kind, rule(1));
    const chained = cost(kind, rule(1), chain);
    expect(chained.launchSeconds).toBeCloseTo(13 * fused.launchSeconds, 12);
    expect(chained.readBytes - fused.readBytes).toBe(6 * 4 * STATE);
    expect(chained.writeBytes - fused.writeBytes).toBe(4 * 4 * STATE);
    expect(chained.cycles).toBe(fused.cycles);
  });

  it('cut more tokens into chunks of 64, which take the state one after the other', () => {
    const launchesOf = (tokens: number) =>
      cost(kind, rule(tokens), chain).launchSeconds / cost(kind, rule(tokens)).launchSeconds;
    // Lines of build_delta_net_chunking that compute: 42 for all chunks, nine in the loop over them.
    expect(launchesOf(2)).toBeCloseTo(42 + 9, 9);
    expect(launchesOf(64)).toBeCloseTo(42 + 9, 9);
    expect(launchesOf(65)).toBeCloseTo(42 + 2 * 9, 9);
    expect(launchesOf(512)).toBeCloseTo(42 + 8 * 9, 9);
    const moved = (tokens: number) => cost(kind, rule(tokens), chain).kvReadBytes;
    expect(moved(512) / moved(64)).toBeCloseTo(8, 9);
    expect(moved(2)).toBe(moved(64));
    // Far less for each token than a chain for every one of them.
    expect(moved(64)).toBeLessThan(0.1 * 64 * moved(1));
  });

  it('never take less for more tokens', () => {
    const tokens = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(tokens, tokens, fc.boolean(), (a, b, recurrenceChain) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map((count) =>
          cost(kind, rule(count), { recurrenceChain }),
        );
        for (const key of ['cycles', 'readBytes', 'writeBytes', 'launchSeconds'] as const)
          expect(many![key]).toBeGreaterThanOrEqual(few![key]);
      }),
    );
  });

  it('do not concern anything else', () => {
    const other = rule(1, { recurrent: false, operator: 'Mul' });
    expect(cost(kind, other, chain)).toEqual(cost(kind, other));
  });
});

it('a calibration scales what a class says, never beyond the lanes', () => {
  expect(tuneKernels({ recurrenceShare: 0.1 }, { recurrence: 2 }).recurrenceShare).toBe(0.2);
  expect(tuneKernels({ recurrenceShare: 0.4 }, { recurrence: 3 }).recurrenceShare).toBe(1);
  expect(tuneKernels({}, { recurrence: 2 })).not.toHaveProperty('recurrenceShare');
});
