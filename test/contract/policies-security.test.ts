/** Whatever policy places whatever strategy: nobody is sent where the gates would stop him. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { barUnits } from '../../src/engine/barred-units.ts';
import { compilePhase, placementView } from '../../src/engine/compile.ts';
import { buildSimulation, policyFor, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { listBundled } from '../../src/load.ts';
import { type PolicyName, policies } from '../../src/runtime/policies/index.ts';
import { workAt } from '../../src/workload/graph.ts';
import { sources } from '../support/sources.ts';

const PRESETS = listBundled('socs/security', '.yaml');
const NAMES = Object.keys(policies) as PolicyName[];
const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=2'];

const prepared = Object.fromEntries(
  PRESETS.map((preset) => {
    const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: { preset: ${preset} }\n`;
    return [preset, prepare(parseSpecFile(text, 'test'), SHORT, sources)];
  }),
);

/** The machine as a preset leaves it to its operators. */
function guarded(preset: string) {
  const { protection, machine, plan } = prepared[preset]!;
  const [security] = protection?.plans ?? [];
  return { machine: security ? barUnits(machine, security) : machine, open: machine, plan };
}

describe.each(NAMES)('policy %s', (policy) => {
  it.each(PRESETS)('under %s finds every operator a unit that may access its data', (preset) => {
    const { machine, plan } = guarded(preset);
    for (const phase of plan.phases) {
      const table = compilePhase(phase, machine, policyFor(prepared[preset]!, { policy }));
      const { graph } = table.phase;
      for (const [i, { work }] of graph.operators.entries()) {
        const found = machine.barred?.(table.unit[i]!, workAt(graph, work, phase.contextStart));
        expect(found).toBeUndefined();
      }
    }
  });

  // The strategies that leave CPU and NPU, and the CPU alone: the gates stop the run where one is sent wrong.
  it.each(['naive', 'all'])('under %s runs without a fault', (preset) => {
    const run = simulate(
      buildSimulation({ ...prepared[preset]!, ...scenarioOf(preset, policy) }, SHORT, sources),
    );
    expect(run.audit!.faults).toEqual([]);
    expect(run.metrics['decode_tokens_per_second']).toBeGreaterThan(1);
  });
});

function scenarioOf(preset: string, policy: PolicyName) {
  return { scenario: { ...prepared[preset]!.scenario, policy } };
}

describe('what policies see of a barred unit', () => {
  const views = guarded('fine');
  const phase = views.plan.phases.at(-1)!;
  const [open, closed] = [placementView(phase, views.open), placementView(phase, views.machine)];
  const gpu = open.units.indexOf('gpu');
  const product = phase.graph.operators.findIndex(
    ({ work }) => workAt(phase.graph, work, phase.contextStart).operator === 'MatMul',
  );

  it('is no time and no cost, but that protection alone is the reason', () => {
    expect(open.seconds(product, gpu)).toBeGreaterThan(0);
    expect(open.barred(product, gpu)).toBe(false);
    expect(closed.seconds(product, gpu)).toBe(Number.POSITIVE_INFINITY);
    expect(closed.cost(product, gpu)).toBeUndefined();
    expect(closed.barred(product, gpu)).toBe(true);
  });

  it('is nothing else than without protection on units that may read', () => {
    for (const u of [0, 1, 2].filter((u) => u !== gpu))
      expect(closed.seconds(product, u)).toBe(open.seconds(product, u));
  });
});
