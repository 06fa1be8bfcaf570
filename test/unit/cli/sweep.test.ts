import { afterEach, describe, expect, it, vi } from 'vitest';
import { sweep } from '../../../src/cli/sweep.ts';

afterEach(() => vi.restoreAllMocks());

const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=4'];

async function swept(set: readonly string[], axis: string) {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void lines.push(text));
  const code = await sweep.run({
    soc: 'dimensity-9300',
    workload: 'llama-2-7b-chat',
    threads: 1,
    axis: [axis],
    set,
  });
  return { code, text: lines.join('\n') };
}

describe('points that cannot run', () => {
  it('are one error where all have the same', async () => {
    await expect(
      swept([...SHORT, 'npu.matrix.engines=x'], 'npu.clock=0.6GHz,0.8GHz'),
    ).rejects.toThrow(/--set npu.matrix.engines=x: .*expected a number.*same for all 2 points/s);
  });

  it('keep their line beside others, and the exit code says that there are some', async () => {
    const { code, text } = await swept(SHORT, 'npu.matrix.engines=x,16');
    expect(code).toBe(2);
    expect(text).toMatch(/x +invalid/);
    expect(text).toMatch(/16 .*tok\/s/);
    expect(text).toContain('2 of 2 points, 1 of them not runnable');
  });
});
