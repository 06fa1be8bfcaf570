import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Client, clientJobs } from '../../../src/engine/arrivals.ts';
import type { CloudSpec } from '../../../src/engine/offload/cloud.ts';
import type { Link } from '../../../src/engine/offload/links.ts';
import { routesOf } from '../../../src/engine/offload/plans.ts';
import { offloadPolicies } from '../../../src/engine/offload/policies.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const value = (is: number) => ({ is, from: 'test', trust: 'estimated' as const });
/** 10 kB/s up, 100 kB/s down, 50 ms round trip, no chance; 2 W, and 1 W for 3 s after. */
const link = (over: Partial<Record<keyof Link, number>> = {}): Link =>
  ({
    summary: 'test',
    ...Object.fromEntries(
      Object.entries({
        uplink: 10_000,
        downlink: 100_000,
        roundTrip: 0.05,
        jitter: 0,
        lost: 0,
        activePower: 2,
        tailPower: 1,
        tail: 3,
        ...over,
      }).map(([key, is]) => [key, value(is)]),
    ),
  }) as unknown as Link;

/** First token 0.4 s, 50 tokens a second, no other users, four answers at a time. */
const spec = (over: Partial<CloudSpec> = {}): CloudSpec => ({
  endpoint: { firstTokenSeconds: 0.4, tokensPerSecond: 50, queueSeconds: 0 },
  answers: 4,
  signal: [{ from: 0, link: link() }],
  seed: 1,
  ...over,
});

/** A prompt of 2125 tokens is 8500 bytes: with 1500 of overhead one second up. An answer of 101 tokens: two seconds. */
const PROMPT = 2125;
const local = {
  ...toyPlan([
    toyPhase('prefill', chain([toyWork(1e9)])),
    toyPhase('decode', chain([toyWork(1e8)]), 40),
  ]),
  promptTokens: PROMPT,
  generatedTokens: 101,
};
const redactor = toyPlan(
  [toyPhase('prefill', chain([toyWork(3e8)])), toyPhase('decode', chain([toyWork(1e8)]))],
  'redactor',
);

function client(
  policy: keyof typeof offloadPolicies,
  over: Partial<Client> & { name?: string } = {},
): Client {
  const { name = 'ask', ...rest } = over;
  return {
    plan: { ...local, name },
    lane: {
      name,
      late: 'serve',
      concurrent: 4,
      offload: {
        policy: offloadPolicies[policy],
        options: { longest: 1024, leastCharge: 0.3, slowest: 0.2 },
        routes: routesOf(local, redactor),
      },
    },
    priority: 0,
    arrival: { start: 0, delay: 0 },
    ...rest,
  };
}

const run = (clients: readonly Client[], cloud: Partial<CloudSpec> = {}) =>
  runToy([], {
    ...clientJobs(clients),
    machine: toyMachine({ units: [toyUnit('npu')] }),
    cloud: spec(cloud),
  });

