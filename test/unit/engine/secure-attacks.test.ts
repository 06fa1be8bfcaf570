import { describe, expect, it } from 'vitest';
import { SecurityFault } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import type { SecurityAudit } from '../../../src/engine/secure-audit.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { listBundled, readBundled } from '../../../src/load.ts';
import { ATTACK_NAMES } from '../../../src/runtime/secure/strategy.ts';
import { sources } from '../../support/sources.ts';

const FOLDER = 'socs/security/attacks';

function run(name: string, set: readonly string[] = []): Run {
  const { file, text } = readBundled(`${FOLDER}/${name}.yaml`);
  const all = ['workload.promptTokens=64', 'workload.generatedTokens=16', ...set];
  return simulate(buildSimulation(prepare(parseSpecFile(text, file), all, sources), all, sources));
}

const QUIET = ['scenario.security.onFault=record', 'scenario.security.attacks.0.at=99s'];
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

  it.each(Object.entries(CLOSED))('%s gets through as shipped and not with %s', (name, choices) => {
    const open = outcome(name);
    // A replay discloses nothing: it breaks what integrity is for.
    const replays = name === 'replay-kv-page';
    expect(open.result?.outcome).toBe(replays ? 'tampered' : 'leak');
    if (replays) expect(open.leaked).toBe(0);
    else expect(open.leaked).toBeGreaterThan(0);
    expect(open.result?.closedBy).toBeDefined();
    const closed = outcome(
      name,
      choices.map((choice) => `scenario.security.${choice}`),
    );
    expect(['stopped', 'harmless']).toContain(closed.result?.outcome);
    expect(closed.leaked).toBe(0);
  });

  it('take the whole prompt with an upload, of four bytes a token', () => {
    for (const tokens of [64, 2000]) {
      const set = [`workload.promptTokens=${tokens}`];
      const { leaked, result } = outcome('raw-cloud-upload', set);
      expect(leaked).toBe(4 * tokens);
      expect(result!.bytes).toBe(4 * tokens);
      expect(result!.explanation).toContain(tokens === 64 ? 'all 256 B' : 'all 8 kB');
    }
  });

  it('take all of local memory as it was left, and a page of what is probed', () => {
    const stale = outcome('stale-local-memory');
    // The scratchpad that the SoC describes.
    expect(stale.result!.bytes).toBe(8 * 2 ** 20);
    expect(stale.leaked).toBe(8 * 2 ** 20);
    const probe = outcome('bus-snoop');
    expect(probe.leaked).toBe(4096);
    expect(probe.result!.explanation).toMatch(/a probe of one page, 4\.1 kB of [\d.]+ MB/);
  });

  it('of wrong tables get what protected jobs write: of model and user alike', () => {
    const { audit } = run('wrong-smmu-tables', [
      RECORD,
      'scenario.security.attacks.0.at=20ms',
      'scenario.security.preset=all',
      'scenario.security.tablesOwner=normal',
    ]);
    const fault = audit!.faults.find(({ message }) => message.startsWith('wrong-smmu-tables'));
    expect(fault).toMatchObject({ tensor: 'activations', label: 'model-secret + user-secret' });
  });

  it('happen when they are said to, and not after the end', () => {
    expect(outcome('bus-snoop').result?.seconds).toBeCloseTo(0.02, 9);
    const late = run('bus-snoop', [RECORD, 'scenario.security.attacks.0.at=100s']);
    expect(late.audit?.attacks).toMatchObject([{ outcome: 'not tried', seconds: 100 }]);
    expect(late.audit?.attacks[0]?.explanation).toContain('had ended');
    expect([late.audit?.faults, late.audit?.leakedBytes]).toEqual([[], 0]);
    expect(late.metrics['run_seconds']).toBe(run('bus-snoop', QUIET).metrics['run_seconds']);
  });
});

const MODEL = 'workload: llama-3.2-1b-chat';

/** A request from 0 s, and another ten seconds after its end. */
function attacked(security: string, attacks: string, onFault = 'record', more = MODEL): Run {
  const text = `version: 1
soc: dimensity-9300
${more}
repeat: 2
pause: 10 s
security: { onFault: ${onFault}, ${security}, attacks: [${attacks}] }`;
  const set = ['workload.promptTokens=16', 'workload.generatedTokens=2'];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), set, sources), set, sources),
  );
}

describe('the time of an attack', () => {
  it('is its own, however many there are, and whether anything runs then or not', () => {
    const at = (seconds: number) => `{ kind: bus-snoop, at: ${seconds} s }`;
    const times = [0, 0.01, 0.01, 0.01, 5, 5, 7];
    const { audit } = attacked('preset: naive', times.map(at).join(', '));
    expect(audit!.attacks).toHaveLength(times.length);
    for (const [i, { seconds }] of audit!.attacks.entries())
      expect(seconds).toBeCloseTo(times[i]!, 9);
  });

  it('stops an idle phone too', () => {
    const work = () => attacked('preset: naive', '{ kind: bus-snoop, at: 5 s }', 'stop');
    expect(work).toThrow(SecurityFault);
  });
});

