/** Models on their way through a memory that others use: properties of the clock that they run on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../src/engine/execution.ts';
import { Ledger } from '../../src/engine/ledger.ts';
import { LoadFlow } from '../../src/engine/load-flow.ts';
import type { MachineStorage } from '../../src/engine/machine.ts';
import { ProtectionLedger } from '../../src/engine/secure-costs.ts';
import type { SecurityPlan } from '../../src/engine/secure-plan.ts';
import { restorePlan } from '../../src/engine/secure-restore.ts';
import { AuditRows } from '../../src/engine/secure-rows.ts';
import { SecureSystem } from '../../src/hardware/secure/secure-system.ts';
import { is } from '../support/described.ts';
import { toyMachine, toyUnit } from '../support/toy-machine.ts';

const GB = 1e9;

const CLOSED = {
  firewall: true,
  trustedTables: true,
  cleanOnSwitch: true,
  taggedLocalMemory: true,
  encryption: false,
  integrity: false,
  cloud: 'block',
} as const;

function flowOf(restore: 'sequential' | 'pipelined') {
  const machine = toyMachine({ units: [toyUnit('cpu')] });
  const column = () => new Float64Array(1);
  const execution = {
    machine,
    stalledWatts: column(),
    vectorWatts: column(),
    busySeconds: column(),
    unitJoules: column(),
  } as unknown as Execution;
  const plan = {
    strategy: {
      protects: ['weights'],
      restore,
      growth: 'elastic',
      runtimeStart: 'initialise',
      world: 'secure',
      modelFile: 'encrypted',
    },
    scenario: { labels: { weights: 'model-secret' } },
    promised: 1,
    hardware: {
      runtime: { initialise: is(0.5), checkpoint: is(0) },
      attestation: { fixed: is(0.01), hash: is(10 * GB) },
    },
    cipher: { name: 'engine', throughput: 4 * GB, energyPerByte: 1e-11, throughMemory: true },
    integrity: { readPerRead: 0, readPerWrite: 0, writePerWrite: 0, latencyFactor: 1, storage: 0 },
    cpuUnit: 'cpu',
    cores: 4,
    growth: { page: 4096, perPage: 1e-6, perFreePage: 1e-7, copyBandwidth: 8 * GB, threads: 2 },
    occupied: 0.5,
    grown: GB,
  } as unknown as SecurityPlan;
  const storage = {
    storage: { sequentialRead: 2 * GB, setupSeconds: 0, energyPerByte: 1e-9 },
  } as unknown as MachineStorage;
  const ledger = new Ledger();
  const costs = new ProtectionLedger();
  const rows = new AuditRows(new SecureSystem(CLOSED));
  const restored = restorePlan({ plan, storage, bytes: GB, grown: GB, held: GB, rows });
  const flow = new LoadFlow({ plan: restored, ledger, execution, costs, cpu: 0 });
  let [asked, passed] = [0, 0];
  flow.gate = {
    pass: (row, count, bytes, start, now) => {
      asked += count;
      passed += bytes;
      rows.note(row, count, bytes, start, now);
      return rows.stopped[row] === 0;
    },
  };
  return { flow, ledger, costs, rows, seen: () => ({ asked, passed }) };
}

/** Lets a flow come at the paces given, one for each stretch of time. @returns when it was all there. */
function come(flow: LoadFlow, paces: readonly number[], onStep?: (now: number) => void): number {
  let now = 3;
  flow.begin(now, 'r');
  for (let i = 0; flow.isComing && i < 1e5; i++) {
    const port = flow.stream();
    if (port) flow.grant(paces[i % paces.length]! * port.bandwidth, port.bandwidth);
    else flow.grant(1, 1);
    now = Math.min(flow.nextChange(now), now + 0.037);
    flow.progress(now);
    onStep?.(now);
  }
  return now - 3;
}

const kinds = fc.constantFrom('sequential' as const, 'pipelined' as const);
const paces = fc.array(fc.double({ min: 0.05, max: 1, noNaN: true }), {
  minLength: 1,
  maxLength: 9,
});

describe('a model on its way', () => {
  it('takes what it takes alone where nobody else wants memory', () => {
    for (const kind of ['sequential', 'pipelined'] as const) {
      const { flow } = flowOf(kind);
      expect(come(flow, [1])).toBeCloseTo(flow.plan.end, 9);
    }
  });

  it('takes at least that, at most that over its least pace, and moves the same bytes for the same joules', () => {
    fc.assert(
      fc.property(kinds, paces, (kind, some) => {
        const alone = flowOf(kind);
        come(alone.flow, [1]);
        const beside = flowOf(kind);
        const took = come(beside.flow, some);
        const { end } = beside.flow.plan;
        expect(took).toBeGreaterThanOrEqual(end * (1 - 1e-9));
        expect(took).toBeLessThanOrEqual((end / Math.min(...some)) * (1 + 1e-9));
        const sum = (rows: { dramBytes: number; joules: number }[], key: 'dramBytes' | 'joules') =>
          rows.reduce((all, row) => all + row[key], 0);
        for (const key of ['dramBytes', 'joules'] as const) {
          const ratio = sum(beside.ledger.toRows(), key) / sum(alone.ledger.toRows(), key);
          expect(ratio).toBeCloseTo(1, 9);
        }
        // The file once, each byte through the cipher once, pages that make room out of the way.
        expect(sum(alone.ledger.toRows(), 'dramBytes') / (3 * GB + 2 * 0.5 * GB)).toBeCloseTo(1, 3);
        expect(beside.flow.takeBytes()).toBeCloseTo(sum(beside.ledger.toRows(), 'dramBytes'), -1);
      }),
    );
  });

  it('moves nothing that no gate has looked at, each chunk of 16 MiB once, whatever its pace', () => {
    fc.assert(
      fc.property(kinds, paces, (kind, some) => {
        const { flow, rows, ledger, seen } = flowOf(kind);
        let before = 0;
        come(flow, some, () => {
          const { passed } = seen();
          expect(passed).toBeGreaterThanOrEqual(before);
          before = passed;
        });
        const audited = rows.toRows();
        const moved = ledger.toRows().reduce((sum, { dramBytes }) => sum + dramBytes, 0);
        expect(seen().passed / moved).toBeCloseTo(1, 9);
        expect(rows.accesses).toBe(seen().asked);
        expect(audited.every(({ verdict }) => verdict !== 'refused' && verdict !== 'leak')).toBe(
          true,
        );
        for (const { bytes, accesses, tensor } of audited)
          expect(accesses, tensor).toBe(Math.ceil(bytes / (16 * 2 ** 20) - 1e-6));
      }),
    );
  });

  it('is never later than it said where its pace only rises, and there in the order of its bytes', () => {
    fc.assert(
      fc.property(kinds, paces, (kind, some) => {
        const { flow } = flowOf(kind);
        const rising = [...some].sort((a, b) => a - b);
        let i = 0;
        let promised = Number.POSITIVE_INFINITY;
        come(flow, [...rising, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], (now) => {
          const half = flow.readyIn(0.5, now);
          expect(half).toBeLessThanOrEqual(flow.readyIn(1, now) + 1e-12);
          expect(half).toBeGreaterThanOrEqual(0);
          if (i++ > 30) promised = Math.min(promised, now + flow.readyIn(1, now));
        });
        expect(flow.readyIn(1, 1e9)).toBe(0);
        expect(promised).toBeGreaterThan(0);
      }),
    );
  });
});
