import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/engine/machine.ts';
import { OnlineCores } from '../../../src/engine/online-cores.ts';
import { thermalGovernors } from '../../../src/runtime/governors/index.ts';
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

/** A unit of four cores of which three run threads, beside one of two. */
function machineOf(): Machine {
  const toy = toyMachine({ units: [toyUnit('big'), toyUnit('little')] });
  const [big, little] = toy.domains;
  const unit = { ...toy.units[0]!, domains: [0, 1] };
  return {
    ...toy,
    units: [unit],
    domains: [
      { ...big!, cores: 4, coresUsed: 3 },
      { ...little!, cores: 2, coresUsed: 2 },
    ],
  };
}

const cap = (cores?: number) => ({ point: 0, reason: '', ...(cores !== undefined && { cores }) });

describe('cores that are on', () => {
  it('lose those first that no thread uses, and give power back for every one', () => {
    const cores = new OnlineCores(machineOf());
    const told: string[] = [];
    expect(cores.apply([cap(3), cap()], (d, on, all) => told.push(`${d}: ${on}/${all}`))).toBe(
      true,
    );
    expect([...cores.speedShare]).toEqual([1, 1]);
    // Three of four have a thread: taking out the fourth gives nothing back.
    expect([...cores.powerShare]).toEqual([0.75, 1]);
    cores.apply([cap(1), cap(1)], () => {});
    expect([...cores.powerShare]).toEqual([0.25, 0.5]);
    expect(cores.speedShare[0]).toBeCloseTo(1 / 3, 12);
    expect(cores.speedShare[1]).toBe(0.5);
    expect(told).toEqual(['0: 3/4']);
  });

  it('come back when the cap is gone, and say so once', () => {
    const cores = new OnlineCores(machineOf());
    let told = 0;
    cores.apply([cap(2), cap()], () => told++);
    expect(cores.apply([cap(), cap()], () => told++)).toBe(true);
    expect(cores.apply([cap(), cap()], () => told++)).toBe(false);
    expect(told).toBe(2);
    expect([...cores.powerShare]).toEqual([0.75, 1]);
  });

  it('draw power only where a thread is, as do trials of policies', () => {
    const joulesWith = (coresUsed: number) => {
      const toy = toyMachine();
      const domains = toy.domains.map((domain) => ({ ...domain, cores: 8, coresUsed }));
      const machine = { ...toy, domains };
      const run = runToy([toyPlan([toyPhase('prefill', chain([toyWork(G)]))])], { machine });
      return run.energy['npu'];
    };
    // 1 nJ per cycle of the whole domain at full rate; the unit's own cycles are those of its threads.
    expect(joulesWith(8)).toBeCloseTo(1, 9);
    expect(joulesWith(2)).toBeCloseTo(0.25, 9);
  });

  it('leave the leakage of sleeping ones to what gating keeps', () => {
    const leakWith = (coresUsed: number) => {
      const toy = toyMachine();
      const domains = toy.domains.map((domain) => ({
        ...domain,
        cores: 4,
        coresUsed,
        power: { ...domain.power, idle: 0.4, leakage: () => 0.8, gatedShare: 0.1 },
      }));
      const machine = { ...toy, domains };
      const run = runToy([toyPlan([toyPhase('prefill', chain([toyWork(G)]))])], { machine });
      const of = (name: string) =>
        run.ledger
          .filter(({ operator }) => operator === name)
          .reduce((sum, { joules }) => sum + joules, 0);
      return [of('leakage'), of('idle')];
    };
    expect(leakWith(4)[0]).toBeCloseTo(0.8, 9);
    expect(leakWith(4)[1]).toBeCloseTo(0, 9);
    // One core of four awake: 0.2 W and a tenth of the other 0.6 W; three quarters of the idle power.
    expect(leakWith(1)[0]).toBeCloseTo(0.26, 9);
    expect(leakWith(1)[1]).toBeCloseTo(0.3, 9);
  });

  it('never leave a unit without one: the slowest domain keeps it', () => {
    const cores = new OnlineCores(machineOf());
    cores.apply([cap(0), cap(0)], () => {});
    expect([...cores.speedShare]).toEqual([0, 0.5]);
  });
});

describe('hotplug in a run', () => {
  // One point only: nothing but cores can answer. 100 W through 1 K/W alone are 100 K.
  const toy = toyMachine();
  const domains = toy.domains.map((domain) => ({
    ...domain,
    cores: 8,
    power: { ...domain.power, matrix: 100e-9 },
  }));
  const run = runToy([toyPlan([toyPhase('prefill', chain([toyWork(60 * G)]))])], {
    machine: { ...toy, domains },
    thermalGovernor: thermalGovernors.junction.create(),
  });

  it('holds the block at the trip with fewer cores, and the timeline says which and why', () => {
    expect(run.metrics.junction_temperature_celsius).toBeGreaterThan(106);
    expect(run.metrics.junction_temperature_celsius).toBeLessThan(114);
    const off = run.timeline.marks.filter(({ name }) => /on [0-7] of 8 cores/.test(name));
    expect(off.length).toBeGreaterThan(3);
    expect(new Set(off.map(({ reason }) => reason))).toContain('hotplug at 108 °C');
    expect(run.timeline.marks.some(({ name }) => name.includes('2 of 8 cores'))).toBe(true);
  });

  it('takes longer for it, and blames heat', () => {
    // Eight cores would take 60 s.
    const seconds = run.requests[0]!.endSeconds;
    expect(seconds).toBeGreaterThan(80);
    const row = run.ledger.find(({ unit, operator }) => unit === 'npu' && operator === 'MatMul');
    expect(row!.seconds.thermal).toBeCloseTo(seconds - 60, 0);
    expect(run.metrics.throttled_ratio).toBeGreaterThan(0.5);
  });
});
