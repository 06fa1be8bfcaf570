import { describe, expect, it } from 'vitest';
import {
  CHUNK,
  restoreInPipeline,
  restoreInSequence,
} from '../../../../src/runtime/secure/restore.ts';

const inputs = {
  bytes: 100 * CHUNK,
  runtimeStart: 1,
  attestation: 0.5,
  growth: 4,
  load: 5,
  decryption: 1,
  cores: 4,
  growthThreads: 1,
  decryptsOnCpu: true,
};

describe('restoreInSequence', () => {
  it('is the sum of its stages, and nothing is there before the end', () => {
    const { ready, end, readyAt, spans } = restoreInSequence(inputs);
    expect([ready, end, readyAt(1)]).toEqual([11.5, 11.5, 11.5]);
    expect(spans.map(({ stage }) => stage)).toEqual([
      'runtime start',
      'attestation',
      'memory growth',
      'load',
      'decryption',
    ]);
    expect(spans.reduce((sum, { busy }) => sum + busy, 0)).toBe(11.5);
  });

  it('leaves out stages that take no time', () => {
    expect(restoreInSequence({ ...inputs, growth: 0 }).spans).toHaveLength(4);
  });
});

describe('restoreInPipeline', () => {
  it('takes as long as its slowest stage, and one chunk in the others', () => {
    const { ready, end, bottleneck } = restoreInPipeline(inputs);
    expect(ready).toBe(1.5);
    // 5 s of loading, and a hundredth of growth and decryption before the first chunk is out.
    expect(end).toBeCloseTo(1.5 + 5 + 0.05, 9);
    expect(bottleneck).toBe('load');
  });

  it('hands out bytes in order, never before the first chunk', () => {
    const { readyAt, end } = restoreInPipeline(inputs);
    expect(readyAt(1)).toBeCloseTo(1.5 + 0.05 + 0.05, 9);
    expect(readyAt(50 * CHUNK)).toBeCloseTo(1.5 + 0.05 + 2.5, 9);
    expect(readyAt(1e12)).toBe(end);
  });

  it('waits for cores where growth and decryption together fill them', () => {
    // 8 core-seconds of growth over 4 cores and 4 s of all of them: 6 s, more than any stage by itself.
    const crowded = restoreInPipeline({ ...inputs, growth: 4, growthThreads: 2, decryption: 4 });
    expect(crowded.end - crowded.ready).toBeGreaterThan(6);
    const apart = restoreInPipeline({ ...inputs, decryption: 4, decryptsOnCpu: false });
    expect(apart.end - apart.ready).toBeCloseTo(5.08, 9);
  });

  it('is never slower than the same in sequence', () => {
    expect(restoreInPipeline(inputs).end).toBeLessThan(restoreInSequence(inputs).end);
  });
});
