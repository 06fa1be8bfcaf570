/** Weights that stay ciphertext in memory, for the NPU to decipher in its transfer path whenever it reads them. */
import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

function run(choices: string, set: readonly string[] = []): Run {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: { ${choices} }`;
  const all = ['workload.promptTokens=64', 'workload.generatedTokens=8', ...set];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
  );
}

const cipher = (throughput: string, energy = '0 pJ/B') => [
  `security.dmaCrypto.throughput=${throughput}`,
  `security.dmaCrypto.energy=${energy}`,
];
const FREE = cipher('1000000 GB/s');
const sealed = (preset: string, set: readonly string[], more = '') =>
  run(`preset: ${preset}, decryption: npu-dma${more}`, set);

const costOf = ({ audit }: Run, name: string) =>
  audit!.protection.find(({ mechanism }) => mechanism === name);
const secondsOf = ({ phases }: Run, stage: string) => {
  const found = phases.find((phase) => phase.stage === stage)!;
  return found.endSeconds - found.startSeconds;
};
const weightsRead = ({ audit }: Run, phase?: string) =>
  audit!.flows
    .filter(({ tensor, access }) => tensor === 'weights' && access === 'read')
    .filter((flow) => phase === undefined || flow.phase === phase)
    .reduce((sum, { bytes }) => sum + bytes, 0);
const npuJoules = ({ ledger }: Run) =>
  ledger.filter(({ unit }) => unit === 'npu').reduce((sum, { joules }) => sum + joules, 0);

describe.each(['weights', 'coarse', 'pipelined'])('the cipher of an NPU under %s', (preset) => {
  const free = sealed(preset, FREE);

  it('costs nothing where it keeps up with any stream', () => {
    const other = run(`preset: ${preset}, decryption: engine`);
    expect(secondsOf(free, 'decode')).toBeCloseTo(secondsOf(other, 'decode'), 9);
    expect(costOf(free, 'decryption')).toBeUndefined();
  });

  it.each([1, 2, 4])('passes every read of weights, at %i GB/s no faster', (gigabytes) => {
    const slow = sealed(preset, cipher(`${gigabytes} GB/s`));
    const bytes = weightsRead(slow, 'decode');
    expect(bytes).toBe(weightsRead(free, 'decode'));
    // Beside it are operators without weights, which do not wait.
    const ratio = secondsOf(slow, 'decode') / (bytes / (gigabytes * 1e9));
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(1.03);
  });

  it('never makes a run faster by being slower', () => {
    const times = [2, 10, 30, 50, 100, 1000].map((rate) =>
      secondsOf(sealed(preset, cipher(`${rate} GB/s`)), 'decode'),
    );
    for (const [i, time] of times.slice(1).entries())
      expect(time).toBeLessThanOrEqual(times[i]! * (1 + 1e-9));
    expect(times.at(-1)).toBeCloseTo(secondsOf(free, 'decode'), 9);
  });

  it('draws energy for each byte of them, in the NPU', () => {
    const drawing = sealed(preset, cipher('1000000 GB/s', '3 pJ/B'));
    const joules = weightsRead(drawing) * 3e-12;
    const drawn = (npuJoules(drawing) - npuJoules(free)) / joules;
    expect(drawn).toBeGreaterThan(1);
    // A hotter NPU leaks more.
    expect(drawn).toBeLessThan(1.05);
    expect(costOf(drawing, 'decryption')!.joules / joules).toBeCloseTo(1, 6);
    expect(costOf(drawing, 'decryption')!.seconds).toBeCloseTo(0, 12);
  });

  it('leaves ciphertext to a probe on the bus, whenever it looks', () => {
    const attacks = [0.1, 0.5, 5].map((at) => `{ kind: bus-snoop, at: ${at} s }`).join(', ');
    const more = `, onFault: record, attacks: [${attacks}]`;
    const set = [...cipher('2 GB/s'), 'scenario.repeat=2', 'scenario.pause=5 s'];
    const { audit } = sealed(preset, set, more);
    expect(audit!.attacks.map(({ outcome }) => outcome)).toEqual(Array(3).fill('harmless'));
    expect(audit!.leakedBytes).toBe(0);
    const open = run(`preset: ${preset}, decryption: engine${more}`, set);
    expect(open.audit!.attacks.at(-1)).toMatchObject({ outcome: 'leak' });
  });
});

describe('transactions one by one', () => {
  it('pass the same cipher', () => {
    const slow = sealed('coarse', [
      ...cipher('4 GB/s'),
      'scenario.fidelity=transaction',
      'workload.generatedTokens=3',
    ]);
    const ratio = secondsOf(slow, 'decode') / (weightsRead(slow, 'decode') / 4e9);
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(1.03);
  });
});

describe('the protection ledger', () => {
  it('counts as decryption what a run takes longer than with a cipher that keeps up', () => {
    const slow = sealed('coarse', cipher('20 GB/s'));
    const grown = slow.metrics['run_seconds']! - sealed('coarse', FREE).metrics['run_seconds']!;
    expect(grown).toBeGreaterThan(0);
    expect(costOf(slow, 'decryption')!.seconds / grown).toBeCloseTo(1, 3);
  });

  it('tells it apart from encryption and integrity, which codes do not pass', () => {
    const more = ', encryption: inline, integrity: counter-tree';
    const slow = sealed('coarse', cipher('20 GB/s', '3 pJ/B'), more);
    const alone = sealed('coarse', cipher('20 GB/s', '3 pJ/B'));
    const without = run(`preset: coarse, decryption: engine${more}`);
    const sum = ['decryption', 'integrity', 'memory encryption', 'address checks'].reduce(
      (all, name) =>
        all + (costOf(slow, name)?.seconds ?? 0) - (costOf(without, name)?.seconds ?? 0),
      0,
    );
    const grown = slow.metrics['run_seconds']! - without.metrics['run_seconds']!;
    expect(sum / grown).toBeCloseTo(1, 2);
    // Time waited adds some at the NPU's idle watts; bytes alone are the same.
    const bytes = weightsRead(alone);
    const free = sealed('coarse', cipher('1000000 GB/s', '3 pJ/B'), more);
    expect(costOf(free, 'decryption')!.joules / (bytes * 3e-12)).toBeCloseTo(1, 6);
  });
});

describe('restoring weights that stay ciphertext', () => {
  it('waits for no cipher, however slow it is', () => {
    const slow = sealed('pipelined', cipher('1 GB/s'), ', runtimeStart: initialise');
    const free = sealed('pipelined', FREE, ', runtimeStart: initialise');
    const restored = (result: Run) => result.ledger.map(({ operator }) => operator);
    expect(restored(slow)).toContain('load');
    expect(restored(slow)).not.toContain('decryption');
    expect(secondsOf(slow, 'restore')).toBeCloseTo(secondsOf(free, 'restore'), 9);
  });
});

describe('units that cannot decipher', () => {
  const set = cipher('60 GB/s');
  const refusal = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return error as InfeasibleError;
    }
    throw new Error('ran');
  };

  it('get no operator that reads weights, and say what would help', () => {
    const error = refusal(() => sealed('coarse', [...set, 'npu.operators.except=[MatMul]']));
    expect(error).toBeInstanceOf(InfeasibleError);
    expect(error.message).toContain('cpu: weights stay ciphertext in memory');
    expect(error.detail.levers.join()).toContain('security.decryption: cpu or engine');
    expect(() => run('preset: coarse', ['npu.operators.except=[MatMul]'])).not.toThrow();
  });

  it('keep those without weights, and get no others by being asked for', () => {
    const result = sealed('coarse', [...set, 'scenario.unit=cpu']);
    const unitsOf = (operator: string) =>
      new Set(result.ledger.filter((row) => row.operator === operator).map(({ unit }) => unit));
    expect(unitsOf('MatMul')).toEqual(new Set(['npu']));
    expect(unitsOf('GroupQueryAttention')).toEqual(new Set(['cpu']));
    expect(result.audit!.faults).toEqual([]);
  });

  it('leave weights to no cipher of an NPU that may not read them', () => {
    const error = refusal(() => sealed('naive', set));
    expect(error.message).toContain('npu: as npu-normal it may not read secure memory');
    // The fastest of those that can.
    const { audit } = run('preset: naive', cipher('1000000 GB/s'));
    expect(
      audit!.flows.some(({ tensor, access }) => tensor === 'weights' && access === 'write'),
    ).toBe(true);
  });

  it('read weights that are not protected, which nobody enciphers', () => {
    const result = sealed(
      'coarse',
      [...set, 'scenario.unit=cpu'],
      ', protects: [kv], promises: []',
    );
    expect(weightsRead(result)).toBeGreaterThan(0);
    const products = result.ledger.filter(({ operator }) => operator === 'MatMul');
    expect(new Set(products.map(({ unit }) => unit))).toEqual(new Set(['cpu']));
  });
});

describe('the checkpoint that a runtime starts from', () => {
  const CORES = 'security.cpuCrypto.efficiency=0.0001';
  const SLOW = [CORES, ...cipher('2 GB/s'), 'security.engine.throughput=1 GB/s'];
  const start = (decryption: string, set: readonly string[]) =>
    costOf(run(`preset: pipelined, decryption: ${decryption}`, set), 'runtime start')!.seconds;

  it('is opened by the fastest cipher that is not the NPU’s, at its rate', () => {
    const seconds = start('npu-dma', SLOW);
    expect(seconds).toBeCloseTo(start('engine', SLOW), 9);
    // 64 MiB in each.
    const slower = start('npu-dma', [...SLOW, 'security.engine.throughput=0.5 GB/s']);
    expect(slower - seconds).toBeCloseTo((64 * 2 ** 20) / 1e9, 6);
    expect(start('npu-dma', [...SLOW, ...cipher('20 GB/s')])).toBeCloseTo(seconds, 9);
  });

  it('is opened by cores where those are faster', () => {
    const set = [...cipher('2 GB/s'), 'security.engine.throughput=1 kB/s'];
    expect(start('npu-dma', set)).toBeCloseTo(start('cpu', set), 9);
  });

  it('passes memory through whoever opens it, as weights do not', () => {
    const { audit } = run('preset: pipelined, decryption: npu-dma', SLOW);
    const by = (tensor: string) =>
      audit!.flows.filter((row) => row.phase === 'restore' && row.tensor === tensor);
    const image = 64 * 2 ** 20;
    const accesses = by('runtime checkpoint').map(({ initiator, access }) => [initiator, access]);
    expect(accesses).toEqual([
      ['storage', 'write'],
      ['crypto', 'read'],
    ]);
    expect(by('runtime')).toMatchObject([{ initiator: 'crypto', access: 'write', bytes: image }]);
    expect(by('weights')).toEqual([]);
    const cores = run('preset: pipelined, decryption: npu-dma', [
      ...cipher('2 GB/s'),
      'security.engine.throughput=1 kB/s',
    ]);
    const rows = cores.audit!.flows.filter(({ tensor }) => tensor === 'runtime');
    expect(rows).toMatchObject([{ initiator: 'cpu-secure' }]);
  });
});