describe('memory into which nothing has come yet', () => {
  const kinds = ['dma-into-secure', 'initiator-reads-region', 'replay-kv-page'];
  const at = (seconds: number) =>
    kinds
      .map(
        (kind) =>
          `{ kind: ${kind}, at: ${seconds} s${kind.startsWith('init') ? ', initiator: dma' : ''} }`,
      )
      .join(', ');

  it('gives nothing to any attack, and all to each once a request has run', () => {
    // The runtime starts for 1.2 s before a byte is read. The first attack maps secure memory for the second.
    const { audit } = attacked('preset: naive, firewall: false', `${at(0.5)}, ${at(5)}`);
    expect(audit!.attacks.map(({ attack, outcome: what }) => [attack, what])).toEqual([
      ...kinds.map((kind) => [kind, 'harmless']),
      ...kinds.map((kind) => [kind, kind === 'replay-kv-page' ? 'tampered' : 'leak']),
    ]);
  });
});

describe('wrong tables', () => {
  const wrong = (at: number, aim = '') => `{ kind: wrong-smmu-tables, at: ${at} s${aim} }`;
  const kept = 'preset: coarse, restore: sequential';
  const open = `${kept}, tablesOwner: normal`;

  it('that come before any job take what the first one writes, when it does', () => {
    const { audit, phases } = attacked(open, `${wrong(0.5)}, ${wrong(0.6)}`);
    const prefill = phases.find(({ stage }) => stage === 'prefill')!;
    expect(audit!.attacks).toHaveLength(2);
    for (const [i, attack] of audit!.attacks.entries()) {
      expect(attack).toMatchObject({ outcome: 'leak', closedBy: 'tablesOwner: secure' });
      expect(attack.seconds).toBeCloseTo(prefill.startSeconds, 9);
      expect(attack.explanation).toContain(`from ${i === 0 ? 500 : 600} ms on`);
    }
    const [fault] = audit!.faults;
    expect(fault).toMatchObject({ label: 'model-secret + user-secret', initiator: 'npu-secure' });
    expect(fault!.seconds).toBeCloseTo(prefill.startSeconds, 9);
  });

  it('that come while jobs run take what those wrote, at once', () => {
    const { audit } = attacked(open, wrong(8));
    expect(audit!.attacks).toMatchObject([{ outcome: 'leak', seconds: 8 }]);
    expect(audit!.attacks[0]!.explanation).not.toContain(' on:');
  });

  it('stop a run only when somebody writes', () => {
    expect(() => attacked(open, wrong(0.5), 'stop')).toThrow(/from 500 ms on/);
  });

  it('take nothing of jobs that never come to the NPU', () => {
    const cpu = attacked(open, wrong(0.5), 'record', `${MODEL}\nunit: cpu`).audit!;
    expect(cpu.attacks).toMatchObject([{ outcome: 'harmless' }]);
    expect(cpu.attacks[0]!.explanation).toContain('no protected job has written through them');
    const barred = attacked(`${open}, npu: none`, wrong(0.5)).audit!;
    expect(barred.attacks).toMatchObject([{ outcome: 'harmless', seconds: 0.5 }]);
    expect(barred.attacks[0]!.explanation).toContain('no way onto the NPU');
    expect([cpu.leakedBytes, barred.leakedBytes]).toEqual([0, 0]);
  });

  it('of a trusted owner stop at once, whatever runs', () => {
    const { audit } = attacked(kept, wrong(0.5));
    expect(audit!.attacks).toMatchObject([{ outcome: 'stopped', seconds: 0.5 }]);
  });
});

