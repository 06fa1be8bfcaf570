import { describe, expect, it } from 'vitest';
import { checkClaim, judge } from '../../../src/analysis/claims/check-claims.ts';
import { parseClaims } from '../../../src/analysis/claims/claims-spec.ts';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { readBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const { file, text } = readBundled('workloads/claims/white-paper.yaml');
const claims = parseClaims(parseSpecFile(text, file));
const claim = { is: 'at-least' as const, value: 20, unit: 'tok/s', tolerance: 0.1 };
const tried = (...values: (number | undefined)[]) =>
  values.map((value, i) => ({
    name: `t${i}`,
    note: 'why',
    ...(value === undefined ? {} : { value }),
  }));

describe('a verdict', () => {
  it('is "reproduced" on the side that the claim says, a tenth given', () => {
    expect(judge(claim, tried(25)).verdict).toBe('reproduced');
    expect(judge(claim, tried(18.1)).verdict).toBe('reproduced');
    expect(judge({ ...claim, is: 'at-most' }, tried(25)).verdict).not.toBe('reproduced');
    expect(judge({ ...claim, is: 'about' }, tried(25)).verdict).not.toBe('reproduced');
    expect(judge({ ...claim, is: 'about' }, tried(21)).verdict).toBe('reproduced');
  });

  it('names the first technique that makes it true', () => {
    const { verdict, text: said } = judge(claim, tried(10, 12, 30, 40));
    expect([verdict, said]).toEqual(['needs a technique', 'needs t2: 30 tok/s']);
  });

  it('says by how much it is off', () => {
    expect(judge(claim, tried(16)).text).toBe('within ×1.25');
    expect(judge(claim, tried(4)).text).toBe('refuted: off by ×5');
  });

  it('says how far off what it lets pass is', () => {
    expect(judge(claim, tried(20)).text).toBe('reproduced');
    expect(judge(claim, tried(25)).text).toBe('reproduced');
    // 9.58 where at least 10 is claimed, 10.7 where at most 10.6 is.
    expect(judge({ ...claim, value: 10 }, tried(9.58)).text).toBe('reproduced within 5 %');
    const bytes = { ...claim, is: 'at-most' as const, value: 10.6, unit: 'GB' };
    expect(judge(bytes, tried(18, 10.7)).text).toBe('needs t1: 10.7 GB (within 1 %)');
    expect(judge(bytes, tried(10.2)).text).toBe('reproduced');
    expect(judge({ ...bytes, is: 'about' }, tried(10.2)).text).toBe('reproduced within 4 %');
  });

  describe('on one thing over another', () => {
    const over = {
      kind: 'run' as const,
      run: { soc: 'a', workload: 'w', set: [] },
      over: { soc: 'b', workload: 'w', set: [] },
      read: 'npu_joules' as const,
    };
    const ratio = (is: 'about' | 'at-least' | 'at-most', value: number) => ({
      ...claim,
      is,
      value,
      unit: 'x',
      measure: over,
    });

    it('asks for the direction first', () => {
      // A saving of 14 % is claimed, and 11 % more is taken: ×1.29 apart, and not near.
      expect(judge(ratio('at-most', 0.862), tried(1.11))).toEqual({
        verdict: 'refuted',
        text: 'refuted: a loss in place of a gain',
      });
      expect(judge(ratio('about', 1.1), tried(1)).text).toBe('refuted: no gain');
      // Within a tenth of the number, and nothing gained all the same.
      expect(judge(ratio('about', 1.08), tried(1)).verdict).toBe('refuted');
      expect(judge(ratio('at-least', 1.2), tried(0.9)).verdict).toBe('refuted');
    });

    it('tells the share of the gain', () => {
      expect(judge(ratio('about', 1.2), tried(1.01)).text).toBe('refuted: 5 % of the gain');
      expect(judge(ratio('at-most', 0.6), tried(0.7)).text).toBe('within ×1.17, 75 % of the gain');
      expect(judge(ratio('about', 1.28), tried(1.6)).text).toBe('within ×1.25');
      expect(judge(ratio('at-least', 8), tried(1.95)).text).toBe('refuted: off by ×4.1');
    });

    it('takes no limit on a loss for a gain', () => {
      expect(judge(ratio('at-least', 0.5), tried(0.48)).text).toBe('reproduced within 5 %');
      expect(judge(ratio('at-least', 0.5), tried(0.4)).text).toBe('within ×1.25');
    });
  });

  it('leaves open what could not be run', () => {
    expect(judge(claim, tried(undefined)).verdict).toBe('not checked');
    expect(judge(claim, [{ name: '', note: 'does not fit: 18 GB' }]).verdict).toBe('refuted');
  });
});

describe('the claims of the white paper', () => {
  it('cover what was said, each with source and reasoning', () => {
    expect(Object.keys(claims).length).toBeGreaterThanOrEqual(77);
    for (const { says, source, reasoning } of Object.values(claims)) {
      expect(Math.min(says.length, source.length, reasoning.length)).toBeGreaterThan(10);
    }
  });

  it('back their verdicts with runs', () => {
    const result = checkClaim('memory-7b', claims['memory-7b']!, sources);
    expect(result.verdict).toBe('reproduced');
    // 6.74 B weights at 4.28 bits and 0.5 MB of cache a token of 768.
    expect(result.evidence[0]!.value).toBeGreaterThan(3.8);
    expect(result.evidence[0]!.runs[0]!.inputs.workload).toBe('llama-2-7b-chat');
  });

  it('compare peaks of two descriptions', () => {
    const result = checkClaim('apu-790-throughput', claims['apu-790-throughput']!, sources);
    expect(result.evidence[0]!.note).toMatch(/TOPS over [0-9.]+ TOPS/);
  });

  it('back peaks with a run of a large product on each chip, which comes near and never above', () => {
    const name = 'exynos-2500-59';
    const [evidence] = checkClaim(name, claims[name]!, sources).evidence;
    const [run] = evidence!.runs;
    expect(run!.inputs).toMatchObject({ soc: 'exynos-2500', workload: 'product of 4096³ in INT8' });
    const reached = (2 * 4096 ** 3) / run!.metrics['run_seconds']! / 1e12;
    expect(reached).toBeLessThan(59);
    expect(reached).toBeGreaterThan(15);
    const ratio = checkClaim('elite-npu-45', claims['elite-npu-45']!, sources).evidence[0]!;
    expect(ratio.runs.map(({ inputs }) => inputs.soc)).toEqual([
      'snapdragon-8-elite',
      'snapdragon-8-gen-3',
    ]);
  });

  it('read the energy of the unit that they are about', () => {
    const name = 'd9300-gpu-power';
    const [evidence] = checkClaim(name, claims[name]!, sources).evidence;
    const [now, before] = evidence!.runs;
    const rates = [now!, before!].map(({ metrics }) => metrics['prefill_tokens_per_second']!);
    // At equal performance, as the claim says.
    expect(Math.abs(rates[0]! / rates[1]! - 1)).toBeLessThan(0.1);
    // The GPU's own rail: less than what it takes of the whole device, whose screen does not change.
    expect(evidence!.value).toBeLessThan(0.8);
    expect(evidence!.value).toBeGreaterThan(0.5);
  });

  it('say so where a SoC is not there', () => {
    const known = claims['tops-60']!;
    const result = checkClaim(
      'x',
      { ...known, measure: { kind: 'peak', soc: 'kirin-9000' } },
      sources,
    );
    expect(result.verdict).toBe('not checked');
    expect(result.text).toMatch(/unknown soc "kirin-9000"/);
  });

  it('are checked as every description is', () => {
    const bad = text.replace('is: at-least', 'is: atleast');
    expect(() => parseClaims(parseSpecFile(bad, 'claims.yaml'))).toThrow(SpecError);
  });
});
