/** Local memory of the NPU that is handed on as the last job left it: a leak by itself, whether anybody attacks or not. */
import { describe, expect, it } from 'vitest';
import { SecurityFault } from '../../../src/base/errors.ts';
import { EVERY_SECRET, MODEL_SECRET, PUBLIC } from '../../../src/base/labels.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { type Defences, SecureSystem } from '../../../src/hardware/secure/secure-system.ts';
import { sources } from '../../support/sources.ts';

const SET = ['workload.promptTokens=32', 'workload.generatedTokens=4'];

function simulated(text: string, set: readonly string[]): Run {
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), set, sources), set, sources),
  );
}

const alone = (security: string, onFault = 'record') =>
  simulated(
    `version: 1
soc: dimensity-9300
workload: llama-3.2-1b-chat
security: { preset: coarse, onFault: ${onFault}, ${security} }`,
    SET,
  );

const beside = (security: string, game = 'arrival: { start: 20 ms, pause: 10 ms, repeat: 3 }') =>
  simulated(
    `version: 1
soc: dimensity-9300
security: { preset: none, onFault: record }
workloads:
  - name: assistant
    workload: llama-3.2-3b-chat
    set: [promptTokens=32, generatedTokens=4]
    security: ${security}
  - name: game
    workload: llama-3.2-1b-chat
    set: [promptTokens=32, generatedTokens=4]
    ${game}`,
    [],
  );

const SHARED = 'normalWork: { share: 0.3, slice: 5 ms }';
const left = ({ audit }: Run) => audit!.flows.filter(({ tensor }) => tensor === 'local memory');

describe('an NPU shared with a normal application', () => {
  it('gives it what nobody cleaned, without any attack', () => {
    const { audit } = alone(`clean: never, ${SHARED}`);
    const [row, ...more] = left({ audit } as Run);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      phase: 'hand-over',
      initiator: 'npu-normal',
      region: 'npu-only',
      label: 'model-secret + user-secret',
      verdict: 'leak',
    });
    // socs/parts/phone-security.yaml: 8 MiB of local memory, each time that it is handed over.
    expect(row!.bytes / row!.accesses).toBe(8 * 2 ** 20);
    expect(audit!.leakedBytes).toBe(row!.bytes);
    expect(audit!.checks).toBe(audit!.accesses);
    expect(audit!.faults).toMatchObject([
      { initiator: 'npu-normal', tensor: 'local memory', label: 'model-secret + user-secret' },
    ]);
    expect(audit!.faults[0]!.seconds).toBeCloseTo(row!.firstSeconds, 9);
    expect(audit!.faults[0]!.message).toContain('clean: on-switch');
  });

  it('is given over once for each turn of the normal application', () => {
    const result = alone(`clean: never, ${SHARED}`);
    const turns = result.audit!.protection.find(({ mechanism }) => mechanism.startsWith('turns'))!;
    // A turn at 30 % beside slices of 5 ms takes 5 ms × 0.3 / 0.7.
    expect(left(result)[0]!.accesses).toBe(Math.round(turns.seconds / ((0.005 * 0.3) / 0.7)));
  });

  it('ends the run unless faults are to be recorded', () => {
    const work = () => alone(`clean: never, ${SHARED}`, 'stop');
    expect(work).toThrow(SecurityFault);
    expect(work).toThrow(/npu-normal was given the NPU with model-secret \+ user-secret data/);
  });

  it.each([
    ['it is cleaned', `clean: on-switch, ${SHARED}`],
    ['its lines are tagged', `clean: tagged, npu: fine, ${SHARED}`],
    ['nobody else comes to it', 'clean: never'],
    [
      'there is nothing to keep',
      `clean: never, ${SHARED}, labels: { weights: public, prompt: public }`,
    ],
  ])('gives nothing where %s', (_, security) => {
    const result = alone(security);
    expect(left(result)).toEqual([]);
    expect(result.audit).toMatchObject({ leakedBytes: 0, faults: [] });
  });

  it('leaks what was promised only', () => {
    const result = alone(`clean: never, ${SHARED}, promises: []`);
    expect(left(result).map(({ verdict }) => verdict)).toEqual(['unpromised']);
    expect(result.audit).toMatchObject({ leakedBytes: 0, faults: [] });
  });
});

describe('an NPU that two workloads share', () => {
  it('gives the game what the assistant left, and tells whose it is', () => {
    const { audit } = beside('{ preset: coarse, clean: never }');
    const rows = left({ audit } as Run);
    expect(rows.map(({ workload, verdict }) => [workload, verdict])).toEqual([
      ['assistant', 'leak'],
    ]);
    expect(audit!.faults[0]!.message).toContain('data of assistant in its local memory');
    const of = (name: string) => audit!.workloads!.find((one) => one.name === name)!.leakedBytes;
    expect([of('assistant'), of('game')]).toEqual([rows[0]!.bytes, 0]);
    expect(audit!.checks).toBe(audit!.accesses);
  });

  it('leaves the way back open: what the game left is nobody’s secret from the assistant', () => {
    const first = beside('{ preset: coarse, clean: never }', '');
    for (const { initiator } of left(first)) expect(initiator).toBe('npu-normal');
    expect(left(beside('{ preset: coarse }'))).toEqual([]);
  });
});

const OPEN: Defences = {
  firewall: true,
  trustedTables: true,
  cleanOnSwitch: false,
  taggedLocalMemory: false,
  encryption: true,
  integrity: true,
  cloud: 'redact',
};

describe('local memory', () => {
  it('comes with what other worlds left, not with what its own did', () => {
    const system = new SecureSystem(OPEN);
    system.useLocalMemory(EVERY_SECRET);
    expect(system.switchNpu('secure').kind).toBe('granted');
    expect(system.switchNpu('normal').kind).toBe('granted');
    system.switchNpu('secure');
    system.useLocalMemory(MODEL_SECRET);
    expect(system.switchNpu('protected-vm').kind).toBe('granted');
    expect(system.switchNpu('normal')).toEqual({
      kind: 'breach',
      what: 'disclosure',
      secrecy: MODEL_SECRET,
    });
    expect(system.switchNpu('normal').kind).toBe('granted');
  });

  it('is handed over empty after a clean, and shut under tags', () => {
    for (const kept of [{ cleanOnSwitch: true }, { taggedLocalMemory: true }]) {
      const system = new SecureSystem({ ...OPEN, ...kept });
      system.switchNpu('secure');
      system.useLocalMemory(EVERY_SECRET);
      expect(system.switchNpu('normal').kind).toBe('granted');
    }
    const idle = new SecureSystem(OPEN);
    idle.switchNpu('secure');
    idle.useLocalMemory(PUBLIC);
    expect(idle.switchNpu('normal').kind).toBe('granted');
  });
});
