/** Policies choose by what a run will take: the wait for a cipher of paged experts and adapters included. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compilePhase, placementView } from '../../../src/engine/compile.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import { buildSimulation, policyFor, prepare } from '../../../src/engine/prepare.ts';
import { openingMachine } from '../../../src/engine/secure-opening.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { predictAlone } from '../../../src/engine/task-table.ts';
import { runTrial } from '../../../src/engine/trial.ts';
import { buildStorage } from '../../../src/hardware/storage/ufs.ts';
import { heft } from '../../../src/runtime/policies/heft.ts';
import { singleUnit } from '../../../src/runtime/policies/single-unit.ts';
import type { Graph } from '../../../src/workload/graph.ts';
import { workAt } from '../../../src/workload/graph.ts';
import { sources } from '../../support/sources.ts';
import { chain, toyMachine, toyPhase, toyUnit, toyWork } from '../../support/toy-machine.ts';

/** 100 bytes a second. */
const storage = {
  storage: buildStorage({ sequentialRead: 100, randomRead: 100 }, 0, 0),
  node: 1,
};
/** A cipher half as fast as the drive. */
const opening: Machine['opening'] = (bytes, drive) => bytes / 50 - drive;
const paged = { ...toyWork(1e9), storageBytes: 100 };
const toy = (more: Partial<Machine> = {}, units = [toyUnit('npu'), toyUnit('cpu')]) => ({
  ...toyMachine({ units }),
  storage,
  ...more,
});

describe('the time of an operator whose weights come from the drive', () => {
  it('is a second to read, one more to decipher, and one to compute', () => {
    expect(predictAlone(toy(), 0, paged)!.seconds).toBeCloseTo(2, 9);
    expect(predictAlone(toy({ opening }), 0, paged)!.seconds).toBeCloseTo(3, 9);
    // Of an operator that brings nothing there is nothing to open.
    expect(predictAlone(toy({ opening }), 0, toyWork(1e9))!.seconds).toBeCloseTo(1, 9);
  });

  it('is the same in a trial of the whole step, and draws what waiting draws', () => {
    const phase = toyPhase('decode', chain([paged, toyWork(1e9)]));
    const trial = (machine: Machine) =>
      runTrial(machine, compilePhase(phase, machine, singleUnit('npu')));
    const [plain, secured] = [trial(toy()), trial(toy({ opening }))];
    expect(plain.seconds).toBeCloseTo(3, 9);
    expect(secured.seconds).toBeCloseTo(4, 9);
    // A watt of the rest of the device.
    expect(secured.joules - plain.joules).toBeCloseTo(1, 6);
  });
});

describe('list scheduling', () => {
  // Two operators that know nothing of each other.
  const graph: Graph = {
    name: 'two',
    works: [paged, toyWork(1e9)],
    operators: [
      { name: 'expert', work: 0, inputs: [] },
      { name: 'shared', work: 1, inputs: [] },
    ],
  };
  /** 2.6 s where the NPU takes one. */
  const slow = () => {
    const unit = toyUnit('cpu');
    return {
      ...unit,
      estimate: (work: typeof paged) => ({ ...unit.estimate(work), cycles: 2.6 * work.macs }),
    };
  };
  const placed = (more: Partial<Machine>) => {
    const machine = toy(more, [toyUnit('npu'), slow() as ReturnType<typeof toyUnit>]);
    const table = compilePhase(toyPhase('decode', graph), machine, heft());
    return [...table.unit].map((u) => machine.units[u]!.unit.name);
  };

  it('puts what would wait behind a cipher elsewhere', () => {
    const fast: Machine['opening'] = () => 0;
    expect(placed({ opening: fast })).toEqual(placed({}));
    const short = {
      storage: {
        ...storage,
        storage: buildStorage({ sequentialRead: 1000, randomRead: 1000 }, 0, 0),
      },
    };
    // 1.1 + 1 s against 2.6 s: both stay.
    expect(placed(short)).toEqual(['npu', 'npu']);
    const waits: Machine['opening'] = () => 1;
    expect(placed({ ...short, opening: waits })).toEqual(['npu', 'cpu']);
  });
});

describe('a protected workload whose experts are paged', () => {
  const SET = ['workload.promptTokens=32', 'workload.generatedTokens=2'];
  const text = (cipher: string) => `version: 1
soc: dimensity-9300
workload: mixtral-8x7b-paged
security: { preset: coarse, decryption: ${cipher} }`;
  const ready = (cipher: string, set: readonly string[] = []) =>
    prepare(parseSpecFile(text(cipher), 'test'), [...SET, ...set], sources);

  /** Of the experts of one step, seconds that the view says more than without a cipher. */
  function seen(cipher: string, set: readonly string[] = []) {
    const { machine, plan, protection } = ready(cipher, set);
    const phase = plan.phases.at(-1)!;
    const secured = openingMachine(machine, protection!.plans[0]!);
    const [guarded, without] = [placementView(phase, secured), placementView(phase, machine)];
    const npu = guarded.units.indexOf('npu');
    const { operators } = phase.graph;
    let [more, bytes] = [0, 0];
    for (const [i, { work }] of operators.entries()) {
      more += guarded.seconds(i, npu) - without.seconds(i, npu);
      bytes += workAt(phase.graph, work, phase.contextStart).storageBytes ?? 0;
    }
    return { more, bytes };
  }

  it('tells its policy what a slow cipher takes beyond the drive', () => {
    // 1 GB/s against 3.9 GB/s of blocks.
    const { more, bytes } = seen('engine', ['security.engine.throughput=1 GB/s']);
    expect(bytes).toBeGreaterThan(1e8);
    const drive = bytes / 1e9 - more;
    expect(bytes / drive).toBeGreaterThan(2e9);
    expect(bytes / drive).toBeLessThan(4.1e9);
  });

  it('tells nothing where the NPU deciphers as it reads', () => {
    const set = ['security.dmaCrypto.throughput=1 GB/s', 'security.dmaCrypto.energy=0 pJ/B'];
    expect(seen('npu-dma', set).more).toBe(0);
  });

  it('takes in a run what was said', () => {
    const set = ['security.engine.throughput=1 GB/s'];
    const prepared = ready('engine', set);
    const run = simulate(buildSimulation(prepared, [...SET, ...set], sources));
    const decode = run.phases.find(({ stage }) => stage === 'decode')!;
    const { machine, plan, protection } = prepared;
    const secured = openingMachine(machine, protection!.plans[0]!);
    const view = placementView(plan.phases.at(-1)!, secured);
    const table = compilePhase(
      plan.phases.at(-1)!,
      secured,
      policyFor(prepared, { policy: 'single-unit' }),
    );
    const step = view.trial(Int32Array.from(table.unit)).seconds;
    const each = (decode.endSeconds - decode.startSeconds) / plan.phases.at(-1)!.steps;
    expect(step / each).toBeGreaterThan(0.9);
    expect(step / each).toBeLessThan(1.1);
  });
});
