import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { type AheadStep, fetchAhead } from '../../../src/engine/fetch-ahead.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import { OperatorTraffic } from '../../../src/engine/operator-traffic.ts';
import { buildSimulation, policyFor, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const step = (compute: number, weights: number, others = 0): AheadStep => ({
  compute,
  bytes: weights + others,
  weights,
  rate: 10,
});
const seconds = (steps: readonly AheadStep[], more: Float64Array) =>
  steps.reduce(
    (sum, { compute, bytes, rate }, i) => sum + Math.max(compute, (bytes + more[i]!) / rate),
    0,
  );

describe('weights that a compiler fetches ahead', () => {
  it('come while an operator computes for longer than its own bytes take', () => {
    // 10 s at 10 B/s are 100 B, of which the first needs 20: the other 80 go to the next two, the nearer first.
    const more = fetchAhead([step(10, 20), step(0, 50), step(1, 70)], 1000);
    expect([...more]).toEqual([80, -50, -30]);
  });

  it('wait in local memory, which has an end, and leave it when they are used', () => {
    const steps = [step(10, 0), step(10, 60), step(1, 60)];
    expect([...fetchAhead(steps, 40)]).toEqual([40, -40 + 40, -40]);
    expect([...fetchAhead(steps, 0)]).toEqual([0, 0, 0]);
  });

  it('come in the order of their use, without gaps', () => {
    // The second does not fit whole, so that nothing of the third may come before the rest of it.
    const more = fetchAhead([step(10, 0), step(0, 60), step(0, 10)], 50);
    expect([...more]).toEqual([50, -50, 0]);
  });

  it('do not help activations', () => {
    expect([...fetchAhead([step(10, 0), step(1, 0, 90)], 1000)]).toEqual([0, 0]);
  });

  it('never make a network slower, and never faster than arithmetic and bytes by themselves', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647; // Park and Miller, 1993
      return seed / 2147483647;
    };
    for (let round = 0; round < 50; round++) {
      const steps = Array.from({ length: 12 }, () =>
        step(9 * random(), 90 * random(), 30 * random()),
      );
      const more = fetchAhead(steps, 200 * random());
      const plain = seconds(steps, new Float64Array(steps.length));
      const planned = seconds(steps, more);
      expect(planned).toBeLessThanOrEqual(plain + 1e-9);
      const compute = steps.reduce((sum, one) => sum + one.compute, 0);
      const bytes = steps.reduce((sum, one) => sum + one.bytes / one.rate, 0);
      expect(planned).toBeGreaterThanOrEqual(Math.max(compute, bytes) - 1e-9);
      expect(more.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0, 9);
      for (const [i, { weights }] of steps.entries())
        expect(-more[i]!).toBeLessThanOrEqual(weights + 1e-9);
    }
  });
});

const withoutPlan = (machine: Machine): Machine => ({
  ...machine,
  units: machine.units.map((unit) => ({ ...unit, aheadBytes: undefined })),
});

