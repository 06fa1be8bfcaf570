import { describe, expect, it } from 'vitest';
import { benchOnnx } from '../../../bench/onnx.ts';

/** Runs of the bench in one test. */
const REPEATS = 3;

describe('speed', () => {
  it('imports, fuses and places a model of a thousand nodes in less than a second', () => {
    const before = process.cpuUsage();
    const { nodes } = benchOnnx(100, REPEATS);
    // Time of this process alone, whatever else the machine does.
    const { user, system } = process.cpuUsage(before);
    expect(nodes).toBe(1000);
    expect((user + system) / 1e6 / REPEATS).toBeLessThan(1);
  });
});
