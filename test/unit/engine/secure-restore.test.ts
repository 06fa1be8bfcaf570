import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

function run(security: string, more = '', set: readonly string[] = []): Run {
  const text = `version: 1\nsoc: rk3588\nruntime: rk3588-llama\nworkload: llama-3-8b-chat\n${more}security: ${security}`;
  const all = [
    'workload.activations=int8',
    'workload.promptTokens=32',
    'workload.generatedTokens=4',
    ...set,
  ];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
  );
}

const stage = ({ audit }: Run, name: string) =>
  audit?.protection.find(({ mechanism }) => mechanism === name);

describe('restoring', () => {
  const naive = run('{ preset: naive }');
  const weights = naive.memory.owners['weights of llama-3-8b-chat'] as number;

  it('takes each stage what its part of the description says', () => {
    expect(stage(naive, 'runtime start')?.seconds).toBeCloseTo(2.3, 9);
    // 2 GB/s after 20 ms; four A76 at 2.256 GHz, 16 B in 14 rounds at 85 %.
    expect(stage(naive, 'load')?.seconds).toBeCloseTo(0.02 + weights / 2e9, 6);
    const cipher = ((4 * 2.256e9 * 16) / 14) * 0.85;
    expect(stage(naive, 'decryption')?.seconds).toBeCloseTo(weights / cipher, 6);
  });

  it('grows by what does not fit the carve-out, page by page', () => {
    const { audit } = naive;
    const grown = audit?.regions.find(({ name }) => name === 'grown')?.size as number;
    const perPage = 1.65e-6 + 4096 / 8e9;
    const wanted = (grown / 4096) * perPage;
    expect(stage(naive, 'memory growth')!.seconds / wanted).toBeCloseTo(1, 4);
    const empty = run('{ preset: naive, occupied: 0 }');
    expect(stage(empty, 'memory growth')!.seconds / ((grown / 4096) * 100e-9)).toBeCloseTo(1, 4);
  });

  it('draws storage and memory energy for every byte', () => {
    const load = naive.ledger.find(({ operator }) => operator === 'load');
    expect(load?.dramBytes).toBeCloseTo(weights, -3);
    // 800 pJ/B of the drive alone.
    expect(load?.joules).toBeGreaterThan(weights * 800e-12);
    const decryption = naive.ledger.find(({ operator }) => operator === 'decryption');
    expect(decryption?.dramBytes).toBeCloseTo(2 * weights, -3);
    expect(decryption?.joules).toBeGreaterThan(0.1);
  });

  it('of a model that is there already happens on a cold start only', () => {
    const warm = run('{ preset: coarse }');
    expect(warm.phases.map((phase) => phase.stage)).toEqual(['prefill', 'decode']);
    const cold = run('{ preset: coarse }', 'start: cold\n');
    expect(cold.phases[0]?.stage).toBe('restore');
    expect(cold.phases[0]?.endSeconds).toBeCloseTo(naive.phases[0]?.endSeconds as number, 6);
  });

  it('lets the first layers run while the last are on their way', () => {
    const piped = run('{ preset: pipelined }');
    const [restore, prefill] = piped.phases;
    expect(restore?.endSeconds).toBeLessThan(0.2);
    const waits = ['memory growth', 'load', 'decryption'].map((name) => stage(piped, name)!);
    const waited = waits.reduce((sum, { seconds }) => sum + seconds, 0);
    const busiest = Math.max(...waits.map(({ seconds, hiddenSeconds }) => seconds + hiddenSeconds));
    expect(prefill!.endSeconds).toBeGreaterThanOrEqual(busiest);
    expect(prefill!.endSeconds).toBeLessThan(restore!.endSeconds + waited + busiest);
    const secure = piped.ledger.reduce((sum, { seconds }) => sum + seconds.secure, 0);
    expect(secure).toBeGreaterThan(waited * 0.99);
  });

  it('takes engines that are there, and what the sweep says of them', () => {
    const slow = run('{ preset: naive, decryption: engine }', '', [
      'security.engine.throughput=500MB/s',
      'security.engine.energy=10pJ/B',
    ]);
    expect(stage(slow, 'decryption')?.seconds).toBeCloseTo(weights / 0.5e9, 3);
  });

  it('comes again after its memory was given back, and not where it is kept', () => {
    const often = 'repeat: 2\npause: 1 s\n';
    const kept = run('{ preset: naive }', often);
    const given = run('{ preset: naive, afterUse: release, clean: on-switch }', often);
    const restores = ({ phases }: Run) => phases.filter((phase) => phase.stage === 'restore');
    expect(restores(kept)).toHaveLength(1);
    expect(restores(given)).toHaveLength(2);
    const [first, second] = restores(given);
    const took = (phase: typeof first) => phase!.endSeconds - phase!.startSeconds;
    expect(took(second) / took(first)).toBeCloseTo(1, 2);
    expect(second!.startSeconds).toBeGreaterThan(first!.endSeconds + 1);
    const load = (result: Run) => result.ledger.filter(({ operator }) => operator === 'load');
    const bytes = (result: Run) => load(result).reduce((sum, row) => sum + row.dramBytes, 0);
    expect(bytes(given) / bytes(kept)).toBeCloseTo(2, 6);
  });
});

