/** What is kept of a cell's costs holds for as long as nothing that they follow from changes; all expected by hand. */
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/engine/machine.ts';
import { PathCosts } from '../../../src/engine/secure-costs.ts';
import { secureMachine } from '../../../src/engine/secure-machine.ts';
import type { SecurityPlan } from '../../../src/engine/secure-plan.ts';
import { buildTable, refresh } from '../../../src/engine/task-table.ts';
import type { StepWork } from '../../../src/workload/graph.ts';
import { is, PAGES } from '../../support/described.ts';
import { chain, toyMachine, toyPhase, toyUnit, toyWork } from '../../support/toy-machine.ts';

const CACHE = { latency: 40e-9, bandwidth: 1e12 };
/** 50 bytes in flight over 100 ns: 2 ns a byte; a cipher makes that 120 ns and 2.4 ns. */
const machine: Machine = {
  ...toyMachine({ units: [toyUnit('npu', 0, 50)] }),
  systemCache: CACHE as NonNullable<Machine['systemCache']>,
};
const plan = {
  strategy: { protects: ['weights'], npu: 'fine', encryption: 'inline', integrity: 'none' },
  hardware: { encryption: { latency: is(20e-9), throughput: is(1e12), energy: is(3e-12) } },
  integrity: { readPerRead: 0, readPerWrite: 0, writePerWrite: 0, latencyFactor: 1, storage: 0 },
} as unknown as SecurityPlan;
const [CHECKS, CIPHER, DECRYPTION, INTEGRITY] = [0, 1, 2, 3];
const GHZ = 1e9;

function open(work: StepWork, over: Partial<SecurityPlan> = {}) {
  const ours = { ...plan, ...over };
  const costs = new PathCosts(machine, secureMachine(machine, ours), ours);
  const bare = toyMachine();
  const table = buildTable(toyPhase('decode', chain([work])), bare, { unit: Int32Array.of(0) });
  /** Nanoseconds and picojoules that one more operator adds, by mechanism. */
  const one = (speed = GHZ, stalledWatts = 0) => {
    const [seconds, joules] = [costs.seconds.slice(), costs.joules.slice()];
    costs.add(table, 0, speed, stalledWatts);
    return {
      ns: costs.seconds.map((sum, k) => 1e9 * (sum - seconds[k]!)),
      pJ: costs.joules.map((sum, k) => 1e12 * (sum - joules[k]!)),
    };
  };
  return { costs, table, one, at: (context: number) => refresh(table, bare, context) };
}

