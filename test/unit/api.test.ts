import { describe, expect, it } from 'vitest';
import { loadPhone, loadSoc, loadWorkload, SpecError, simulate, sweep } from '../../src/index.ts';

describe('library', () => {
  it('loads descriptions by name', () => {
    expect(loadSoc('dimensity-9300').memory.rate.is).toBe(9.6e9);
    expect(loadPhone('vivo-x100').soc).toBe('dimensity-9300');
    expect(loadWorkload('llama-2-7b-chat').promptTokens).toBe(512);
    expect(() => loadSoc('dimensity-9301')).toThrow(SpecError);
  });

  it('hands out descriptions that nobody can change under later runs', () => {
    const { rate } = loadSoc('dimensity-9300').memory;
    expect(() => Object.assign(rate, { is: 1 })).toThrow(TypeError);
    expect(loadSoc('dimensity-9300').memory.rate.is).toBe(9.6e9);
  });

  it('simulates and sweeps', async () => {
    const scenario = { soc: 'dimensity-9300', workload: 'llama-2-7b-chat' };
    const run = simulate(scenario, ['workload.generatedTokens=4']);
    expect(run.requests[0]?.generatedTokens).toBe(4);
    const points = await sweep(
      {
        scenario: { ...scenario, set: ['workload.generatedTokens=4'] },
        axes: { unit: ['npu', 'gpu'] },
      },
      { threads: 1 },
    );
    expect(points.map(({ status }) => status)).toEqual(['ok', 'ok']);
    expect(points[0]?.metrics['decode_tokens_per_second']).toBeCloseTo(
      run.metrics['decode_tokens_per_second']!,
      9,
    );
  });
});
