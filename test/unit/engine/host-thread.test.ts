import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import { buildSimulation, type Prepared, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const prepared = (lines: readonly string[]): Prepared => {
  const text = [
    'version: 1',
    'soc: snapdragon-8-gen-2',
    'workload: llama-3.2-1b-chat',
    ...(lines.some((line) => line.startsWith('set:'))
      ? []
      : ['set: [workload.promptTokens=64, workload.generatedTokens=96]']),
    ...lines,
  ];
  return prepare(parseSpecFile(text.join('\n'), 'scenario.yaml'), [], sources);
};
const run = (parts: Prepared): Run => simulate(buildSimulation(parts, [], sources));
/** The same machine, its GPU fed by a thread of which `share` is awake. */
function withThread(parts: Prepared, share: number): Prepared {
  const units = parts.machine.units.map((one) =>
    one.host ? { ...one, host: share > 0 ? { ...one.host, share } : undefined } : one,
  );
  return { ...parts, machine: { ...parts.machine, units } };
}
const domainOf = (machine: Machine, name: string) =>
  machine.domains.findIndex(({ clock }) => clock.name === name);
/** Operators of requests, not the leakage of the block. */
const ranOnGpu = ({ unit, request }: Run['ledger'][number]) =>
  unit === 'gpu' && request !== 'platform';
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('a thread that waits for the GPU', () => {
  const LINES = ['unit: gpu', 'runtime: llama-cpp'];
  const gpu = prepared(LINES);
  const polling = run(gpu);
  // A machine carries its heat from run to run, so each has its own.
  const asleep = run(withThread(prepared(LINES), 0));

  it('belongs to runtimes whose class says so, and sits on the second fastest cluster', () => {
    const { machine } = gpu;
    const hosts = machine.units.map(({ unit, host }) => [unit.name, host] as const);
    expect(Object.fromEntries(hosts)).toEqual({
      npu: undefined,
      gpu: { domain: domainOf(machine, 'cpu-middle'), share: 1 },
      cpu: undefined,
    });
    const vendor = prepared(['unit: npu']);
    expect(vendor.machine.units.every(({ host }) => host === undefined)).toBe(true);
  });

  it('draws what one waiting core of that cluster draws, for as long as the GPU has work', () => {
    const { power, clock, cores } = gpu.machine.domains[domainOf(gpu.machine, 'cpu-middle')]!;
    const { frequency, voltage } = clock.points.at(-1)!;
    const core = (power.stalled * frequency * voltage ** 2) / cores!;
    const seconds = polling.metrics['run_seconds']!;
    // A little less: schedutil raises the clock after the first periods only.
    expect(polling.energy['cpu']! / seconds).toBeLessThanOrEqual(core);
    expect(polling.energy['cpu']! / seconds).toBeGreaterThan(0.85 * core);
    expect(asleep.energy['cpu'] ?? 0).toBe(0);
  });

  it('changes no time, and the energy of the GPU by its heat alone', () => {
    expect(polling.metrics['run_seconds']).toBeCloseTo(asleep.metrics['run_seconds']!, 8);
    const gpuRatio = polling.energy['gpu']! / asleep.energy['gpu']!;
    expect(gpuRatio).toBeGreaterThan(1);
    expect(gpuRatio).toBeLessThan(1.02);
    expect(polling.energy['dram']! / asleep.energy['dram']!).toBeCloseTo(1, 3);
  });

  it('is attributed: ledger, rails and total agree', () => {
    const total = polling.metrics['energy_joules']!;
    expect(sum(polling.ledger.map(({ joules }) => joules)) / total).toBeCloseTo(1, 9);
    expect(sum(Object.values(polling.energy)) / total).toBeCloseTo(1, 9);
    const ofGpu = (given: Run) =>
      sum(given.ledger.flatMap((row) => (ranOnGpu(row) ? [row.joules] : [])));
    const more = ofGpu(polling) - ofGpu(asleep);
    expect(more / polling.energy['cpu']!).toBeCloseTo(1, 9);
  });

  it('draws in proportion to its share', () => {
    const half = run(withThread(prepared(LINES), 0.5));
    const ratio = half.energy['cpu']! / polling.energy['cpu']!;
    // Half the work leaves schedutil at a lower clock and voltage, which saves more than half.
    expect(ratio).toBeGreaterThan(0.15);
    expect(ratio).toBeLessThan(0.5);
  });

  it('is there in the closed form as well', () => {
    const analytic = run(prepared(['unit: gpu', 'runtime: llama-cpp', 'fidelity: analytic']));
    const watts = (given: Run) => given.energy['cpu']! / given.metrics['run_seconds']!;
    expect(watts(analytic) / watts(polling)).toBeGreaterThan(0.95);
    expect(watts(analytic) / watts(polling)).toBeLessThan(1.15);
  });
});

describe('threads of a runtime whose operators take turns on CPU and GPU', () => {
  // Two-bit weights have no kernels on the GPU: every product of the layers runs on the CPU.
  const LINES = ['unit: gpu', 'runtime: llama-cpp'];
  // A prime core at a clock that heat does not cap.
  const SHORT = 'set: [cpu-prime.clock=2 GHz, workload.promptTokens=4, workload.generatedTokens=24';
  const mixedOf = (more: readonly string[] = []) =>
    prepared([...LINES, ...more, `${SHORT}, workload.weightFormat=q2_k-file]`]);
  const mixed = run(mixedOf());
  const rate = (given: Run) => given.metrics['decode_tokens_per_second']!;
  const isWaiting = ({ operator }: Run['ledger'][number]) => operator === 'waiting threads';
  const waiting = (given: Run) => sum(given.ledger.filter(isWaiting).map(({ joules }) => joules));

  it('never sleep, so governors hold the CPU at its top: only the GPU, half idle, slows the run', () => {
    const top = run(mixedOf(['governor: performance']));
    expect(rate(mixed) / rate(top)).toBeGreaterThan(0.8);
    expect(rate(mixed) / rate(top)).toBeLessThanOrEqual(1);
    const sleeping = run(withThread(mixedOf(), 0));
    expect(rate(sleeping) / rate(top)).toBeLessThan(0.6);
  });

  it('draw what cores that wait draw, while the GPU works', () => {
    const { machine } = mixedOf();
    const cpu = machine.units.find(({ unit }) => unit.kind === 'cpu')!;
    const pool = sum(
      cpu.domains.map((d) => {
        const { power, clock, cores = 1, coresUsed = cores } = machine.domains[d]!;
        const { frequency, voltage } = clock.points.at(-1)!;
        return (power.stalled * frequency * voltage ** 2 * coresUsed) / cores;
      }),
    );
    const gpuSeconds = sum(
      mixed.ledger.filter(ranOnGpu).map((row) => sum(Object.values(row.seconds))),
    );
    expect(waiting(mixed)).toBeGreaterThan(0);
    expect(waiting(mixed)).toBeLessThan(pool * gpuSeconds);
    const total = mixed.metrics['energy_joules']!;
    expect(sum(mixed.ledger.map(({ joules }) => joules)) / total).toBeCloseTo(1, 9);
    expect(sum(Object.values(mixed.energy)) / total).toBeCloseTo(1, 9);
  });

  it('sleep where the CPU has no part in it, and where the runtime blocks', () => {
    const whole = run(prepared([...LINES, `${SHORT}]`]));
    expect(waiting(whole)).toBe(0);
    expect(waiting(run(withThread(mixedOf(), 0)))).toBe(0);
    const cpu = ['unit: cpu', 'runtime: llama-cpp', `${SHORT}, workload.weightFormat=q2_k-file]`];
    expect(waiting(run(prepared(cpu)))).toBe(0);
  });

  it('draw about the same in closed form', () => {
    const analytic = run(mixedOf(['fidelity: analytic']));
    const watts = (given: Run) => waiting(given) / given.metrics['run_seconds']!;
    expect(watts(analytic) / watts(mixed)).toBeGreaterThan(0.7);
    expect(watts(analytic) / watts(mixed)).toBeLessThan(1.5);
  });
});
