import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../../src/engine/arrivals.ts';
import { buildStorage } from '../../../src/hardware/storage/ufs.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

/** 100 bytes a second after a tenth of a second of setup; 1 mJ per byte. Memory: 200 bytes, whole-byte budgets. */
const storage = {
  storage: buildStorage({ sequentialRead: 100, randomRead: 100 }, 0.1, 0.001),
  node: 1,
};
const machine = (capacity: number) => ({ ...toyMachine({ capacity }), storage });

interface Shape {
  readonly name: string;
  readonly model: string;
  readonly weights: number;
  readonly arrival: Partial<Client['arrival']>;
  readonly priority?: number;
  readonly kvCache?: number;
  readonly seconds?: number;
  /** Of the same request without its cache. */
  readonly wholeSeconds?: number;
}

function client(shape: Shape): Client {
  const { name, model, weights, priority = 0, kvCache = 0, seconds = 0.5 } = shape;
  const plan = (time: number) => ({
    ...toyPlan([toyPhase('decode', chain([toyWork(time * 1e9)], `${name} ${time}`))], name),
    model,
    memory: { weights, kvCache, activations: 0 },
  });
  return {
    plan: plan(seconds),
    ...(shape.wholeSeconds && { whole: plan(shape.wholeSeconds) }),
    lane: { name, late: 'serve', concurrent: 1 },
    priority,
    arrival: { start: 0, delay: 0, ...shape.arrival },
  };
}

const run = (shapes: readonly Shape[], capacity: number, cache: 'keep' | 'drop' = 'keep') =>
  runToy([], {
    ...clientJobs(shapes.map(client)),
    machine: machine(capacity),
    swap: { cache },
  });

const A: Shape = { name: 'a', model: 'A', weights: 100, arrival: {} };
const B: Shape = { name: 'b', model: 'B', weights: 80, arrival: { after: 'a' } };
const A2: Shape = { name: 'a2', model: 'A', weights: 100, arrival: { after: 'b' } };

