/** A drive of 100 B/s, which operators and models on their way share. */
import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../../src/engine/arrivals.ts';
import { DriveReads } from '../../../src/engine/drive-reads.ts';
import { buildStorage } from '../../../src/hardware/storage/ufs.ts';
import { singleUnit } from '../../../src/runtime/policies/single-unit.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const storage = {
  storage: buildStorage({ sequentialRead: 100, randomRead: 100 }, 0.5, 0.01),
  node: 1,
};

describe('reads of operators', () => {
  it('take the drive’s time over their share of it, and draw the same', () => {
    const reads = new DriveReads(2);
    reads.begin(0, 2, 10, 40);
    expect([reads.count, reads.isShared(0), reads.endsIn(0)]).toEqual([1, false, 2]);
    expect(reads.pass(0, 0.5, false)).toEqual({ asleep: 0.5, joules: 2.5, bytes: 10 });
    expect(reads.grant(0, 0.5)).toBeCloseTo(1.5, 12);
    expect([reads.isShared(0), reads.endsIn(0)]).toEqual([true, 3]);
    expect(reads.pass(0, 1, false)).toEqual({ asleep: 1, joules: 2.5, bytes: 10 });
    expect(reads.grant(0, 1)).toBeCloseTo(-1, 12);
    expect(reads.pass(0, 1, true)).toEqual({ asleep: 1, joules: 5, bytes: 20 });
    expect([reads.count, reads.isShared(0)]).toEqual([0, false]);
    expect(reads.asleepSeconds[0]).toBe(2.5);
  });

  it('leave out what a gate refuses, though the drive reads it', () => {
    const reads = new DriveReads(1);
    reads.begin(0, 2, 10, 40);
    reads.withhold(0, 30);
    expect(reads.pass(0, 2, true)).toEqual({ asleep: 2, joules: 10, bytes: 10 });
    // Nothing is under way that could be held back.
    reads.withhold(0, 30);
    expect(reads.pass(0, 2, true)).toEqual({ asleep: 0, joules: 0, bytes: 0 });
  });

  it('let a unit sleep no longer than they last, whatever else it fetches then', () => {
    const reads = new DriveReads(1);
    reads.begin(0, 2, 10, 40);
    expect(reads.pass(0, 3, true).asleep).toBe(2);
  });

  it('are none before one begins, and shares of those who do not read change nothing', () => {
    const reads = new DriveReads(1);
    expect([reads.count, reads.grant(0, 0.5)]).toEqual([0, 0]);
    expect(reads.pass(0, 1, true)).toEqual({ asleep: 0, joules: 0, bytes: 0 });
  });
});

/** Reads so many bytes, then computes for a tenth of a second. */
const reading = (bytes: number) => ({ ...toyWork(1e8), storageBytes: bytes });

interface Reader {
  readonly unit: string;
  readonly bytes: number;
  readonly start?: number;
  readonly weights?: number;
}

function client({ unit, bytes, start = 0, weights = 0 }: Reader): Client {
  const plan = toyPlan([toyPhase('decode', chain([reading(bytes)]), 1)], unit);
  return {
    plan: { ...plan, model: unit, memory: { weights, kvCache: 0, activations: 0 } },
    lane: { name: unit, late: 'serve', concurrent: 1, policy: singleUnit(unit) },
    priority: 0,
    arrival: { start, delay: 0, repeat: 1 },
  };
}

function serve(readers: readonly Reader[], cold = false) {
  const machine = { ...toyMachine({ units: [toyUnit('a'), toyUnit('b'), toyUnit('c')] }), storage };
  const run = runToy([], { ...clientJobs(readers.map(client)), machine, cold, concurrent: 3 });
  const end = (name: string) => run.requests.find(({ workload }) => workload === name)!.endSeconds;
  return { run, end };
}

describe('two units that read at the same time', () => {
  it('take as long as both would one after the other', () => {
    const { run, end } = serve([
      { unit: 'a', bytes: 100 },
      { unit: 'b', bytes: 100 },
    ]);
    expect(end('a')).toBeCloseTo(2.1, 6);
    expect(end('b')).toBeCloseTo(2.1, 6);
    expect(run.energy['storage']).toBeCloseTo(2, 9);
  });

  it('give each other what they no longer need', () => {
    const { run, end } = serve([
      { unit: 'a', bytes: 100 },
      { unit: 'b', bytes: 30, start: 0.5 },
    ]);
    // Half a second alone, 0.6 s at half the rate until b has its 30, 20 bytes alone.
    expect(end('b')).toBeCloseTo(0.5 + 0.6 + 0.1, 6);
    expect(end('a')).toBeCloseTo(0.5 + 0.6 + 0.2 + 0.1, 6);
    const waited = run.ledger.reduce((sum, { seconds }) => sum + seconds.transfer, 0);
    expect(waited).toBeCloseTo(1.3 + 0.6, 6);
  });

  it('leave one alone where they do not meet', () => {
    const { end } = serve([
      { unit: 'a', bytes: 100 },
      { unit: 'b', bytes: 100, start: 1 },
    ]);
    expect([end('a'), end('b')]).toEqual([expect.closeTo(1.1, 6), expect.closeTo(2.1, 6)]);
  });
});

describe('an operator that reads beside a model on its way', () => {
  it('gets half of the drive, and the model the other half', () => {
    // Half a second of setup, then 100 bytes of a model; b has one already.
    const { run, end } = serve(
      [
        { unit: 'a', bytes: 0, weights: 100 },
        { unit: 'b', bytes: 50, start: 0.5 },
      ],
      true,
    );
    expect(end('b')).toBeCloseTo(0.5 + 1 + 0.1, 6);
    expect(end('a')).toBeCloseTo(0.5 + 1 + 0.5 + 0.1, 6);
    expect(run.energy['storage']).toBeCloseTo(1.5, 9);
  });
});