describe('costs in the path, operator by operator', () => {
  it('are the same for the same cell, step after step', () => {
    const { one, at } = open(toyWork(1, 1000));
    for (const context of [1, 2, 3, 3, 9]) {
      at(context);
      expect(one().ns[CIPHER]).toBeCloseTo(400, 6);
      expect(one().pJ[CIPHER]).toBeCloseTo(3000, 6);
    }
  });

  it('follow work that grows with the context, and come back with it', () => {
    const { one, at } = open((context) => toyWork(1, 1000 * context));
    for (const context of [1, 2, 5, 5, 1]) {
      at(context);
      expect(one().ns[CIPHER]).toBeCloseTo(400 * context, 6);
      expect(one().pJ[CIPHER]).toBeCloseTo(3000 * context, 6);
    }
  });

  it('follow the clock of the unit: what computes for longer than it streams waits for nothing', () => {
    const { one, at } = open((context) => toyWork(1000, 1000 * context));
    // 1000 cycles beside 2000 and 2400 ns of memory.
    expect(one(GHZ).ns[CIPHER]).toBeCloseTo(400, 6);
    expect(one(GHZ / 2.2).ns[CIPHER]).toBeCloseTo(200, 6);
    expect(one(GHZ / 10).ns[CIPHER]).toBeCloseTo(0, 6);
    expect(one(GHZ / 10).pJ[CIPHER]).toBeCloseTo(3000, 6);
    at(2);
    expect(one(GHZ / 4.4).ns[CIPHER]).toBeCloseTo(400, 6);
    expect(one(GHZ).ns[CIPHER]).toBeCloseTo(800, 6);
  });

  it('follow what the system cache serves of a cell, whose work stays', () => {
    const { one, at, table } = open(toyWork(1, 1000));
    expect(one().ns[CIPHER]).toBeCloseTo(400, 6);
    table.readHits[0] = 500;
    at(2);
    // Half of the bytes at 40 ns: 70 ns, and 80 ns with half of the cipher's 20.
    expect(one().ns[CIPHER]).toBeCloseTo(200, 6);
    expect(one().pJ[CIPHER]).toBeCloseTo(1500, 6);
    table.readHits[0] = 0;
    at(3);
    expect(one().ns[CIPHER]).toBeCloseTo(400, 6);
  });

  it('charge the wait at what the unit draws meanwhile, at each time anew', () => {
    const { one } = open(toyWork(1, 1000));
    expect(one(GHZ, 2).pJ[CIPHER]).toBeCloseTo(3000 + 400e-9 * 2 * 1e12, 3);
    expect(one(GHZ, 0).pJ[CIPHER]).toBeCloseTo(3000, 3);
  });

  it('belong to the table: another with the same cell has its own', () => {
    const { costs, table, one } = open(toyWork(1, 1000));
    const other = open(toyWork(1, 3000)).table;
    one();
    const before = costs.seconds[CIPHER]!;
    costs.add(other, 0, GHZ, 0);
    expect(1e9 * (costs.seconds[CIPHER]! - before)).toBeCloseTo(1200, 6);
    expect(one().ns[CIPHER]).toBeCloseTo(400, 6);
    expect(table).not.toBe(other);
  });

  it('of deciphering are the NPU’s own, of weights alone, codes and inline encryption beside them', () => {
    // 4 ns a byte where memory gives one in 2.4 ns.
    const cipher = { name: 'npu-dma', throughput: 0.25e9, energyPerByte: 5e-12 } as const;
    const sealed = { cipher: { ...cipher, throughMemory: false } };
    const { ns, pJ } = open(toyWork(1, 1000), sealed).one();
    expect(ns[CIPHER]).toBeCloseTo(400, 6);
    expect(ns[DECRYPTION]).toBeCloseTo(1600, 6);
    expect(pJ[DECRYPTION]).toBeCloseTo(5000, 6);
    const half = open({ ...toyWork(1, 500), inputBytes: 500 }, sealed).one();
    // Half of the bytes at 4 ns: no slower than memory, with half of inline encryption's wait.
    expect(half.ns[DECRYPTION]).toBeCloseTo(0, 6);
    expect(half.pJ[DECRYPTION]).toBeCloseTo(2500, 6);
    const strategy = { ...plan.strategy, integrity: 'tree-less' } as const;
    const integrity = { ...plan.integrity, readPerRead: 0.25 };
    const coded = open(toyWork(1, 1000), { ...sealed, strategy, integrity }).one();
    expect(coded.pJ[DECRYPTION]).toBeCloseTo(5000, 6);
    // 1250 bytes at 2.4 ns pass while the cipher is at its 1000.
    expect(coded.ns[DECRYPTION]).toBeCloseTo(1600, 6);
    expect(coded.ns[INTEGRITY]).toBeCloseTo(0, 6);
  });

  it('are told apart where every mechanism does something, and nothing where it does not', () => {
    const hardware = {
      ...plan.hardware,
      accelerator: { pages: PAGES },
    } as SecurityPlan['hardware'];
    const strategy = { ...plan.strategy, npu: 'coarse', integrity: 'counter-tree' } as const;
    const integrity = { ...plan.integrity, readPerRead: 0.5, latencyFactor: 1.25 };
    const { ns } = open(toyWork(1, 1000), { hardware, strategy, integrity }).one();
    const walk = 100 / 4096;
    expect(ns[CHECKS]).toBeCloseTo(1000 * walk, 3);
    expect(ns[CIPHER]).toBeCloseTo(400, 3);
    // 1500 bytes at (100 + 20 + 25) ÷ 50 ns and a walk, beside 1000 at 2.4 ns and a walk.
    expect(ns[INTEGRITY]).toBeCloseTo(1500 * (2.9 + walk) - 1000 * (2.4 + walk), 3);
    const none = open(toyWork(1, 1000)).one().ns;
    expect([none[CHECKS], none[INTEGRITY]]).toEqual([0, 0]);
  });
});
