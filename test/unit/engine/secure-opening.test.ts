/** What the drive brings during a request comes encrypted: who deciphers it, how long that takes, and where its bytes go. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { isCiphered, openingSeconds, passesAgain } from '../../../src/engine/secure-opening.ts';
import type { SecurityPlan } from '../../../src/engine/secure-plan.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { workAt } from '../../../src/workload/graph.ts';
import { sources } from '../../support/sources.ts';

const MEGA = 1e6;
const BLOCK = 512 * 1024; // README of the drive: experts and adapters are read in blocks of 512 KiB

interface Wish {
  readonly throughput: number;
  readonly restore?: 'resident' | 'sequential' | 'pipelined';
  readonly modelFile?: 'plain' | 'encrypted';
  readonly protects?: readonly string[];
  readonly name?: 'cpu' | 'npu-dma';
}

/** As much of a plan as deciphering looks at. */
function planOf({
  throughput,
  restore = 'pipelined',
  modelFile = 'encrypted',
  protects = ['weights'],
  name = 'cpu',
}: Wish): SecurityPlan {
  const cipher = { name, throughput, energyPerByte: 0, throughMemory: name !== 'npu-dma' };
  return { cipher, strategy: { restore, modelFile, protects } } as unknown as SecurityPlan;
}

describe('the wait for a cipher', () => {
  // 100 MB from a drive of 2 GB/s.
  const bytes = 100 * MEGA;
  const drive = 0.05;

  it('is what a slow cipher takes longer than the drive', () => {
    expect(openingSeconds(planOf({ throughput: 1e9 }), bytes, drive)).toBeCloseTo(0.05, 12);
  });

  it('is its last block where the cipher is the faster one', () => {
    expect(openingSeconds(planOf({ throughput: 10e9 }), bytes, drive)).toBeCloseTo(
      BLOCK / 10e9,
      12,
    );
    // Less than a block is deciphered when it is there.
    expect(openingSeconds(planOf({ throughput: 10e9 }), 1000, 1e-6)).toBeCloseTo(1e-7, 15);
  });

  it('is all of it where a strategy does one after the other', () => {
    const plan = planOf({ throughput: 10e9, restore: 'sequential' });
    expect(openingSeconds(plan, bytes, drive)).toBeCloseTo(0.01, 12);
  });

  it('is nothing where nothing has to be deciphered', () => {
    const plain = planOf({ throughput: 1e9, modelFile: 'plain' });
    const bare = planOf({ throughput: 1e9, protects: ['kv'] });
    for (const plan of [plain, bare]) {
      expect(isCiphered(plan)).toBe(false);
      expect(openingSeconds(plan, bytes, drive)).toBe(0);
      expect(passesAgain(plan)).toBe(0);
    }
    expect(openingSeconds(planOf({ throughput: 1e9 }), 0, 0)).toBe(0);
  });

  it('passes memory again but for a cipher in the path of the NPU', () => {
    expect(passesAgain(planOf({ throughput: 1e9 }))).toBe(1);
    expect(passesAgain(planOf({ throughput: 1e9, name: 'npu-dma' }))).toBe(0);
  });
});

