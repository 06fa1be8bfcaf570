import { describe, expect, it } from 'vitest';
import { buildFluidMemory } from '../../../../src/hardware/dram/fluid-memory.ts';
import { buildTransactionMemory } from '../../../../src/hardware/dram/transaction-memory.ts';
import { loadPreset } from '../../../support/dram.ts';

const options = { preset: loadPreset('lpddr5x-8533'), channels: 4, interconnectLatency: 60e-9 };
const fluid = buildFluidMemory(options);
const exact = buildTransactionMemory({ ...options, accesses: 8000 });
const mix = { readShare: 0.9, streams: 4, granularityBytes: 2048, temperature: 40 };

describe('transaction memory', () => {
  it('says within five percent what the fluid model says of a decoder layer', () => {
    for (const readShare of [1, 0.97, 0.9, 0.75]) {
      const ratio =
        exact.efficiency({ ...mix, readShare }) / fluid.efficiency({ ...mix, readShare });
      expect(Math.abs(ratio - 1)).toBeLessThan(0.05);
    }
  });

  it('runs a mix once', () => {
    const first = exact.efficiency(mix);
    const started = performance.now();
    expect(exact.efficiency({ ...mix, readShare: 0.901 })).toBe(first);
    expect(performance.now() - started).toBeLessThan(5);
  });

  it('is the same memory otherwise', () => {
    expect(exact.peak).toBe(fluid.peak);
    expect(exact.latency(0.5)).toBe(fluid.latency(0.5));
    expect(exact.energyPerReadByte).toBe(fluid.energyPerReadByte);
  });
});
