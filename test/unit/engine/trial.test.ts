/** A step looked ahead at, against numbers worked out by hand and against the same step in a whole run. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compilePhase } from '../../../src/engine/compile.ts';
import { buildSimulation, policyFor, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { buildTable } from '../../../src/engine/task-table.ts';
import { runTrial } from '../../../src/engine/trial.ts';
import { fileSources } from '../../../src/load.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;
const table = (machine = toyMachine(), graph = chain([toyWork(G, G / 2)]), unit = [0]) =>
  buildTable(toyPhase('decode', graph), machine, { unit: Int32Array.from(unit) });

describe('a trial', () => {
  it('takes the longer of a second of compute and half a second of memory, and 1 W beside 1 nJ per cycle', () => {
    const { seconds, joules } = runTrial(toyMachine(), table());
    expect(seconds).toBeCloseTo(1, 9);
    // 1 J of cycles, 5 mJ of reads, 1 J of the rest of the device.
    expect(joules).toBeCloseTo(2.005, 9);
  });

  it('lets units share memory: 1 GB each at 1 GB/s end together after two seconds', () => {
    const machine = toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
    const graph = { ...chain([toyWork(0, G), toyWork(0, G)]) };
    const apart = { ...graph, operators: graph.operators.map((one) => ({ ...one, inputs: [] })) };
    expect(runTrial(machine, table(machine, apart, [0, 1])).seconds).toBeCloseTo(2, 9);
    expect(runTrial(machine, table(machine, apart, [0, 0])).seconds).toBeCloseTo(2, 9);
  });

  it('pays a hand-over and waits for it', () => {
    const machine = toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
    const graph = chain([toyWork(G), toyWork(G)]);
    expect(runTrial(machine, table(machine, graph, [0, 1])).seconds).toBeCloseTo(2.5, 9);
    expect(runTrial(machine, table(machine, graph, [0, 0])).seconds).toBeCloseTo(2, 9);
  });

  it('runs at the points that a placement asks for: half the clock, a quarter of the energy of cycles', () => {
    const points = [
      { frequency: G / 2, voltage: 0.5 },
      { frequency: G, voltage: 1 },
    ];
    const machine = toyMachine({ points });
    const slow = buildTable(toyPhase('decode', chain([toyWork(G)])), machine, {
      unit: new Int32Array(1),
      points: Int32Array.of(0),
    });
    const { seconds, joules } = runTrial(machine, slow);
    expect(seconds).toBeCloseTo(2, 9);
    expect(joules - seconds).toBeCloseTo(0.25, 9);
  });

  it('equals a run of the same step on the toy machine', () => {
    const graph = chain([toyWork(G / 3, G / 5, G / 7), toyWork(G / 9, G / 4)]);
    const run = runToy([toyPlan([toyPhase('decode', graph)])]);
    const trial = runTrial(toyMachine(), table(toyMachine(), graph, [0, 0]));
    expect(trial.seconds).toBeCloseTo(run.metrics.run_seconds!, 9);
    expect(trial.joules).toBeCloseTo(run.metrics.energy_joules!, 9);
  });

  it.each(['npu', 'gpu', 'cpu'])(
    'is within a few percent of a run on the %s of a real SoC',
    (unit) => {
      const sources = fileSources();
      const text = `version: 1\nsoc: snapdragon-8-gen-3\nunit: ${unit}\nworkload: llama-3.2-1b-chat\ngovernor: performance\nthermalGovernor: none\nenvironment: { ambient: 0 °C }\n`;
      const set = ['workload.promptTokens=16', 'workload.generatedTokens=4'];
      const prepared = prepare(parseSpecFile(text, 'scenario'), set, sources);
      const decode = prepared.plan.phases.at(-1)!;
      const { seconds } = runTrial(
        prepared.machine,
        compilePhase(decode, prepared.machine, policyFor(prepared)),
      );
      const { metrics } = simulate(buildSimulation(prepared, [], sources));
      expect(seconds * metrics.decode_tokens_per_second!).toBeGreaterThan(0.97);
      expect(seconds * metrics.decode_tokens_per_second!).toBeLessThan(1.03);
    },
  );
});
