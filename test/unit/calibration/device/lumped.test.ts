/** Counting equal operators must not change the time of a request, whatever the kernels are tuned to. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { lump, lumpedTimes, tunedMachine } from '../../../../src/calibration/device/lumped.ts';
import { compileRequest, phaseTimes } from '../../../../src/engine/closed-form.ts';
import { policyFor, prepare } from '../../../../src/engine/prepare.ts';
import { sources } from '../../../support/sources.ts';

function compiled(
  soc: string,
  unit: string,
  runtime: string,
  workload: string,
  set: string[] = [],
) {
  const text = `version: 1\nsoc: ${soc}\nunit: ${unit}\nruntime: ${runtime}\nworkload: ${workload}\n`;
  const prepared = prepare(parseSpecFile(text, 'scenario'), set, sources);
  return {
    machine: prepared.machine,
    request: compileRequest(prepared.plan, prepared.machine, policyFor(prepared)),
  };
}

describe('a lumped request', () => {
  it.each([
    ['snapdragon-8-gen-3', 'npu', 'vendor', 'llama-2-7b-chat'],
    ['snapdragon-8-gen-3', 'cpu', 'llama-cpp', 'llama-3.2-1b-chat'],
    ['snapdragon-8-elite', 'gpu', 'mnn', 'qwen2.5-1.5b-chat'],
    ['dimensity-9300', 'cpu', 'executorch-app', 'olmoe-1b-7b-chat'],
    ['apple-a18-pro', 'gpu', 'vendor', 'gemma-2b-chat'],
  ])('takes as long as the closed form on the %s (%s, %s, %s)', (soc, unit, runtime, workload) => {
    const { machine, request } = compiled(soc, unit, runtime, workload, [
      'workload.generatedTokens=5',
    ]);
    const exact = phaseTimes(request, machine);
    const lumped = lumpedTimes(lump(request, machine), tunedMachine(machine));
    expect(lumped.map(({ phase, steps, outputs }) => [phase, steps, outputs])).toEqual(
      exact.map(({ phase, steps, outputs }) => [phase, steps, outputs]),
    );
    for (const [i, { seconds }] of lumped.entries()) {
      // Rates are shared by splits of reads and writes: within 0.2 %.
      expect(Math.abs(seconds / exact[i]!.seconds - 1)).toBeLessThan(0.002);
    }
  });

  it('follows a machine whose kernels were tuned after it was counted', () => {
    const { machine, request } = compiled(
      'snapdragon-8-gen-3',
      'npu',
      'vendor',
      'llama-3.2-3b-chat',
    );
    const counted = lump(request, machine);
    const slower = {
      ...machine,
      hostSeconds: (machine.hostSeconds ?? 0) + 0.01,
      units: machine.units.map((unit) => ({ ...unit, callSeconds: unit.callSeconds + 0.002 })),
    };
    const before = lumpedTimes(counted, tunedMachine(machine));
    const after = lumpedTimes(counted, tunedMachine(slower));
    for (const [i, phase] of counted.entries()) {
      const calls = phase.calls.reduce((sum, count) => sum + count, 0);
      const host = phase.outputsPerStep > 0 ? 0.01 : 0;
      expect((after[i]!.seconds - before[i]!.seconds) / phase.steps).toBeCloseTo(
        host + 0.002 * calls,
        9,
      );
    }
  });
});
