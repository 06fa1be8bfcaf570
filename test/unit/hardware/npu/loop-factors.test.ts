import { describe, expect, it } from 'vitest';
import { reductionPasses } from '../../../../src/hardware/npu/loop-factors.ts';

const search = { heldWeights: 128, factors: 6 };

describe('passes over a reduction', () => {
  it('are one where half of the registers hold the weights of a column', () => {
    // 64 tiles of 64 weights: 4096.
    expect(reductionPasses(search, { m: 128, across: 64, along: 64 })).toBe(1);
    expect(reductionPasses(search, { m: 1, across: 8, along: 8 })).toBe(1);
    expect(reductionPasses(search, { m: 5, across: 1, along: 1 })).toBe(1);
  });

  it('follow the factors that a search of six is left with', () => {
    // Three loops of 2⁷ have two factors each, 8 and 16: a reduction of 128 keeps 16, not 64.
    expect(reductionPasses(search, { m: 128, across: 128, along: 128 })).toBe(8);
    // 344 is 8 × 43, 172 is 4 × 43.
    expect(reductionPasses(search, { m: 128, across: 128, along: 344 })).toBe(8);
    expect(reductionPasses(search, { m: 128, across: 64, along: 172 })).toBe(4);
  });

  it('are fewer with finer factors or more registers', () => {
    const loops = { m: 128, across: 128, along: 128 };
    expect(reductionPasses({ ...search, factors: 30 }, loops)).toBe(2);
    expect(reductionPasses({ ...search, heldWeights: 256 }, loops)).toBe(1);
    // A prime that does not fit is not split.
    expect(reductionPasses(search, { m: 1, across: 1, along: 67 })).toBe(67);
  });
});
