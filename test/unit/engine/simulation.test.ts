import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import type { PlacementView } from '../../../src/runtime/scheduling-policy.ts';
import {
  chain,
  fastest,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;
/** One operator, one step. */
const single = (macs: number, read = 0, write = 0, name = 'toy') =>
  toyPlan([toyPhase('prefill', chain([toyWork(macs, read, write)]))], name);
/** Puts a phase on the unit it is named after. */
const byPhase = {
  place: (view: PlacementView) =>
    new Int32Array(view.operatorCount).fill(view.units.indexOf(view.phase)),
};

describe('one operator alone', () => {
  it('takes its cycles at the clock when compute binds: 10^9 cycles at 1 GHz', () => {
    const run = runToy([single(G, 1e6)]);
    expect(run.metrics.run_seconds).toBeCloseTo(1, 9);
    expect(run.phases[0]!.limit).toBe('compute');
    expect(run.phases[0]!.shares.compute).toBeCloseTo(1, 9);
  });

  it('takes its bytes at the bandwidth when memory binds: 2 GB at 1 GB/s', () => {
    const run = runToy([single(1e6, 1.5 * G, 0.5 * G)]);
    expect(run.metrics.run_seconds).toBeCloseTo(2, 9);
    expect(run.phases[0]!.limit).toBe('bandwidth');
    expect(run.metrics.dram_bytes).toBeCloseTo(2 * G, 3);
  });

  it('pays launch first', () => {
    const machine = toyMachine({ units: [toyUnit('npu', 0.25)] });
    const run = runToy([single(G)], { machine });
    expect(run.metrics.run_seconds).toBeCloseTo(1.25, 9);
    expect(run.phases[0]!.shares.launch).toBeCloseTo(0.2, 9);
  });

  it("is held by the port's bytes in flight over latency: 50 B / 100 ns = 0.5 GB/s", () => {
    const machine = toyMachine({ units: [toyUnit('npu', 0, 50)] });
    expect(runToy([single(0, G)], { machine }).metrics.run_seconds).toBeCloseTo(2, 2);
  });

  it('draws 1 nJ per cycle, 10 pJ per byte read, 20 pJ per byte written, and 1 W of platform', () => {
    const run = runToy([single(G, G / 2, G / 4)]);
    expect(run.energy['npu']).toBeCloseTo(1, 9);
    expect(run.energy['dram']).toBeCloseTo(0.005 + 0.005, 9);
    expect(run.energy['rest']).toBeCloseTo(1, 9);
    expect(run.metrics.energy_joules).toBeCloseTo(2.01, 9);
    expect(run.metrics.average_power_watts).toBeCloseTo(2.01, 6);
  });
});

describe('phases and steps', () => {
  it('runs operators in order and steps after each other', () => {
    const phases = [
      toyPhase('prefill', chain([toyWork(G), toyWork(G / 2)])),
      toyPhase('decode', chain([toyWork(G / 4)]), 4),
    ];
    const run = runToy([toyPlan(phases)]);
    expect(run.metrics.time_to_first_token_seconds).toBeCloseTo(1.5, 9);
    expect(run.metrics.run_seconds).toBeCloseTo(2.5, 9);
    expect(run.metrics.decode_tokens_per_second).toBeCloseTo(4, 6);
    expect(run.timeline.spans.length).toBe(2 + 1 + 1 + 4 + 4 + 1);
  });

  it('costs a growing work anew in every step: 1 + 2 + 3 gigacycles', () => {
    const run = runToy([
      toyPlan([toyPhase('decode', chain([(context) => toyWork(context * G)]), 3)]),
    ]);
    expect(run.metrics.run_seconds).toBeCloseTo(6, 9);
  });

  it('reports phases of one name that follow each other as one', () => {
    const chunk = chain([toyWork(G, 1e6)]);
    const run = runToy([
      toyPlan([toyPhase('prefill', chunk, 3), toyPhase('prefill', chain([toyWork(G, 1e6)]))]),
    ]);
    expect(run.phases.map(({ phase, steps, dramBytes }) => [phase, steps, dramBytes])).toEqual([
      ['prefill', 4, 4e6],
    ]);
    expect(run.phases[0]!.endSeconds).toBeCloseTo(4, 9);
    expect(run.metrics.dram_bytes).toBe(4e6);
  });

  it('does not depend on how often control looks', () => {
    const plan = toyPlan([toyPhase('decode', chain([toyWork(1e7, 3e6), toyWork(1e6, 2e7)]), 50)]);
    const coarse = runToy([plan], { controlPeriod: 0.5 });
    const fine = runToy([plan], { controlPeriod: 0.0007 });
    expect(fine.metrics.run_seconds).toBeCloseTo(coarse.metrics.run_seconds!, 8);
    expect(fine.metrics.energy_joules).toBeCloseTo(coarse.metrics.energy_joules!, 8);
    expect(fine.phases[0]!.shares.bandwidth).toBeCloseTo(coarse.phases[0]!.shares.bandwidth, 6);
  });
});

describe('several units', () => {
  const machine = () => toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
  const on = (unit: string, macs: number, bytes: number) =>
    toyPlan([toyPhase(unit, chain([toyWork(macs, bytes)]))], `on ${unit}`);

  it('share bandwidth equally: two times 1 GB at 1 GB/s end together after 2 s', () => {
    const run = runToy([on('a', 0, G), on('b', 0, G)], {
      machine: machine(),
      policy: byPhase,
      concurrent: 2,
    });
    expect(run.requests.map((r) => r.endSeconds)).toEqual([2, 2]);
  });

  it('get the bandwidth back when the other has ended: 0.5 GB and 1.5 GB end at 1 s and 2 s', () => {
    const run = runToy([on('a', 0, G / 2), on('b', 0, 1.5 * G)], {
      machine: machine(),
      policy: byPhase,
      concurrent: 2,
    });
    expect(run.requests.map((r) => r.endSeconds)).toEqual([1, 2]);
  });

  it('get it back as soon as the stream ends, though its operator still computes', () => {
    // a: 0.5 GB and 3 s of compute; its stream ends at 1 s at half rate. b: 1.5 GB ends at 2 s.
    const run = runToy([on('a', 3 * G, G / 2), on('b', 0, 1.5 * G)], {
      machine: machine(),
      policy: byPhase,
      concurrent: 2,
    });
    const ends = Object.fromEntries(run.requests.map((r) => [r.name, r.endSeconds]));
    expect(ends['on b']).toBeCloseTo(2, 6);
    expect(ends['on a']).toBeCloseTo(3, 6);
  });

  it('pay the transfer when a result crosses units', () => {
    const policy = { place: () => Int32Array.from([0, 1]) };
    const plan = toyPlan([toyPhase('prefill', chain([toyWork(G), toyWork(G)]))]);
    const run = runToy([plan], { machine: machine(), policy });
    expect(run.metrics.run_seconds).toBeCloseTo(2.5, 9);
    expect(run.phases[0]!.shares.transfer).toBeCloseTo(0.2, 9);
  });

  it('runs independent operators side by side', () => {
    const graph = {
      name: 'fork',
      works: [toyWork(G)],
      operators: [0, 1].map((i) => ({ name: `op${i}`, work: 0, inputs: [] })),
    };
    const policy = { place: () => Int32Array.from([0, 1]) };
    const run = runToy([toyPlan([toyPhase('prefill', graph)])], { machine: machine(), policy });
    expect(run.metrics.run_seconds).toBeCloseTo(1, 9);
  });
});

describe('several requests', () => {
  const job = (name: string, arrival: number, priority = 0) => ({
    plan: toyPlan([toyPhase('decode', chain([toyWork(G)]), 2)], name),
    arrival,
    priority,
  });

  it('queue in order of arrival when one is served at a time', () => {
    const run = runToy([], { jobs: [job('first', 0), job('second', 0.5)] });
    expect(run.requests.map((r) => [r.startSeconds, r.endSeconds])).toEqual([
      [0, 2],
      [2, 4],
    ]);
    expect(run.metrics.request_latency_seconds).toBeCloseTo((2 + 3.5) / 2, 9);
  });

  it('let the urgent one go first at the next operator boundary', () => {
    const run = runToy([], { jobs: [job('calm', 0, 1), job('urgent', 0.5, 0)], concurrent: 2 });
    const ends = Object.fromEntries(run.requests.map((r) => [r.name, r.endSeconds]));
    expect(ends).toEqual({ urgent: 3, calm: 4 });
  });

  it('follow each other in a closed loop for as long as there is a next one', () => {
    const next = (index: number, now: number) =>
      index < 3 ? [{ ...job(`r${index}`, now + 0.5), arrival: now + 0.5 }] : [];
    const run = runToy([], { jobs: [job('r0', 0)], follow: next });
    expect(run.requests.map((r) => [r.name, r.arrivalSeconds, r.endSeconds])).toEqual([
      ['r0', 0, 2],
      ['r1', 2.5, 4.5],
      ['r2', 5, 7],
    ]);
  });

  it('waits idle until the next arrival, and keeps counting energy', () => {
    const run = runToy([], { jobs: [job('first', 0), job('late', 100)] });
    expect(run.metrics.run_seconds).toBeCloseTo(102, 9);
    expect(run.energy['rest']).toBeCloseTo(102, 6);
  });
});

describe('heat', () => {
  const points = [
    { frequency: 0.5e9, voltage: 0.5 },
    { frequency: 1e9, voltage: 1 },
  ];
  const slow = {
    limit: ({ devices }: { devices: readonly unknown[] }) =>
      devices.map(() => ({ point: 0, reason: 'skin' })),
  };

  it('halves the rate when capped to half the clock, and says that heat did it', () => {
    const machine = toyMachine({ points });
    const run = runToy([single(G)], { machine, thermalGovernor: slow });
    expect(run.metrics.run_seconds).toBeCloseTo(2, 9);
    expect(run.phases[0]!.shares.thermal).toBeCloseTo(0.5, 9);
    expect(run.metrics.throttled_ratio).toBeCloseTo(1, 6);
    // V² scaling: a quarter of the energy per cycle at half the voltage.
    expect(run.energy['npu']).toBeCloseTo(0.25, 9);
  });

  it('costs a bandwidth-bound operator nothing', () => {
    const machine = toyMachine({ points });
    const run = runToy([single(1e6, G)], { machine, thermalGovernor: slow });
    expect(run.metrics.run_seconds).toBeCloseTo(1, 9);
    expect(run.phases[0]!.shares.thermal).toBeCloseTo(0, 9);
  });

  it('warms the die toward its steady state: 1 W + 1 W through 4 K/W and 1 K/W', () => {
    const run = runToy([single(3000 * G)], { controlPeriod: 0.5 });
    // Die power 1 W, platform 1 W at the skin: skin 25 + 2·4 = 33, die 33 + 1·1 = 34.
    expect(run.metrics.skin_temperature_celsius).toBeCloseTo(33, 2);
    expect(run.metrics.junction_temperature_celsius).toBeCloseTo(34, 2);
  });

  it('follows a slow governor', () => {
    const machine = toyMachine({ points });
    const run = runToy([single(G)], { machine, governors: [{ choose: () => 0 }] });
    expect(run.metrics.run_seconds).toBeCloseTo(2, 9);
    expect(run.phases[0]!.shares.thermal).toBe(0);
    expect(fastest.choose({ frequencies: [1, 2] } as never)).toBe(1);
  });
});

describe('limits', () => {
  it('refuses what does not fit, with demand, bound and levers', () => {
    const machine = toyMachine({ capacity: 60 });
    expect(() => runToy([single(G)], { machine })).toThrow(InfeasibleError);
    try {
      runToy([single(G)], { machine });
    } catch (error) {
      const { detail } = error as InfeasibleError;
      expect([detail.demand, detail.bound]).toEqual([111, 60]);
      expect(detail.breakdown).toMatchObject({ 'weights of toy': 100, 'key–value cache': 10 });
      expect(detail.levers[0]).toMatch(/fewer bits per weight: at most 49 %/);
    }
  });

  it('refuses an operator that no unit can run, and repeats why', () => {
    const mute = { ...toyUnit('npu'), supports: () => ({ ok: false as const, reason: 'no int8' }) };
    const machine = toyMachine({ units: [mute] });
    const why = /no unit of toy can run op0 of chain, a MatMul of int8 weights .*\(npu: no int8\)/;
    expect(() => runToy([single(G)], { machine })).toThrow(why);
  });
});
