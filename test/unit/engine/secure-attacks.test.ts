import { describe, expect, it } from 'vitest';
import { SecurityFault } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { fileSources, listBundled, readBundled } from '../../../src/load.ts';
import { ATTACK_NAMES } from '../../../src/runtime/secure/strategy.ts';

const FOLDER = 'socs/security/attacks';
const sources = fileSources();

function run(name: string, set: readonly string[] = []): Run {
  const { file, text } = readBundled(`${FOLDER}/${name}.yaml`);
  const all = ['workload.promptTokens=64', 'workload.generatedTokens=16', ...set];
  return simulate(buildSimulation(prepare(parseSpecFile(text, file), all, sources), all, sources));
}

const RECORD = 'scenario.security.onFault=record';
const outcome = (name: string, set: readonly string[] = []) => {
  const { audit } = run(name, [RECORD, 'scenario.security.attacks.0.at=20ms', ...set]);
  return { leaked: audit?.leakedBytes ?? Number.NaN, result: audit?.attacks[0] };
};

/** What closes each that is open, as its own file says. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'stale-local-memory': ['clean=on-switch'],
  'dma-into-secure': ['firewall=true'],
  'wrong-smmu-tables': ['tablesOwner=secure'],
  'replay-kv-page': ['integrity=tree-less'],
  'raw-cloud-upload': ['cloud=redact'],
  'bus-snoop': ['encryption=inline'],
  'read-model-file': ['modelFile=encrypted'],
  'decrypt-into-normal': ['tablesOwner=secure'],
};

describe('attack examples', () => {
  it('are there for every attack', () => {
    expect(listBundled(FOLDER, '.yaml')).toEqual([...ATTACK_NAMES].sort());
  });

  it.each(ATTACK_NAMES)('%s ends the run with a security fault', (name) => {
    expect(() => run(name)).toThrow(SecurityFault);
  });

  it('stops the GPU at the firewall, and lets it read where there is none', () => {
    expect(outcome('gpu-reads-carveout').result?.outcome).toBe('stopped');
    expect(outcome('gpu-reads-carveout').leaked).toBe(0);
    const open = outcome('gpu-reads-carveout', ['scenario.security.preset=none']);
    expect(open.result).toMatchObject({ outcome: 'leak', closedBy: 'firewall: true' });
  });

  it.each(Object.entries(CLOSED))('%s leaks as shipped and not with %s', (name, choices) => {
    const open = outcome(name);
    expect(open.result?.outcome).toBe('leak');
    expect(open.leaked).toBeGreaterThan(0);
    expect(open.result?.closedBy).toBeDefined();
    const closed = outcome(
      name,
      choices.map((choice) => `scenario.security.${choice}`),
    );
    expect(closed.result?.outcome).not.toBe('leak');
    expect(closed.leaked).toBe(0);
  });

  it('happen when they are said to, and at the end where nothing comes after', () => {
    const { audit } = run('bus-snoop', [RECORD, 'scenario.security.attacks.0.at=100s']);
    expect(audit?.attacks[0]?.seconds).toBeLessThan(100);
    const at = outcome('bus-snoop').result?.seconds ?? 0;
    expect(at).toBeGreaterThanOrEqual(0.02);
    expect(at).toBeLessThan(0.03);
  });
});
