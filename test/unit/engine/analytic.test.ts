/** The closed form against sums worked out by hand and against the same scenarios run event by event. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { CAUSES } from '../../../src/engine/run.ts';
import type { Simulation } from '../../../src/engine/setup.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { stepWeights } from '../../../src/engine/step-cost.ts';
import type { RequestPlan } from '../../../src/workload/graph.ts';
import { sources } from '../../support/sources.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toySimulation,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;

function run(fidelity: string, text: string, set: readonly string[] = []): Run {
  const spec = parseSpecFile(`version: 1\nfidelity: ${fidelity}\n${text}`, 'scenario.yaml');
  return simulate(buildSimulation(prepare(spec, set, sources), set, sources));
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('weights of steps', () => {
  it('sum 1, x and x² over all steps exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (steps) => {
        const weights = [...stepWeights(steps)];
        const moment = (power: number) => sum(weights.map(([x, w]) => w * x ** power));
        const n = steps - 1;
        expect(moment(0) / steps).toBeCloseTo(1, 9);
        expect(moment(1)).toBeCloseTo((n * steps) / 2, 3);
        expect(moment(2) / Math.max(1, (n * steps * (2 * n + 1)) / 6)).toBeCloseTo(
          steps > 1 ? 1 : 0,
          9,
        );
        expect(weights.length).toBeLessThanOrEqual(6);
      }),
    );
  });

  it('take every step once where there are few', () => {
    expect([...stepWeights(1)]).toEqual([[0, 1]]);
    expect([...stepWeights(2)]).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect([...stepWeights(3)]).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
  });
});

describe('a request in closed form', () => {
  const toy = (plans: readonly RequestPlan[], over: Partial<Simulation> = {}) => {
    const simulation = toySimulation(plans, over);
    return simulate({ ...simulation, inputs: { ...simulation.inputs, fidelity: 'analytic' } });
  };

  it('sums steps that grow: 1 + 2 + … + 100 gigacycles at 1 GHz', () => {
    const phase = toyPhase('decode', chain([(context) => toyWork(context * G)]), 100);
    const { metrics, phases } = toy([toyPlan([phase])]);
    expect(metrics.run_seconds).toBeCloseTo(5050, 6);
    expect(metrics.time_to_first_token_seconds).toBeCloseTo(1, 9);
    // 1 nJ per cycle and 1 W of platform.
    expect(metrics.energy_joules).toBeCloseTo(10_100, 5);
    expect(phases[0]!.macs / (5050 * G)).toBeCloseTo(1, 9);
  });

  it('equals the run of any plan on one unit', () => {
    const amount = fc.double({ min: 1e6, max: 1e9, noNaN: true });
    const work = fc.tuple(amount, amount, amount).map(([m, r, w]) => toyWork(m, r, w));
    const phase = fc
      .tuple(
        fc.constantFrom('prefill', 'decode'),
        fc.array(work, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
      )
      .map(([name, works, steps]) => toyPhase(name, chain(works), steps));
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 3 }), (phases) => {
        const events = runToy([toyPlan(phases)]);
        const form = toy([toyPlan(phases)]);
        for (const id of [
          'run_seconds',
          'time_to_first_token_seconds',
          'energy_joules',
          'dram_bytes',
        ]) {
          expect(form.metrics[id]! / events.metrics[id]!).toBeCloseTo(1, 6);
        }
        expect(form.phases.map(({ phase: name, limit }) => [name, limit])).toEqual(
          events.phases.map(({ phase: name, limit }) => [name, limit]),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('lets units of one phase work side by side, as a run does', () => {
    const machine = () => toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
    const graph = chain([toyWork(G, G / 2), toyWork(G / 2, G)]);
    const apart = { ...graph, operators: graph.operators.map((one) => ({ ...one, inputs: [] })) };
    const policy = { place: () => Int32Array.of(0, 1) };
    const plan = () => [toyPlan([toyPhase('prefill', apart, 3)])];
    const form = toy(plan(), { machine: machine(), policy });
    const events = runToy(plan(), { machine: machine(), policy });
    expect(form.metrics.run_seconds).toBeCloseTo(events.metrics.run_seconds!, 6);
    expect(form.phases[0]!.units).toEqual(events.phases[0]!.units);
  });

  it('queues requests behind each other', () => {
    const plan = () => toyPlan([toyPhase('decode', chain([toyWork(G)]), 2)]);
    const { requests } = toy([plan(), plan()]);
    expect(requests.map(({ endSeconds }) => endSeconds)).toEqual([2, 4]);
  });
});

describe('a scenario of a real phone', () => {
  it.each([
    ['snapdragon-8-gen-3', 'npu', 'llama-3.2-1b-chat'],
    ['dimensity-9300', 'npu', 'llama-2-7b-chat'],
    ['snapdragon-8-elite', 'gpu', 'qwen2.5-1.5b-chat'],
    ['exynos-2400', 'npu', 'olmoe-1b-7b-chat'],
    ['apple-a18-pro', 'npu', 'whisper-small-dictation'],
  ])('on the %s (%s, %s) agrees with its simulation', (soc, unit, workload) => {
    const text = `soc: ${soc}\nunit: ${unit}\nworkload: ${workload}\n`;
    const fluid = run('fluid', text).metrics;
    const form = run('analytic', text).metrics;
    const ratio = (id: string) => form[id]! / fluid[id]!;
    expect(ratio('time_to_first_token_seconds')).toBeCloseTo(1, 2);
    expect(ratio('request_latency_seconds')).toBeCloseTo(1, 2);
    expect(ratio('dram_bytes')).toBeCloseTo(1, 3);
    expect(Math.abs(ratio('energy_joules') - 1)).toBeLessThan(0.04);
    expect(form['peak_memory_bytes']).toBe(fluid['peak_memory_bytes']);
    // Heat of a mean over seconds against heat of every 10 ms.
    expect(
      Math.abs(form['junction_temperature_celsius']! - fluid['junction_temperature_celsius']!),
    ).toBeLessThan(6);
    expect(
      Math.abs(form['skin_temperature_celsius']! - fluid['skin_temperature_celsius']!),
    ).toBeLessThan(0.3);
  });

  it('follows ten minutes of heat, with pauses', () => {
    const text = 'soc: dimensity-9300\nworkload: llama-2-7b-chat\nduration: 10min\npause: 20s\n';
    const fluid = run('fluid', text);
    const form = run('analytic', text);
    expect(form.requests.length).toBe(fluid.requests.length);
    expect(form.metrics['end_skin_temperature_celsius']).toBeCloseTo(
      fluid.metrics['end_skin_temperature_celsius']!,
      0,
    );
    expect(form.metrics['run_seconds']! / fluid.metrics['run_seconds']!).toBeCloseTo(1, 3);
  });

  it('loads a model first on a cold start', () => {
    const text = 'soc: snapdragon-8-gen-3\nworkload: llama-3.2-1b-chat\nstart: cold\n';
    const [fluid, form] = [run('fluid', text), run('analytic', text)];
    expect(form.phases[0]!.phase).toBe('load');
    expect(
      form.metrics['time_to_first_token_seconds']! / fluid.metrics['time_to_first_token_seconds']!,
    ).toBeCloseTo(1, 2);
    expect(form.energy['storage']).toBeCloseTo(fluid.energy['storage']!, 6);
  });

  it('reads paged experts at the expense of the drive, as far as the fluid simulation does', () => {
    const text = 'soc: snapdragon-8-gen-3\nworkload: mixtral-8x7b-paged\n';
    const set = ['workload.promptTokens=32', 'workload.generatedTokens=8'];
    const [fluid, form] = [run('fluid', text, set), run('analytic', text, set)];
    expect(fluid.energy['storage']).toBeGreaterThan(0);
    expect(form.energy['storage']! / fluid.energy['storage']!).toBeCloseTo(1, 2);
    for (const { energy, ledger } of [fluid, form]) {
      expect(sum(Object.values(energy)) / sum(ledger.map(({ joules }) => joules))).toBeCloseTo(
        1,
        9,
      );
    }
  });

  it('accounts for every joule and second once', () => {
    const { energy, metrics, ledger, phases } = run(
      'analytic',
      'soc: exynos-2400\nworkload: llama-3.2-3b-chat\n',
    );
    expect(sum(Object.values(energy))).toBeCloseTo(metrics['energy_joules']!, 6);
    expect(sum(ledger.map(({ joules }) => joules))).toBeCloseTo(metrics['energy_joules']!, 6);
    const busy = sum(ledger.flatMap(({ seconds }) => CAUSES.map((cause) => seconds[cause])));
    expect(busy).toBeCloseTo(
      sum(phases.map(({ startSeconds, endSeconds }) => endSeconds - startSeconds)),
      6,
    );
  });

  it('goes by the clocks that its governor settles on', () => {
    const at = (governor: string) =>
      run(
        'analytic',
        `soc: snapdragon-8-gen-3\nunit: cpu\ngovernor: ${governor}\nworkload: llama-3.2-1b-chat\n`,
      ).metrics;
    expect(at('schedutil')['run_seconds']).toBe(at('performance')['run_seconds']);
    expect(at('powersave')['run_seconds']).toBeGreaterThan(2 * at('performance')['run_seconds']!);
    expect(at('powersave')['average_power_watts']).toBeLessThan(
      at('performance')['average_power_watts']!,
    );
  });

  it('says where a phone would throttle, and holds the die at its trip', () => {
    const { notes, metrics } = run(
      'analytic',
      'soc: snapdragon-8-gen-3\nunit: cpu\nworkload: llama-3.2-1b-chat\n',
    );
    expect(notes.join('\n')).toMatch(/the die would pass its junction trip of 95 °C/);
    expect(metrics['junction_temperature_celsius']).toBe(95);
    expect(metrics).not.toHaveProperty('throttled_ratio');
    expect(metrics).not.toHaveProperty('peak_power_watts');
  });

  it.each([
    ['security: weights', /security: is unknown to fidelity analytic/],
    ['workloads: [{workload: llama-3.2-1b-chat}]', /workloads: is unknown to fidelity analytic/],
  ])('refuses what it does not know: %s', (line, message) => {
    const workload = line.startsWith('workloads') ? '' : 'workload: llama-3.2-1b-chat\n';
    const build = () => run('analytic', `soc: snapdragon-8-gen-3\n${workload}${line}\n`);
    expect(build).toThrow(SpecError);
    expect(build).toThrow(message);
  });

  it('says so where real-time traffic leaves some stream nothing', () => {
    const text =
      'soc: dimensity-9300\nworkload: llama-2-7b-chat\nbackground: { camera: 70 GB/s }\n';
    expect(() => run('analytic', text)).toThrow(/real-time traffic takes all the bandwidth/);
  });
});