/** The protected model comes while the CPU, which has nothing to do with it, streams. */
describe('restoring beside other work', () => {
  function beside(security: string, game: boolean, set: readonly string[] = []): Run {
    const text = `version: 1
soc: dimensity-9300
background: { camera: 20 GB/s }
workloads:
  - name: assistant
    workload: llama-3.2-3b-chat
    set: [promptTokens=32, generatedTokens=1]
    arrival: { start: 200 ms }
    ${security}
${game ? '  - { name: game, workload: llama-3.2-1b-chat, unit: cpu, set: [promptTokens=16, generatedTokens=150] }' : ''}`;
    return simulate(
      buildSimulation(prepare(parseSpecFile(text, 'test'), set, sources), set, sources),
    );
  }
  const first = ({ workloads }: Run, name: string) =>
    workloads!.find((workload) => workload.name === name)!.firstOutputSeconds.mean;
  const rate = ({ workloads }: Run) =>
    workloads!.find(({ name }) => name === 'game')!.outputsPerSecond;
  const naive = 'security: { preset: naive, npu: coarse, clean: on-switch }';
  // A drive and a cipher as fast as memory: their traffic is what counts.
  const fast = ['phone.storage.sequentialRead=20GB/s', 'security.engine.throughput=25GB/s'];

  it('begins with the request that needs it', () => {
    const [restore] = beside(naive, false).phases.filter(({ stage }) => stage === 'restore');
    expect(restore!.startSeconds).toBeCloseTo(0.2, 6);
    expect(restore!.request).toBe('assistant');
  });

  it('takes bandwidth from it, and gets less itself', () => {
    const alone = beside(naive, false, fast);
    const both = beside(naive, true, fast);
    const resident = beside(naive.replace('}', ', restore: resident }'), true, fast);
    const moving = (result: Run) =>
      ['load', 'decryption'].reduce((sum, name) => sum + stage(result, name)!.seconds, 0);
    expect(moving(both)).toBeGreaterThan(1.03 * moving(alone));
    expect(first(both, 'assistant')).toBeGreaterThan(first(alone, 'assistant'));
    expect(rate(both)).toBeLessThan(rate(resident));
    const bytes = ({ ledger }: Run, phase: string) =>
      ledger.filter((row) => row.phase === phase).reduce((sum, row) => sum + row.dramBytes, 0);
    expect(bytes(both, 'restore') / bytes(alone, 'restore')).toBeCloseTo(1, 6);
    const seconds = both.ledger
      .filter((row) => row.phase === 'restore')
      .reduce((sum, row) => sum + row.seconds.secure + row.seconds.bandwidth, 0);
    const [restore] = both.phases.filter(({ stage }) => stage === 'restore');
    expect(seconds).toBeCloseTo(restore!.endSeconds - restore!.startSeconds, 6);
  });

  it('takes next to nothing where the drive is slow', () => {
    const slow = ['phone.storage.sequentialRead=300MB/s'];
    const both = beside(naive, true, slow);
    const resident = beside(naive.replace('}', ', restore: resident }'), true, slow);
    expect(rate(both) / rate(resident)).toBeGreaterThan(0.97);
  });

  it('keeps a pipeline in step: no layer runs before its weights are there', () => {
    const piped = beside('security: { preset: pipelined }', true, fast);
    const free = beside('security: { preset: pipelined }', false, fast);
    expect(first(piped, 'assistant')).toBeGreaterThan(first(free, 'assistant'));
    const secure = piped.ledger.reduce((sum, { seconds }) => sum + seconds.secure, 0);
    const paid = piped.audit!.protection.reduce((sum, { seconds }) => sum + seconds, 0);
    // The load of a first phase is booked under bandwidth.
    expect(secure / paid).toBeGreaterThan(0.9);
    const joules = piped.ledger.reduce((sum, row) => sum + row.joules, 0);
    expect(joules / piped.metrics['energy_joules']!).toBeCloseTo(1, 9);
  });

  it('shows what it draws in the bandwidth over time', () => {
    const { timeline } = beside(naive, true, fast);
    const loading = timeline.counters.find(({ name }) => name === 'loading bandwidth');
    expect(Math.max(...loading!.value)).toBeGreaterThan(1e9);
  });
});

