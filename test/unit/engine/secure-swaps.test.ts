/** Protected models that take turns in memory: they go out clean and come back through the whole restore. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

/** Two models of 3.6 and 0.9 GB and a phone that holds the larger with little more. */
function run(security: string, set: readonly string[] = [], cache = 'keep'): Run {
  const text = `version: 1
soc: dimensity-9300
swap: { cache: ${cache} }
workloads:
  - { name: plan, workload: llama-2-7b-chat, set: [promptTokens=32, generatedTokens=4, contextBucket=64] }
  - name: draw
    workload: llama-3.2-1b-chat
    set: [promptTokens=32, generatedTokens=4, contextBucket=64]
    arrival: { after: plan }
  - name: act
    workload: llama-2-7b-chat
    set: [promptTokens=32, generatedTokens=4, contextBucket=64]
    arrival: { after: draw }
${security === '' ? '' : `security: ${security}`}`;
  const all = ['phone.memory.capacity=9.8 GB', ...set];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), all, sources), all, sources),
  );
}

const bytes = ({ audit }: Run, tensor: string, access: string, initiator?: string) =>
  audit!.flows
    .filter((row) => row.tensor === tensor && row.access === access && row.phase === 'restore')
    .filter((row) => initiator === undefined || row.initiator === initiator)
    .reduce((sum, row) => sum + row.bytes, 0);
const weights = (result: Run, model: string) =>
  result.swaps!.models.find((row) => row.model.startsWith(model))!;
const latency = (result: Run, name: string) =>
  result.workloads!.find((row) => row.name === name)!.latencySeconds.mean;

describe('protected models that take turns', () => {
  const plain = run('');
  const coarse = run('{ preset: coarse }');

  it('do so as unprotected ones do', () => {
    const turns = ({ swaps }: Run) =>
      swaps!.models.map(({ loads, evictions }) => [loads, evictions]);
    expect(turns(plain)).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(turns(coarse)).toEqual(turns(plain));
  });

  it('come back through the whole restore: file, cipher and memory, all of it checked', () => {
    const loaded = coarse.swaps!.loadedBytes;
    expect(loaded).toBe(weights(coarse, 'llama-2').bytes + weights(coarse, 'llama-3.2').bytes);
    expect(bytes(coarse, 'model file', 'write', 'storage') / loaded).toBeCloseTo(1, 6);
    expect(bytes(coarse, 'weights', 'write') / loaded).toBeCloseTo(1, 6);
    expect(coarse.audit!.checks).toBe(coarse.audit!.accesses);
    expect(coarse.audit!.leakedBytes).toBe(0);
    const names = coarse.phases.map(({ request, phase }) => `${request} ${phase}`);
    expect(names).toEqual(expect.arrayContaining(['draw restore', 'act restore']));
    expect(names).not.toContain('plan restore');
    expect(latency(coarse, 'act')).toBeGreaterThan(latency(plain, 'act') + 1);
  });

  it('are overwritten as they go, unless their keys are thrown away', () => {
    const wiped = (result: Run) => bytes(result, 'zeroes', 'write');
    // Both went once: the first whole, the second until the end of the run or nearly.
    expect(wiped(coarse)).toBeGreaterThan(weights(coarse, 'llama-2').bytes);
    expect(wiped(run('{ preset: coarse, encryption: inline }'))).toBe(0);
    expect(() => run('{ preset: coarse, clean: never }')).toThrow(/pages given back/);
  });

  it('come into memory that is clean: a load begins when what went out is overwritten', () => {
    const row = (workload: string, tensor: string) =>
      coarse.audit!.flows.find((one) => one.workload === workload && one.tensor === tensor)!;
    const wiped = row('plan', 'zeroes');
    const read = row('draw', 'model file');
    const moved = row('draw', 'pages of others');
    expect(wiped.lastSeconds).toBeGreaterThan(wiped.firstSeconds);
    expect(read.firstSeconds).toBeGreaterThanOrEqual(wiped.lastSeconds - 1e-9);
    expect(moved.firstSeconds).toBeGreaterThanOrEqual(wiped.lastSeconds - 1e-9);
    // 12 GB/s for each of the two that went out; both held up the load for which they went.
    const held = bytes(coarse, 'zeroes', 'write');
    const { seconds, hiddenSeconds } = coarse.audit!.protection.find(
      ({ mechanism }) => mechanism === 'memory wipe',
    )!;
    expect(seconds / (held / 12e9)).toBeCloseTo(1, 2);
    expect(hiddenSeconds).toBeCloseTo(0, 6);
  });

  it('wait less where layers run while the rest comes', () => {
    const piped = run('{ preset: pipelined }');
    expect(latency(piped, 'act')).toBeLessThan(latency(coarse, 'act') - 1);
    // Restored even for the first request, as without turns.
    expect(piped.phases.map(({ request, phase }) => `${request} ${phase}`)).toContain(
      'plan restore',
    );
  });

  it.each(['coarse', 'pipelined'])(
    'show under %s how long the drive read, and who waited',
    (preset) => {
      const result = run(`{ preset: ${preset} }`);
      const drive = result.workloads!.reduce(
        (sum, row) => sum + (row.unitSeconds['storage'] ?? 0),
        0,
      );
      const load = result.audit!.protection.find(({ mechanism }) => mechanism === 'load')!;
      expect(drive / (load.seconds + load.hiddenSeconds)).toBeCloseTo(1, 6);
      // All that came did so at no more than the 4.2 GB/s of a UFS 4.0 drive.
      expect(drive).toBeGreaterThan(result.swaps!.loadedBytes / 4.2e9);
      expect(drive).toBeLessThanOrEqual(result.swaps!.loadSeconds);
      const waited = result.swaps!.models.reduce((sum, row) => sum + row.waitedSeconds, 0);
      // Nothing runs before the last byte, or a pipeline hides all but a part.
      if (preset === 'coarse') expect(waited).toBeCloseTo(result.swaps!.loadSeconds, 6);
      else expect(waited / result.swaps!.loadSeconds).toBeGreaterThan(0.5);
      expect(waited).toBeLessThanOrEqual(result.swaps!.loadSeconds * (1 + 1e-9));
    },
  );

  it('account for every joule', () => {
    const rails = Object.values(coarse.energy).reduce((a, b) => a + b, 0);
    const rows = coarse.ledger.reduce((sum, { joules }) => sum + joules, 0);
    expect(rails).toBeCloseTo(coarse.metrics['energy_joules']!, 6);
    expect(rows / rails).toBeCloseTo(1, 9);
  });
});
