/** Where operators go that the unit of a protected workload cannot run. */
import { describe, expect, it } from 'vitest';
import { InfeasibleError, SecurityFault } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=2'];

function run(security: string, set: readonly string[]) {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: ${security}`;
  const all = [...SHORT, ...set];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
  );
}

function failure(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('ran');
}

const COMPRESSED = ['workload.techniques.compression.ratio=4', 'npu.decompressor.bytesPerClock=64'];
const NO_MATMUL_ON_NPU = ['npu.operators.except=[MatMul]'];

describe('an operator that only barred units can run', () => {
  const error = failure(() => run('{ preset: naive }', COMPRESSED)) as InfeasibleError;

  it('has no place, and is told why of each unit', () => {
    expect(error).toBeInstanceOf(InfeasibleError);
    expect(error.message).toMatch(/no unit of dimensity-9300 can run layer\.0\..* MatMul/);
    expect(error.message).toMatch(/cpu: no decompressor for compressed weights/);
    expect(error.message).toMatch(/npu: as npu-normal it may not read secure memory/);
  });

  it('has one where the NPU works for the secure world', () => {
    expect(error.detail.levers).toContain(
      'for npu, a way into the secure world (security.npu: coarse or fine)',
    );
    const { audit } = run('{ preset: naive, npu: fine }', [...COMPRESSED, 'scenario.unit=npu']);
    expect(audit!.faults).toEqual([]);
  });

  it('has one where weights are not protected', () => {
    expect(() => run('{ preset: none }', COMPRESSED)).not.toThrow();
  });
});

describe('an operator that the NPU has no kernel for', () => {
  const unitsOf = (security: string) =>
    new Set(
      run(security, NO_MATMUL_ON_NPU)
        .ledger.filter(({ operator }) => operator === 'MatMul')
        .map(({ unit }) => unit),
    );

  it('goes to the CPU where the GPU may not read protected weights', () => {
    expect(unitsOf('{ preset: fine }')).toEqual(new Set(['cpu']));
  });

  it('is stopped on a unit that the user asks for all the same', () => {
    const stopped = failure(() =>
      run('{ preset: fine }', [...NO_MATMUL_ON_NPU, 'scenario.unit=gpu']),
    );
    expect(stopped).toBeInstanceOf(SecurityFault);
  });
});
