import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../../src/engine/arrivals.ts';
import { byDeadline } from '../../../src/runtime/policies/urgency.ts';
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

interface ToyClient {
  readonly name: string;
  /** Seconds of compute per step, and steps. */
  readonly step: number;
  readonly steps?: number;
  /** Operators of a step. */
  readonly operators?: number;
  readonly priority?: number;
  readonly deadline?: number;
  readonly late?: 'serve' | 'skip';
  readonly concurrent?: number;
  readonly arrival?: Partial<Client['arrival']>;
}

function client({ name, step, steps = 1, operators = 1, ...rest }: ToyClient): Client {
  const works = Array.from({ length: operators }, () => toyWork((step * G) / operators));
  const { priority = 0, late = 'serve', concurrent = 1, deadline, arrival } = rest;
  return {
    plan: toyPlan([toyPhase('decode', chain(works), steps)], name),
    lane: { name, late, concurrent, ...(deadline === undefined ? {} : { deadline }) },
    priority,
    arrival: { start: 0, delay: 0, ...arrival },
  };
}

function run(clients: readonly ToyClient[], duration?: number, over = {}) {
  return runToy([], { ...clientJobs(clients.map(client), duration), ...over });
}
const workload = (result: ReturnType<typeof run>, name: string) =>
  result.workloads!.find((entry) => entry.name === name)!;

describe('arrivals', () => {
  const times = (arrival: Partial<Client['arrival']>, duration?: number, seed?: number) =>
    clientJobs([client({ name: 'a', step: 1, arrival })], duration, seed).jobs.map(
      (j) => j.arrival,
    );

  it('come once, each period, or until the repeat or the duration ends them', () => {
    expect(times({ start: 2 })).toEqual([2]);
    expect(times({ every: 0.5 }, 2)).toEqual([0, 0.5, 1, 1.5]);
    expect(times({ every: 0.5, start: 1, repeat: 3 })).toEqual([1, 1.5, 2]);
    // A tenth has no exact binary form; multiples do not drift.
    expect(times({ every: 0.1 }, 1000)[9999]).toBeCloseTo(999.9, 12);
  });

  it('come by chance with the mean that is asked for, alike for one seed', () => {
    const draws = times({ poisson: 2 }, 20_000, 7);
    expect(draws.length).toBeGreaterThan(9_700);
    expect(draws.length).toBeLessThan(10_300);
    expect(times({ poisson: 2 }, 20_000, 7)).toEqual(draws);
    expect(times({ poisson: 2 }, 20_000, 8)).not.toEqual(draws);
    // Exponential gaps: the standard deviation equals the mean.
    const gaps = draws.slice(1).map((time, i) => time - draws[i]!);
    const square = gaps.reduce((sum, gap) => sum + (gap - 2) ** 2, 0) / gaps.length;
    expect(Math.sqrt(square)).toBeGreaterThan(1.9);
    expect(Math.sqrt(square)).toBeLessThan(2.1);
  });

  it('follow the end of a request of their own after a pause, or of another workload', () => {
    const result = run(
      [
        { name: 'ask', step: 1, arrival: { pause: 2 } },
        { name: 'speak', step: 0.5, arrival: { after: 'ask', delay: 0.25 } },
      ],
      7,
    );
    const rows = result.requests.map((r) => [r.name, r.arrivalSeconds, r.endSeconds]);
    expect(rows).toEqual([
      ['ask 1', 0, 1],
      ['speak 1', 1.25, 1.75],
      ['ask 2', 3, 4],
      ['speak 2', 4.25, 4.75],
      ['ask 3', 6, 7],
    ]);
  });
});