/** A request that somebody else answers has no need of the model that is protected here. */
describe('cores that restore', () => {
  const FAST = 'governor: performance\n'; // clocks that rise while the model comes would be a gain of their own
  const PROMPT = ['workload.promptTokens=128', 'scenario.unit=cpu'];
  const lost = (result: Run) => stage(result, 'cores for restoring');
  const piped = run('{ preset: pipelined, npu: none }', FAST, PROMPT);

  it('are missing to operators of the CPU, which take the longer', () => {
    const plain = run('{ preset: none }', FAST, PROMPT);
    const seconds = lost(piped)!.seconds;
    expect(seconds).toBeGreaterThan(0.01);
    expect(seconds).toBeLessThan(0.1 * piped.metrics['time_to_first_token_seconds']!);
    expect(lost(piped)!.joules).toBeGreaterThan(0);
    const grown = piped.metrics['run_seconds']! - plain.metrics['run_seconds']!;
    expect(piped.metrics['protection_seconds']! / grown).toBeGreaterThan(0.97);
    expect(piped.metrics['protection_seconds']! / grown).toBeLessThan(1.03);
  });

  it('never take more than they work, and nothing once the model is there', () => {
    const beside = ['memory growth', 'decryption'].map((name) => stage(piped, name)!.hiddenSeconds);
    expect(lost(piped)!.seconds).toBeLessThanOrEqual(beside.reduce((a, b) => a + b, 0));
    const naive = run('{ preset: naive }', '', PROMPT);
    expect(lost(naive)).toBeUndefined();
    expect(lost(run('{ preset: coarse }', '', PROMPT))).toBeUndefined();
  });

  it('are no loss to an NPU', () => {
    expect(lost(run('{ preset: pipelined }', '', ['workload.promptTokens=128']))).toBeUndefined();
  });
});

describe('restoring where a cloud may answer', () => {
  function asked(answeredBy: string, more = ''): Run {
    const text = `version: 1
soc: dimensity-9300
cloud: { link: 5g }
workloads:
  - name: assistant
    workload: llama-3.2-3b-chat
    set: [promptTokens=32, generatedTokens=4]
    answeredBy: ${answeredBy}
    security: { preset: naive, promises: [model-secret], cloud: raw }
${more}`;
    return simulate(
      buildSimulation(prepare(parseSpecFile(text, 'test'), [], sources), [], sources),
    );
  }
  const restored = ({ phases }: Run) => phases.filter(({ stage: name }) => name === 'restore');

  it('does not begin for a request that the cloud takes', () => {
    const cloud = asked('cloud');
    expect(cloud.cloud?.answers).toEqual({ local: 0, cloud: 1, hybrid: 0 });
    expect(restored(cloud)).toEqual([]);
    expect(stage(cloud, 'decryption')).toBeUndefined();
    expect(cloud.metrics['run_seconds']).toBeLessThan(1.5);
  });

  it('begins for one that stays, and for that alone', () => {
    const here = asked('local');
    expect(restored(here)).toHaveLength(1);
    const both = asked(
      'cloud',
      `  - name: other
    workload: llama-3.2-1b-chat
    set: [promptTokens=32, generatedTokens=4]
    security: { preset: naive }`,
    );
    expect(restored(both).map(({ request }) => request)).toEqual(['other']);
  });

  it('asks who answers once', () => {
    const { cloud } = asked('hybrid');
    expect(Object.values(cloud!.answers).reduce((a, b) => a + b, 0)).toBe(1);
  });
});
