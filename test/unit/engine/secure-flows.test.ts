/** What the audit books is what memory moved: byte by byte, and as the tensors that it is. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import type { AuditRow } from '../../../src/engine/secure-audit.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { listBundled } from '../../../src/load.ts';
import { workAt } from '../../../src/workload/graph.ts';
import { sources } from '../../support/sources.ts';

const PRESETS = listBundled('socs/security', '.yaml').filter((name) => name !== 'none');
const SHORT = ['workload.promptTokens=64', 'workload.generatedTokens=4'];

interface Wish {
  readonly security: string;
  readonly soc?: string;
  readonly workload?: string;
  readonly set?: readonly string[];
}

/** No system cache and no other master stands beside: every byte of the DRAM is one that passed the gates. */
function open({
  security,
  soc = 'dimensity-9300',
  workload = 'llama-3.2-1b-chat',
  set = SHORT,
}: Wish) {
  const text = `version: 1\nsoc: ${soc}\nworkload: ${workload}\nsecurity: ${security}`;
  const given = prepare(parseSpecFile(text, 'test'), set, sources);
  const prepared = {
    ...given,
    machine: { ...given.machine, systemCache: undefined, background: [] },
  };
  return { ...prepared, run: () => simulate(buildSimulation(prepared, set, sources)) };
}

const sum = (rows: readonly AuditRow[]) => rows.reduce((all, { bytes }) => all + bytes, 0);
/** What operators moved: what is restored before, handed out or sent away is none of theirs. */
const moved = ({ audit }: Run) =>
  audit!.flows.filter(
    ({ phase, tensor }) => phase !== 'restore' && phase !== 'upload' && tensor !== 'output',
  );
const of = (rows: readonly AuditRow[], access: string, tensor: string) =>
  rows.filter((row) => row.access === access && row.tensor === tensor);

describe('bytes by label', () => {
  it.each(PRESETS)('come to the bytes of the DRAM under %s', (preset) => {
    for (const unit of ['npu', 'cpu']) {
      const set = [...SHORT, `scenario.unit=${unit}`];
      if (preset === 'naive' && unit === 'npu') continue;
      const run = open({ security: `{ preset: ${preset}, restore: resident }`, set }).run();
      expect(sum(moved(run)) / run.metrics['dram_bytes']!).toBeCloseTo(1, 9);
    }
  });

  it('do so where later parts of a prompt read the cache that the first one filled', () => {
    // Graphs for a fixed context would read all of it from the first part on.
    const set = [
      'workload.promptTokens=512',
      'workload.generatedTokens=4',
      'workload.contextBucket=1',
    ];
    const { plan, run } = open({ security: '{ preset: weights-kv }', set });
    const parts = plan.phases
      .filter(({ name }) => name === 'prefill')
      .reduce((all, { steps }) => all + steps, 0);
    expect(parts).toBeGreaterThan(1);
    const result = run();
    expect(sum(moved(result)) / result.metrics['dram_bytes']!).toBeCloseTo(1, 9);
    const kv = moved(result).filter(({ phase, tensor }) => phase === 'prefill' && tensor === 'kv');
    const times = (access: string) =>
      of(kv, access, 'kv').reduce((all, { accesses }) => all + accesses, 0);
    // All but the first part read what is there, in every layer that writes.
    expect(times('read') / times('write')).toBeCloseTo((parts - 1) / parts, 9);
  });

  it('do so where codes are read and written too', () => {
    const [all, plain] = ['all', 'fine'].map((preset) =>
      open({ security: `{ preset: ${preset} }` }).run(),
    ) as [Run, Run];
    const more = all.metrics['dram_bytes']! / plain.metrics['dram_bytes']!;
    expect(sum(moved(all)) / sum(moved(plain))).toBeCloseTo(more, 9);
    for (const tensor of ['weights', 'kv'])
      expect(sum(of(moved(all), 'read', tensor))).toBeGreaterThan(
        sum(of(moved(plain), 'read', tensor)),
      );
  });
});

describe('weights', () => {
  it('are as many as the model has, once a step, whatever else an operator fetches', () => {
    const { plan, run } = open({ security: '{ preset: fine }' });
    const rows = of(moved(run()), 'read', 'weights');
    const decode = plan.phases.find(({ name }) => name === 'decode')!;
    const once = decode.graph.operators.reduce(
      (all, { work }) => all + workAt(decode.graph, work, decode.contextStart).weightBytes,
      0,
    );
    const read = sum(rows.filter(({ phase }) => phase === 'decode'));
    expect(read / (decode.steps * once)).toBeCloseTo(1, 9);
  });

  it('are not the inputs that a unit of little memory fetches again', () => {
    const vision = { workload: 'bk-sdm-tiny-512', set: ['scenario.unit=npu', 'workload.steps=1'] };
    const reads = (small: readonly string[]) => {
      const set = [...vision.set, ...small];
      const rows = moved(open({ ...vision, security: '{ preset: fine }', set }).run());
      return {
        weights: sum(of(rows, 'read', 'weights')),
        inputs: sum(of(rows, 'read', 'activations')),
      };
    };
    const [large, small] = [reads([]), reads(['npu.sram.size=64 KiB'])];
    expect(small.inputs).toBeGreaterThan(1.05 * large.inputs);
    expect(small.weights).toBeGreaterThanOrEqual(large.weights * (1 - 1e-9));
  });

  it('carry the label of their maker and are read by whoever computes with them', () => {
    const rows = of(moved(open({ security: '{ preset: fine }' }).run()), 'read', 'weights');
    expect(new Set(rows.map(({ label }) => label))).toEqual(new Set(['model-secret']));
  });
});

