import { describe, expect, it } from 'vitest';
import { buildStorage } from '../../../src/hardware/storage/ufs.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

/** 100 bytes of weights at 100 B/s after half a second of setup; 0.01 J per byte. */
const storage = {
  storage: buildStorage({ sequentialRead: 100, randomRead: 100 }, 0.5, 0.01),
  node: 1,
};
/** One operator of 0.1 s. */
const plan = toyPlan([
  toyPhase('prefill', chain([toyWork(1e8)])),
  toyPhase('decode', chain([toyWork(1e8)]), 2),
]);
const machine = () => ({ ...toyMachine(), storage });
const cold = () => runToy([plan], { machine: machine(), cold: true });

describe('a cold start', () => {
  it('loads before the first request: 0.5 s + 100 B at 100 B/s, in the time to first token', () => {
    const run = cold();
    expect(run.phases.map(({ phase }) => phase)).toEqual(['load', 'prefill', 'decode']);
    expect(run.phases[0]).toMatchObject({ startSeconds: 0, units: ['storage'], dramBytes: 100 });
    expect(run.phases[0]!.endSeconds).toBeCloseTo(1.5, 9);
    expect(run.phases[0]!.limit).toBe('bandwidth');
    expect(run.metrics['time_to_first_token_seconds']).toBeCloseTo(1.6, 9);
    expect(run.metrics['run_seconds']).toBeCloseTo(1.8, 9);
  });

  it('draws the storage 1 J and DRAM 100 writes of 20 pJ, beside the platform', () => {
    const run = cold();
    expect(run.energy['storage']).toBeCloseTo(1, 9);
    const row = run.ledger.find(({ phase }) => phase === 'load')!;
    expect(row.joules).toBeCloseTo(1 + 100 * 20e-12, 12);
    expect(row.seconds.bandwidth).toBeCloseTo(1.5, 9);
    expect(run.phases[0]!.joules).toBeCloseTo(1 + 1.5, 6);
    const rails = Object.values(run.energy).reduce((a, b) => a + b, 0);
    const rows = run.ledger.reduce((sum, { joules }) => sum + joules, 0);
    expect(rails).toBeCloseTo(rows, 9);
  });

  it('loads weights that requests share once', () => {
    const plans = ['a', 'b'].map((name) => ({ ...plan, name, model: 'shared' }));
    const run = runToy(plans, { machine: machine(), cold: true });
    expect(run.ledger.filter(({ phase }) => phase === 'load')).toHaveLength(1);
    expect(run.phases.filter(({ phase }) => phase === 'load')[0]!.endSeconds).toBeCloseTo(1.5, 9);
  });

  it('is not what happens unless asked for', () => {
    const run = runToy([plan], { machine: machine() });
    expect(run.metrics['run_seconds']).toBeCloseTo(0.3, 9);
    expect(run.energy['storage']).toBeUndefined();
  });
});

describe('owners of memory', () => {
  it('tell the system and other applications apart', () => {
    const owners = runToy([plan], {
      machine: { ...toyMachine(), osReserve: 500, applications: 200 },
    }).memory.owners;
    expect(owners).toMatchObject({ system: 500, 'other applications': 200 });
    expect(Object.values(owners).reduce((a, b) => a + b, 0)).toBe(500 + 200 + 111);
  });
});

describe('an operator that waits for storage', () => {
  it('draws it while it waits, all in all as much as its bytes cost, without a spike', () => {
    const paged = { ...toyWork(1e8), storageBytes: 100 };
    const run = runToy([toyPlan([toyPhase('decode', chain([paged]))])], { machine: machine() });
    const wait = run.metrics['run_seconds']! - 0.1;
    expect(wait).toBeGreaterThan(0.9);
    const row = run.ledger.find(({ phase }) => phase === 'decode')!;
    // 100 bytes of 10 mJ, and 0.1 s of cycles at 1 nJ.
    expect(row.joules).toBeCloseTo(1 + 0.1, 6);
    expect(run.energy['dram']).toBeCloseTo(1, 6);
    // 1 W of the platform beside it; charged at once it would be 100 W over one look.
    expect(run.metrics['peak_power_watts']!).toBeLessThan(1 + 1.1 / wait + 1);
  });
});
