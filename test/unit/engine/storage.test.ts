import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../../src/engine/arrivals.ts';
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

describe('cold starts of several workloads', () => {
  const client = (name: string, work = toyWork(1e8), start = 0): Client => ({
    plan: { ...toyPlan([toyPhase('decode', chain([work], name))], name), model: name },
    lane: { name, late: 'serve', concurrent: 1 },
    priority: 0,
    arrival: { start, delay: 0 },
  });
  const started = (clients: readonly Client[], over: Partial<ReturnType<typeof machine>> = {}) =>
    runToy([], { ...clientJobs(clients), machine: { ...machine(), ...over }, cold: true });
  const end = (run: ReturnType<typeof started>, name: string) =>
    run.requests.find(({ workload }) => workload === name)!.endSeconds;

  it('share the drive: two models at once take twice the time of their bytes', () => {
    // Half a second of setup side by side, then 200 bytes at 100 B/s; the second operator waits for the first.
    const run = started([client('a'), client('b')]);
    expect(end(run, 'a')).toBeCloseTo(0.5 + 2 + 0.1, 6);
    expect(end(run, 'b')).toBeCloseTo(0.5 + 2 + 0.2, 6);
    expect(run.energy['storage']).toBeCloseTo(2, 9);
  });

  it('begin each with the request that needs the model', () => {
    const run = started([client('a'), client('b', toyWork(1e8), 5)]);
    expect(end(run, 'a')).toBeCloseTo(1.6, 6);
    const load = run.phases.find(({ request, phase }) => request === 'b' && phase === 'load')!;
    expect(load.startSeconds).toBeCloseTo(5, 9);
    expect(end(run, 'b')).toBeCloseTo(6.6, 6);
  });

  it('take bandwidth from who streams, who takes it from them; nobody’s bytes are lost or doubled', () => {
    // Memory of 100 B/s: a reads 200 bytes in two seconds alone, from 1.5 s on; b loads meanwhile.
    const { memory } = toyMachine({ bandwidth: 100 });
    const reader = client('a', toyWork(1, 200));
    const alone = started([reader], { memory });
    const both = started([reader, client('b', toyWork(1e8), 1.6)], { memory });
    expect(end(alone, 'a')).toBeCloseTo(1.5 + 2, 6);
    // From 2.1 s on, when the setup of the second is over, each gets half until b has its 100; a has read 60 by then.
    const loaded = 2.1 + 100 / 50;
    expect(end(both, 'a')).toBeCloseTo(loaded + (200 - 60 - 100) / 100, 6);
    expect(end(both, 'b')).toBeCloseTo(end(both, 'a') + 0.1, 6);
    const bytes = both.ledger.reduce((sum, { dramBytes }) => sum + dramBytes, 0);
    expect(bytes).toBeCloseTo(100 + 200 + 100, 6);
    const seconds = (request: string) =>
      both.ledger
        .filter((row) => row.request === request && row.phase === 'load')
        .reduce((sum, row) => sum + row.seconds.bandwidth, 0);
    expect(seconds('b')).toBeCloseTo(loaded - 1.6, 6);
  });

  it('keep memory awake: its standby follows what they move', () => {
    const base = toyMachine().memory;
    const memory = { ...base, backgroundPower: (_: number, rate: number) => rate / 100 };
    const run = started([client('a')], { memory });
    const standby = run.ledger.find(({ operator }) => operator === 'standby')!;
    // One joule for every hundred bytes, whoever moved them.
    expect(standby.joules).toBeCloseTo(1, 6);
  });
});

describe('time that a workload waits for others', () => {
  it('is told apart from the time of its phases', () => {
    const client = (name: string): Client => ({
      plan: toyPlan([toyPhase('decode', chain([toyWork(1e8)], name), 10)], name),
      lane: { name, late: 'serve', concurrent: 1 },
      priority: 0,
      arrival: { start: 0, delay: 0 },
    });
    const run = runToy([], { ...clientJobs(['a', 'b'].map(client)), machine: machine() });
    const worked = run.phases.map((phase) => phase.activeSeconds! - phase.waitedSeconds!);
    // Ten operators of a tenth of a second each.
    for (const seconds of worked) expect(seconds).toBeCloseTo(1, 6);
    const last = Math.max(...run.phases.map((phase) => phase.activeSeconds!));
    expect(last).toBeCloseTo(2, 6);
    const alone = runToy([], { ...clientJobs([client('a')]), machine: machine() });
    expect(alone.phases[0]!.waitedSeconds).toBeCloseTo(0, 9);
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
  it('draws it on the rail of models that load at the same time', () => {
    const paged = { ...toyWork(1e8), storageBytes: 100 };
    const own = toyPlan([toyPhase('decode', chain([paged]))]);
    const both = runToy([{ ...own, memory: plan.memory }], { machine: machine(), cold: true });
    // 100 bytes of model and 100 of experts, 10 mJ each.
    expect(both.energy['storage']).toBeCloseTo(2, 6);
  });

  it('draws it while it waits, all in all as much as its bytes cost, without a spike', () => {
    const paged = { ...toyWork(1e8), storageBytes: 100 };
    const run = runToy([toyPlan([toyPhase('decode', chain([paged]))])], { machine: machine() });
    const wait = run.metrics['run_seconds']! - 0.1;
    expect(wait).toBeGreaterThan(0.9);
    const row = run.ledger.find(({ phase }) => phase === 'decode')!;
    // 100 bytes of 10 mJ, and 0.1 s of cycles at 1 nJ.
    expect(row.joules).toBeCloseTo(1 + 0.1, 6);
    expect(run.energy['storage']).toBeCloseTo(1, 6);
    expect(run.energy['dram']).toBeLessThan(1e-6);
    const rails = Object.values(run.energy).reduce((a, b) => a + b, 0);
    expect(rails).toBeCloseTo(
      run.ledger.reduce((sum, { joules }) => sum + joules, 0),
      9,
    );
    // 1 W of the platform beside it; charged at once it would be 100 W over one look.
    expect(run.metrics['peak_power_watts']!).toBeLessThan(1 + 1.1 / wait + 1);
  });
});
