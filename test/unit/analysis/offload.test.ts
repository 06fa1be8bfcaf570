import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateOffload, type LocalAnswer } from '../../../src/analysis/offload/evaluate.ts';
import { randomStream } from '../../../src/base/random.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { exchangeSeconds, parseLinks, radioJoules } from '../../../src/engine/offload/links.ts';
import { type OffloadPolicy, offloadPolicies } from '../../../src/engine/offload/policies.ts';
import { UploadGate } from '../../../src/engine/secure-upload.ts';
import { readBundled } from '../../../src/load.ts';

const { file, text } = readBundled('workloads/cloud/links.yaml');
const links = parseLinks(parseSpecFile(text, file));
const known: Readonly<Record<string, OffloadPolicy>> = offloadPolicies;
const request: LocalAnswer = {
  promptTokens: 1000,
  generatedTokens: 101,
  firstTokenSeconds: 1,
  latencySeconds: 9,
  joules: 40,
  redactSeconds: 0.3,
  redactJoules: 2,
};
const answer = (policy: string, link = '5g', over: Partial<LocalAnswer> = {}, charge = 1) =>
  evaluateOffload([{ ...request, ...over }], {
    policy: known[policy]!,
    link: links[link],
    endpoint: { firstTokenSeconds: 0.4, tokensPerSecond: 50, queueSeconds: 0 },
    options: { longest: 1024, leastCharge: 0.3, slowest: 0.2 },
    standingWatts: 1,
    charge,
    seed: 1,
    gate: new UploadGate(undefined),
  })[0]!;

describe('a link', () => {
  it('takes the round trip and the bytes at their rate, and chance only adds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(links)),
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer(),
        (name, bytes, seed) => {
          const link = links[name]!;
          const least = link.roundTrip.is + bytes / link.uplink.is;
          expect(exchangeSeconds(link, bytes, randomStream(seed, 'test'))).toBeGreaterThanOrEqual(
            least - 1e-12,
          );
        },
      ),
    );
  });

  it('has its jitter as the mean of what chance adds', () => {
    const link = { ...links['5g']!, lost: { ...links['5g']!.lost, is: 0 } };
    const draw = randomStream(3, 'test');
    const times = Array.from({ length: 5000 }, () => exchangeSeconds(link, 0, draw));
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    expect(mean - link.roundTrip.is).toBeGreaterThan(0.9 * link.jitter.is);
    expect(mean - link.roundTrip.is).toBeLessThan(1.1 * link.jitter.is);
  });

  it('pays for its tail even when it moves nothing', () => {
    expect(radioJoules(links['5g']!, 0)).toBeCloseTo(10, 9);
  });
});

describe('who answers', () => {
  it('is the phone under local: as simulated, and nothing leaves', () => {
    expect(answer('local')).toMatchObject({ where: 'local', latencySeconds: 9, joules: 40 });
    expect(Object.values(answer('local').bytesLeft)).toEqual([0, 0, 0]);
  });

  it('sends the prompt as it is under cloud, and redacted under hybrid', () => {
    expect(answer('cloud').bytesLeft).toMatchObject({ 'user-secret': 4000, 'model-secret': 0 });
    const hybrid = answer('hybrid');
    expect(hybrid.bytesLeft['user-secret']).toBe(0);
    expect(hybrid.bytesLeft.public).toBeGreaterThan(4000);
    expect(hybrid.firstTokenSeconds - answer('cloud').firstTokenSeconds).toBeCloseTo(0.3, 9);
  });

  it('streams the rest of the answer at the rate of the cloud', () => {
    const { firstTokenSeconds, latencySeconds } = answer('cloud');
    expect(latencySeconds - firstTokenSeconds).toBeCloseTo(100 / 50, 9);
  });

  it('streams at the rate of the link where that is less', () => {
    const slow = { ...links['5g']!, downlink: { ...links['5g']!.downlink, is: 40 } };
    const { latencySeconds, firstTokenSeconds } = evaluateOffload([request], {
      policy: known['cloud']!,
      link: slow,
      endpoint: { firstTokenSeconds: 0.4, tokensPerSecond: 50, queueSeconds: 0 },
      options: { longest: 1024, leastCharge: 0.3, slowest: 0.2 },
      standingWatts: 1,
      charge: 1,
      seed: 1,
    })[0]!;
    // 100 more tokens of 4 bytes at 40 bytes/s.
    expect(latencySeconds - firstTokenSeconds).toBeCloseTo(10, 9);
  });

  it('goes by length, by battery, and back to the phone on a weak link', () => {
    expect(answer('by-length').where).toBe('local');
    expect(answer('by-length', '5g', { promptTokens: 2000 }).where).toBe('cloud');
    expect(answer('by-battery', '5g', {}, 0.2).where).toBe('cloud');
    expect(answer('by-battery', '5g', {}, 0.8).where).toBe('local');
    expect(answer('fallback', '5g').where).toBe('cloud');
    expect(answer('fallback', 'weak').where).toBe('local');
  });
});
