/** The piscina door: runs tasks on threads, in the calling thread when one is enough. */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { fileSources } from '../load.ts';
import { runTask, type SweepResult, type SweepTask } from './sweep-run.ts';

export interface PoolOptions {
  /** 1 runs inline; all cores by default. */
  readonly threads?: number | undefined;
  /** Called as points finish, in whatever order. */
  readonly onResult: (result: SweepResult) => void;
  readonly signal?: AbortSignal | undefined;
}

/** @returns when every task has finished, or `signal` has fired and the running ones have ended. */
export async function runTasks(tasks: readonly SweepTask[], options: PoolOptions): Promise<void> {
  const threads = Math.min(options.threads ?? availableParallelism(), Math.max(tasks.length, 1));
  if (threads <= 1) return runInline(tasks, options);
  const pool = new Piscina({
    filename: new URL('./sweep-worker.js', import.meta.url).href,
    name: 'run',
    minThreads: threads,
    maxThreads: threads,
  });
  try {
    let next = 0;
    const lane = async () => {
      while (next < tasks.length && !options.signal?.aborted) {
        const task = tasks[next++]!;
        options.onResult((await pool.run(task)) as SweepResult);
      }
    };
    await Promise.all(Array.from({ length: threads * 2 }, lane));
  } finally {
    await pool.destroy();
  }
}

async function runInline(
  tasks: readonly SweepTask[],
  { onResult, signal }: PoolOptions,
): Promise<void> {
  const sources = fileSources();
  for (const task of tasks) {
    // Lets Ctrl-C in between points.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) return;
    onResult(runTask(task, sources));
  }
}