describe('a request that a cloud answers', () => {
  it('takes its bytes, the way, the first token and the rest at the rate of the cloud', () => {
    const result = run([client('cloud')]);
    const [request] = result.requests;
    expect(request).toMatchObject({ answeredBy: 'cloud', promptTokens: PROMPT });
    expect(request!.firstTokenSeconds).toBeCloseTo(1 + 0.05 + 0.4, 6);
    expect(request!.endSeconds).toBeCloseTo(1.45 + 2, 6);
    expect(result.cloud).toMatchObject({ answers: { local: 0, cloud: 1, hybrid: 0 } });
    expect(result.cloud!.bytesLeft).toEqual({
      public: 1500,
      'model-secret': 0,
      'user-secret': 8500,
    });
  });

  it('counts for no rate of the phone, which read none of its prompt', () => {
    const alone = run([client('local')]);
    const both = run([client('local'), client('cloud', { name: 'far' })]);
    const rate = 'prefill_tokens_per_second';
    expect(alone.metrics[rate]).toBeCloseTo(PROMPT / alone.phases[0]!.endSeconds, 6);
    expect(both.metrics[rate]).toBeCloseTo(alone.metrics[rate]!, 6);
  });

  it('leaves the tail after the end of the run out of it, and says how much that is', () => {
    // A watt for three seconds after the last answer.
    expect(run([client('cloud')]).cloud!.tailJoulesAfter).toBeCloseTo(3, 9);
    // A second client works on the phone meanwhile and two seconds longer.
    const later = run([
      client('cloud'),
      client('local', { name: 'own', arrival: { start: 5.45, delay: 0 } }),
    ]);
    const end = Math.max(...later.requests.map(({ endSeconds }) => endSeconds));
    expect(later.cloud!.tailJoulesAfter).toBeCloseTo(Math.max(0, 3 - (end - 3.45)), 6);
    expect(later.energy['radio']).toBeCloseTo(2 * 3.45 + Math.min(3, end - 3.45), 6);
  });

  it('draws the radio for as long, on a rail of its own, and works no unit', () => {
    const result = run([client('cloud')]);
    expect(result.energy['radio']).toBeCloseTo(2 * 3.45, 6);
    expect(result.workloads![0]!.joules).toBeCloseTo(2 * 3.45, 6);
    expect(result.workloads![0]!.unitSeconds['npu']).toBeUndefined();
    const rails = Object.values(result.energy).reduce((a, b) => a + b, 0);
    expect(result.ledger.reduce((sum, { joules }) => sum + joules, 0)).toBeCloseTo(rails, 9);
    const phases = result.phases.map(({ phase, limit, units }) => [phase, limit, ...units]);
    expect(phases).toEqual([
      ['cloud', 'network', 'radio'],
      ['answer', 'network', 'radio'],
    ]);
  });

  it('pays for the tail until the next exchange, at most its whole length', () => {
    const twice = (start: number) =>
      run([client('cloud'), client('cloud', { name: 'later', arrival: { start, delay: 0 } })]);
    expect(twice(5).energy['radio']).toBeCloseTo(2 * 2 * 3.45 + (5 - 3.45), 6);
    expect(twice(50).energy['radio']).toBeCloseTo(2 * 2 * 3.45 + 3, 6);
  });

  it('is read and redacted on the phone first under hybrid, and leaves as public', () => {
    const result = run([client('hybrid')]);
    expect(result.requests[0]!.firstTokenSeconds).toBeCloseTo(0.3 + 1.45, 6);
    expect(result.cloud!.bytesLeft).toEqual({
      public: 10_000,
      'model-secret': 0,
      'user-secret': 0,
    });
    expect(result.phases.map(({ phase }) => phase)).toEqual(['redact', 'cloud', 'answer']);
  });

  it('stays on the phone under local, and under fallback while the link is weak or away', () => {
    const where = (policy: keyof typeof offloadPolicies, it: Link | undefined) =>
      run([client(policy)], {
        signal: [
          { from: 0, link: it },
          { from: 60, link: link() },
        ],
      }).requests[0]!;
    expect(where('local', link()).endSeconds).toBeCloseTo(5, 6);
    expect(where('fallback', link()).answeredBy).toBe('cloud');
    expect(where('fallback', link({ roundTrip: 0.3 })).answeredBy).toBe('local');
    expect(where('fallback', undefined).answeredBy).toBe('local');
    expect(where('by-length', undefined).answeredBy).toBe('local');
    expect(where('by-length', link()).answeredBy).toBe('cloud');
  });
});

describe('several requests at once', () => {
  const both = (over: Partial<CloudSpec> = {}) =>
    run([client('cloud', { name: 'a' }), client('cloud', { name: 'b' })], over);

  it('share the way up', () => {
    for (const request of both().requests)
      expect(request.firstTokenSeconds).toBeCloseTo(2 + 0.05 + 0.4, 6);
  });

  it('share the way down where it is narrower than their answers', () => {
    // 200 bytes a second of each answer; together they have 200.
    const narrow = both({ signal: [{ from: 0, link: link({ downlink: 200 }) }] });
    for (const { firstTokenSeconds, endSeconds } of narrow.requests)
      expect(endSeconds - firstTokenSeconds).toBeCloseTo(4, 6);
  });

  it('wait in line at an endpoint that gives one answer at a time', () => {
    const ends = both({ answers: 1 }).requests.map(({ endSeconds }) => endSeconds);
    expect(ends[0]).toBeCloseTo(2.05 + 2.4, 6);
    expect(ends[1]).toBeCloseTo(2.05 + 2 * 2.4, 6);
    const row = both({ answers: 1 }).ledger.find(
      ({ request, phase }) => request === 'b' && phase === 'cloud',
    )!;
    expect(row.seconds.queue).toBeCloseTo(2.4, 6);
  });
});

