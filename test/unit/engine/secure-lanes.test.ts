/** Workloads that share a phone, each protected in its own way. */
import { describe, expect, it } from 'vitest';
import { type InfeasibleError, SecurityFault, SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { readBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

function run(assistant: string, game: string, more = '', set: readonly string[] = []): Run {
  const text = `version: 1
soc: dimensity-9300
workloads:
  - name: assistant
    workload: llama-3.2-3b-chat
    set: [promptTokens=64, generatedTokens=8]
    ${assistant && `security: ${assistant}`}
  - name: game
    workload: llama-3.2-1b-chat
    set: [promptTokens=64, generatedTokens=8]
    arrival: { start: 20 ms, pause: 10 ms, repeat: 4 }
    ${game && `security: ${game}`}
${more}`;
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), set, sources), set, sources),
  );
}

function failure(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a failure');
}

const lane = ({ audit }: Run, name: string) =>
  audit!.workloads!.find((workload) => workload.name === name)!;
const cost = (result: Run, name: string, mechanism: string) =>
  lane(result, name).protection.find((row) => row.mechanism === mechanism)?.seconds ?? 0;
const latency = ({ workloads }: Run, name: string) =>
  workloads!.find((workload) => workload.name === name)!.latencySeconds.mean;

describe('a preset for all beside a preset of one', () => {
  const told = ({ notes }: Run) => (notes ?? []).filter((note) => note.startsWith('security:'));

  it('says whom it does not reach', () => {
    expect(told(run('{ preset: coarse }', '', 'security: { preset: weights }'))).toEqual([
      'security: weights reaches the other workloads alone: the scenario gives a preset of its own to assistant (coarse)',
    ]);
    const both = run('{ preset: coarse }', '{ preset: coarse }', 'security: { preset: weights }');
    expect(told(both)[0]).toMatch(/reaches no workload.*assistant \(coarse\), game \(coarse\)/);
  });

  it('says nothing where it reaches all, or where there is none', () => {
    expect(told(run('{ preset: coarse }', '', 'security: { preset: coarse }'))).toEqual([]);
    expect(told(run('{ preset: coarse }', ''))).toEqual([]);
  });
});

describe('a protected assistant and a game of the normal world', () => {
  const coarse = run('{ preset: coarse }', '');
  const fine = run('{ preset: fine }', '');
  const open = run('', '');

  it('are each accounted for by themselves', () => {
    const { audit } = coarse;
    expect(audit!.workloads!.map(({ name, preset, world }) => [name, preset, world])).toEqual([
      ['assistant', 'coarse', 'secure'],
      ['game', 'none', 'normal'],
    ]);
    expect(new Set(audit!.flows.map(({ workload }) => workload))).toEqual(
      new Set(['assistant', 'game']),
    );
    expect(audit!.leakedBytes).toBe(0);
    expect(audit!.checks).toBe(audit!.accesses);
    expect(lane(coarse, 'assistant').accesses + lane(coarse, 'game').accesses).toBe(
      audit!.accesses,
    );
  });

  it('keep to their own worlds and memory', () => {
    for (const { workload, initiator, region } of coarse.audit!.flows) {
      const secret = workload === 'assistant';
      expect(initiator.endsWith(secret ? '-secure' : '-normal')).toBe(true);
      // What the assistant answers is given up into normal memory.
      if (!secret) expect(region).toBe('normal');
    }
    const places = coarse.audit!.flows.filter(
      ({ workload, tensor }) => workload === 'assistant' && tensor !== 'output',
    );
    expect(new Set(places.map(({ region }) => region))).toEqual(new Set(['secure']));
  });

  it('pay for every hand-over of the NPU, whoever takes it', () => {
    // dimensity-9300.yaml: drain, tables, set-up and clean of one hand-over.
    const each = cost(coarse, 'assistant', 'NPU switches') / cost(coarse, 'game', 'NPU switches');
    expect(each).toBeGreaterThan(0.8);
    expect(each).toBeLessThan(1.3);
    expect(
      coarse.audit!.protection.find(({ mechanism }) => mechanism === 'NPU switches')!.seconds,
    ).toBeCloseTo(
      cost(coarse, 'assistant', 'NPU switches') + cost(coarse, 'game', 'NPU switches'),
      12,
    );
    expect(cost(coarse, 'game', 'world calls')).toBe(0);
  });

  it('are slowed by coarse sharing, and hardly by fine', () => {
    const switches = (result: Run) =>
      cost(result, 'assistant', 'NPU switches') + cost(result, 'game', 'NPU switches');
    expect(switches(coarse)).toBeGreaterThan(20 * switches(fine));
    expect(latency(coarse, 'game')).toBeGreaterThan(1.01 * latency(open, 'game'));
    expect(latency(fine, 'game') / latency(open, 'game')).toBeCloseTo(1, 2);
    const grown = coarse.metrics['run_seconds']! - open.metrics['run_seconds']!;
    expect(grown).toBeGreaterThan(0.5 * switches(coarse));
    expect(grown).toBeLessThan(1.5 * switches(coarse) + 0.01);
  });

  it('share the seconds of the ledger: what protection takes is there', () => {
    const secure = coarse.ledger.reduce((sum, { seconds }) => sum + seconds.secure, 0);
    const paid = coarse.audit!.protection.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(secure / paid).toBeCloseTo(1, 6);
    const rows = coarse.ledger.reduce((sum, { joules }) => sum + joules, 0);
    expect(rows / coarse.metrics['energy_joules']!).toBeCloseTo(1, 9);
  });
});