/** No system cache and no other master: every byte of the DRAM is one that the run knows of. */
function open(security: string, workload: string, set: readonly string[]) {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: ${workload}\nsecurity: ${security}`;
  const given = prepare(parseSpecFile(text, 'test'), set, sources);
  const { machine, plan } = given;
  const prepared = { ...given, machine: { ...machine, systemCache: undefined, background: [] } };
  const steps = plan.phases.map(({ graph, steps, contextStart: context }) => {
    const each = graph.operators.map(({ work }) => workAt(graph, work, context).storageBytes ?? 0);
    return steps * each.reduce((sum, bytes) => sum + bytes, 0);
  });
  const run = simulate(buildSimulation(prepared, set, sources));
  return { run, brought: steps.reduce((sum, bytes) => sum + bytes, 0) };
}

const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=4'];
const paged = (security: string) => open(security, 'mixtral-8x7b-paged', SHORT);
const skilled = (security: string) =>
  open(security, 'llama-3.2-3b-skill', [...SHORT, 'workload.techniques.lora.mode=swap']);
const costOf = ({ audit }: Run) =>
  audit!.protection.find(({ mechanism }) => mechanism === 'decryption');
const rowsOf = ({ audit }: Run, tensor: string, phase = /./) =>
  audit!.flows.filter((row) => row.tensor === tensor && phase.test(row.phase));

describe.each([
  ['experts', paged],
  ['adapters', skilled],
] as const)('%s that come encrypted during a request', (_, start) => {
  const sealed = start('{ preset: all, npu: coarse }');
  const plain = start('{ preset: all, npu: coarse, modelFile: plain }');

  it('are read by the cipher and written once more', () => {
    const more = sealed.run.metrics['dram_bytes']! - plain.run.metrics['dram_bytes']!;
    expect(sealed.brought).toBeGreaterThan(0);
    expect(more / (2 * sealed.brought)).toBeCloseTo(1, 6);
    const read = rowsOf(sealed.run, 'model file').filter(({ access }) => access === 'read');
    const bytes = read.reduce((sum, row) => sum + row.bytes, 0);
    expect(new Set(read.map(({ initiator }) => initiator))).toEqual(new Set(['cpu-secure']));
    expect(bytes / sealed.brought).toBeCloseTo(1, 6);
  });

  it('are a secret from when they are deciphered, and every access of theirs is checked', () => {
    const { audit } = sealed.run;
    expect(new Set(rowsOf(sealed.run, 'model file').map(({ label }) => label))).toEqual(
      new Set(['public']),
    );
    const opened = rowsOf(sealed.run, 'weights').filter(({ access }) => access === 'write');
    expect(new Set(opened.map(({ initiator }) => initiator))).toEqual(new Set(['cpu-secure']));
    expect(opened.every(({ verdict }) => verdict === 'protected')).toBe(true);
    expect(audit!.faults).toEqual([]);
    expect(audit!.checks).toBe(audit!.accesses);
  });

  it('make the run longer by what the ledger of protection says', () => {
    const longer = sealed.run.metrics['run_seconds']! - plain.run.metrics['run_seconds']!;
    const told = costOf(sealed.run)!.seconds;
    expect(told).toBeGreaterThan(0);
    expect(longer / told).toBeCloseTo(1, 2);
    expect(costOf(plain.run)).toBeUndefined();
    const secure = ({ ledger }: Run) =>
      ledger.reduce((sum, { seconds }) => sum + seconds.secure, 0);
    expect(secure(sealed.run) - secure(plain.run)).toBeCloseTo(told, 6);
  });

  it('cost energy that rails and ledger both carry', () => {
    const { energy, ledger } = sealed.run;
    const rails = Object.values(energy).reduce((sum, joules) => sum + joules, 0);
    const rows = ledger.reduce((sum, { joules }) => sum + joules, 0);
    expect(rails / rows).toBeCloseTo(1, 9);
    // Leakage of the clusters that wake for it, and what supplies lose to that, are no part of the row.
    const total = (run: Run) => Object.values(run.energy).reduce((sum, joules) => sum + joules, 0);
    const more = total(sealed.run) - total(plain.run);
    const told = sealed.run.audit!.protection.reduce((sum, row) => sum + row.joules, 0);
    const before = plain.run.audit!.protection.reduce((sum, row) => sum + row.joules, 0);
    expect((told - before) / more).toBeGreaterThan(0.7);
    expect((told - before) / more).toBeLessThan(1.05);
    expect(energy['cpu']!).toBeGreaterThan(plain.run.energy['cpu']!);
  });

  it('come to the bytes of the DRAM, label by label', () => {
    for (const { run } of [sealed, plain]) {
      const moved = run
        .audit!.flows.filter(({ phase, tensor }) => phase !== 'restore' && tensor !== 'output')
        .reduce((sum, { bytes }) => sum + bytes, 0);
      expect(moved / run.metrics['dram_bytes']!).toBeCloseTo(1, 9);
    }
  });
});

describe('adapters that come as they are', () => {
  it('are written by the drive, and by nobody else', () => {
    const { run, brought } = skilled('{ preset: all, modelFile: plain }');
    const rows = run.audit!.flows.filter(({ phase }) => phase === 'adapter');
    expect(rows).toMatchObject([{ initiator: 'storage', access: 'write', tensor: 'model file' }]);
    expect(rows[0]!.bytes / brought).toBeCloseTo(1, 9);
  });
});

describe('experts that nobody protects, beside a protected workload', () => {
  it('come into normal memory, where no promise is kept', () => {
    const text = `version: 1
soc: dimensity-9300
workloads:
  - { name: assistant, workload: llama-3.2-1b-chat, set: [promptTokens=16, generatedTokens=2], security: { preset: coarse } }
  - { name: experts, workload: mixtral-8x7b-paged, set: [promptTokens=16, generatedTokens=2], unit: cpu }`;
    const prepared = prepare(parseSpecFile(text, 'test'), [], sources);
    const { audit } = simulate(buildSimulation(prepared, [], sources));
    const own = audit!.flows.filter(({ workload }) => workload === 'experts');
    const files = own.filter(({ tensor }) => tensor === 'model file');
    expect(files.length).toBeGreaterThan(0);
    expect(new Set(own.map(({ region }) => region))).toEqual(new Set(['normal']));
    expect(new Set(files.map(({ verdict }) => verdict))).toEqual(new Set(['unpromised']));
  });
});
