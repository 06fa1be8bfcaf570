import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../src/engine/arrivals.ts';
import { agedPriority, byDeadline } from '../../src/runtime/policies/urgency.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../support/toy-machine.ts';

const G = 1e9;

/** A workload of equal operators in a row, on one unit of two. */
const clients = fc.array(
  fc.record({
    operators: fc.integer({ min: 1, max: 4 }),
    milliseconds: fc.integer({ min: 1, max: 60 }),
    steps: fc.integer({ min: 1, max: 3 }),
    priority: fc.integer({ min: 0, max: 3 }),
    every: fc.integer({ min: 20, max: 400 }),
    unit: fc.nat(1),
  }),
  { minLength: 2, maxLength: 4 },
);
type Shape = typeof clients extends fc.Arbitrary<(infer T)[]> ? T : never;

const onUnit = (u: number) => ({
  place: ({ operatorCount }: { operatorCount: number }) => new Int32Array(operatorCount).fill(u),
});

function client(shape: Shape, i: number, repeat: number): Client {
  const works = Array.from({ length: shape.operators }, () =>
    toyWork((shape.milliseconds / 1000) * G),
  );
  return {
    plan: toyPlan([toyPhase('decode', chain(works), shape.steps)], `w${i}`),
    lane: { name: `w${i}`, late: 'serve', concurrent: 1, policy: onUnit(shape.unit) },
    priority: shape.priority,
    arrival: { start: 0, delay: 0, every: shape.every / 1000, repeat },
  };
}

function run(shapes: readonly Shape[], repeat = 5, urgency = agedPriority) {
  const machine = toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
  const policy = { ...onUnit(0), urgency };
  return runToy([], {
    ...clientJobs(shapes.map((shape, i) => client(shape, i, repeat))),
    machine,
    policy,
  });
}

const busyOf = (result: ReturnType<typeof run>, unit: string) =>
  result.workloads!.reduce((sum, w) => sum + (w.unitSeconds[unit] ?? 0), 0);
const workOf = (shapes: readonly Shape[], unit: number, repeat: number) =>
  shapes
    .filter((shape) => shape.unit === unit)
    .reduce((sum, s) => sum + (repeat * s.operators * s.steps * s.milliseconds) / 1000, 0);

describe('several workloads at once', () => {
  it('conserve work: units do what is asked, in whatever order, and none idles while its work waits', () => {
    fc.assert(
      fc.property(clients, fc.constantFrom(agedPriority, byDeadline), (shapes, urgency) => {
        const result = run(shapes, 5, urgency);
        for (const [u, unit] of ['a', 'b'].entries()) {
          expect(busyOf(result, unit)).toBeCloseTo(workOf(shapes, u, 5), 6);
        }
        // The end of a busy period does not depend on the order of service: Lindley's recursion over all arrivals.
        for (const [u, unit] of ['a', 'b'].entries()) {
          const mine = shapes.filter((shape) => shape.unit === u);
          if (mine.length === 0) continue;
          const arrivals = mine
            .flatMap((s) =>
              Array.from({ length: 5 }, (_, k) => ({
                at: (k * s.every) / 1000,
                work: (s.operators * s.steps * s.milliseconds) / 1000,
              })),
            )
            .sort((x, y) => x.at - y.at);
          const end = arrivals.reduce((free, { at, work }) => Math.max(free, at) + work, 0);
          const last = Math.max(
            ...result.requests
              .filter((r) => mine.some((_, i) => r.workload === `w${shapes.indexOf(mine[i]!)}`))
              .map((r) => r.endSeconds),
          );
          expect(last, unit).toBeCloseTo(end, 6);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('starve nobody: a step waits at most for its levels, what was before it, and one operator', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 5, max: 40 }),
        (priority, ms) => {
          // The urgent workload alone asks for more than the unit has.
          const flood: Shape = {
            operators: 1,
            milliseconds: 50,
            steps: 1,
            priority: 0,
            every: 20,
            unit: 0,
          };
          const calm: Shape = {
            operators: 2,
            milliseconds: ms,
            steps: 3,
            priority,
            every: 20,
            unit: 0,
          };
          const jobs = clientJobs([client(flood, 0, 600), client(calm, 1, 1)]);
          const machine = toyMachine({ units: [toyUnit('a'), toyUnit('b')] });
          const result = runToy([], { ...jobs, machine, policy: onUnit(0) });
          const waited = result.requests.find((r) => r.workload === 'w1')!;
          // Each of three steps is overtaken for `priority` seconds at most, plus the operator under way and a slice.
          const bound = 3 * (priority + 0.05 + 0.06) + (3 * 2 * ms) / 1000;
          expect(waited.endSeconds).toBeLessThanOrEqual(bound + 0.1);
          expect(waited.endSeconds).toBeGreaterThan(3 * (priority - 0.2));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('meet every deadline under earliest-deadline-first where the load leaves room for blocking', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            every: fc.integer({ min: 50, max: 300 }),
            share: fc.integer({ min: 5, max: 20 }),
          }),
          {
            minLength: 2,
            maxLength: 4,
          },
        ),
        (shapes) => {
          // Utilisation at most 0.8 and operators a tenth of a millisecond: Liu and Layland's bound of one,
          // less the blocking by one operator and one slice of 10 ms per period of at least 50.
          const list = shapes.map(({ every, share }, i): Client => {
            const seconds = (every * share) / 100 / 1000;
            const works = Array.from({ length: 50 }, () => toyWork((seconds * G) / 50));
            return {
              plan: toyPlan([toyPhase('decode', chain(works))], `w${i}`),
              lane: { name: `w${i}`, late: 'serve', concurrent: 1, deadline: every / 1000 + 0.012 },
              priority: 0,
              arrival: { start: 0, delay: 0, every: every / 1000, repeat: 10 },
            };
          });
          const machine = toyMachine();
          const result = runToy([], {
            ...clientJobs(list),
            machine,
            policy: { ...onUnit(0), urgency: byDeadline },
          });
          expect(result.metrics['deadline_miss_ratio']).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('give the same bits twice', () => {
    fc.assert(
      fc.property(clients, (shapes) => {
        const [first, second] = [run(shapes), run(shapes)];
        expect(second.workloads).toEqual(first.workloads);
        expect(second.eventCount).toBe(first.eventCount);
      }),
      { numRuns: 10 },
    );
  });
});
