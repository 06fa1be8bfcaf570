import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/engine/machine.ts';
import {
  protectedReads,
  protectedWrites,
  secureMachine,
} from '../../../src/engine/secure-machine.ts';
import type { SecurityPlan } from '../../../src/engine/secure-plan.ts';
import { integrityCost } from '../../../src/hardware/secure/integrity.ts';
import type { Strategy } from '../../../src/runtime/secure/strategy.ts';
import { toyMachine, toyUnit, toyWork } from '../../support/toy-machine.ts';

const is = <T>(value: T) => ({ is: value, from: 'test', trust: 'estimated' as const });
const strategy = {
  protects: ['weights', 'activations', 'kv'],
  npu: 'coarse',
  encryption: 'inline',
} as unknown as Strategy;
const pages = {
  entries: is(64),
  page: is(4096),
  reads: is(1),
  walksAtOnce: is(1),
  inTurn: is(6),
  run: is(512),
};

function planOf(over: {
  strategy?: Partial<Strategy>;
  hardware?: unknown;
  integrity?: SecurityPlan['integrity'];
}): SecurityPlan {
  return {
    strategy: { ...strategy, ...over.strategy },
    hardware: over.hardware ?? {},
    integrity: over.integrity ?? {
      readPerRead: 0,
      readPerWrite: 0,
      writePerWrite: 0,
      latencyFactor: 1,
      storage: 0,
    },
  } as unknown as SecurityPlan;
}
const machine: Machine = toyMachine({ units: [toyUnit('npu', 0, 1000)] });

describe('secureMachine', () => {
  it('is the same machine where nothing costs', () => {
    const same = secureMachine(machine, planOf({ strategy: { encryption: 'none' } }));
    expect(same.units[0]?.unit.port).toEqual(machine.units[0]?.unit.port);
    expect(same.memory.latency(0.5)).toBe(machine.memory.latency(0.5));
  });

  it('adds the walks of pages to every byte of an NPU', () => {
    const hardware = { accelerator: { pages } };
    const checked = secureMachine(machine, planOf({ hardware }), 1);
    const { port } = checked.units[0]!.unit;
    // One read of 100 ns a page of 4 KiB, beside 1000 bytes in flight over the same 100 ns.
    const perByte = 100e-9 / 4096;
    expect(1 / port.bandwidth).toBeCloseTo(1 / 1e12 + perByte, 18);
    expect(100e-9 / port.outstandingBytes).toBeCloseTo(100e-9 / 1000 + perByte, 18);
    const fine = secureMachine(machine, planOf({ hardware, strategy: { npu: 'fine' } }), 1);
    expect(fine.units[0]?.unit.port.bandwidth).toBeCloseTo(1e12, 0);
  });

  it('delays, caps and charges what is encrypted', () => {
    const encryption = { latency: is(20e-9), throughput: is(0.5e9), energy: is(3e-12) };
    const { memory } = secureMachine(machine, planOf({ hardware: { encryption } }), 2);
    expect(memory.latency(0)).toBeCloseTo(120e-9, 15);
    // Half of the toy memory's 1 GB/s.
    expect(memory.efficiency({} as never)).toBe(0.5);
    expect(memory.energyPerReadByte - machine.memory.energyPerReadByte).toBeCloseTo(3e-12, 20);
  });

  it('moves codes beside protected bytes only', () => {
    const integrity = integrityCost({
      kind: 'tree-less',
      block: 64,
      macBytes: 8,
      countersPerLine: 64,
      arity: 64,
      cache: 0,
      run: 1e9,
      protectedBytes: 1e9,
    });
    const estimate = (protects: Strategy['protects']) => {
      const secured = secureMachine(machine, planOf({ integrity, strategy: { protects } }));
      return secured.units[0]!.unit.estimate(toyWork(1, 8000, 800));
    };
    const all = estimate(['weights', 'activations']);
    expect(all.readBytes).toBeCloseTo(9000, 2);
    expect(all.writeBytes).toBeCloseTo(900, 3);
    const weights = estimate(['weights']);
    expect(weights.readBytes).toBeCloseTo(9000, 2);
    expect(weights.writeBytes).toBe(800);
    expect(estimate([]).readBytes).toBe(8000);
  });

  it('makes reads wait for counters', () => {
    const integrity = { ...planOf({}).integrity, latencyFactor: 1.5, readPerRead: 0.1 };
    const { memory } = secureMachine(machine, planOf({ integrity }));
    expect(memory.latency(0)).toBeCloseTo(150e-9, 15);
  });
});

describe('protected shares', () => {
  const work = { ...toyWork(1, 60, 30), inputBytes: 20, kvReadBytes: 20, kvWriteBytes: 10 };

  it('are by class of data', () => {
    expect(protectedReads(work, { ...strategy, protects: ['weights'] })).toBe(0.6);
    expect(protectedReads(work, { ...strategy, protects: ['kv', 'activations'] })).toBe(0.4);
    expect(protectedWrites(work, { ...strategy, protects: ['kv'] })).toBe(0.25);
    expect(protectedReads(toyWork(1), strategy)).toBe(0);
    expect(protectedWrites(toyWork(1), strategy)).toBe(0);
  });
});
