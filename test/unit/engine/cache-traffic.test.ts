import { describe, expect, it } from 'vitest';
import type { Work } from '../../../src/base/work.ts';
import { activationHits, hitsOf, splitTraffic } from '../../../src/engine/cache-traffic.ts';
import type { SystemCache } from '../../../src/hardware/cache/system-cache.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

const cacheOf = (size: number, over: Partial<SystemCache> = {}): SystemCache => ({
  size,
  bandwidth: 4e9,
  latency: 1e-8,
  energyPerByte: 1e-9,
  shares: {},
  ...over,
});
/** An operator that reads `input` activations and `weights`, and writes `output`. */
const work = (input: number, output: number, weights = 0): Work => ({
  ...toyWork(0, weights, output),
  inputBytes: input,
});
/** The first writes 10^8 bytes that the second reads. */
const handOver = toyPlan([toyPhase('prefill', chain([work(0, 1e8), work(1e8, 0)]))]);
const runWith = (systemCache: SystemCache | undefined, plan = handOver) =>
  runToy([plan], { machine: { ...toyMachine(), systemCache } });
const dramBytes = (run: ReturnType<typeof runWith>) =>
  run.ledger.reduce((sum, row) => sum + row.dramBytes, 0);

describe('what an operator asks of memory', () => {
  const traffic = { ...toyWork(0, 100, 50), inputBytes: 30, kvReadBytes: 40, kvWriteBytes: 5 };

  it('is split by tensor, each once', () => {
    const split = splitTraffic('npu', traffic, { readBytes: 170, writeBytes: 55 });
    expect(split).toEqual({
      unit: 'npu',
      weights: 100,
      cacheRead: 40,
      input: 30,
      cacheWrite: 5,
      output: 50,
    });
  });

  it('holds no re-reads of a tiling', () => {
    expect(splitTraffic('npu', traffic, { readBytes: 1000, writeBytes: 500 }).input).toBe(30);
  });

  it('holds less where the unit has kept activations itself', () => {
    const split = splitTraffic('npu', traffic, { readBytes: 150, writeBytes: 30 });
    expect(split).toMatchObject({ weights: 100, cacheRead: 40, input: 10, output: 25 });
  });
});

describe('a system cache', () => {
  it('takes activations at its own bandwidth: 2 · 10^8 bytes at 4 GB/s, none of them to DRAM', () => {
    const run = runWith(cacheOf(1e9));
    expect(run.metrics.run_seconds).toBeCloseTo(0.05, 9);
    expect(dramBytes(run)).toBeCloseTo(0, 3);
    expect(run.energy['dram']).toBeCloseTo(0, 12);
    expect(run.energy['fabric']).toBeCloseTo(0.2, 9);
  });

  it('changes nothing when it is too small: 2 · 10^8 bytes at 1 GB/s', () => {
    const run = runWith(cacheOf(1));
    expect(run.metrics.run_seconds).toBeCloseTo(0.2, 6);
    expect(dramBytes(run)).toBeCloseTo(2e8, 0);
    expect(dramBytes(runWith(undefined))).toBe(2e8);
  });

  it('holds a part in between: reads of 10^8 at distance 10^8, writes kept for 2 · 10^8', () => {
    const run = runWith(cacheOf(1e8));
    // m = 1 − (exp(−m) + exp(−2m)) ÷ 2 has the root 0.5368 (exp: 0.5846 and 0.3418).
    expect(dramBytes(run) / 2e8).toBeCloseTo(0.5368, 3);
  });

  it('gives each unit its share only', () => {
    const all = runWith(cacheOf(1e8));
    const half = runWith(cacheOf(2e8, { shares: { npu: 0.5 } }));
    expect(dramBytes(half)).toBeCloseTo(dramBytes(all), 3);
  });

  it('never holds weights that do not fit, and from the second step on those that do', () => {
    const plan = toyPlan([toyPhase('decode', chain([work(0, 0, 1e8)]), 4)]);
    expect(dramBytes(runWith(cacheOf(0.9e8), plan))).toBe(4e8);
    expect(dramBytes(runWith(cacheOf(1e8), plan))).toBeCloseTo(1e8, 3);
  });

  it('misses what comes from outside the graph', () => {
    const plan = toyPlan([toyPhase('prefill', chain([work(1e8, 0)]))]);
    expect(dramBytes(runWith(cacheOf(1e9), plan))).toBe(1e8);
  });
});

describe('the key–value cache', () => {
  const traffic = { unit: 'npu', weights: 0, cacheRead: 80, cacheWrite: 4, input: 0, output: 0 };
  const streams = { activations: 10, keyValues: 84, weights: 1e9, steps: 10 };

  it('hits where a whole step of it fits beside the activations, and not else', () => {
    const none = { read: 0, write: 0 };
    expect(hitsOf(cacheOf(94), traffic, streams, none)).toEqual({ read: 80, write: 4 });
    expect(hitsOf(cacheOf(93), traffic, streams, none)).toEqual(none);
  });
});

describe('activations', () => {
  it('of a skip connection are further away than those handed on', () => {
    const graph = {
      ...chain([work(0, 100), work(100, 100), work(200, 0)]),
      operators: [
        { name: 'a', work: 0, inputs: [] },
        { name: 'b', work: 1, inputs: [0] },
        { name: 'c', work: 2, inputs: [0, 1] },
      ],
    };
    const traffic = graph.works.map((one) => {
      const each = one as Work;
      return splitTraffic('npu', each, {
        readBytes: each.inputBytes,
        writeBytes: each.outputBytes,
      });
    });
    const hits = activationHits(cacheOf(150), graph, (operator) => traffic[operator]!);
    expect(hits.bytes).toBe(500);
    expect(hits.read[1]).toBeGreaterThan(hits.read[2]!);
    expect(hits.write[1]).toBeGreaterThan(hits.write[0]!);
  });
});
