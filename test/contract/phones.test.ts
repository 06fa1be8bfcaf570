/** Phones as a whole: what belongs to the SoC is the same in every phone that is sold with it. */
import { describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { parsePhone } from '../../src/hardware/thermal/phone-spec.ts';
import { descriptions, fileSources, listBundled } from '../../src/load.ts';

const { read } = descriptions();
const phones = listBundled('socs/phones', '.yaml').map((id) => ({
  id,
  phone: parsePhone(read('phone', id)),
}));
const bySoc = new Map<string, typeof phones>();
for (const one of phones) {
  bySoc.set(one.phone.soc, [...(bySoc.get(one.phone.soc) ?? []), one]);
}
const shared = [...bySoc].filter(([, own]) => own.length > 1);

describe('phones with one SoC', () => {
  it('are several for the best known ones', () => {
    expect(shared.map(([soc]) => soc)).toEqual(
      expect.arrayContaining(['snapdragon-8-gen-3', 'snapdragon-8-elite-gen-5']),
    );
  });

  it.each(shared)('%s: have the same die, whose paths are silicon and package', (_soc, own) => {
    const paths = own.map(({ phone: { thermal } }) =>
      [thermal.dieThickness, thermal.dieToDram, thermal.dieToPackage].map(({ is }) => is),
    );
    expect(new Set(paths.map((one) => one.join(' '))).size).toBe(1);
  });
});

describe('warm iPhones, held as their vendor holds them', () => {
  const sources = fileSources();
  /** Tokens per second on the GPU with every part as warm as after ten minutes of answers. */
  const warm = (soc: string, keys: Readonly<Record<string, unknown>> = {}) => {
    const scenario = { soc, unit: 'gpu', runtime: 'mlx', workload: 'llama-3.2-1b-chat', ...keys };
    const written = scenarioFile({ ...scenario, environment: { start: '37 °C' } }, 'contract');
    const set = ['workload.promptTokens=64', 'workload.generatedTokens=128'];
    const prepared = prepare(written, set, sources);
    return simulate(buildSimulation(prepared, set, sources)).metrics['decode_tokens_per_second']!;
  };

  it('decode no slower than the generation before', () => {
    const [a17, a18, a19] = ['apple-a17-pro', 'apple-a18-pro', 'apple-a19-pro'].map((soc) =>
      warm(soc),
    );
    // The A17 Pro and the A18 Pro share the step of memory that they are held at.
    expect(a18! / a17!).toBeGreaterThan(0.98);
    expect(a19! / a18!).toBeGreaterThan(1.2);
  });

  it('lose near half of a rate that memory sets, as measured on an iPhone 16 Pro (22.5 of 40)', () => {
    const left = warm('apple-a18-pro') / warm('apple-a18-pro', { thermalGovernor: 'none' });
    expect(left).toBeGreaterThan(0.5);
    expect(left).toBeLessThan(0.7);
  });
});
