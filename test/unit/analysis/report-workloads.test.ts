import { describe, expect, it } from 'vitest';
import {
  renderCloud,
  renderSwaps,
  renderWorkloads,
} from '../../../src/analysis/report/workloads.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { cloudLines, swapTable, workloadTable } from '../../../src/cli/workload-table.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { readBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const runOf = (name: string, ...set: string[]) => {
  const { file, text } = readBundled(`workloads/scenarios/${name}.yaml`);
  const prepared = prepare(parseSpecFile(text, file), set, sources);
  return simulate(buildSimulation(prepared, set, sources));
};

describe('the agent session on a phone of 12 GB', () => {
  const run = runOf('agent-session');
  const swaps = run.swaps!;

  it('swaps its large models, and says how often, how much and how long it was waited for', () => {
    const planner = swaps.models.find(({ model }) => model.startsWith('qwen2.5-7b'))!;
    expect(planner.loads).toBeGreaterThanOrEqual(2);
    // 4.46 GB at 4 GB/s of UFS 4.0 and its setup: a little over a second each time.
    expect(planner.waitedSeconds / planner.loads).toBeGreaterThan(1);
    expect(planner.waitedSeconds / planner.loads).toBeLessThan(1.6);
    expect(run.metrics['model_load_bytes']).toBeCloseTo(swaps.loadedBytes, -3);
    expect(run.metrics['model_load_seconds']).toBeCloseTo(swaps.loadSeconds, 3);
    const table = swapTable(swaps);
    expect(table).toContain(planner.model);
    expect(table).toMatch(/took turns in 6\.\d+ GB: \d+\.\d GB came from storage/);
    expect(renderSwaps(run).html).toContain(planner.model);
  });

  it('never has more in memory than the phone has', () => {
    const used = Object.values(run.memory.owners).reduce((a, b) => a + b, 0);
    expect(used).toBeLessThanOrEqual(run.memory.capacity);
    expect(swaps.peakBytes).toBeLessThanOrEqual(swaps.budgetBytes);
  });

  it('swaps nothing on 16 GB', () => {
    expect(runOf('agent-session', 'phone.memory.capacity=16 GB').swaps).toBeUndefined();
  });

  it('computes whole prompts again where caches go with their models', () => {
    const dropped = runOf('agent-session', 'scenario.swap.cache=drop');
    expect(dropped.swaps!.cachesLost).toBe(2);
    const answer = (of: typeof run) => of.workloads!.find(({ name }) => name === 'answer')!;
    expect(answer(dropped).firstOutputSeconds.mean).toBeGreaterThan(
      answer(run).firstOutputSeconds.mean + 1,
    );
  });

  it('is told workload by workload in the report', () => {
    expect(renderWorkloads(run).html).toContain('look again');
    expect(renderCloud(run).html).toBe('');
    expect(workloadTable(run.workloads!)).toContain('storage');
  });
});

describe('the assistant that asks a cloud', () => {
  const run = runOf('cloud-assistant');

  it('says who answered and what left the phone, in terminal and report', () => {
    const text = cloudLines(run.cloud!);
    expect(text).toMatch(/answered by: local \d+, cloud \d+, hybrid \d+/);
    expect(text).toMatch(/left the phone: public .* user-secret/);
    expect(cloudLines({ ...run.cloud!, silentSeconds: 3 })).toContain(
      '3 s of waiting for a signal',
    );
    expect(cloudLines({ ...run.cloud!, silentSeconds: 0 })).not.toContain('waiting');
    expect(renderCloud(run).html).toContain('user-secret');
    expect(renderSwaps(run).html).toBe('');
  });

  it('lets nothing of the private workload leave unredacted', () => {
    const sent = run.requests.filter(({ answeredBy }) => answeredBy === 'cloud');
    // Only prompts that went as they are: four bytes a token.
    const bytes = sent.reduce((sum, { promptTokens }) => sum + 4 * promptTokens, 0);
    expect(run.cloud!.bytesLeft['user-secret']).toBe(bytes);
    expect(sent.every(({ workload }) => workload !== 'private')).toBe(true);
  });

  it('falls back to the phone while the signal is weak or gone', () => {
    const at = (from: number, until: number) =>
      run.requests.filter(
        ({ workload, arrivalSeconds }) =>
          workload === 'assistant' && arrivalSeconds > from && arrivalSeconds < until,
      );
    expect(at(60, 110).every(({ answeredBy }) => answeredBy === 'local')).toBe(true);
    expect(at(110, 180).filter(({ answeredBy }) => answeredBy === 'cloud').length).toBeGreaterThan(
      2,
    );
  });
});
