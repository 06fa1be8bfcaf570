/** The outer-product unit of a cluster (SME): who has kernels for it, and what those gain. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import { kernelsOf, parseRuntime } from '../../../../src/runtime/runtime-spec.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const { formats } = sources.tables;
const cpuOf = (soc: string, kernels: KernelClass) =>
  buildUnit(
    parseSoc(sources.soc(soc)).units['cpu']!,
    { name: 'cpu', domains: [], port: { bandwidth: 60e9, outstandingBytes: 5000 } },
    { kernels },
  );
const gain = (soc: string, format: string, activation: 'fp16' | 'fp32', m = 256) => {
  const work = matmulWork({ m, n: 4096, k: 4096 }, formats[format]!, activation);
  const plain = cpuOf(soc, { quantiseActivations: true });
  const outer = cpuOf(soc, { quantiseActivations: true, outerProducts: true });
  const cycles = (cpu: typeof plain) => cpu.estimate(work).matrixCycles;
  return cycles(plain) / cycles(outer);
};

describe('outer products', () => {
  it('gain what one unit does more than the pipes of two cores, most in single precision', () => {
    // 4.0 TOPS and 2.0 TFLOPS at 4.4 GHz; 8 pipes of 32 int8 or 4 single-precision products.
    expect(gain('apple-a19-pro', 'int8-per-channel', 'fp16')).toBeCloseTo(
      4.0e12 / 2 / 4.4e9 / (8 * 32),
      1,
    );
    expect(gain('apple-a19-pro', 'fp32', 'fp32')).toBeCloseTo(2.0e12 / 2 / 4.4e9 / (8 * 4), 0);
  });

  it('gain nothing where cores have none', () => {
    for (const soc of ['apple-a15-bionic', 'snapdragon-8-gen-3', 'tensor-g1'])
      expect(gain(soc, 'int8-per-channel', 'fp16')).toBe(1);
  });

  it('are for weights that a publisher quantised per channel, not for conversions in blocks', () => {
    const kernels = (name: string) => kernelsOf(parseRuntime(sources.runtime(name)), 'cpu');
    expect(kernels('litert-lm').outerProducts).toBe(true);
    expect(kernels('litert-lm-converted').outerProducts).toBe(false);
    expect(kernels('litert-lm-converted').cachePasses).toBe(kernels('litert-lm').cachePasses);
    for (const name of ['llama-cpp', 'mnn', 'executorch'])
      expect(kernels(name).outerProducts).toBeUndefined();
  });
});