describe('what a step is given', () => {
  it('comes from memory, though an explicit local memory keeps what operators hand on', () => {
    const { plan, run } = open({ security: '{ preset: fine }' });
    const prompt = of(moved(run()), 'read', 'prompt');
    const prefill = plan.phases.find(({ name }) => name === 'prefill')!;
    const roots = prefill.graph.operators.filter(({ inputs }) => inputs.length === 0);
    const given = roots.reduce(
      (all, { work }) => all + workAt(prefill.graph, work, prefill.contextStart).inputBytes,
      0,
    );
    expect(given).toBeGreaterThan(0);
    expect(sum(prompt)).toBeCloseTo(given, 6);
  });
});

describe('what is handed out', () => {
  it('is as large as the image that it is', () => {
    const set = ['workload.steps=1'];
    const { audit } = open({
      security: '{ preset: weights }',
      workload: 'bk-sdm-tiny-512',
      set,
    }).run();
    // 512 × 512 pixels of three channels in half precision.
    expect(sum(audit!.flows.filter(({ tensor }) => tensor === 'output'))).toBe(512 * 512 * 3 * 2);
  });
});

describe('adapters', () => {
  const skill = (mode: string, security: string, set: readonly string[] = []) =>
    open({
      security,
      workload: 'llama-3.2-3b-skill',
      set: [...SHORT, `workload.techniques.lora.mode=${mode}`, ...set],
    }).run();
  const labels = 'labels: { adapters: user-secret }';

  it('that are merged make weights of weights, and nobody calls the model a prompt', () => {
    const rows = moved(skill('merge', `{ preset: weights, ${labels} }`)).filter(
      ({ phase }) => phase === 'adapter',
    );
    const used = rows.filter(({ tensor }) => tensor !== 'model file');
    expect(new Set(used.map(({ tensor }) => tensor))).toEqual(new Set(['weights']));
    expect(new Set(rows.map(({ region }) => region))).toEqual(new Set(['secure']));
    const made = of(rows, 'write', 'weights').filter(({ initiator }) => initiator === 'npu-secure');
    expect(made).toMatchObject([{ label: 'model-secret + user-secret' }]);
    expect(used.every(({ verdict }) => verdict === 'protected')).toBe(true);
  });

  it.each(['npu', 'cpu'])(
    'that are merged leave every matrix in memory, from the %s as well',
    (unit) => {
      const run = skill('merge', `{ preset: all, integrity: none, ${labels} }`, [
        `scenario.unit=${unit}`,
      ]);
      const rows = moved(run).filter(({ phase }) => phase === 'adapter');
      // q, k, v and o of 28 layers: 3072 wide, 8 of 24 heads for k and v, 4 bits and a half-precision scale for 128 weights.
      const matrices = (28 * 3072 * (2 * 3072 + 2 * 1024) * (4 + 16 / 128)) / 8;
      const fresh = of(rows, 'write', 'weights').filter(({ label }) =>
        label.includes('model-secret'),
      );
      expect(sum(fresh) / matrices).toBeCloseTo(1, 9);
      // Rank 16 in half precision, beside each of them.
      const adapters = 28 * 16 * 2 * (2 * (3072 + 3072) + 2 * (3072 + 1024));
      expect(sum(of(rows, 'write', 'model file')) / adapters).toBeCloseTo(1, 9);
      expect(sum(moved(run)) / run.metrics['dram_bytes']!).toBeCloseTo(1, 9);
      const opened = run.audit!.protection.find(({ mechanism }) => mechanism === 'decryption');
      expect(opened!.joules).toBeGreaterThan(0);
    },
  );

  it('that are merged are in the matrices from then on, and in nothing else', () => {
    const rows = moved(skill('merge', `{ preset: weights, ${labels} }`)).filter(
      ({ phase }) => phase === 'decode',
    );
    const read = of(rows, 'read', 'weights');
    const joined = read.filter(({ label }) => label === 'model-secret + user-secret');
    // Four matrices of each layer in each of the three steps after the prompt.
    expect(joined.reduce((all, { accesses }) => all + accesses, 0)).toBe(28 * 4 * 3);
    expect(new Set(read.map(({ label }) => label))).toEqual(
      new Set(['model-secret', 'model-secret + user-secret']),
    );
  });

  it.each(['resident', 'swap', 'merge'])('are in what is generated with them: %s', (mode) => {
    const shy = 'labels: { weights: public, prompt: public, adapters: user-secret }';
    const { audit } = skill(mode, `{ preset: all, ${shy} }`);
    const later = audit!.flows.filter(({ phase }) => phase === 'decode');
    expect(of(later, 'write', 'output')).toMatchObject([{ label: 'user-secret' }]);
    expect(of(later, 'read', 'kv').every(({ label }) => label === 'user-secret')).toBe(true);
    const none = open({ security: `{ preset: all, ${shy} }` }).run();
    expect(new Set(none.audit!.flows.map(({ label }) => label))).toEqual(new Set(['public']));
  });

  it('that are swapped in come from the drive into memory that it may write', () => {
    const rows = moved(skill('swap', `{ preset: all, ${labels} }`)).filter(
      ({ phase }) => phase === 'adapter',
    );
    const file = of(rows, 'write', 'model file');
    expect(file).toMatchObject([{ initiator: 'storage', region: 'secure', label: 'public' }]);
    expect(of(rows, 'write', 'weights')).toMatchObject([{ label: 'user-secret' }]);
    const plain = moved(skill('swap', `{ preset: all, modelFile: plain, ${labels} }`));
    expect(of(plain, 'write', 'model file')).toMatchObject([{ label: 'user-secret' }]);
    const guest = moved(skill('swap', `{ preset: protected-vm, ${labels} }`));
    expect(of(guest, 'write', 'model file')).toMatchObject([
      { region: 'normal', verdict: 'public' },
    ]);
  });
});
