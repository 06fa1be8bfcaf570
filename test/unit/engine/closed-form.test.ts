import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { buildSimulation, policyFor, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

/** At its own clock the prime core passes 150 °C within a tenth of a second where no governor minds it. */
const COOL = 'cpu-prime.clock=2.4 GHz';
const scenario = (text: string) =>
  parseSpecFile(`version: 1\ngovernor: performance\nthermalGovernor: none\n${text}`, 'scenario');

function both(text: string, set: readonly string[]) {
  const prepared = prepare(scenario(text), set, sources);
  const times = phaseTimes(
    compileRequest(prepared.plan, prepared.machine, policyFor(prepared)),
    prepared.machine,
  );
  const { metrics } = simulate(buildSimulation(prepared, [], sources));
  const total = (name: string) =>
    times.filter(({ phase }) => phase === name).reduce((sum, { seconds }) => sum + seconds, 0);
  const tokens = times
    .filter(({ phase }) => phase === 'decode')
    .reduce((sum, { outputs }) => sum + outputs, 0);
  return { prefill: total('prefill'), decode: tokens / total('decode'), metrics };
}

describe('closed form of a request', () => {
  it.each([
    ['npu', 'vendor', 'llama-2-7b-chat'],
    ['cpu', 'executorch-app', 'llama-3.2-1b-chat'],
    ['cpu', 'llama-cpp', 'llama-3.2-1b-chat'],
    ['gpu', 'mnn', 'llama-3.2-3b-chat'],
  ])('equals the simulation at full clocks on the %s under %s (%s)', (unit, runtime, workload) => {
    const { prefill, decode, metrics } = both(
      `soc: snapdragon-8-gen-3\nunit: ${unit}\nruntime: ${runtime}\nworkload: ${workload}\n`,
      // Short enough that the die does not overheat without a governor that minds it.
      ['workload.promptTokens=24', 'workload.generatedTokens=6', COOL],
    );
    expect(prefill / metrics['time_to_first_token_seconds']!).toBeCloseTo(1, 6);
    expect(decode / metrics['decode_tokens_per_second']!).toBeCloseTo(1, 3);
  });

  it('stays close where two units take turns', () => {
    const { prefill, decode, metrics } = both(
      'soc: snapdragon-8-gen-3\nruntime: llm-npu\npolicy: stage-wise\nunit: npu\ndecodeUnit: cpu\nworkload: llama-3.2-1b-chat\n',
      ['workload.weightFormat=int8-per-channel', 'workload.generatedTokens=16', COOL],
    );
    expect(prefill / metrics['time_to_first_token_seconds']!).toBeCloseTo(1, 3);
    expect(decode / metrics['decode_tokens_per_second']!).toBeCloseTo(1, 3);
  });

  it('adds the host work of every token once per token', () => {
    const text = (runtime: string) =>
      `soc: snapdragon-8-gen-3\nunit: cpu\nruntime: ${runtime}\nworkload: llama-3.2-1b-chat\n`;
    const set = ['workload.promptTokens=16', 'workload.generatedTokens=9', COOL];
    const base = both(text('executorch-app'), set);
    const prepared = prepare(scenario(text('executorch-app')), set, sources);
    const slower = { ...prepared.machine, hostSeconds: (prepared.machine.hostSeconds ?? 0) + 0.01 };
    const times = phaseTimes(compileRequest(prepared.plan, slower, policyFor(prepared)), slower);
    const decode = times.filter(({ phase }) => phase === 'decode');
    const seconds = decode.reduce((sum, one) => sum + one.seconds, 0) / 8;
    expect(seconds - 1 / base.decode).toBeCloseTo(0.01, 6);
  });
});
