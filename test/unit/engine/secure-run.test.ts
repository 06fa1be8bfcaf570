import { describe, expect, it } from 'vitest';
import { InfeasibleError, SecurityFault, SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { listBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const SHORT = ['workload.promptTokens=64', 'workload.generatedTokens=8'];

function run(security: string, set: readonly string[] = [], soc = 'dimensity-9300'): Run {
  const text = `version: 1\nsoc: ${soc}\nworkload: llama-2-7b-chat${security && `\nsecurity: ${security}`}`;
  const all = [...SHORT, ...set];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
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

const auditOf = (security: string, set: readonly string[] = []) => {
  const { audit } = run(security, set);
  if (!audit) throw new Error('no audit');
  return audit;
};

describe('without protection', () => {
  it('is the same run to the last bit, whether said or not', () => {
    const absent = run('');
    const none = run('{ preset: none }');
    expect(none.metrics).toEqual(absent.metrics);
    expect(none.ledger).toEqual(absent.ledger);
    expect(none.eventCount).toBe(absent.eventCount);
    expect(none.audit).toBeUndefined();
  });
});

describe.each(listBundled('socs/security', '.yaml').filter((name) => name !== 'none'))(
  'preset %s',
  (preset) => {
    const { audit, metrics, ledger, energy } = run(`{ preset: ${preset} }`);

    it('keeps what it promises, and checks every access', () => {
      expect(audit?.leakedBytes).toBe(0);
      expect(audit?.faults).toEqual([]);
      expect(audit?.accesses).toBeGreaterThan(1000);
      expect(audit?.checks).toBe(audit?.accesses);
      const counted = audit?.flows.reduce((sum, { accesses }) => sum + accesses, 0);
      expect(counted).toBe(audit?.accesses);
    });

    it('accounts for every joule in ledger and rails', () => {
      const rails = Object.values(energy).reduce((a, b) => a + b, 0);
      const rows = ledger.reduce((sum, { joules }) => sum + joules, 0);
      expect(rails).toBeCloseTo(metrics['energy_joules']!, 9);
      expect(rows / rails).toBeCloseTo(1, 9);
    });

    it('gives the answer up, and nothing that it does not declare', () => {
      const out = audit?.flows.filter(({ tensor }) => tensor === 'output');
      expect(out?.map(({ verdict }) => verdict)).toEqual(expect.arrayContaining(['released']));
      // Eight tokens of four bytes.
      expect(out?.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(32);
    });
  },
);

describe('costs', () => {
  it('of the memory path sum to the time by which a run grows', () => {
    const plain = run('{ preset: fine }');
    const full = run('{ preset: fine, encryption: inline, integrity: counter-tree }');
    const parts = full.audit?.protection.filter(({ mechanism }) =>
      ['memory encryption', 'integrity', 'address checks'].includes(mechanism),
    );
    const sum = parts?.reduce((total, { seconds }) => total + seconds, 0) ?? 0;
    const grown = full.metrics['run_seconds']! - plain.metrics['run_seconds']!;
    expect(sum).toBeGreaterThan(0);
    expect(sum / grown).toBeCloseTo(1, 2);
  });

  it('of restoring are those of its stages, before the first token', () => {
    const naive = run('{ preset: naive }');
    const stages = ['runtime start', 'attestation', 'memory growth', 'load', 'decryption'];
    const cost = (name: string) =>
      naive.audit?.protection.find(({ mechanism }) => mechanism === name)?.seconds ?? 0;
    const restore = naive.phases.find(({ stage }) => stage === 'restore');
    const total = stages.reduce((sum, name) => sum + cost(name), 0);
    expect(restore?.endSeconds).toBeCloseTo(total, 6);
    // 3.6 GB at 4 GB/s after 100 ms of setup, as vivo-x100.yaml says.
    expect(cost('load')).toBeCloseTo(0.1 + 3.6 / 4, 1);
    expect(naive.metrics['time_to_first_token_seconds']).toBeGreaterThan(total);
  });

  it('of a pipeline pass beside work for the most part', () => {
    const piped = run('{ preset: pipelined }');
    const naive = run('{ preset: naive }');
    const hidden = piped.audit?.protection.find(({ mechanism }) => mechanism === 'memory growth');
    expect(hidden?.seconds).toBe(0);
    expect(hidden?.hiddenSeconds).toBeGreaterThan(0.1);
    expect(piped.metrics['time_to_first_token_seconds']).toBeLessThan(
      naive.metrics['time_to_first_token_seconds']!,
    );
  });

  it('grow with what other data fill, and shrink with the carve-out', () => {
    const growth = (set: readonly string[], more = '') =>
      auditOf(`{ preset: naive${more} }`, set).protection.find(
        ({ mechanism }) => mechanism === 'memory growth',
      )?.seconds ?? 0;
    expect(growth([], ', occupied: 1')).toBeGreaterThan(growth([]));
    expect(growth(['security.carveout=2GiB', 'security.base=4GiB'])).toBeLessThan(growth([]));
  });

  it('of turns with a normal application fall with finer sharing', () => {
    const switches = (preset: string) =>
      auditOf(`{ preset: ${preset}, normalWork: { share: 0.3, slice: 5 ms } }`).protection.find(
        ({ mechanism }) => mechanism === 'NPU switches',
      )?.seconds ?? 0;
    expect(switches('coarse')).toBeGreaterThan(20 * switches('fine'));
  });
});

describe('several workloads', () => {
  it('are protected alike, each with its weights in secure memory', () => {
    const text = `version: 1
soc: dimensity-9300
workloads:
  - { workload: llama-3.2-1b-chat, set: [promptTokens=32, generatedTokens=4] }
  - { name: other, workload: gemma-2b-chat, set: [promptTokens=32, generatedTokens=4] }
security: { preset: coarse }`;
    const { audit, memory } = simulate(
      buildSimulation(prepare(parseSpecFile(text, 'test'), [], sources), [], sources),
    );
    const weights = Object.entries(memory.owners)
      .filter(([name]) => name.startsWith('weights'))
      .reduce((sum, [, bytes]) => sum + bytes, 0);
    const held = audit?.regions
      .filter(({ kind }) => kind === 'secure')
      .reduce((sum, { used }) => sum + used, 0);
    expect(held).toBeGreaterThan(weights);
    expect(audit?.leakedBytes).toBe(0);
    expect(audit?.checks).toBe(audit?.accesses);
  });
});

describe('fixed regions of a SoC', () => {
  const region = (kind: string, base: string, size: string) => [
    `security.regions.drm.kind=${kind}`,
    `security.regions.drm.base=${base}`,
    `security.regions.drm.size=${size}`,
  ];
  const far = (kind: string) => [
    ...region(kind, '64 GiB', '4 GiB'),
    'phone.memory.capacity=24 GiB',
  ];
  const grown = (preset: string, set: readonly string[]) =>
    auditOf(`{ preset: ${preset} }`, set).regions.filter(({ name }) =>
      ['grown', 'guest'].includes(name),
    );

  it.each(['normal', 'secure', 'protected-vm', 'npu-only', 'drm'])('may be of kind %s', (kind) => {
    const { regions } = auditOf('{ preset: all }', far(kind));
    expect(regions.find(({ name }) => name === 'drm')).toMatchObject({ kind, size: 4 * 2 ** 30 });
  });

  it.each([
    ['all', 'secure'],
    ['protected-vm', 'protected-vm'],
  ])('hold what preset %s protects where they are of kind %s', (preset, kind) => {
    expect(grown(preset, [])).toHaveLength(1);
    expect(grown(preset, far(kind))).toHaveLength(0);
    const other = kind === 'secure' ? 'protected-vm' : 'secure';
    expect(grown(preset, far(other))).toHaveLength(1);
    const { memory } = run(`{ preset: ${preset}, growth: fixed }`, far(kind));
    const empty = Object.entries(memory.owners).find(([owner]) => owner.endsWith('not in use'));
    expect(empty?.[1]).toBeLessThan(2 ** 30);
  });
});

describe('accesses that must not be', () => {
  const stop = (security: string, set: readonly string[] = []) =>
    failure(() => run(security, set)) as SecurityFault;

  it('stop a GPU at secure weights, with who, where, what and when', () => {
    const fault = stop('{ preset: all }', ['scenario.unit=gpu']);
    expect(fault).toBeInstanceOf(SecurityFault);
    expect(fault.detail).toMatchObject({
      initiator: 'gpu',
      region: 'secure',
      tensor: 'weights',
      label: 'model-secret',
      gate: 'address tables',
    });
  });

  it('are listed and move nothing where faults are recorded', () => {
    const { audit, metrics } = run('{ preset: all, onFault: record }', ['scenario.unit=gpu']);
    const allowed = run('{ preset: none }', ['scenario.unit=gpu']);
    const refused = audit?.flows.filter(({ verdict }) => verdict === 'refused');
    expect(refused?.length).toBeGreaterThan(2);
    expect(refused?.every(({ bytes }) => bytes === 0)).toBe(true);
    expect(audit?.faults.length).toBeGreaterThan(2);
    expect(metrics['dram_bytes']).toBeLessThan(0.1 * allowed.metrics['dram_bytes']!);
  });

  it('find a result that a strategy forgot to declare', () => {
    const fault = stop('{ preset: weights, releases: [] }');
    expect(fault.detail.gate).toBeUndefined();
    expect(fault.detail.tensor).toBe('activations');
    expect(fault.message).toContain('nothing stopped it');
  });
});

describe('bad input', () => {
  it('names what the SoC lacks for a strategy', () => {
    const error = failure(() => run('{ preset: all }', [], 'apple-a18-pro'));
    expect(error).toBeInstanceOf(SpecError);
    expect(error.message).toContain('apple-a18-pro');
  });

  it('names every missing part in one go', () => {
    const error = failure(() =>
      run('{ preset: all, decryption: npu-dma, integrity: hash-tree }', [
        'security.accelerator.sharing=coarse',
        'security.integrity.kinds=[tree-less]',
      ]),
    );
    for (const part of ['tags requests', 'memory integrity by hash-tree', 'decryption by npu-dma'])
      expect(error.message).toContain(part);
  });

  it('refuses a model larger than a carve-out that may not grow, with levers', () => {
    const error = failure(() => run('{ preset: weights, growth: fixed }')) as InfeasibleError;
    expect(error).toBeInstanceOf(InfeasibleError);
    expect(error.detail.bound).toBe(512 * 2 ** 20);
    expect(error.detail.demand).toBeGreaterThan(3.5e9);
    expect(error.detail.levers.join()).toContain('security.carveout');
  });

  it.each([
    ['{ preset: weights, growth: fixed }', 'llama-2-7b-chat'],
    ['{ preset: all, growth: fixed }', 'llama-2-7b-chat'],
  ])('names levers for %s that can be typed as they stand, each enough', (security) => {
    const error = failure(() => run(security)) as InfeasibleError;
    const typed = error.detail.levers.flatMap((lever) => /--set "?([^")]+)/.exec(lever)?.[1] ?? []);
    expect(typed.length).toBe(2);
    for (const set of typed) expect(() => run(security, [set])).not.toThrow();
    // A granule less is not enough.
    const size = Number(/carveout=(\d+) MiB/.exec(typed.join())![1]);
    expect(() => run(security, [`security.carveout=${size - 1} MiB`])).toThrow(InfeasibleError);
  });

  it('names a memory of the phone that is enough', () => {
    const large = ['workload.weightFormat=fp16'];
    const error = failure(() => run('', large)) as InfeasibleError;
    const typed = error.detail.levers.join().match(/phone\.memory\.capacity=\d+ GiB/)![0];
    expect(() => run('', [...large, typed])).not.toThrow();
  });

  it('fits a carve-out that is large enough, and takes the rest of it from the system', () => {
    const { memory } = run('{ preset: weights, growth: fixed }', [
      'security.carveout=4GiB',
      'security.base=4GiB',
    ]);
    expect(memory.owners['carve-out not in use']).toBeCloseTo(
      // 64 MiB of it are the runtime's.
      4 * 2 ** 30 - 3.6e9 - 64 * 2 ** 20,
      -8,
    );
  });

  it.each([
    ['{ preset: al }', 'did you mean "all"'],
    ['{ preset: all, labels: { prompt: user-secre } }', 'did you mean "user-secret"'],
    ['{ preset: all, world: secur }', 'did you mean "secure"'],
    ['{ preset: all, attacks: [{ kind: gpu-reads-carvout }] }', 'gpu-reads-carveout'],
    ['{ preset: all, protects: [weigths] }', 'did you mean "weights"'],
  ])('%s → %s', (security, hint) => {
    const error = failure(() => run(security));
    expect(error).toBeInstanceOf(SpecError);
    expect(error.message).toContain(hint);
  });

  it('refuses regions that overlap or are crooked, with their place in the file', () => {
    const overlap = failure(() =>
      run('{ preset: all }', ['security.base=512MiB', 'security.carveout=2GiB']),
    );
    expect(overlap.message).toContain('overlaps region "carveout"');
    const crooked = failure(() => run('{ preset: all }', ['security.carveout=1000B']));
    expect(crooked.message).toContain('granule');
  });
});

describe('activations of weights-kv, in normal memory without the weights’ label', () => {
  it('count as a secret that is not kept, read or written: the user’s part was not given up', () => {
    const { flows, releasedBytes } = auditOf('{ preset: weights-kv }');
    const inFlight = flows.filter(({ tensor }) => tensor === 'activations');
    expect(new Set(inFlight.map(({ access }) => access))).toEqual(new Set(['read', 'write']));
    expect(new Set(inFlight.map(({ verdict }) => verdict))).toEqual(new Set(['unpromised']));
    // The answer alone is a declared step: eight tokens of four bytes.
    expect(releasedBytes).toBe(32);
  });
});

describe('token ids of the prompt', () => {
  /** In chunks of 128; every id is four bytes. */
  const prompt = (tokens: number, preset: string, workload = 'llama-3.2-1b-chat') => {
    const set = [`workload.promptTokens=${tokens}`, 'workload.generatedTokens=2'];
    const text = `version: 1\nsoc: dimensity-9300\nworkload: ${workload}\nsecurity: { preset: ${preset} }`;
    const prepared = prepare(parseSpecFile(text, 'test'), set, sources);
    const { audit } = simulate(buildSimulation(prepared, set, sources));
    return audit!.flows.filter(({ tensor }) => tensor === 'prompt');
  };

  it.each([
    [128, 1],
    [130, 2],
    [256, 2],
    [300, 3],
  ])('%i of them are read whole, chunk by chunk', (tokens, chunks) => {
    const [row, ...more] = prompt(tokens, 'fine');
    expect(more).toEqual([]);
    expect(row).toMatchObject({ accesses: chunks, label: 'user-secret', region: 'secure' });
    // The last part is filled up to the length that its graph takes.
    expect(row!.bytes).toBeCloseTo(4 * 128 * chunks, 6);
  });

  it('carry nothing of the model’s, in the last chunk neither', () => {
    const rows = prompt(130, 'weights-kv');
    expect(rows.map(({ label, region }) => [label, region])).toEqual([['user-secret', 'secure']]);
  });

  it('leave what else is read as the ledger counts it', () => {
    const text =
      'version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: { preset: fine }';
    const set = ['workload.promptTokens=256', 'workload.generatedTokens=2'];
    const prepared = prepare(parseSpecFile(text, 'test'), set, sources);
    const { audit, ledger } = simulate(buildSimulation(prepared, set, sources));
    const moved = audit!.flows
      .filter(({ tensor }) => tensor !== 'output')
      .reduce((sum, { bytes }) => sum + bytes, 0);
    // What the display and the system move is in other rows.
    const counted = ledger
      .filter(({ unit }) => unit === 'npu')
      .reduce((sum, { dramBytes }) => sum + dramBytes, 0);
    // The audit stands before the system cache, the ledger behind it.
    expect(moved / counted).toBeGreaterThanOrEqual(1 - 1e-9);
    expect(moved / counted).toBeLessThan(1.02);
  });
});

describe('codes of what is restored under integrity', () => {
  it('are written and read with what they belong to', () => {
    const plain = auditOf('{ preset: naive }');
    const coded = auditOf('{ preset: naive, integrity: tree-less }', [
      'security.integrity.run=512 B',
    ]);
    // A code line of 64 B covers 512 B; a run of 512 B at random alignment touches 1 + (512 − 64) ÷ 512 of them.
    const codes = ((1 + (512 - 64) / 512) * 64) / 512;
    const bytesOf = ({ flows }: typeof plain, access: string, tensor: string) => {
      const rows = flows.filter(
        (row) => row.phase === 'restore' && row.access === access && row.tensor === tensor,
      );
      expect(rows.map(({ region }) => region)).toEqual(['secure']);
      return rows[0]!.bytes;
    };
    for (const [access, tensor] of [
      ['write', 'model file'],
      ['read', 'model file'],
      ['write', 'weights'],
    ] as const) {
      const ratio = bytesOf(coded, access, tensor) / bytesOf(plain, access, tensor);
      expect(ratio).toBeCloseTo(1 + codes, 6);
    }
  });
});
