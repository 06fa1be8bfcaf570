import { describe, expect, it } from 'vitest';
import { benchOnnx } from '../../../bench/onnx.ts';

describe('speed', () => {
  it('imports and fuses a model of a thousand nodes in less than a second', () => {
    const { nodes, importSeconds, fuseSeconds } = benchOnnx(100, 3);
    expect(nodes).toBe(1000);
    expect(importSeconds + fuseSeconds).toBeLessThan(1);
  });
});
