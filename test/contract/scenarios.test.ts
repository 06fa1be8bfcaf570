import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { listBundled, readBundled, SCENARIOS } from '../../src/load.ts';
import { sources } from '../support/sources.ts';

describe.each(listBundled(SCENARIOS, '.yaml'))('scenario %s', (name) => {
  const { file, text } = readBundled(`${SCENARIOS}/${name}.yaml`);

  it('says in a comment what it is about', () => {
    expect(text).toMatch(/^# .{40,}/);
  });

  it('runs to its end, every workload served', () => {
    const data = parseSpecFile(text, file);
    const run = simulate(buildSimulation(prepare(data, [], sources), [], sources));
    expect(run.requests.length).toBeGreaterThan(0);
    for (const workload of run.workloads ?? []) {
      expect(workload.requests - workload.skipped, workload.name).toBeGreaterThan(0);
    }
    expect(Object.values(run.metrics).every(Number.isFinite)).toBe(true);
  });
});