describe('models that take turns in memory', () => {
  it('go out and come back: 0.1 s and the bytes at the rate of storage', () => {
    const result = run([A, B, A2], 150);
    // a 0…0.5, B loads 0.1 + 0.8 s, b 0.5 s, A loads 0.1 + 1 s, a2 0.5 s
    const ends = result.requests.map(({ endSeconds }) => endSeconds);
    expect(ends[0]).toBeCloseTo(0.5, 9);
    expect(ends[1]).toBeCloseTo(0.5 + 0.9 + 0.5, 6);
    expect(ends[2]).toBeCloseTo(1.9 + 1.1 + 0.5, 6);
    expect(result.swaps).toMatchObject({ budgetBytes: 150, peakBytes: 100, loadedBytes: 180 });
    expect(result.swaps!.loadSeconds).toBeCloseTo(2, 6);
    expect(result.swaps!.models).toEqual([
      expect.objectContaining({ model: 'A', bytes: 100, loads: 1, evictions: 1 }),
      expect.objectContaining({ model: 'B', bytes: 80, loads: 1, evictions: 1 }),
    ]);
  });

  it('show the load as a phase of the request that asked, its joules on the rail of storage', () => {
    const result = run([A, B, A2], 150);
    const load = result.phases.find(({ request, phase }) => request === 'b' && phase === 'load')!;
    expect(load).toMatchObject({ units: ['storage'], dramBytes: 80 });
    expect(load.activeSeconds).toBeCloseTo(0.9, 6);
    expect(result.energy['storage']).toBeCloseTo(0.18, 9);
    expect(load.joules).toBeCloseTo(80 * (0.001 + 20e-12), 9);
    const marks = result.timeline.marks.filter(({ track }) => track === 'storage');
    expect(marks.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'A out (100 B): memory pressure: B is needed',
      'B out (80 B): memory pressure: A is needed',
    ]);
  });

  it('are as they were where memory holds them all', () => {
    const shapes = [A, B, A2];
    const jobs = clientJobs(shapes.map(client));
    const plain = runToy([], { ...jobs, machine: machine(1000) });
    const again = clientJobs(shapes.map(client));
    const swapping = runToy([], { ...again, machine: machine(1000), swap: { cache: 'drop' } });
    expect(swapping).toEqual(plain);
    expect(swapping.swaps).toBeUndefined();
  });

  it('are refused without the key, and where one alone is too large', () => {
    const jobs = clientJobs([A, B].map(client));
    expect(() => runToy([], { ...jobs, machine: machine(150) })).toThrow(/needs 180 B of memory/);
    expect(() => run([A, B], 90)).toThrow(/needs 100 B of memory/);
  });

  it('the one used longest ago goes first, of the least urgent', () => {
    const three = (priority: number) =>
      run(
        [
          { ...A, name: 'x', model: 'X', weights: 40, priority: 1 },
          { ...A, name: 'y', model: 'Y', weights: 40, priority, arrival: { after: 'x' } },
          { ...A, name: 'z', model: 'Z', weights: 40, priority, arrival: { after: 'y' } },
        ],
        90,
      );
    const out = (result: ReturnType<typeof run>) =>
      result.swaps!.models.filter(({ evictions }) => evictions > 0).map(({ model }) => model);
    expect(out(three(1))).toEqual(['X']);
    expect(out(three(3))).toEqual(['Y']);
  });

  it('wait for a model in use, and let nobody pass who ranks behind', () => {
    const result = run(
      [
        { ...A, name: 'long', seconds: 3 },
        { ...B, name: 'first', arrival: { start: 0.2 } },
        { ...A, name: 'late', seconds: 0.5, arrival: { start: 0.3 } },
      ],
      150,
    );
    const of = (name: string) => result.requests.find(({ workload }) => workload === name)!;
    expect(of('first').endSeconds).toBeCloseTo(3 + 0.9 + 0.5, 6);
    expect(of('late').endSeconds).toBeGreaterThan(of('first').endSeconds);
  });

  it('a background model may put out an urgent one only after it has waited a second per level', () => {
    const result = run(
      [
        { ...A, priority: 0 },
        { ...B, name: 'background', priority: 2, arrival: { start: 0.6 } },
      ],
      150,
    );
    const background = result.requests.find(({ workload }) => workload === 'background')!;
    expect(background.endSeconds).toBeCloseTo(0.6 + 2 + 0.9 + 0.5, 6);
  });

  it('a cache that goes out with its model is computed again, one that is kept is not', () => {
    const shapes = [
      { ...A, kvCache: 10 },
      { ...B, kvCache: 10 },
      { ...A2, kvCache: 10, seconds: 0.2, wholeSeconds: 0.7 },
    ];
    const last = (cache: 'keep' | 'drop') => run(shapes, 150, cache).requests.at(-1)!;
    const served = (cache: 'keep' | 'drop') =>
      last(cache).endSeconds - last(cache).arrivalSeconds - 1.1;
    expect(served('keep')).toBeCloseTo(0.2, 6);
    expect(served('drop')).toBeCloseTo(0.7, 6);
    // Two workloads of A that are no session have a cache each.
    expect(run(shapes, 150, 'drop').swaps).toMatchObject({ cachesLost: 1, peakBytes: 120 });
    // Kept: 30 bytes of caches never leave, so that models have 120.
    expect(run(shapes, 150, 'keep').swaps).toMatchObject({ cachesLost: 0, budgetBytes: 120 });
  });

  it('slow down who streams beside them, and are slowed down', () => {
    // Memory of 100 B/s; the stream of 100 bytes of "reader" and a load share it.
    const units = [toyUnit('npu', 0, 1e6)];
    const shared = { ...toyMachine({ capacity: 150, bandwidth: 100, units }), storage };
    const reader: Client = {
      ...client({ ...A, name: 'reader', model: 'R', weights: 10 }),
      plan: {
        ...toyPlan([toyPhase('decode', chain([toyWork(1, 100)]))], 'reader'),
        model: 'R',
        memory: { weights: 10, kvCache: 0, activations: 0 },
      },
    };
    const jobs = clientJobs([
      reader,
      client({ ...A, arrival: { start: 5 } }),
      client({ ...B, arrival: { start: 0.02 } }),
    ]);
    const result = runToy([], { ...jobs, machine: shared, swap: { cache: 'keep' } });
    const of = (name: string) => result.requests.find(({ workload }) => workload === name)!;
    expect(of('reader').endSeconds).toBeGreaterThan(1.2);
    expect(result.swaps!.loadSeconds).toBeGreaterThan(0.9 * 1.2);
    // Nobody's bytes are lost or doubled: 100 read, B and then A again written.
    expect(result.ledger.reduce((sum, { dramBytes }) => sum + dramBytes, 0)).toBeCloseTo(280, 6);
  });
});