describe('protection of one workload', () => {
  it('costs the other nothing where they share no more than memory', () => {
    const cpu = ['scenario.workloads.1.unit=cpu'];
    const encrypted = run(
      '{ preset: fine, encryption: inline, integrity: tree-less }',
      '',
      '',
      cpu,
    );
    const plain = run('{ preset: fine }', '', '', cpu);
    expect(cost(encrypted, 'game', 'memory encryption')).toBe(0);
    expect(cost(encrypted, 'game', 'integrity')).toBe(0);
    expect(cost(encrypted, 'assistant', 'integrity')).toBeGreaterThan(0);
    const bytes = ({ workloads }: Run) => workloads!.find(({ name }) => name === 'game')!.dramBytes;
    expect(bytes(encrypted) / bytes(plain)).toBeCloseTo(1, 9);
  });

  it('starts from what the scenario says, or from a preset of its own', () => {
    const inherited = run(
      '{ npu: fine, clean: tagged }',
      '{ preset: none }',
      'security: { preset: coarse }',
    );
    expect(lane(inherited, 'assistant')).toMatchObject({
      preset: 'coarse',
      choices: { NPU: 'fine' },
    });
    expect(lane(inherited, 'game')).toMatchObject({ preset: 'none', world: 'normal' });
    const all = run('', '', 'security: { preset: fine }');
    expect(all.audit!.workloads!.map(({ preset }) => preset)).toEqual(['fine', 'fine']);
  });

  it('keeps off the NPU only those that have no way onto it', () => {
    const naive = run('{ preset: naive, restore: resident }', '');
    const units = (name: string) =>
      Object.entries(naive.workloads!.find((workload) => workload.name === name)!.unitSeconds)
        .filter(([, seconds]) => seconds > 0)
        .map(([unit]) => unit);
    expect(units('assistant')).toEqual(['cpu']);
    expect(units('game')).toEqual(['npu']);
    expect(cost(naive, 'game', 'NPU switches')).toBe(0);
  });

  it('can be in a virtual machine beside one in the secure world', () => {
    const two = run('{ preset: coarse }', '{ preset: protected-vm }');
    expect(new Set(two.audit!.flows.map(({ region }) => region))).toContain('protected-vm');
    expect(two.audit!.regions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['carveout', 'grown', 'guest']),
    );
    expect(two.audit!.leakedBytes).toBe(0);
  });

  it('holds weights of one model in both memories where two workloads want them there', () => {
    const text = `version: 1
soc: dimensity-9300
workloads:
  - { name: a, workload: llama-3.2-1b-chat, set: [generatedTokens=1], security: { preset: fine } }
  - { name: b, workload: llama-3.2-1b-chat, set: [generatedTokens=1] }`;
    const { memory } = simulate(
      buildSimulation(prepare(parseSpecFile(text, 'test'), [], sources), [], sources),
    );
    const [once] = Object.entries(memory.owners).flatMap(([name, bytes]) =>
      name.startsWith('weights of') ? [bytes] : [],
    );
    expect(memory.owners['weights in normal memory as well']).toBeCloseTo(once!, 0);
  });
});

