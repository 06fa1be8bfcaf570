import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EVERY_SECRET,
  MODEL_SECRET,
  PUBLIC,
  type Secrecy,
  USER_SECRET,
  within,
} from '../../src/base/labels.ts';
import { randomStream } from '../../src/base/random.ts';
import { INITIATORS, type Initiator, WORLDS } from '../../src/hardware/secure/initiators.ts';
import { type IntegritySpec, integrityCost } from '../../src/hardware/secure/integrity.ts';
import { REGION_KINDS, type RegionKind } from '../../src/hardware/secure/regions.ts';
import {
  type Defences,
  SecureSystem,
  type Verdict,
} from '../../src/hardware/secure/secure-system.ts';
import { labelFlow } from '../../src/runtime/secure/label-flow.ts';
import { restoreInPipeline, restoreInSequence } from '../../src/runtime/secure/restore.ts';
import type { Graph } from '../../src/workload/graph.ts';
import '../support/fast-check.ts';
import { toyWork } from '../support/toy-machine.ts';

const EVERYTHING: Defences = {
  firewall: true,
  trustedTables: true,
  cleanOnSwitch: true,
  taggedLocalMemory: true,
  encryption: true,
  integrity: true,
  cloud: 'redact',
};
const ACCESSES = 10_000;

/** What lies in each kind of memory while the gates hold: secrets everywhere but in normal memory. */
const CONTENTS: Readonly<Record<RegionKind, Secrecy>> = {
  normal: PUBLIC,
  secure: EVERY_SECRET,
  'protected-vm': EVERY_SECRET,
  'npu-only': EVERY_SECRET,
  drm: USER_SECRET,
};
const ATTACKERS = INITIATORS.filter((name) =>
  ['cpu-normal', 'gpu', 'npu-normal', 'dma', 'camera', 'modem'].includes(name),
);
const VICTIMS = INITIATORS.filter((name) => /-(secure|protected-vm)$/.test(name));

/** Random steps of an attacker with the normal world in hand, and of protected jobs that go on meanwhile. */
function* play(system: SecureSystem, seed: number): Generator<Verdict> {
  const draw = randomStream(seed, 'attacker');
  const one = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const victim = (): Verdict => {
    const initiator: Initiator = one(VICTIMS);
    const kind = one(REGION_KINDS);
    return draw() < 0.5
      ? system.access(initiator, kind, 'read', CONTENTS[kind])
      : system.access(initiator, kind, 'write', draw() < 0.5 ? EVERY_SECRET : USER_SECRET);
  };
  const attacker = (): Verdict => {
    const kind = one(REGION_KINDS);
    if (draw() < 0.3) system.map(one(INITIATORS), kind, 'normal');
    return draw() < 0.5
      ? system.access(one(ATTACKERS), kind, 'read', CONTENTS[kind])
      : system.access(one(ATTACKERS), kind, 'write', PUBLIC);
  };
  const npu = (): Verdict => {
    const given = system.switchNpu(one(WORLDS));
    if (given.kind === 'breach') return given;
    if (system.npuWorld !== 'normal') system.useLocalMemory(EVERY_SECRET);
    return system.readLocalMemory();
  };
  const bus = (): Verdict => {
    const kind = one(REGION_KINDS);
    return draw() < 0.5 ? system.snoop(kind, CONTENTS[kind]) : system.replay(kind, CONTENTS[kind]);
  };
  /** A model on its way: the drive writes ciphertext, the cipher what it makes of it, wherever a driver aims them. */
  const loader = (): Verdict => {
    const kind = one(['normal', 'secure', 'protected-vm', 'npu-only'] as const);
    return draw() < 0.5
      ? system.access('storage', kind, 'write', PUBLIC)
      : system.access('crypto', kind, 'write', MODEL_SECRET);
  };
  const cloud = (): Verdict => system.upload(one([PUBLIC, USER_SECRET, EVERY_SECRET]));
  for (;;) yield one([victim, attacker, attacker, npu, bus, loader, cloud])();
}

/** Verdicts of a scenario in which a secret came out, by how they begin. */
function breaches(defences: Defences, seed: number): Verdict[] {
  const found: Verdict[] = [];
  const game = play(new SecureSystem(defences), seed);
  for (let i = 0; i < ACCESSES; i++) {
    const verdict = game.next().value as Verdict;
    if (verdict.kind === 'breach' && verdict.secrecy !== PUBLIC) found.push(verdict);
  }
  return found;
}

describe('gates under a random attacker', () => {
  it('let nothing out with every defence on', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(breaches(EVERYTHING, seed)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it.each<[string, Partial<Defences>]>([
    ['the firewall', { firewall: false }],
    ['trusted tables', { trustedTables: false }],
    ['both keepers of local memory', { cleanOnSwitch: false, taggedLocalMemory: false }],
    ['encryption', { encryption: false }],
    ['integrity', { integrity: false }],
    ['the cloud gate', { cloud: 'raw' }],
  ])('let something out without %s', (_, missing) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(breaches({ ...EVERYTHING, ...missing }, seed).length).toBeGreaterThan(0);
      }),
      { numRuns: 5 },
    );
  });

  it.each([{ cleanOnSwitch: false }, { taggedLocalMemory: false }])(
    'need only one keeper of local memory',
    (missing) => {
      expect(breaches({ ...EVERYTHING, ...missing }, 1)).toEqual([]);
    },
  );
});

