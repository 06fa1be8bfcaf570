import { defineConfig } from 'vitest/config';

/** Figures, not verdicts: `npm run bench` prints them, nothing here fails on a slow machine. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/bench/**/*.test.ts'],
    testTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
    disableConsoleIntercept: true,
  },
});
