/** Weights of one to three bits that are looked up in code-books (i-quants of GGUF), on CPUs, against published rates. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import { fileSources } from '../../../../src/load.ts';
import { kernelsOf, parseRuntime } from '../../../../src/runtime/runtime-spec.ts';
import { matmulWork } from '../../../../src/workload/operator-cost.ts';

const sources = fileSources();
const { formats } = sources.tables;
const spec = parseSoc(sources.soc('snapdragon-8-gen-3')).units['cpu']!;
const cpuOf = (runtime: string) =>
  buildUnit(
    spec,
    { name: 'cpu', domains: [], port: { bandwidth: 60e9, outstandingBytes: 5000 } },
    { kernels: kernelsOf(parseRuntime(sources.runtime(runtime)), 'cpu') },
  );
const llamaCpp = cpuOf('llama-cpp');
const cycles = (format: string, m: number, cpu = llamaCpp) =>
  cpu.estimate(matmulWork({ m, n: 4096, k: 4096 }, formats[format]!, 'fp16')).cycles;

describe('formats with code-books', () => {
  it('read prompts as much slower than tables of 16 entries as llama.cpp was measured to', () => {
    // ik_llama.cpp, issue 308: Qwen2.5-3B, one thread, 64 tokens: 1.62 with IQ3_M, 5.90 with IQ4_XS.
    const slower = (format: string) => cycles('iq3_m-file', 64) / cycles(format, 64);
    expect(Math.abs(slower('iq4_xs') / (5.9 / 1.62) - 1)).toBeLessThan(0.1);
    // The file was measured, whose average width counts wider tensors as scales.
    expect(Math.abs(slower('iq4_xs-file') / (5.9 / 1.62) - 1)).toBeLessThan(0.2);
    // llamafile, pull request 464, before it: 16.50 with IQ2_XXS, 12.11 with IQ3_M.
    const faster = cycles('iq3_m-file', 512) / cycles('iq2_xxs-file', 512);
    expect(Math.abs(faster / (16.5 / 12.11) - 1)).toBeLessThan(0.1);
  });

  it.each([
    ['iq2_xxs-file', 'q2_k-file'],
    ['iq2_m-file', 'q3_k_m-file'],
    ['iq3_xxs-file', 'q3_k_m-file'],
    ['iq3_m-file', 'q4_k_m-file'],
  ])('%s computes more per weight than %s, one token or many', (looked, plain) => {
    for (const m of [1, 256]) expect(cycles(looked, m)).toBeGreaterThan(1.1 * cycles(plain, m));
  });

  it('move fewer bytes all the same', () => {
    const bytes = (format: string) =>
      llamaCpp.estimate(matmulWork({ m: 1, n: 4096, k: 4096 }, formats[format]!, 'fp16')).readBytes;
    expect(bytes('iq2_xxs-file')).toBeLessThan(bytes('q2_k-file'));
    expect(bytes('iq3_m-file')).toBeLessThan(bytes('q4_k_m-file'));
  });

  it('leave four bits alone, whose tables fit a register', () => {
    expect(cycles('iq4_nl', 1)).toBe(cycles('q4_0', 1));
    expect(cycles('iq4_xs', 256)).toBeLessThan(1.05 * cycles('q4_k', 256));
  });

  it('cost nothing more where an engine unpacks when it loads', () => {
    const mnn = cpuOf('mnn');
    expect(cycles('iq3_xxs', 256, mnn)).toBeLessThan(1.1 * cycles('q3_k', 256, mnn));
  });
});

describe('widths that a publisher mixes', () => {
  it('have one scale for a channel, and cost prompts what plain weights of a channel cost', () => {
    for (const runtime of ['litert-lm', 'executorch']) {
      const cpu = cpuOf(runtime);
      for (const mixed of ['gemma-4-e2b-mixed', 'gemma-4-e4b-mixed'])
        expect(cycles(mixed, 128, cpu) / cycles('int4-per-channel', 128, cpu)).toBeCloseTo(1, 1);
      expect(cycles('int4-g32-fp16scale', 128, cpu)).toBeGreaterThan(
        1.2 * cycles('gemma-4-e2b-mixed', 128, cpu),
      );
    }
  });

  it('are told from blocks by their scales, not by their average', () => {
    const perChannel = Object.values(formats).filter((one) => one.perChannel);
    expect(perChannel.map(({ name }) => name).sort()).toEqual([
      'gemma-4-e2b-mixed',
      'gemma-4-e4b-mixed',
      'int4-per-channel',
      'int8-per-channel',
    ]);
  });
});
