import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { type AheadStep, fetchAhead } from '../../../src/engine/fetch-ahead.ts';
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
