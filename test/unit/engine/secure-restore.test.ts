import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { fileSources } from '../../../src/load.ts';

const sources = fileSources();

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
});