describe('what cannot be', () => {
  it('names the choices of the machine on which two protected workloads differ', () => {
    const error = failure(() => run('{ preset: coarse }', '{ preset: all }'));
    expect(error).toBeInstanceOf(SpecError);
    for (const part of ['clean', 'encryption', 'integrity', 'npu', '"assistant" and "game"'])
      expect(error.message).toContain(part);
    expect(error.message).not.toContain('firewall');
  });

  it('names the workload whose data do not fit the carve-out, and what is left of it', () => {
    const set = ['security.carveout=2560MiB', 'security.base=4GiB'];
    const fixed = '{ preset: fine, growth: fixed }';
    const error = failure(() => run(fixed, fixed, '', set)) as InfeasibleError;
    expect(error.message).toContain('workload "game"');
    expect(error.detail.bound).toBe(2560 * 2 ** 20);
    expect(() => run(fixed, '', '', set)).not.toThrow();
  });

  it('tells whose data an attack got, and refuses targets that are not there', () => {
    const attack = (name: string) =>
      `security: { preset: none, onFault: record, attacks: [{ kind: raw-cloud-upload, at: 30 ms, workload: ${name} }] }`;
    const kept = run('{ preset: coarse }', '{ preset: none }', attack('assistant'));
    expect(kept.audit!.attacks[0]!.outcome).toBe('stopped');
    const got = run('{ preset: coarse }', '{ preset: none }', attack('game'));
    expect(got.audit!.attacks[0]!.outcome).toBe('leak');
    expect(got.audit!.faults[0]!.workload).toBe('game');
    const error = failure(() => run('{ preset: coarse }', '', attack('gane')));
    expect(error.message).toContain('did you mean "game"');
  });

  it('stops at the first access that must not be, with the workload that made it', () => {
    const error = failure(() => run('{ preset: weights, releases: [] }', '')) as SecurityFault;
    expect(error).toBeInstanceOf(SecurityFault);
    expect(error.message).toContain('activations of assistant');
  });
});

describe('the bundled scenario', () => {
  it('is of two worlds on one NPU', () => {
    const { file, text } = readBundled('workloads/scenarios/private-assistant.yaml');
    const set = ['assistant.generatedTokens=8', 'game.generatedTokens=4'];
    const result = simulate(
      buildSimulation(prepare(parseSpecFile(text, file), set, sources), set, sources),
    );
    expect(cost(result, 'assistant', 'NPU switches')).toBeGreaterThan(0);
    expect(result.audit!.leakedBytes).toBe(0);
  });
});

describe('what cannot go together', () => {
  it('is a model that takes turns in protected and in normal memory', () => {
    const same = (game: string) =>
      run('{ preset: coarse }', game, 'swap: { cache: keep }\n', ['assistant.model=llama-3.2-1b']);
    expect(() => same('')).toThrow(/swap: workloads "assistant" and "game" share llama-3.2-1b/);
    expect(() => same('{ preset: coarse }')).not.toThrow();
  });

  it('is another workload by an override, which comes after its file was read', () => {
    const set = ['scenario.workloads.1.workload=llama-2-7b-chat'];
    expect(() => run('', '', '', set)).toThrow(
      /--set scenario.workloads.1.workload: a workload cannot be chosen this way/,
    );
  });

  it('are not outputs that were public all along and a job in the secure world', () => {
    const open = '{ preset: fine, labels: { prompt: public, weights: public } }';
    const { audit } = run(open, open);
    expect(audit?.leakedBytes).toBe(0);
    const outputs = audit?.flows.filter(({ tensor }) => tensor === 'output') ?? [];
    expect(new Set(outputs.map(({ verdict }) => verdict))).toEqual(new Set(['public']));
  });
});