const secrecy = fc.integer({ min: 0, max: EVERY_SECRET });
const graph = fc
  .array(fc.record({ work: fc.nat(3), reach: fc.array(fc.nat(30), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 25,
  })
  .map((nodes): Graph => {
    const plain = toyWork(1);
    const works = [
      plain,
      toyWork(1, 8),
      { ...plain, kvReadBytes: 8 },
      { ...plain, kvReadBytes: 8, kvWriteBytes: 8 },
    ];
    const operators = nodes.map(({ work, reach }, i) => ({
      name: `op${i}`,
      work,
      inputs: [...new Set(reach.filter((r) => r < i))],
    }));
    return { name: 'random', works, operators };
  });
const sources = fc.record({ weights: secrecy, adapters: secrecy, prompt: secrecy, kv: secrecy });

describe('labels', () => {
  it('only rise when an input is more secret', () => {
    fc.assert(
      fc.property(graph, sources, sources, (g, a, b) => {
        const higher = {
          weights: a.weights | b.weights,
          adapters: a.adapters | b.adapters,
          prompt: a.prompt | b.prompt,
          kv: a.kv | b.kv,
        };
        const low = labelFlow(g, 1, a);
        const high = labelFlow(g, 1, higher);
        for (const [i, label] of low.results.entries()) {
          expect(within(label, high.results[i]!)).toBe(true);
        }
        const merged = new Set(g.operators.map(({ name }) => name));
        const after = labelFlow(g, 1, { ...a, merged });
        for (const [i, label] of low.results.entries()) {
          expect(within(label, after.results[i]!)).toBe(true);
        }
        expect(within(low.kv, high.kv)).toBe(true);
      }),
    );
  });

  it('of a result hold those of all its inputs', () => {
    fc.assert(
      fc.property(graph, sources, (g, from) => {
        const { results, weights } = labelFlow(g, 1, from);
        for (const [i, { inputs }] of g.operators.entries()) {
          for (const input of inputs) expect(within(results[input]!, results[i]!)).toBe(true);
          expect(within(weights[i]!, results[i]!)).toBe(true);
        }
      }),
    );
  });
});

describe('costs', () => {
  const seconds = fc.double({ min: 0.001, max: 10, noNaN: true });

  it('of restoring: a pipeline is between its slowest stage and the sum of all', () => {
    const inputs = fc.record({
      bytes: fc.integer({ min: 1, max: 2 ** 34 }),
      runtimeStart: seconds,
      attestation: seconds,
      growth: seconds,
      load: seconds,
      decryption: seconds,
      cores: fc.integer({ min: 1, max: 8 }),
      growthThreads: fc.constant(1),
      decryptsOnCpu: fc.boolean(),
    });
    fc.assert(
      fc.property(inputs, fc.double({ min: 0, max: 1, noNaN: true }), (stages, share) => {
        const piped = restoreInPipeline(stages);
        const fixed = stages.runtimeStart + stages.attestation;
        const slowest = Math.max(stages.growth, stages.load, stages.decryption);
        expect(piped.end).toBeGreaterThanOrEqual((fixed + slowest) * (1 - 1e-12));
        expect(piped.end).toBeLessThanOrEqual(restoreInSequence(stages).end * (1 + 1e-12));
        const some = piped.readyAt(share * stages.bytes);
        expect(some).toBeLessThanOrEqual(piped.end);
        expect(some).toBeGreaterThanOrEqual(fixed);
      }),
    );
  });

  it('of integrity: never below those of codes alone, and a larger cache never costs', () => {
    const spec = fc.record({
      kind: fc.constantFrom('counter-tree' as const, 'hash-tree' as const),
      block: fc.constant(64),
      macBytes: fc.constant(8),
      countersPerLine: fc.constantFrom(8, 64),
      arity: fc.constantFrom(8, 64),
      cache: fc.integer({ min: 0, max: 2 ** 20 }),
      run: fc.integer({ min: 64, max: 2 ** 20 }),
      protectedBytes: fc.integer({ min: 2 ** 20, max: 2 ** 34 }),
    });
    fc.assert(
      fc.property(spec, (tree: IntegritySpec) => {
        const cost = integrityCost(tree);
        expect(cost.latencyFactor).toBeGreaterThanOrEqual(1);
        expect(cost.latencyFactor).toBeLessThanOrEqual(2);
        const treeless = integrityCost({ ...tree, kind: 'tree-less' });
        if (tree.kind === 'counter-tree')
          expect(cost.readPerRead).toBeGreaterThanOrEqual(treeless.readPerRead);
        const larger = integrityCost({ ...tree, cache: 2 * tree.cache + 64 });
        expect(larger.readPerRead).toBeLessThanOrEqual(cost.readPerRead);
      }),
    );
  });
});