describe('a signal that comes and goes', () => {
  it('holds up what is on its way until it is back', () => {
    const signal = [
      { from: 0, link: link() },
      { from: 0.5, link: undefined },
      { from: 4.5, link: link() },
    ];
    const result = run([client('cloud')], { signal });
    expect(result.requests[0]!.endSeconds).toBeCloseTo(3.45 + 4, 6);
    expect(result.cloud!.silentSeconds).toBeCloseTo(4, 6);
    // While it looks for a signal the radio draws what it does in its tail.
    expect(result.energy['radio']).toBeCloseTo(2 * 3.45 + 1 * 4, 6);
  });

  it('changes the rates of what is under way', () => {
    const signal = [
      { from: 0, link: link() },
      { from: 0.5, link: link({ uplink: 5000 }) },
    ];
    expect(run([client('cloud')], { signal }).requests[0]!.endSeconds).toBeCloseTo(3.45 + 0.5, 6);
  });

  it('that never comes back is refused: who waits for it waits for ever', () => {
    const signal = [
      { from: 0, link: link() },
      { from: 0.5, link: undefined },
    ];
    expect(() => run([client('cloud')], { signal })).toThrow(/no signal/);
  });
});

describe('whatever the link and the requests', () => {
  const cases = fc.record({
    starts: fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 5 }),
    uplink: fc.integer({ min: 2000, max: 50_000 }),
    downlink: fc.integer({ min: 150, max: 50_000 }),
    jitter: fc.double({ min: 0, max: 0.1, noNaN: true }),
    lost: fc.double({ min: 0, max: 0.5, noNaN: true }),
    answers: fc.integer({ min: 1, max: 4 }),
    silence: fc.integer({ min: 0, max: 3000 }),
    seed: fc.nat(1000),
  });

  it('nobody is faster than alone, the link is never over-full, and every joule is booked once', () => {
    fc.assert(
      fc.property(cases, ({ starts, uplink, downlink, jitter, lost, answers, silence, seed }) => {
        const it = link({ uplink, downlink, jitter, lost });
        const clients = starts.map((start, i) =>
          client('cloud', { name: `c${i}`, arrival: { start: start / 1000, delay: 0 } }),
        );
        const signal = [
          { from: 0, link: it },
          { from: 1, link: undefined },
          { from: 1.001 + silence / 1000, link: it },
        ];
        const result = run(clients, { signal, answers, seed });
        const rate = Math.min(50, downlink / 4);
        for (const { arrivalSeconds, firstTokenSeconds, endSeconds } of result.requests) {
          expect(firstTokenSeconds - arrivalSeconds).toBeGreaterThan(10_000 / uplink + 0.45 - 1e-6);
          expect(endSeconds - firstTokenSeconds).toBeGreaterThan(100 / rate - 1e-6);
        }
        const first = Math.min(...result.requests.map(({ arrivalSeconds }) => arrivalSeconds));
        const last = Math.max(...result.requests.map(({ endSeconds }) => endSeconds));
        expect(last - first).toBeGreaterThan((starts.length * 10_000) / uplink - 1e-6);
        const { radioJoules, bytesLeft } = result.cloud!;
        expect(result.energy['radio']).toBeCloseTo(radioJoules, 6);
        const rows = result.ledger.reduce((sum, { joules }) => sum + joules, 0);
        expect(rows).toBeCloseTo(result.metrics['energy_joules']!, 6);
        expect(bytesLeft['user-secret']).toBe(8500 * starts.length);
      }),
      { numRuns: 60 },
    );
  });
});
