import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { memoryAtShare, memoryClockDomain } from '../../../src/hardware/memory/memory-points.ts';
import { fileSources } from '../../../src/load.ts';
import { governors } from '../../../src/runtime/governors/index.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
  uncapped,
} from '../../support/toy-machine.ts';

/** 1 GB/s of memory that can step to a quarter and to half. */
function stepping(kind = 'npu', machine: Machine = toyMachine()): Machine {
  const units = machine.units.map((one) => ({ ...one, unit: { ...one.unit, kind } }));
  const full: Machine = { ...machine, units };
  const clock = memoryClockDomain([500e6, 1000e6], 2000e6);
  const slower = clock.points.map(({ frequency }) => {
    const share = frequency / 1e9;
    return share === 1
      ? full
      : { ...full, memory: memoryAtShare(full.memory, share, { interconnectLatency: 0 }) };
  });
  return {
    ...full,
    memoryClock: {
      clock,
      at: (point) => slower[point]!,
      monitors: full.domains.map(() => undefined),
    },
  };
}

const streaming = (bytes: number) => toyPlan([toyPhase('decode', chain([toyWork(1, bytes)]))]);
const clocks = (run: Run) =>
  run.timeline.counters.find(({ name }) => name === 'dram frequency')?.value ?? [];

describe('the clock of memory', () => {
  it('stays at the top while an NPU works: its driver asks for it', () => {
    const run = runToy([streaming(1e9)], { machine: stepping() });
    expect(run.requests[0]!.endSeconds).toBeCloseTo(1, 6);
    expect(Math.min(...clocks(run))).toBe(1e9);
  });

  it('costs time and saves standby power at the slowest point', () => {
    const hungry = toyMachine();
    const memory = { ...hungry.memory, backgroundPower: () => 1 };
    const slow = runToy([streaming(1e9)], {
      machine: stepping('npu', { ...hungry, memory }),
      memoryGovernor: governors.powersave.create(),
    });
    // A hundredth of a second until the first look, then a quarter of the bandwidth.
    expect(slow.requests[0]!.endSeconds).toBeCloseTo(0.01 + 0.99 * 4, 2);
    const standby = slow.ledger.find(
      ({ unit, operator }) => unit === 'dram' && operator === 'standby',
    );
    // 0.4 + 0.6 / 4 of a watt.
    expect(standby!.joules / slow.requests[0]!.endSeconds).toBeCloseTo(0.55, 2);
    const total = Object.values(slow.energy).reduce((sum, joules) => sum + joules, 0);
    expect(total).toBeCloseTo(slow.metrics['energy_joules']!, 9);
  });

  it('goes no higher than heat allows, whoever votes, and says why', () => {
    const { name } = stepping().domains[0]!.clock;
    const memory = { shares: { [name]: 0.5, another: 0 }, reason: 'board step at 34 °C' };
    const held = runToy([streaming(1e9)], {
      machine: stepping(),
      thermalGovernor: { ...uncapped, memory },
    });
    // At the top until the votes have been low for 80 ms, then half of the bandwidth.
    const [change] = held.timeline.marks.filter(({ track }) => track === 'dram');
    expect(change!.reason).toBe(memory.reason);
    expect(change!.time).toBeGreaterThan(0.07);
    expect(change!.time).toBeLessThan(0.12);
    expect(Math.min(...clocks(held))).toBe(0.5e9);
    expect(held.requests[0]!.endSeconds).toBeCloseTo(2 - change!.time, 6);
    expect(held.notes.find((note) => note.startsWith('clocks were held back'))).toMatch(
      /memory|dram/,
    );
    expect(held.metrics['throttled_ratio']).toBeGreaterThan(0.9);
  });

  it('follows the share in use where nothing votes: a trickle needs no fast memory', () => {
    // Compute of 1 s beside 50 MB: a twentieth of the bandwidth.
    const plan = toyPlan([toyPhase('prefill', chain([toyWork(1e9, 5e7)]))]);
    const run = runToy([plan], {
      machine: stepping('dsp'),
      memoryGovernor: governors['simple-ondemand'].create(),
    });
    expect(Math.min(...clocks(run))).toBe(0.25e9);
    expect(run.requests[0]!.endSeconds).toBeCloseTo(1, 3);
  });

  it('rests in a pause, and is fast again when a request ends it', () => {
    const machine = stepping();
    const run = runToy([], {
      machine,
      jobs: [0, 4].map((arrival, i) => ({
        plan: { ...streaming(1e9), name: `request ${i}` },
        arrival,
        priority: 0,
      })),
    });
    const marks = run.timeline.marks.filter(({ track }) => track === 'dram');
    expect(marks.map(({ reason }) => reason)).toEqual([
      'governor: votes',
      'governor: a request begins',
    ]);
    expect(marks[1]!.time).toBe(4);
    expect(run.requests[1]!.endSeconds).toBeCloseTo(5, 6);
  });
});

describe('a Snapdragon 8 Gen 3', () => {
  const run = (lines: readonly string[]): Run => {
    const sources = fileSources();
    const text = ['version: 1', 'soc: snapdragon-8-gen-3', 'workload: llama-3.2-1b-chat', ...lines];
    const parts = prepare(parseSpecFile(text.join('\n'), 'scenario.yaml'), [], sources);
    return simulate(buildSimulation(parts, [], sources));
  };

  it('lets slow CPU clocks ask for slow memory, as its device tree does', () => {
    const given = ['unit: cpu', 'runtime: llama-cpp'];
    const fast = run(given);
    const sources = fileSources();
    const text = ['version: 1', 'soc: snapdragon-8-gen-3', 'workload: llama-3.2-1b-chat', ...given];
    const slowClocks = [
      'cpu-prime.clock=1200MHz',
      'cpu-middle.clock=1100MHz',
      'cpu-middle-slow.clock=1100MHz',
    ];
    const parts = prepare(parseSpecFile(text.join('\n'), 'scenario.yaml'), slowClocks, sources);
    const slow = simulate(buildSimulation(parts, slowClocks, sources));
    expect(Math.max(...clocks(fast))).toBeCloseTo(4266.5e6, 0);
    // Prime up to 1382 MHz votes 2092: the next step of the controller is 2092 or above.
    const settled = [...clocks(slow)].slice(-20);
    expect(Math.max(...settled)).toBeLessThan(4e9);
    expect(Math.max(...settled)).toBeGreaterThanOrEqual(2092e6);
    const rate = (one: Run) => one.metrics['decode_tokens_per_second']!;
    expect(rate(slow)).toBeLessThan(rate(fast));
  });

  it('moves the same bytes and accounts for every joule at any memory clock', () => {
    const a = run(['unit: gpu', 'runtime: mnn']);
    const b = run(['unit: gpu', 'runtime: mnn', 'governor: powersave']);
    const moved = ({ ledger }: Run) =>
      ledger.reduce((sum, row) => sum + (row.unit === 'gpu' ? row.dramBytes : 0), 0);
    expect(moved(b) / moved(a)).toBeCloseTo(1, 9);
    for (const one of [a, b]) {
      const parts = Object.values(one.energy).reduce((sum, joules) => sum + joules, 0);
      const rows = one.ledger.reduce((sum, { joules }) => sum + joules, 0);
      expect(parts / one.metrics['energy_joules']!).toBeCloseTo(1, 9);
      expect(rows / one.metrics['energy_joules']!).toBeCloseTo(1, 9);
    }
  });
});
