import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedRates, soloRate, splitOf, streamPort } from '../../../src/engine/bandwidth.ts';
import { NO_HITS } from '../../../src/engine/cache-traffic.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import {
  protectedReads,
  protectedWrites,
  secureMachine,
} from '../../../src/engine/secure-machine.ts';
import type { SecurityPlan } from '../../../src/engine/secure-plan.ts';
import { fairShares } from '../../../src/engine/shared-streams.ts';
import { integrityCost } from '../../../src/hardware/secure/integrity.ts';
import type { Strategy } from '../../../src/runtime/secure/strategy.ts';
import { is, PAGES as pages } from '../../support/described.ts';
import { toyMachine, toyUnit, toyWork } from '../../support/toy-machine.ts';

const strategy = {
  protects: ['weights', 'activations', 'kv'],
  npu: 'coarse',
  encryption: 'inline',
} as unknown as Strategy;

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

  const reads = { readBytes: 1000, writeBytes: 0 };
  const rate = (secured: Machine, work = toyWork(1, 1000)) => {
    const fetched = secured.units[0]!.unit.estimate(work);
    const guard = secured.guard?.(0, work, fetched, splitOf(reads, NO_HITS));
    return soloRate(secured, streamPort(secured.units[0]!), reads, NO_HITS, guard);
  };
  /** 50 bytes in flight over 100 ns: half of what the memory gives, so that latency is what holds it. */
  const bound = toyMachine({ units: [toyUnit('npu', 0, 50)] });

  it('adds the walks of pages to every byte of an NPU', () => {
    const hardware = { accelerator: { pages } };
    // One read of 100 ns a page of 4 KiB, beside 2 ns a byte of latency.
    const wanted = 1 / (2e-9 + 100e-9 / 4096);
    expect(rate(secureMachine(bound, planOf({ hardware }), 1)) / wanted).toBeCloseTo(1, 9);
    const fine = secureMachine(bound, planOf({ hardware, strategy: { npu: 'fine' } }), 1);
    expect(rate(fine)).toBeCloseTo(0.5e9, 0);
  });

  const encryption = { latency: is(20e-9), throughput: is(0.4e9), energy: is(3e-12) };

  it('delays and caps reads of what is encrypted, and of nothing else', () => {
    const slow = planOf({ hardware: { encryption: { ...encryption, throughput: is(1e12) } } });
    // 50 bytes in flight over 120 ns.
    expect(rate(secureMachine(bound, slow, 2))).toBeCloseTo(50 / 120e-9, 0);
    const capped = secureMachine(bound, planOf({ hardware: { encryption } }), 2);
    expect(rate(capped)).toBeCloseTo(0.4e9, 0);
    // Half of the bytes are weights: only they wait, and only they pass the cipher.
    const half = { ...toyWork(1, 500), inputBytes: 500 };
    const weights = planOf({ hardware: { encryption }, strategy: { protects: ['weights'] } });
    expect(rate(secureMachine(bound, weights, 2), half)).toBeCloseTo(50 / 110e-9, 0);
    const none = planOf({ hardware: { encryption }, strategy: { protects: [] } });
    expect(rate(secureMachine(bound, none, 2))).toBeCloseTo(0.5e9, 0);
  });

  it('lets streams share one cipher, and leaves others alone', () => {
    const secured = secureMachine(machine, planOf({ hardware: { encryption } }), 2);
    const fetched = secured.units[0]!.unit.estimate(toyWork(1, 1000));
    const guard = secured.guard?.(0, toyWork(1, 1000), fetched, splitOf(reads, NO_HITS));
    const port = streamPort(secured.units[0]!);
    const through = { ...port, split: { ...splitOf(reads, NO_HITS), guard } };
    const [one, two] = sharedRates(secured, [through, through], fairShares);
    expect(one! + two!).toBeCloseTo(0.4e9, 0);
    const [slow, free] = sharedRates(secured, [through, port], fairShares);
    expect(slow).toBeCloseTo(0.4e9, 0);
    expect(free).toBeGreaterThan(0.5e9);
  });

  /** Weights deciphered by the NPU at so many bytes per second, 10 pJ a byte. */
  const sealedAt = (throughput: number, more: Partial<Strategy> = {}, hardware?: unknown) =>
    ({
      ...planOf({ strategy: { encryption: 'none', npu: 'fine', ...more }, hardware }),
      cipher: { name: 'npu-dma', throughput, energyPerByte: 10e-12, throughMemory: false },
    }) as unknown as SecurityPlan;

  it('has an NPU decipher weights at min(its own rate, throughput ÷ their share)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 0, max: 1000 }),
        (megabytes, weights) => {
          const work = { ...toyWork(1, weights), inputBytes: 1000 - weights };
          const at = (throughput: number) => rate(secureMachine(bound, sealedAt(throughput)), work);
          const capped = at(megabytes * 1e6);
          // 50 bytes in flight over 100 ns.
          const wanted = Math.min(0.5e9, (megabytes * 1e6 * 1000) / weights);
          expect(capped / wanted).toBeCloseTo(1, 6);
          expect(at(megabytes * 1.1e6)).toBeGreaterThanOrEqual(capped * (1 - 1e-9));
          expect(at(Number.POSITIVE_INFINITY)).toBe(rate(bound, work));
        },
      ),
    );
  });

  it('has it do so beside inline encryption, whichever is slower, and on no unit but NPUs', () => {
    const inline = (throughput: number) => ({
      encryption: { latency: is(0), throughput: is(throughput), energy: is(3e-12) },
    });
    const both = (own: number, front: number) =>
      rate(secureMachine(bound, sealedAt(own, { encryption: 'inline' }, inline(front))));
    expect(both(0.2e9, 0.3e9)).toBeCloseTo(0.2e9, 0);
    expect(both(0.3e9, 0.2e9)).toBeCloseTo(0.2e9, 0);
    const cpu = toyMachine({ units: [{ ...toyUnit('cpu', 0, 50), kind: 'cpu' }] });
    expect(rate(secureMachine(cpu, sealedAt(0.1e9)))).toBeCloseTo(0.5e9, 0);
    const open = sealedAt(0.1e9, { protects: ['kv'] });
    expect(rate(secureMachine(bound, open))).toBeCloseTo(0.5e9, 0);
  });

  it('has every NPU decipher for itself, and charges it by the byte of weights', () => {
    const secured = secureMachine(machine, sealedAt(0.4e9));
    const work = { ...toyWork(1, 750), inputBytes: 250 };
    const fetched = secured.units[0]!.unit.estimate(work);
    const guard = secured.guard?.(0, work, fetched, splitOf(reads, NO_HITS));
    expect(guard).toMatchObject({ deciphered: 0.75, decipherEnergy: 7.5e-12, cipherEnergy: 0 });
    const port = { ...streamPort(secured.units[0]!), split: { ...splitOf(reads, NO_HITS), guard } };
    const wide = { ...secured, memory: { ...secured.memory, peak: 1e10 } };
    for (const got of sharedRates(wide, [port, port], fairShares))
      expect(got).toBeCloseTo(0.4e9 / 0.75, 0);
  });

  it('charges the cipher for what passes it', () => {
    const secured = secureMachine(machine, planOf({ hardware: { encryption } }), 2);
    const fetched = secured.units[0]!.unit.estimate(toyWork(1, 1000));
    expect(secured.guard?.(0, toyWork(1, 1000), fetched, splitOf(reads, NO_HITS))).toMatchObject({
      ciphered: 1,
      cipherEnergy: 3e-12,
    });
    expect(secured.memory.energyPerReadByte).toBe(machine.memory.energyPerReadByte);
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
    const plan = planOf({ integrity, strategy: { integrity: 'counter-tree' } });
    // 50 bytes in flight over 150 ns.
    expect(rate(secureMachine(bound, plan))).toBeCloseTo(50 / 150e-9, 0);
  });
});

