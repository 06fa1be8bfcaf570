/** A sweep of 1,000 points on one thread and on two. */
import type { BenchLine } from './line.ts';

const POINTS = 1000;

export async function benchSweep(): Promise<BenchLine[]> {
  // The built pool: threads cannot load TypeScript.
  const { runTasks } = (await import(
    new URL('../../dist/analysis/pool.js', import.meta.url).href
  )) as typeof import('../../src/analysis/pool.ts');
  const tasks = Array.from({ length: POINTS }, (_, index) => ({
    index,
    scenario: { soc: 'dimensity-9300', workload: 'llama-2-7b-chat' },
    overrides: [
      `npu.clock=${1000 + index} MHz`,
      'workload.promptTokens=128',
      'workload.generatedTokens=32',
    ],
    values: {},
  }));
  const rate = async (threads: number) => {
    const start = performance.now();
    let done = 0;
    await runTasks(tasks, {
      threads,
      onResult: ({ status }) => {
        done += Number(status === 'ok');
      },
    });
    if (done !== POINTS) throw new Error(`${POINTS - done} points failed`);
    return (1000 * POINTS) / (performance.now() - start);
  };
  const one = await rate(1);
  const two = await rate(2);
  return [
    {
      what: 'sweep of 1,000 points, one thread',
      value: `${one.toFixed(0)} points/s`,
      note: '128 + 32 tokens of Llama-2-7B each, checked and built anew',
    },
    {
      what: 'the same on two threads',
      value: `${two.toFixed(0)} points/s`,
      note: `${(two / one).toFixed(2)} × one thread, their start included`,
    },
  ];
}
