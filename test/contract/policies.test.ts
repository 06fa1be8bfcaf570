import { describe, expect, it } from 'vitest';
import { compilePhase, placementView } from '../../src/engine/compile.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { homesOf } from '../../src/runtime/policies/homes.ts';
import { type PolicyName, policies } from '../../src/runtime/policies/index.ts';
import { workAt } from '../../src/workload/graph.ts';
import { sources } from '../support/sources.ts';

const scenario = (policy: string) => ({
  file: 'scenario',
  data: { version: 1, soc: 'snapdragon-8-gen-3', workload: 'llama-3.2-3b-chat', policy },
  faults: [],
  locate: () => ({}),
});
const short = ['workload.promptTokens=64', 'workload.generatedTokens=8'];
const prepared = prepare(scenario('single-unit'), short, sources);
const { machine, plan } = prepared;
const names = Object.keys(policies) as PolicyName[];
const create = (name: PolicyName) => policies[name].create({ unit: 'npu', decodeUnit: 'gpu' });

describe.each(names)('policy %s', (name) => {
  it('says what it does in one line', () => {
    expect(policies[name].summary).toMatch(/^[a-z][^\n]{20,140}[^.]$/);
  });

  it('places every operator on a unit that supports it', () => {
    for (const phase of plan.phases) {
      const table = compilePhase(phase, machine, create(name));
      for (let i = 0; i < table.operatorCount; i++) {
        const { graph } = table.phase;
        const work = workAt(graph, graph.operators[i]!.work, phase.contextStart);
        expect(machine.units[table.unit[i]!]!.unit.supports(work).ok).toBe(true);
      }
    }
  });

  it('keeps all arithmetic and all weights, however it cuts operators', () => {
    for (const phase of plan.phases) {
      const table = compilePhase(phase, machine, create(name));
      const total = (of: typeof phase, pick: 'macs' | 'weightBytes') =>
        of.graph.operators.reduce(
          (sum, { work }) => sum + workAt(of.graph, work, phase.contextStart)[pick],
          0,
        );
      for (const key of ['macs', 'weightBytes'] as const) {
        expect(total(table.phase, key) / total(phase, key)).toBeCloseTo(1, 9);
      }
    }
  });

  it('decides alike when asked twice', () => {
    for (const phase of plan.phases) {
      const [a, b] = [
        compilePhase(phase, machine, create(name)),
        compilePhase(phase, machine, create(name)),
      ];
      expect(b.unit).toEqual(a.unit);
    }
  });

  it('runs to the end with finite figures', () => {
    const run = simulate(buildSimulation(prepare(scenario(name), short, sources), short, sources));
    expect(run.metrics['decode_tokens_per_second']).toBeGreaterThan(1);
    expect(Object.values(run.metrics).every(Number.isFinite)).toBe(true);
  });
});

describe('policies that look for the fastest', () => {
  it.each(['heft', 'tensor-split'] as const)(
    '%s never loses to a single unit in a trial',
    (name) => {
      for (const phase of plan.phases) {
        const view = placementView(phase, machine);
        const [home] = homesOf(view);
        const { seconds } = view.trial(create(name).place(view));
        expect(seconds).toBeLessThanOrEqual(home!.seconds * 1.02);
      }
    },
  );

  it('energy-aware takes no more energy than any single unit at full clock', () => {
    const view = placementView(plan.phases.at(-1)!, machine);
    const { joules } = view.trial(create('energy-aware').place(view));
    for (const home of homesOf(view)) {
      if (home.seconds < 1.5 * homesOf(view)[0]!.seconds)
        expect(joules).toBeLessThanOrEqual(home.joules);
    }
  });
});