describe('adapters', () => {
  const LABELS = 'labels: { weights: public, prompt: public, adapters: user-secret }';
  const kinds = ['replay-kv-page', 'stale-local-memory', 'wrong-smmu-tables'] as const;
  const OPEN = `preset: coarse, clean: never, tablesOwner: normal, firewall: false, ${LABELS}`;
  const skill = (mode: string, attacks: string, unit = 'npu') =>
    attacked(
      OPEN,
      attacks,
      'record',
      `workload: llama-3.2-3b-skill\nunit: ${unit}\nset: [techniques.lora.mode=${mode}]`,
    ).audit!;
  const labelOf = (audit: ReturnType<typeof skill>, kind: string) =>
    audit.faults.find(({ message }) => message.startsWith(kind))?.label;

  it.each(['resident', 'swap', 'merge'])('are in what attacks take of a request: %s', (mode) => {
    const during = skill(mode, kinds.map((kind) => `{ kind: ${kind}, at: 5 s }`).join(', '));
    for (const kind of kinds) expect(labelOf(during, kind), kind).toBe('user-secret');
  });

  it('that the drive brings are nothing that a job writes: wrong tables wait for the first that does', () => {
    const { attacks } = skill('swap', '{ kind: wrong-smmu-tables, at: 0 s }');
    expect(attacks).toMatchObject([{ outcome: 'leak' }]);
    expect(attacks[0]!.seconds).toBeGreaterThan(0.001);
    // Merging writes weights.
    expect(skill('merge', '{ kind: wrong-smmu-tables, at: 0 s }').attacks).toMatchObject([
      { outcome: 'leak', seconds: 0 },
    ]);
  });

  it('lie beside the weights from the start where they are resident, else once they have come', () => {
    const probe = (at: number) => `{ kind: bus-snoop, at: ${at} s }`;
    const outcomes = (mode: string) =>
      skill(mode, `${probe(0)}, ${probe(5)}`).attacks.map(({ outcome }) => outcome);
    expect(outcomes('resident')).toEqual(['leak', 'leak']);
    expect(outcomes('swap')).toEqual(['harmless', 'leak']);
    expect(outcomes('merge')).toEqual(['harmless', 'leak']);
  });

  it('make nothing secret where no adapter is', () => {
    const all = kinds.map((kind) => `{ kind: ${kind}, at: 100 ms }`).join(', ');
    const { attacks, leakedBytes } = attacked(OPEN, all).audit!;
    expect(attacks.filter(({ outcome }) => outcome === 'leak')).toEqual([]);
    expect(leakedBytes).toBe(0);
  });
});

describe('a region of choice', () => {
  const reads = (security: string, region: string) =>
    attacked(
      `${security}, firewall: false`,
      `{ kind: initiator-reads-region, initiator: cpu-normal, region: ${region}, at: 5 s }, { kind: initiator-reads-region, initiator: gpu, region: ${region}, at: 5 s }, { kind: dma-into-secure, at: 5 s }, { kind: initiator-reads-region, initiator: dma, region: ${region}, at: 5 s }`,
    ).audit!;
  const labels = (audit: SecurityAudit) =>
    audit.faults
      .filter(({ message, gate }) => message.startsWith('initiator-reads') && !gate)
      .map(({ label }) => label);

  it('gives what lies there, and of that what no declared step has given up', () => {
    // Weights alone are in secure memory; what was made of them is declared not to give them away.
    expect(labels(reads('preset: weights', 'secure'))).toEqual(['model-secret']);
    expect(new Set(labels(reads('preset: weights', 'normal')))).toEqual(new Set(['user-secret']));
    expect(labels(reads('preset: all', 'secure'))).toEqual(['model-secret + user-secret']);
    // The answer, which is for its owner.
    expect(labels(reads('preset: all', 'normal'))).toEqual([]);
    expect(new Set(labels(reads('preset: none', 'normal')))).toEqual(
      new Set(['model-secret + user-secret']),
    );
  });

  it('that no data of the workload come to gives nothing', () => {
    const { attacks } = reads('preset: none', 'secure');
    const read = attacks.filter(({ attack }) => attack === 'initiator-reads-region');
    expect(read.map(({ outcome }) => outcome)).not.toContain('leak');
  });

  it('is told what closes it: a firewall, or in normal memory to protect what lies there', () => {
    const advice = (region: string) =>
      reads('preset: weights', region).attacks.flatMap(({ attack, closedBy }) =>
        attack === 'initiator-reads-region' && closedBy !== undefined ? [closedBy] : [],
      );
    for (const one of advice('secure')) expect(one).toContain('firewall');
    expect(advice('normal').length).toBeGreaterThan(0);
    for (const one of advice('normal')) expect(one).toMatch(/^protects/);
    // As told, and the same reads get nothing.
    const { attacks } = attacked(
      'preset: weights, protects: [weights, kv, activations, prompt]',
      '{ kind: initiator-reads-region, initiator: gpu, region: normal, at: 5 s }',
    ).audit!;
    expect(attacks[0]!.outcome).toBe('harmless');
  });
});

describe('tables of a phone that protects nothing', () => {
  it('are nothing to turn against protected jobs', () => {
    const { attacks } = attacked('preset: none', '{ kind: wrong-smmu-tables, at: 5 s }').audit!;
    expect(attacks).toMatchObject([{ outcome: 'harmless' }]);
    expect(attacks[0]!.explanation).toContain('no job is protected');
  });
});

describe('attacks and choices that would do nothing', () => {
  it('are refused, with what to write instead', () => {
    expect(() =>
      attacked('preset: fine', '{ kind: dma-into-secure, initiator: gpu, region: secure }'),
    ).toThrow(/own initiator[\s\S]*own region[\s\S]*initiator-reads-region/);
    expect(() => attacked('preset: fine, afterUse: release', '')).toThrow(
      /restore: resident[\s\S]*sequential or pipelined/,
    );
    expect(() => attacked('preset: naive, afterUse: release, clean: on-switch', '')).not.toThrow();
  });
});