describe('a run of a compiled network', () => {
  const prepared = prepare(
    parseSpecFile(
      'version: 1\nsoc: snapdragon-8-gen-3\nruntime: qnn\nunit: npu\nworkload: clip-photo-search\ngovernor: performance\nthermalGovernor: none\n',
      'scenario',
    ),
    [],
    sources,
  );

  it('takes what the closed form says, weights of later operators included', () => {
    const { machine, plan } = prepared;
    const request = compileRequest(plan, machine, policyFor(prepared));
    expect(request.tables.some(({ aheadBytes }) => aheadBytes.some((bytes) => bytes > 0))).toBe(
      true,
    );
    const sum = phaseTimes(request, machine).reduce((all, one) => all + one.seconds, 0);
    const { metrics } = simulate(buildSimulation(prepared, [], sources));
    expect(metrics['request_latency_seconds']! / sum).toBeCloseTo(1, 3);
  });

  it('fetches no byte more for it', () => {
    const { machine, plan } = prepared;
    for (const { aheadBytes } of compileRequest(plan, machine, policyFor(prepared)).tables)
      expect(aheadBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeCloseTo(0, 3);
  });

  it('reads, writes and finds in the cache what it would without a plan, and is guarded alike', () => {
    const { plan } = prepared;
    // Protection whose cost tells reads of weights from all else.
    const guard: Machine['guard'] = (_u, _work, { weightReadBytes, readBytes, writeBytes }) => ({
      held: 0,
      again: 0,
      secondsPerByte: 0,
      ciphered: 0,
      cipherRate: Number.POSITIVE_INFINITY,
      cipherEnergy: 1e-12 * (weightReadBytes / Math.max(1, readBytes + writeBytes)),
      deciphered: 0,
      decipherRate: Number.POSITIVE_INFINITY,
      decipherEnergy: 0,
    });
    // Later steps find weights in a cache that holds them all.
    const { systemCache } = prepared.machine;
    const machine = {
      ...prepared.machine,
      guard,
      systemCache: systemCache && { ...systemCache, size: 2 ** 30, shares: {} },
    };
    const phases = plan.phases.map((phase) => ({ ...phase, steps: 4 }));
    const kinds = (one: Machine) => {
      const { tables } = compileRequest({ ...plan, phases }, one, policyFor(prepared));
      const traffic = new OperatorTraffic(one.units.length);
      const sum = { dramReads: 0, dramWrites: 0, readHits: 0, writeHits: 0, joules: 0 };
      for (const table of tables)
        for (const [i, u] of table.unit.entries()) {
          const bytes = traffic.begin(u, table, i);
          const split = traffic.splitOf(u);
          sum.dramReads += bytes * split.dramReads;
          sum.dramWrites += bytes * split.dramWrites;
          sum.readHits += bytes * split.readHits;
          sum.writeHits += bytes * split.writeHits;
          sum.joules += bytes * split.guard!.cipherEnergy;
        }
      return sum;
    };
    const planned = kinds(machine);
    for (const [kind, sum] of Object.entries(kinds(withoutPlan(machine)))) {
      expect(sum, kind).toBeGreaterThan(0);
      expect(planned[kind as keyof typeof planned] / sum, kind).toBeCloseTo(1, 9);
    }
  });

  it('writes of each operator what it would without a plan', () => {
    const writes = (machine: Machine) => {
      const { tables } = compileRequest(prepared.plan, machine, policyFor(prepared));
      const traffic = new OperatorTraffic(machine.units.length);
      return tables.flatMap((table) =>
        [...table.unit].map((u, i) => traffic.begin(u, table, i) * traffic.splitOf(u).dramWrites),
      );
    };
    const plain = writes(withoutPlan(prepared.machine));
    for (const [i, bytes] of writes(prepared.machine).entries())
      expect(bytes).toBeCloseTo(plain[i]!, 3);
  });

  it('moves the bytes of a run without a plan, in less time', () => {
    const run = (machine: Machine) => {
      const { ledger, metrics } = simulate(buildSimulation({ ...prepared, machine }, [], sources));
      // What moves beside the network goes on for as long as a run takes.
      const own = ledger.filter(({ unit }) => unit === 'npu');
      const bytes = own.reduce((sum, row) => sum + row.dramBytes, 0);
      return { bytes, seconds: metrics['request_latency_seconds']! };
    };
    const [planned, plain] = [run(prepared.machine), run(withoutPlan(prepared.machine))];
    expect(planned.bytes / plain.bytes).toBeCloseTo(1, 9);
    expect(planned.seconds).toBeLessThan(plain.seconds);
  });

  it('is planned by engines that compile, and by no other', () => {
    const ahead = (runtime: string) =>
      prepare(
        parseSpecFile(
          `version: 1\nsoc: snapdragon-8-gen-3\nruntime: ${runtime}\nworkload: clip-photo-search\n`,
          'scenario',
        ),
        [],
        sources,
      ).machine.units.map(({ unit, aheadBytes }) => [unit.name, aheadBytes]);
    expect(Object.fromEntries(ahead('qnn'))).toMatchObject({ npu: 4 * 2 ** 20, gpu: undefined });
    expect(Object.fromEntries(ahead('ncnn'))).toMatchObject({ cpu: undefined, npu: undefined });
  });
});
