import { describe, expect, it } from 'vitest';
import { runTask } from '../../../src/analysis/sweep-run.ts';
import { sources } from '../../support/sources.ts';

const scenario = {
  soc: 'snapdragon-8-gen-3',
  workload: 'llama-3.2-1b-chat',
  fidelity: 'analytic',
  set: ['workload.promptTokens=16', 'workload.generatedTokens=2'],
};

function point(...overrides: string[]) {
  return runTask({ index: 0, scenario, overrides, values: {} }, sources);
}

describe('a point of a sweep', () => {
  it('tells of a value that did nothing, and only then', () => {
    const wide = point('npu.decompressor.bytesPerClock=64');
    expect(wide.idle).toHaveLength(1);
    expect(wide.idle?.[0]).toMatch(/npu\.decompressor was changed without effect/);
    expect(wide.metrics).toEqual(point().metrics);
    expect(point()).not.toHaveProperty('idle');
    const compressed = 'workload.techniques.compression.ratio=1.2';
    const used = point('npu.decompressor.bytesPerClock=64', compressed);
    expect(used.status).toBe('ok');
    expect(used).not.toHaveProperty('idle');
  });
});
