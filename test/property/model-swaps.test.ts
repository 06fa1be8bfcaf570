import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../src/engine/arrivals.ts';
import type { Run } from '../../src/engine/run.ts';
import { buildStorage } from '../../src/hardware/storage/ufs.ts';
import { chain, runToy, toyMachine, toyPhase, toyPlan, toyWork } from '../support/toy-machine.ts';

const SETUP = 0.01;
const RATE = 1000;
const storage = {
  storage: buildStorage({ sequentialRead: RATE, randomRead: RATE }, SETUP, 0),
  node: 1,
};

/** Workloads of up to five models; weights by model, so that equal models weigh the same. */
const scenarios = fc.record({
  weights: fc.array(fc.integer({ min: 10, max: 100 }), { minLength: 5, maxLength: 5 }),
  /** Of the way from the largest model to all of them together. */
  room: fc.double({ min: 0, max: 0.95, noNaN: true }),
  drop: fc.boolean(),
  clients: fc.array(
    fc.record({
      model: fc.nat(4),
      priority: fc.integer({ min: 0, max: 2 }),
      milliseconds: fc.integer({ min: 1, max: 120 }),
      every: fc.integer({ min: 50, max: 900 }),
      start: fc.integer({ min: 0, max: 500 }),
    }),
    { minLength: 2, maxLength: 6 },
  ),
});
type Shapes = typeof scenarios extends fc.Arbitrary<infer T> ? T : never;

const REPEAT = 5;
const weightOf = ({ weights }: Shapes, model: string) => weights[Number(model.slice(1))]!;

function clientsOf({ clients, weights }: Shapes): Client[] {
  return clients.map(({ model, priority, milliseconds, every, start }, i) => ({
    plan: {
      ...toyPlan([toyPhase('decode', chain([toyWork(milliseconds * 1e6)]))], `w${i}`),
      model: `m${model}`,
      memory: { weights: weights[model]!, kvCache: 0, activations: 0 },
    },
    lane: { name: `w${i}`, late: 'serve', concurrent: 1 },
    priority,
    arrival: { start: start / 1000, delay: 0, every: every / 1000, repeat: REPEAT },
  }));
}

function capacityOf(shapes: Shapes): number {
  const used = [...new Set(shapes.clients.map(({ model }) => shapes.weights[model]!))];
  const models = new Set(shapes.clients.map(({ model }) => model));
  const all = [...models].reduce((sum, model) => sum + shapes.weights[model]!, 0);
  const largest = Math.max(...used);
  return Math.floor(largest + shapes.room * (all - largest));
}

const run = (shapes: Shapes, capacity = capacityOf(shapes)) =>
  runToy([], {
    ...clientJobs(clientsOf(shapes)),
    machine: { ...toyMachine({ capacity }), storage },
    swap: { cache: shapes.drop ? 'drop' : 'keep' },
  });

/** What happened to memory, in order, told by the timeline alone. */
function events({ timeline }: Run) {
  const track = timeline.tracks.findIndex(({ name }) => name === 'storage');
  const loads = Array.from({ length: timeline.spans.length }, (_, i) => i)
    .filter((i) => timeline.spans.track[i] === track)
    .map((i) => ({
      start: timeline.spans.start[i]!,
      end: timeline.spans.end[i]!,
      model: timeline.strings[timeline.spans.name[i]!]!.replace('load ', ''),
    }));
  const outs = timeline.marks
    .filter((mark) => mark.track === 'storage')
    .map(({ time, name }) => ({ time, model: name.split(' ')[0]! }));
  return { loads, outs };
}

describe('models that take turns in memory', () => {
  it('never take more than their budget, whatever comes when', () => {
    fc.assert(
      fc.property(scenarios, (shapes) => {
        const result = run(shapes);
        if (!result.swaps) return;
        const { loads, outs } = events(result);
        // Those in memory at the start are those that go out before they come, or never come at all.
        const models = [...new Set(shapes.clients.map(({ model }) => `m${model}`))];
        const first = (list: readonly { model: string; at: number }[], model: string) =>
          list.find((entry) => entry.model === model)?.at ?? Number.POSITIVE_INFINITY;
        const came = loads.map(({ model, start }) => ({ model, at: start }));
        const went = outs.map(({ model, time }) => ({ model, at: time }));
        let resident = models
          .filter((m) => first(came, m) >= first(went, m))
          .reduce((sum, m) => sum + weightOf(shapes, m), 0);
        const steps = [
          ...went.map(({ at, model }) => ({ at, order: 0, bytes: -weightOf(shapes, model) })),
          ...came.map(({ at, model }) => ({ at, order: 1, bytes: weightOf(shapes, model) })),
        ].sort((a, b) => a.at - b.at || a.order - b.order);
        expect(resident).toBeLessThanOrEqual(result.swaps.budgetBytes);
        for (const { bytes } of steps) {
          resident += bytes;
          expect(resident).toBeLessThanOrEqual(result.swaps.budgetBytes);
        }
        expect(result.swaps.peakBytes).toBeLessThanOrEqual(result.swaps.budgetBytes);
      }),
      { numRuns: 60 },
    );
  });

  it('come from storage once for each time that they are needed again, whole', () => {
    fc.assert(
      fc.property(scenarios, (shapes) => {
        const result = run(shapes);
        if (!result.swaps) return;
        const { loads } = events(result);
        const bytes = loads.reduce((sum, { model }) => sum + weightOf(shapes, model), 0);
        expect(result.swaps.loadedBytes).toBe(bytes);
        const moved = result.ledger.filter(({ phase }) => phase === 'load');
        expect(moved.reduce((sum, { dramBytes }) => sum + dramBytes, 0)).toBeCloseTo(bytes, 6);
        for (const { model, loads: count, evictions } of result.swaps.models) {
          expect(loads.filter((load) => load.model === model)).toHaveLength(count);
          // It comes for the first time, or after it went.
          expect(count - evictions).toBeGreaterThanOrEqual(-1);
          expect(count - evictions).toBeLessThanOrEqual(1);
        }
        for (const { model, start, end } of loads)
          expect(end - start).toBeCloseTo(SETUP + weightOf(shapes, model) / RATE, 6);
      }),
      { numRuns: 40 },
    );
  });

  it('serve every request, and lose no work by it', () => {
    fc.assert(
      fc.property(scenarios, (shapes) => {
        const result = run(shapes);
        expect(result.requests).toHaveLength(REPEAT * shapes.clients.length);
        const asked = shapes.clients.reduce((sum, c) => sum + (REPEAT * c.milliseconds) / 1000, 0);
        const done = result.workloads!.reduce((sum, w) => sum + (w.unitSeconds['npu'] ?? 0), 0);
        expect(done).toBeCloseTo(asked, 6);
        const rails = Object.values(result.energy).reduce((a, b) => a + b, 0);
        expect(rails).toBeCloseTo(result.metrics['energy_joules']!, 6);
      }),
      { numRuns: 40 },
    );
  });

  it('leave nothing changed where memory holds them all', () => {
    fc.assert(
      fc.property(scenarios, (shapes) => {
        const result = run(shapes, 1000);
        const plain = runToy([], {
          ...clientJobs(clientsOf(shapes)),
          machine: { ...toyMachine({ capacity: 1000 }), storage },
        });
        expect(result).toEqual(plain);
      }),
      { numRuns: 15 },
    );
  });
});