describe('protected shares', () => {
  const work = toyWork(1, 60, 30);
  /** Weights once, the cache twice, the rest activations. */
  const fetched = {
    readBytes: 120,
    weightReadBytes: 60,
    kvReadBytes: 40,
    writeBytes: 40,
    kvWriteBytes: 10,
  };

  it('are by class of what is fetched', () => {
    const of = (...protects: Strategy['protects']) => ({ ...strategy, protects });
    expect(protectedReads(fetched, of('weights'))).toBe(60 / 120);
    expect(protectedReads(fetched, of('kv', 'activations'))).toBe(60 / 120);
    expect(protectedReads(fetched, of('kv'))).toBe(40 / 120);
    expect(protectedWrites(fetched, work, of('kv'))).toBe(0.25);
    expect(protectedWrites(fetched, work, of('activations'))).toBe(0.75);
  });

  it('are of nothing where nothing is fetched', () => {
    const nothing = { ...fetched, readBytes: 0, writeBytes: 0 };
    expect(protectedReads(nothing, strategy)).toBe(0);
    expect(protectedWrites(nothing, work, strategy)).toBe(0);
  });

  it('count what a unit fetches again: a cache read twice is the larger part', () => {
    const kv = { ...strategy, protects: ['kv' as const] };
    const once = { ...fetched, readBytes: 100, kvReadBytes: 20 };
    expect(protectedReads(fetched, kv)).toBeGreaterThan(protectedReads(once, kv));
  });

  it('take what an adapter becomes for weights', () => {
    const loads = { ...toyWork(1, 0, 40), storageBytes: 40 };
    const copied = { ...fetched, writeBytes: 40, kvWriteBytes: 0 };
    expect(protectedWrites(copied, loads, { ...strategy, protects: ['weights'] })).toBe(1);
    expect(protectedWrites(copied, loads, { ...strategy, protects: ['activations'] })).toBe(0);
  });
});
