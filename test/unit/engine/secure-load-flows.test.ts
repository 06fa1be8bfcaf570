/** The way of a model into protected memory: who touches it, what each gate says, and what an attacker gets there. */
import { describe, expect, it } from 'vitest';
import { SecurityFault } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { listBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const MIB = 2 ** 20;

function run(security: string, more = '', set: readonly string[] = []): Run {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nstart: cold\n${more}security: ${security}`;
  const all = ['workload.promptTokens=32', 'workload.generatedTokens=4', ...set];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
  );
}

const record = (security: string, more = '', set: readonly string[] = []) =>
  run(security.replace('{ ', '{ onFault: record, '), more, set);
const flowsOf = ({ audit }: Run) => audit!.flows.filter(({ phase }) => phase === 'restore');
const weightsOf = ({ memory }: Run) => memory.owners['weights of llama-3.2-1b-chat'] as number;
const flow = (result: Run, tensor: string, access: string, initiator?: string) =>
  flowsOf(result).find(
    (row) =>
      row.tensor === tensor &&
      row.access === access &&
      (initiator === undefined || row.initiator === initiator),
  );

describe.each(listBundled('socs/security', '.yaml').filter((name) => name !== 'none'))(
  'a cold start under %s',
  (preset) => {
    const result = run(`{ preset: ${preset} }`);
    const weights = weightsOf(result);

    it('passes the gates with every byte, chunk by chunk, and leaks none', () => {
      const { audit } = result;
      expect(audit?.checks).toBe(audit?.accesses);
      expect(audit?.leakedBytes).toBe(0);
      expect(audit?.faults).toEqual([]);
      const file = flow(result, 'model file', 'write', 'storage')!;
      expect(file.label).toBe('public');
      // Codes of `all`: lines of 64 B that cover 512 B each, in runs of 4 kB at random alignment.
      const codes = preset === 'all' ? ((1 + (4096 - 64) / 512) * 64) / 4096 : 0;
      expect(file.bytes / weights).toBeCloseTo(1 + codes, 6);
      expect(file.accesses).toBeGreaterThanOrEqual(Math.ceil(weights / (16 * MIB)));
    });

    it('starts its runtime in memory of its own, from a checkpoint with rows of its own', () => {
      // 64 MiB, as phone-security.yaml says; it holds neither model nor prompt, so it is no secret.
      expect(result.memory.owners['runtime in protected memory']).toBe(64 * MIB);
      const file = flow(result, 'runtime checkpoint', 'write', 'storage');
      const opened = flow(result, 'runtime', 'write');
      if (preset !== 'pipelined') expect([file, opened]).toEqual([undefined, undefined]);
      else {
        for (const row of [file!, opened!]) {
          expect(row).toMatchObject({ label: 'public', verdict: 'public', region: 'secure' });
          expect(row.bytes).toBeCloseTo(64 * MIB, 3);
        }
        const row = result.ledger.find(({ operator }) => operator === 'runtime start');
        expect(row?.joules).toBeGreaterThan(0);
      }
    });

    it('writes the weights in the clear where they are protected, and nowhere else', () => {
      const clear = flowsOf(result).filter(({ label }) => label !== 'public');
      expect(clear).toHaveLength(1);
      expect(clear[0]).toMatchObject({
        tensor: 'weights',
        access: 'write',
        label: 'model-secret',
        verdict: 'protected',
        region: preset === 'protected-vm' ? 'protected-vm' : 'secure',
      });
      expect(clear[0]!.initiator).toMatch(/^(crypto|cpu-secure|cpu-protected-vm)$/);
    });

    it('moves what the ledger counts', () => {
      const moved = result.ledger
        .filter(({ phase }) => phase === 'restore')
        .reduce((sum, { dramBytes }) => sum + dramBytes, 0);
      const audited = flowsOf(result).reduce((sum, { bytes }) => sum + bytes, 0);
      expect(audited / moved).toBeCloseTo(1, 9);
    });
  },
);

describe('who touches a model on its way', () => {
  it('is a window of normal memory, still encrypted, on the way to a guest', () => {
    expect(flow(run('{ preset: protected-vm }'), 'model file', 'write')?.region).toBe('normal');
    expect(flow(run('{ preset: naive }'), 'model file', 'write')?.region).toBe('secure');
  });

  it('is the engine or cores, as the strategy says', () => {
    const by = (decryption: string) =>
      flow(run(`{ preset: naive, decryption: ${decryption} }`), 'weights', 'write')?.initiator;
    expect(by('engine')).toBe('crypto');
    expect(by('cpu')).toBe('cpu-secure');
  });

  it('is nobody in the clear where the NPU decrypts', () => {
    const npu = ['security.dmaCrypto.throughput=60GB/s', 'security.dmaCrypto.energy=3pJ/B'];
    const result = record(
      '{ preset: pipelined, decryption: npu-dma, firewall: false, attacks: [{ kind: gpu-reads-carveout, at: 1 s }] }',
      'repeat: 2\npause: 2 s\n',
      npu,
    );
    expect(flow(result, 'weights', 'write')).toBeUndefined();
    expect(result.audit?.attacks[0]).toMatchObject({ outcome: 'harmless' });
  });

  it('is the system, which moves pages of others and no more', () => {
    const result = run('{ preset: naive }');
    const [read, write] = ['read', 'write'].map((way) => flow(result, 'pages of others', way)!);
    expect(read).toMatchObject({ initiator: 'cpu-normal', region: 'normal', verdict: 'public' });
    const grown = result.audit!.regions.find(({ name }) => name === 'grown')!.size;
    // Half of the range is filled, as phone-security.yaml says.
    expect(read!.bytes / (0.5 * grown)).toBeCloseTo(1, 3);
    expect(write!.bytes).toBe(read!.bytes);
  });
});

describe('an attack on the way', () => {
  const naive = (more: string, attack: string, at: string) =>
    record(
      `{ preset: naive, decryption: engine, ${more} attacks: [{ kind: ${attack}, at: ${at} }] }`,
    );
  const plain = run('{ preset: naive, decryption: engine }');
  const first = (name: string) => plain.audit!.protection.find((row) => row.mechanism === name)!;
  const before = ['runtime start', 'attestation', 'memory growth', 'load'].reduce(
    (sum, name) => sum + first(name).seconds,
    0,
  );
  const [early, amid] = [before - 0.01, before + first('decryption').seconds / 2];

  it('happens when it is tried, amid the load, and gets the weights without a firewall', () => {
    const { audit } = naive('firewall: false,', 'dma-into-secure', `${amid} s`);
    expect(audit!.attacks[0]).toMatchObject({ outcome: 'leak', closedBy: 'firewall: true' });
    expect(audit!.attacks[0]!.seconds).toBeCloseTo(amid, 6);
    expect(audit!.leakedBytes).toBeGreaterThan(0);
  });

  it('gets ciphertext before they were decrypted, and nothing through a firewall', () => {
    const soon = naive('firewall: false,', 'dma-into-secure', `${early} s`).audit!;
    expect(soon.attacks[0]).toMatchObject({ outcome: 'harmless' });
    const shut = naive('', 'dma-into-secure', `${amid} s`).audit!;
    expect(shut.attacks[0]).toMatchObject({ outcome: 'stopped' });
    expect([soon.leakedBytes, shut.leakedBytes]).toEqual([0, 0]);
  });

  it('turns the engine on normal memory where its tables are anybody’s', () => {
    const open = naive('tablesOwner: normal,', 'decrypt-into-normal', `${amid} s`).audit!;
    expect(open.attacks[0]).toMatchObject({ outcome: 'leak', closedBy: 'tablesOwner: secure' });
    expect(open.faults[0]).toMatchObject({ initiator: 'crypto', region: 'normal' });
    const shut = naive('', 'decrypt-into-normal', `${amid} s`).audit!;
    expect(shut.attacks[0]).toMatchObject({ outcome: 'stopped' });
    expect(shut.leakedBytes).toBe(0);
  });

  it('reads the file where it is stored as it is', () => {
    const of = (file: string) =>
      record(`{ preset: naive, modelFile: ${file}, attacks: [{ kind: read-model-file }] }`).audit!;
    expect(of('plain').attacks[0]).toMatchObject({ outcome: 'leak' });
    expect(of('encrypted').attacks[0]).toMatchObject({ outcome: 'harmless' });
  });
});

describe('a load that must not be', () => {
  it('is that of a plain file through the normal memory of a guest’s host', () => {
    const work = () => run('{ preset: protected-vm, modelFile: plain }');
    expect(work).toThrow(SecurityFault);
    expect(work).toThrow(/storage wrote model file in normal memory, and nothing stopped it/);
    const { audit } = record('{ preset: protected-vm, modelFile: plain }');
    expect(audit!.leakedBytes / weightsOf(run('{ preset: naive }'))).toBeCloseTo(1, 6);
  });

  it('is not that of a plain file straight into secure memory, which nobody decrypts', () => {
    const result = run('{ preset: naive, modelFile: plain }');
    expect(flow(result, 'model file', 'write')).toMatchObject({
      label: 'model-secret',
      verdict: 'protected',
    });
    expect(result.audit!.protection.map(({ mechanism }) => mechanism)).not.toContain('decryption');
  });

  it('is one by cores of the normal world; refused, it moves nothing', () => {
    const choice = '{ preset: naive, world: normal, decryption: cpu }';
    expect(() => run(choice)).toThrow(
      /cpu-normal read model file in secure memory, and was stopped/,
    );
    const result = record(choice);
    expect(flow(result, 'weights', 'write')).toMatchObject({ verdict: 'refused', bytes: 0 });
    const decryption = result.ledger.find(({ operator }) => operator === 'decryption')!;
    expect(decryption.dramBytes).toBe(0);
    expect(result.audit?.checks).toBe(result.audit?.accesses);
  });
});

describe('memory that is given back', () => {
  const twice = 'repeat: 2\npause: 2 s\n';
  const released = (more: string) => record(`{ preset: naive, afterUse: release${more} }`, twice);
  const heldBy = ({ audit }: Run) =>
    audit!.regions.reduce((sum, { kind, used }) => sum + (kind === 'secure' ? used : 0), 0);
  const wipe = ({ audit }: Run) =>
    audit!.protection.find(({ mechanism }) => mechanism === 'memory wipe');

  it('shows the normal world all that lay there where nobody cleans', () => {
    const { audit } = released('');
    const leak = audit!.faults.find(({ tensor }) => tensor === 'pages given back')!;
    expect(leak).toMatchObject({ initiator: 'cpu-normal', label: 'model-secret + user-secret' });
    expect(leak.message).toContain('clean: on-switch');
    expect(audit!.leakedBytes).toBeGreaterThan(1e8);
    expect(wipe(released(''))).toBeUndefined();
  });

  it('is overwritten, beside other work, by a core that writes as fast as one copies', () => {
    const result = released(', clean: on-switch');
    const held = heldBy(result);
    expect(result.audit!.leakedBytes).toBe(0);
    expect(wipe(result)!.seconds).toBe(0);
    // Twelve gigabytes a second; after the last request nobody counts.
    expect(wipe(result)!.hiddenSeconds / (held / 12e9)).toBeCloseTo(1, 6);
    const zeroes = flow(result, 'zeroes', 'write')!;
    expect(zeroes).toMatchObject({ initiator: 'cpu-secure', verdict: 'public' });
    expect(zeroes.bytes / held).toBeCloseTo(1, 6);
  });

  it('is overwritten before the next load may fill it, which then waits for that', () => {
    const again = (more: string) =>
      record(`{ preset: naive, afterUse: release${more} }`, 'repeat: 2\npause: 1 ms\n');
    const dirty = again('');
    const result = again(', clean: on-switch');
    const took = ({ requests }: Run, i: number) =>
      requests[i]!.endSeconds - requests[i]!.arrivalSeconds;
    const wiping = heldBy(result) / 12e9;
    expect(took(result, 0)).toBeCloseTo(took(dirty, 0), 9);
    expect(took(result, 1) - took(dirty, 1)).toBeCloseTo(wiping - 0.001, 3);
    const { seconds, hiddenSeconds } = wipe(result)!;
    expect(hiddenSeconds).toBeCloseTo(0.001, 6);
    expect(seconds + hiddenSeconds).toBeCloseTo(wiping, 6);
    expect(result.audit!.checks).toBe(result.audit!.accesses);
  });

  it('loses its key instead under inline encryption', () => {
    const result = released(', encryption: inline');
    expect(result.audit!.leakedBytes).toBe(0);
    expect(wipe(result)).toBeUndefined();
  });

  it('is the system’s once it is overwritten, and not before', () => {
    const back = (result: Run) => flow(result, 'pages given back', 'read');
    const result = released(', clean: on-switch');
    const end = result.requests[0]!.endSeconds + heldBy(result) / 12e9;
    expect(back(result)).toMatchObject({ verdict: 'public', accesses: 1 });
    expect(back(result)!.lastSeconds).toBeCloseTo(end, 6);
    // The run ends with its request: nobody has overwritten anything, nobody has got it.
    const once = record('{ preset: naive, afterUse: release, clean: on-switch }');
    expect(back(once)).toBeUndefined();
    expect(once.audit!.leakedBytes).toBe(0);
  });

  describe('to a DMA controller that no firewall stops', () => {
    /** Outcomes of attacks so many seconds after the first request has ended. */
    function outcomes(more: string, times: readonly number[], set: readonly string[] = []) {
      const choices = `afterUse: release, firewall: false, ${more}`;
      const plain = record(`{ preset: naive, ${choices} }`, twice, set);
      const end = plain.requests[0]!.endSeconds;
      const attacks = times.map((t) => `{ kind: dma-into-secure, at: ${end + t} s }`).join(', ');
      const { audit } = record(`{ preset: naive, ${choices}, attacks: [${attacks}] }`, twice, set);
      for (const [i, { seconds }] of audit!.attacks.entries())
        expect(seconds).toBeCloseTo(end + times[i]!, 6);
      return audit!.attacks.map(({ outcome }) => outcome);
    }
    // 0.9 GB at 12 GB/s are 73 ms.
    const times = [-0.01, 0.001, 0.06, 0.1, 1];

    it('is the model until it is overwritten, and noise after', () => {
      const until = ['leak', 'leak', 'leak', 'harmless', 'harmless'];
      expect(outcomes('clean: on-switch', times)).toEqual(until);
    });

    it('is the model in a carve-out as well, of which nothing is given back', () => {
      const large = ['security.carveout=2 GiB'];
      const until = ['leak', 'leak', 'leak', 'harmless', 'harmless'];
      expect(outcomes('clean: on-switch, growth: fixed', times, large)).toEqual(until);
    });

    it('is the model for as long as nobody cleans', () => {
      expect(outcomes('clean: never', times)).toEqual(times.map(() => 'leak'));
    });

    it('is noise at once where the key is thrown away', () => {
      const until = ['leak', 'harmless', 'harmless', 'harmless', 'harmless'];
      expect(outcomes('clean: on-switch, encryption: inline', times)).toEqual(until);
    });
  });
});

describe('energy of restoring', () => {
  const joules = (result: Run, phase: string) =>
    result.ledger.filter((row) => row.phase === phase).reduce((sum, row) => sum + row.joules, 0);
  const phase = ({ phases }: Run, name: string) =>
    phases.filter(({ stage }) => stage === name).reduce((sum, row) => sum + row.joules, 0);

  it.each(['naive', 'pipelined', 'all'])(
    'is all in its phase under %s, and phases sum to the run',
    (preset) => {
      const result = run(`{ preset: ${preset} }`);
      const sum = result.phases.reduce((all, row) => all + row.joules, 0);
      expect(sum / result.metrics['energy_joules']!).toBeCloseTo(1, 6);
      expect(phase(result, 'restore')).toBeGreaterThan(joules(result, 'restore'));
    },
  );

  it('does not count for the prompt beside which it went on', () => {
    const piped = run('{ preset: pipelined }');
    const warm = run('{ preset: pipelined, restore: resident }', '', ['scenario.start=warm']);
    const decode = phase(piped, 'decode') / phase(warm, 'decode');
    expect(decode).toBeCloseTo(1, 1);
    const own = phase(piped, 'restore') - joules(piped, 'restore');
    const exposed = piped.phases.find(({ stage }) => stage === 'restore')!;
    // What is left of it is the rest of the device while the request waited.
    expect(own / (exposed.endSeconds - exposed.startSeconds)).toBeLessThan(3);
  });

  it('keeps memory from powering down, as bytes of operators do', () => {
    const standby = (rate: string) => {
      const result = run('{ preset: naive, growth: fixed }', '', [
        'security.carveout=8 GiB',
        'phone.memory.capacity=24 GiB',
        `phone.storage.sequentialRead=${rate}`,
        'security.attestation.hash=100GB/s',
        'workload.generatedTokens=1',
      ]);
      const row = result.ledger.find((one) => one.operator === 'standby' && one.unit === 'dram')!;
      return row.joules / result.metrics['run_seconds']!;
    };
    expect(standby('20GB/s')).toBeGreaterThan(0);
    const rails = Object.values(run('{ preset: naive }').energy).reduce((a, b) => a + b, 0);
    expect(rails).toBeCloseTo(run('{ preset: naive }').metrics['energy_joules']!, 9);
  });
});

describe('a model that is there already', () => {
  it('opens no way from storage, which every operator would be asked about', () => {
    const warm = run('{ preset: fine }', '', ['scenario.start=warm']);
    expect(warm.energy['storage']).toBeUndefined();
    expect(warm.timeline.counters.map(({ name }) => name)).not.toContain('loading bandwidth');
    expect(flowsOf(warm)).toEqual([]);
    expect(run('{ preset: fine }').energy['storage']).toBeGreaterThan(0);
  });
});