describe('several workloads on one unit', () => {
  it('cut a long step at an operator boundary for an urgent request, and resume it', () => {
    const result = run([
      { name: 'calm', step: 1, operators: 10, priority: 1 },
      { name: 'urgent', step: 0.2, arrival: { start: 0.35 } },
    ]);
    // The operator under way until 0.4 is finished, then 0.2 of the urgent one.
    expect(result.requests.map((r) => [r.workload, r.endSeconds])).toEqual([
      ['urgent', expect.closeTo(0.6, 9)],
      ['calm', expect.closeTo(1.2, 9)],
    ]);
    expect(workload(result, 'calm').preemptions).toBe(1);
    expect(workload(result, 'urgent').preemptions).toBe(0);
  });

  it('pay for submitting a cut graph again', () => {
    const [unit] = toyMachine({ units: [toyUnit('npu')] }).units;
    const machine = { ...toyMachine(), units: [{ ...unit!, callSeconds: 0.01 }] };
    const clients: ToyClient[] = [
      { name: 'calm', step: 1, operators: 10, priority: 1 },
      { name: 'urgent', step: 0.2, arrival: { start: 0.35 } },
    ];
    // One call each, and one more for the cut.
    expect(run(clients, undefined, { machine }).metrics['run_seconds']).toBeCloseTo(1.23, 9);
  });

  it('count what ends after its deadline, or is skipped for it', () => {
    // 0.15 s of work each 0.1 s: request i ends at 0.15·(i + 1), due at 0.1·i + 0.2: late from the third on.
    const frames = {
      name: 'frames',
      step: 0.15,
      arrival: { every: 0.1, repeat: 6 },
      deadline: 0.2,
    };
    const served = workload(run([frames]), 'frames');
    expect([served.requests, served.missed, served.skipped]).toEqual([6, 4, 0]);
    expect(served.latencySeconds.max).toBeCloseTo(0.9 - 0.5, 9);
    const skipped = run([{ ...frames, late: 'skip', arrival: { every: 0.1, repeat: 20 } }]);
    const kept = workload(skipped, 'frames');
    expect(kept.skipped).toBeGreaterThan(0);
    expect(kept.latencySeconds.max).toBeLessThanOrEqual(0.2 + 0.15);
    expect(skipped.metrics['deadline_miss_ratio']).toBeCloseTo(kept.missed! / 20, 9);
  });

  it('refuse a deadline that no unit can meet, and say by how much', () => {
    const clients: ToyClient[] = [{ name: 'frames', step: 0.5, steps: 3, deadline: 1.2 }];
    expect(() => run(clients)).toThrow(/frames: alone it takes 1.5 s, 300 ms more than 1.2 s/);
    expect(() => run([{ ...clients[0]!, deadline: 1.6 }])).not.toThrow();
  });

  it('serve by deadline under that policy, whatever the priority', () => {
    const clients: ToyClient[] = [
      { name: 'late', step: 1, priority: 0, deadline: 9, arrival: { start: 0.1 } },
      { name: 'soon', step: 1, priority: 5, deadline: 3, arrival: { start: 0.2 } },
      { name: 'first', step: 1 },
    ];
    const place = { place: () => new Int32Array(1) };
    const order = (policy: object) =>
      run(clients, undefined, { policy }).requests.map((r) => r.workload);
    expect(order(place)).toEqual(['first', 'late', 'soon']);
    expect(order({ ...place, urgency: byDeadline })).toEqual(['first', 'soon', 'late']);
  });

  it('keep requests of one workload in order', () => {
    const result = run([
      { name: 'a', step: 0.3, operators: 3, concurrent: 3, arrival: { every: 0.1, repeat: 3 } },
    ]);
    expect(result.requests.map((r) => r.name)).toEqual(['a 1', 'a 2', 'a 3']);
  });

  it('are accounted for one by one: energy and unit seconds sum to those of the ledger', () => {
    const result = run([
      { name: 'a', step: 0.5, steps: 3, operators: 5, priority: 1 },
      { name: 'b', step: 0.1, arrival: { every: 0.4, repeat: 4 } },
    ]);
    expect(workload(result, 'a').unitSeconds['npu']).toBeCloseTo(1.5, 9);
    expect(workload(result, 'b').unitSeconds['npu']).toBeCloseTo(0.4, 9);
    expect(workload(result, 'a').joules + workload(result, 'b').joules).toBeCloseTo(
      result.energy['npu']!,
      9,
    );
    const outputs = result.phases.map((phase) => [phase.request, phase.outputs]);
    expect(Object.fromEntries(outputs)).toEqual({ a: 3, b: 4 });
  });
});
