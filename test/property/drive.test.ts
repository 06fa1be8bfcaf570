/** Operators and models read one drive: nobody gets more of it than there is, and none of it is lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../src/engine/arrivals.ts';
import type { Run } from '../../src/engine/run.ts';
import { buildStorage } from '../../src/hardware/storage/ufs.ts';
import { singleUnit } from '../../src/runtime/policies/single-unit.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../support/toy-machine.ts';

const RATE = 1000; // bytes a second
const JOULES = 0.01; // a byte
const UNITS = ['a', 'b', 'c'];
/** Beside the drive: nothing but this draws on its node, and operators nothing at all. */
const REST = 1;

const storage = {
  storage: buildStorage({ sequentialRead: RATE, randomRead: RATE }, 0, JOULES),
  node: 1,
};

const readers = fc.array(
  fc.record({
    unit: fc.nat(2),
    /** Of its operators, one after the other. */
    bytes: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 4 }),
    launch: fc.integer({ min: 0, max: 200 }),
    start: fc.integer({ min: 0, max: 900 }),
    weights: fc.integer({ min: 0, max: 500 }),
  }),
  { minLength: 1, maxLength: 5 },
);
type Readers = typeof readers extends fc.Arbitrary<infer T> ? T : never;

/** An operator that computes nothing, for as many microseconds as its launch takes. */
const idle = (bytes: number) => ({ ...toyWork(0), storageBytes: bytes });

function clientsOf(all: Readers): Client[] {
  return all.map(({ unit, bytes, start, weights }, i) => {
    const name = `w${i}`;
    const plan = toyPlan([toyPhase('decode', chain(bytes.map(idle)), 1)], name);
    return {
      plan: { ...plan, model: name, memory: { weights, kvCache: 0, activations: 0 } },
      lane: { name, late: 'serve', concurrent: 1, policy: singleUnit(UNITS[unit]!) },
      priority: 0,
      arrival: { start: start / 1000, delay: 0, repeat: 1 },
    };
  });
}

function serve(all: Readers): Run {
  const units = UNITS.map((name, i) => toyUnit(name, (all[i]?.launch ?? 0) / 1000));
  const toy = toyMachine({ units });
  // What else draws power there would pass for reads.
  const memory = { ...toy.memory, energyPerReadByte: 0, energyPerWriteByte: 0 };
  const machine = { ...toy, memory, storage };
  return runToy([], { ...clientJobs(clientsOf(all)), machine, cold: true, concurrent: 9 });
}

/** Bytes that the drive has brought until each look. */
function broughtBy(run: Run) {
  const power = run.timeline.counters.find(({ name }) => name === 'skin power')!;
  let [last, sum] = [0, 0];
  return [...power.time].map((time, i) => {
    sum += ((power.value[i]! - REST) * (time - last)) / JOULES;
    last = time;
    return { time, bytes: sum };
  });
}

const NEAR = 1e-6;

describe('a drive that several read', () => {
  it('brings no more than its rate in any time, and all that was asked for', () => {
    fc.assert(
      fc.property(readers, (all) => {
        const run = serve(all);
        const looks = broughtBy(run);
        for (const [i, { time, bytes }] of looks.entries()) {
          const before = looks[i - 1] ?? { time: 0, bytes: 0 };
          expect(bytes - before.bytes).toBeLessThan(RATE * (time - before.time) + NEAR);
          expect(bytes - before.bytes).toBeGreaterThan(-NEAR);
        }
        const asked = all.reduce(
          (sum, { bytes, weights }) => sum + weights + bytes.reduce((a, b) => a + b, 0),
          0,
        );
        expect(run.energy['storage'] ?? 0).toBeCloseTo(asked * JOULES, 6);
        const rows = run.ledger.reduce((sum, { joules }) => sum + joules, 0);
        const rails = Object.values(run.energy).reduce((a, b) => a + b, 0);
        expect(rails).toBeCloseTo(rows, 6);
      }),
      { numRuns: 150 },
    );
  });

  it('never idles while somebody waits for it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 3, maxLength: 3 }),
        (bytes) => {
          // Each unit reads from the start, and nothing else takes time.
          const all = bytes.map((one, unit) => ({
            unit,
            bytes: [one],
            launch: 0,
            start: 0,
            weights: 0,
          }));
          const run = serve(all);
          const total = bytes.reduce((a, b) => a + b, 0);
          expect(run.metrics['run_seconds']).toBeCloseTo(total / RATE, 6);
          // Max–min: the smallest has had a third of the drive until its end.
          const ends = run.requests.map(({ endSeconds }) => endSeconds).sort((a, b) => a - b);
          expect(ends[0]).toBeCloseTo((3 * Math.min(...bytes)) / RATE, 6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('makes nobody end sooner when another comes to read', () => {
    // One read each, on units of their own: what comes after a read may get out of another's way for being late.
    const one = fc.record({ bytes: fc.integer({ min: 1, max: 400 }), start: fc.nat(900) });
    fc.assert(
      fc.property(fc.tuple(one, one, one), (three) => {
        const all = three.map(({ bytes, start }, unit) => {
          return { unit, bytes: [bytes], start, launch: 0, weights: 0 };
        });
        const ends = (run: Run) =>
          new Map(run.requests.map(({ workload, endSeconds }) => [workload, endSeconds]));
        const [alone, beside] = [ends(serve(all.slice(0, 2))), ends(serve(all))];
        for (const [name, end] of alone) expect(beside.get(name)!).toBeGreaterThan(end - NEAR);
      }),
      { numRuns: 80 },
    );
  });
});
