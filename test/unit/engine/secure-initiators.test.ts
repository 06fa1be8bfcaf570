/** Masters that a description names, with the rights that it gives them. */
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile, type SpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare, type Sources } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const source = 'from: estimate, trust: estimated';

/** The Dimensity 9300 with `initiators` of its own. */
function withInitiators(initiators: string): Sources {
  const soc = (name: string): SpecFile => {
    const spec = sources.soc(name);
    const data = structuredClone(spec.data) as { security: Record<string, unknown> };
    data.security['initiators'] = parseSpecFile(initiators, 'initiators').data;
    return { ...spec, data };
  };
  return { ...sources, soc };
}

const ISP = `isp:
  rights: { is: { normal: read-write, secure: read, drm: write }, ${source} }
  cleared: { is: [user-secret], ${source} }
`;

function run(initiators: string, security: string, set: readonly string[] = []): Run {
  const from = withInitiators(initiators);
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: ${security}`;
  const all = ['workload.promptTokens=16', 'workload.generatedTokens=2', ...set];
  return simulate(buildSimulation(prepare(parseSpecFile(text, 'test'), all, from), all, from));
}

function failure(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a failure');
}

const attack = (initiator: string, region: string) =>
  `{ preset: fine, onFault: record, attacks: [{ kind: initiator-reads-region, initiator: ${initiator}, region: ${region} }] }`;
const outcome = (initiators: string, initiator: string, region: string) =>
  run(initiators, attack(initiator, region)).audit!.attacks[0]!;

describe('an image signal processor of its own', () => {
  it('is stopped where it has no rights', () => {
    expect(outcome(ISP, 'isp', 'npu-only')).toMatchObject({ outcome: 'stopped' });
    expect(outcome(ISP, 'isp', 'drm')).toMatchObject({ outcome: 'stopped' });
  });

  it('leaks what it may read and is not cleared for', () => {
    const told = outcome(ISP, 'isp', 'secure');
    expect(told.outcome).toBe('leak');
    expect(told.explanation).toContain('model-secret');
    expect(told.explanation).not.toContain('user-secret');
    const cleared = ISP.replace('[user-secret]', '[model-secret, user-secret]');
    expect(outcome(cleared, 'isp', 'secure').outcome).toBe('harmless');
  });

  it('makes the accesses of the units that come under its name', () => {
    const own = `${ISP}  units: { is: [gpu], ${source} }\n`;
    const set = ['scenario.unit=gpu'];
    const { audit } = run(own, '{ preset: weights, onFault: record }', set);
    expect(audit!.flows.map(({ initiator }) => initiator)).toContain('isp');
    expect(audit!.flows.map(({ initiator }) => initiator)).not.toContain('gpu');
    // It may read secure memory and is not cleared for the model: found as a leak.
    const weights = audit!.flows.find(({ tensor }) => tensor === 'weights');
    expect(weights).toMatchObject({ initiator: 'isp', verdict: 'leak' });
  });
});

describe('names that are not there', () => {
  it.each([
    [ISP, attack('ips', 'secure'), 'unknown initiator "ips"', 'did you mean "isp"'],
    [ISP, attack('camra', 'secure'), 'unknown initiator "camra"', 'did you mean "camera"'],
    [ISP, attack('isp', 'secur'), 'region', 'did you mean "secure"'],
    [
      ISP.replace('[user-secret]', '[user-secre]'),
      '{ preset: fine }',
      'cleared',
      'did you mean "user-secret"',
    ],
    [ISP.replace('secure: read', 'secur: read'), '{ preset: fine }', 'secur', 'secure'],
    [
      ISP.replace('isp:', 'gpu:'),
      '{ preset: fine }',
      'initiator "gpu" is built in',
      'another name',
    ],
    [
      `${ISP}  units: { is: [ghu], ${source} }\n`,
      '{ preset: fine }',
      'no unit "ghu"',
      'did you mean "gpu"',
    ],
  ])('are told with the nearest: %#', (initiators, security, fault, hint) => {
    const error = failure(() => run(initiators, security));
    expect(error).toBeInstanceOf(SpecError);
    expect(error.message).toContain(fault);
    expect(error.message).toContain(hint);
  });
});
